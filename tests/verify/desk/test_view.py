"""The object for the page: what stands where, in which words, and what is muted."""

import json
from types import MappingProxyType

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emrtd.access.passwords import Password
from emrtd.lds.files import FileID
from emrtd.pki.findings import Check, Outcome, Shows
from tests.helpers import replace
from tests.verify.documents import CAN, Document, born, issue, mrz, permit, usual
from verify.desk.state import (
    CardPresent,
    Desk,
    Entry,
    Given,
    Inspecting,
    Interrupted,
    Locked,
    Objection,
    Phase,
    Ready,
    Remark,
    Result,
    Showing,
    Trouble,
)
from verify.desk.view import page_view
from verify.desk.view.explained import document_rows, holder_rows
from verify.desk.view.permit import permit_view
from verify.desk.view.report import by_weight, check_view, report_view
from verify.inspection.opening import Credentials
from verify.judging.opening_problem import OpeningCause, OpeningProblem
from verify.judging.report import Report, Verdict
from verify.showing.wording import meaning
from verify.wording import ENGLISH, Wording, wording_in

GERMAN = wording_in("de")
REPORT = usual().judged()


def rows(report: Report, german: bool = False) -> dict[str, str]:
    wording = GERMAN if german else ENGLISH
    found = holder_rows(report, wording) + document_rows(report, wording)
    return {row["label"]: row["text"] for row in found}


def shown(document: Document) -> dict[str, object]:
    return report_view(Entry(1, Result(document.judged()), 0.0), ENGLISH)


@pytest.mark.parametrize(
    ("code", "english", "german"),
    [
        ("XXA", "stateless person (XXA)", "staatenlos (XXA)"),
        ("XXB", "refugee, 1951 Convention (XXB)", "Flüchtling, Abkommen von 1951 (XXB)"),
        ("D", "D", "D"),
    ],
)
def test_nationalities_in_words(code: str, english: str, german: str) -> None:
    report = issue(mrz=mrz(nationality=code)).judged()
    assert rows(report)["Nationality"] == english
    assert rows(report, german=True)["Staatsangehörigkeit"] == german


def test_the_browser_gets_the_two_letters_of_a_state() -> None:
    report = issue(mrz=mrz(nationality="D")).judged()
    row = next(row for row in holder_rows(report, ENGLISH) if row["label"] == "Nationality")
    assert row == {"label": "Nationality", "text": "D", "region": "DE"}


@pytest.mark.parametrize(
    ("code", "words"),
    [("IR", "residence permit (IR)"), ("IX", "official card (IX), meaning set by its State")],
)
def test_document_codes_in_words(code: str, words: str) -> None:
    assert rows(issue(mrz=mrz(document_code=code)).judged())["Document code"] == words


def test_dates_in_words() -> None:
    report = issue(mrz=mrz(date_of_birth="90<<<<", date_of_expiry="270115")).judged()
    assert rows(report)["Date of birth"] == "1990, day and month unknown"
    assert rows(report)["Date of expiry"] == "15 January 2027 (in 54 days)"
    over = rows(issue(mrz=mrz(date_of_expiry="261121")).judged())
    assert over["Date of expiry"] == "21 November 2026 (expired)"


def test_the_name_in_its_own_script_comes_first() -> None:
    eleven = born("19900131", name_in_full="МУСТЕРМАНН<<ЭРИКА")
    view = shown(issue(more={11: eleven}))
    assert "МУСТЕРМАНН" in str(view["holder_name"])
    assert shown(usual())["holder_name"] == "ERIKA MARIA MUSTERMANN"


def test_a_permit_is_a_claim_unless_the_document_is_accepted() -> None:
    good = permit_view(usual().judged(), ENGLISH)
    assert good is not None
    assert (good["muted"], good["claim"], good["over"]) == (False, "", "")
    forged = permit_view(usual().flipped(FileID.DG2, -1).judged(), ENGLISH)
    assert forged is not None
    assert forged["muted"]
    assert forged["claim"]
    assert [tile["sign"] for tile in forged["tiles"]] == ["yes", "part", "yes", "no"]


@pytest.mark.parametrize(
    ("work", "sign", "text"),
    [
        ("restricted", "part", "restricted"),
        ("permitted", "yes", "allowed"),
        ("none", "no", "NOT allowed"),
        ("20 hours a week", "part", "20 hours a week"),
    ],
)
def test_work(work: str, sign: str, text: str) -> None:
    view = permit_view(issue(permit=permit(work=work)).judged(), ENGLISH)
    assert view is not None
    assert view["tiles"][1] == {"label": "Work", "sign": sign, "text": text}


def test_a_permit_that_was_changed_is_not_shown() -> None:
    view = shown(usual().flipped(FileID.DG13, -1))
    assert view["permit"] is None
    assert view["permit_absent"] == ""  # no chip was asked: an image of files


def test_the_weightiest_failure_comes_first() -> None:
    checks = (
        Check("com.consistent", Outcome.WARNING, "", ""),
        Check("document.expired", Outcome.FAILED, "", ""),
        Check("dg.hash.DG1", Outcome.FAILED, "", "", shows=Shows.FORGERY),
        Check("ds.revocation", Outcome.UNDETERMINED, "", ""),
    )
    order = [check.id for check in by_weight(checks)]
    assert order == ["dg.hash.DG1", "document.expired", "ds.revocation", "com.consistent"]


@pytest.mark.parametrize(
    ("check_id", "outcome", "shows", "what"),
    [
        ("ds.chain", Outcome.FAILED, Shows.FORGERY, "Suspected forgery"),
        ("ds.chain", Outcome.UNDETERMINED, None, "Import the State's Master List"),
        ("dg.hash.DG3", Outcome.NOT_PERFORMED, None, "Read the card again"),
        ("dg.hash.DG3", Outcome.FAILED, Shows.FORGERY, "Suspected forgery"),
        ("chip.authentication", Outcome.FAILED, Shows.CLONING, "The chip is a copy"),
        ("pace.cam", Outcome.FAILED, None, "Read the card again"),
        ("access.downgrade", Outcome.FAILED, Shows.FORGERY, "Suspected forgery"),
        ("access.downgrade", Outcome.WARNING, None, "Read the card again"),
    ],
)
def test_the_next_step_is_that_of_the_outcome(
    check_id: str, outcome: Outcome, shows: Shows | None, what: str
) -> None:
    view = check_view(Check(check_id, outcome, "", "", shows=shows), ENGLISH)
    assert view["next"].startswith(what)


@pytest.mark.parametrize(
    ("failed", "in_the_way", "said"),
    [
        ({}, {"ds.revocation"}, "Not everything that the policy requires"),
        ({"document.expired"}, {"document.expired"}, "is not in date"),
        ({"document.expired"}, {"document.expired", "ds.revocation"}, "A check failed"),
        ({"document.expired", "document.stop-list"}, None, "on the stop list"),
        ({"mrz.check-digits"}, set(), "Not everything that the policy requires"),
    ],
)
def test_the_sentence_of_a_referral_says_why(
    failed: set[str], in_the_way: set[str] | None, said: str
) -> None:
    report = usual().judged()
    checks = tuple(
        replace(each, outcome=Outcome.FAILED) if each.id in failed else each
        for each in report.checks
    )
    ids = frozenset(failed if in_the_way is None else in_the_way)
    referred = replace(report, verdict=Verdict.REFER, checks=checks, in_the_way=ids)
    assert said in meaning(referred)


GIVEN = Given(Credentials(can=Password.can(CAN)))
INSPECTING = Inspecting(1, "Reader A", GIVEN)


@pytest.mark.parametrize(
    ("verdict", "quiet"), [(Verdict.ACCEPT, True), (Verdict.REFER, False), (Verdict.REJECT, True)]
)
def test_to_read_again_is_the_usual_step_of_a_referral_only(verdict: Verdict, quiet: bool) -> None:
    entry = Entry(1, Result(replace(REPORT, verdict=verdict)), 0.0)
    cards = MappingProxyType({"Reader A": CardPresent(done=True)})
    desk = Desk(Showing(1, "Reader A", GIVEN), cards=cards, history=(entry,), entries=1)
    again = next(each for each in page_view(desk, ENGLISH)["actions"] if each["do"] == "again")
    assert again["quiet"] is quiet


def test_a_prepared_password_says_where_its_card_is() -> None:
    entry = Entry(1, Result(REPORT), 0.0)
    first = {"Reader A": CardPresent(done=True)}
    for cards, said in (
        (first, "put its card"),
        (first | {"Reader B": CardPresent()}, "take this"),
    ):
        desk = Desk(
            Showing(1, "Reader A", GIVEN),
            cards=MappingProxyType(cards),
            prepared=(GIVEN, 0.0),
            history=(entry,),
            entries=1,
        )
        assert said in page_view(desk, ENGLISH)["text"]


def objection(cause: OpeningCause, tries: int = 1) -> Objection:
    return Objection(OpeningProblem(cause, "can", 2), tries, Result(REPORT))


PHASES: list[Phase] = [
    *(Ready("Reader A", objection(cause)) for cause in OpeningCause),
    *(Ready(remark=remark) for remark in Remark),
    *(Interrupted(INSPECTING, trouble, 0.0, "what", "advice") for trouble in Trouble),
    Ready(),
    Ready("Reader A"),
    INSPECTING,
    Inspecting(1, "Reader A", GIVEN, held=True),
    Inspecting(1, "Reader A", GIVEN, stalled=True),
    Inspecting(1, "Reader A", GIVEN, captured=True),
    Locked(),
]


@pytest.mark.parametrize("number", range(len(PHASES)))
@pytest.mark.parametrize("wording", [ENGLISH, GERMAN], ids=["en", "de"])
def test_every_phase_says_what_it_is_and_what_to_do(number: int, wording: Wording) -> None:
    phase = PHASES[number]
    cards = MappingProxyType({"Reader A": CardPresent()})
    view = page_view(Desk(phase, readers=("Reader A",), cards=cards), wording)
    assert view["title"]
    assert view["text"]
    assert CAN not in json.dumps(view)
    assert set(view) == {
        "language", "phase", "title", "text", "tone", "asks", "prepared", "actions", "report",
        "steps", "notices", "reader", "history",
    }  # fmt: skip


def test_tries_left_and_tries_in_a_row() -> None:
    text = page_view(Desk(Ready("A", objection(OpeningCause.WRONG_PASSWORD, 3))), ENGLISH)["text"]
    assert "2 tries are left before the chip blocks this password." in text
    assert "It failed 3 times." in text


def test_without_a_reader_or_a_service() -> None:
    (reader,) = page_view(Desk(), ENGLISH)["notices"]
    assert reader["text"].startswith("No reader is plugged in")
    (service,) = page_view(Desk(served=False), ENGLISH)["notices"]
    assert "pcscd" in service["text"]


def test_a_check_without_texts_has_its_id() -> None:
    own = Check("our.check", Outcome.FAILED, "why", "our rules")
    report = msgspec.structs.replace(usual().judged(), checks=(*usual().judged().checks, own))
    (problem,) = report_view(Entry(1, Result(report), 0.0), ENGLISH)["problems"]
    assert (problem["title"], problem["reason"], problem["next"]) == ("our.check", "why", "")


def test_every_reason_of_a_verdict_is_among_the_problems() -> None:
    document = replace(usual(), trust=replace_trust(usual()))
    report = document.judged()
    view = report_view(Entry(1, Result(report), 0.0), ENGLISH)
    shown_ids = {problem["id"] for problem in view["problems"]}
    assert report.in_the_way <= shown_ids
    assert report.in_the_way
    passed = {check["id"] for check in view["passed"]}
    skipped = {check["id"] for check in view["skipped"]}
    assert shown_ids | passed | skipped == {check.id for check in report.checks}


def replace_trust(document: Document) -> object:
    """Return an empty trust store."""
    return issue(anchors=(), crl=None).trust


@given(
    st.fixed_dictionaries(
        {
            name: st.text(max_size=12) | st.from_regex(r"[0-9²X]{1,4}-[0-9²X]{1,2}-[0-9²X]{1,2}")
            for name in (
                "document_code", "sex", "nationality", "issuing_state", "date_of_birth",
                "date_of_expiry", "date_of_issue", "name_in_full", "surname",
            )
        }
    )
)  # fmt: skip
def test_any_content_of_a_chip_can_be_shown(document: dict[str, str]) -> None:
    report = msgspec.structs.replace(REPORT, document=document)
    desk = Desk(Showing(1), history=(Entry(1, Result(report), 0.0),), entries=1)
    for wording in (ENGLISH, GERMAN):
        json.dumps(page_view(desk, wording))


def test_hostile_text_is_made_printable() -> None:
    report = msgspec.structs.replace(
        usual().judged(), document={"surname": "A\u202eB\x1b[31m", "mrz": "X"}
    )
    desk = Desk(Showing(1), history=(Entry(1, Result(report), 0.0),), entries=1)
    view = page_view(desk, ENGLISH)
    assert "\x1b" not in str(view["report"]["holder"])
    assert "\u202e" not in view["report"]["holder_name"]
    assert "\u202e" not in view["history"][0]["name"]
