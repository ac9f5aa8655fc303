"""What a session with the chip adds to the verdict, and what it was asked for."""

from datetime import datetime

import msgspec
import pytest

from emrtd.lds.files import FileID
from emrtd.pki.findings import Outcome, Shows
from tests.certificates import usage_period
from tests.verify.documents import CSCA, DAY, NOW, PACE_GM, Document, issue, issued, usual
from verify.judging.evidence import (
    Access,
    AccessControl,
    ActiveAuthenticationTranscript,
    ChipAuthenticationTranscript,
    Evidence,
    Failure,
    InspectionSession,
    Step,
    TerminalAuthenticationTranscript,
)
from verify.judging.faults import Fault, NotTried, Refused, SessionBroken, Why
from verify.judging.policy import ChipAuthenticity, load_policy
from verify.judging.report import ChipStatus, Verdict

BAC = Access(AccessControl.BAC, "mrz")
SESSION = InspectionSession(atr=b"\x3b\x80", access=BAC, apdus=21, octets=9000, seconds=1.5)
REQUIRED = msgspec.structs.replace(
    load_policy("default"), chip_authenticity=ChipAuthenticity.REQUIRED
)


def plain() -> Document:
    """Return a document that offers no proof against cloning and no PACE."""
    return issue(pace=(), chip_authentication=False, active_authentication=None)


# --- the session ---------------------------------------------------------------------------------


def test_the_report_describes_the_session() -> None:
    report = plain().judged(plain().evidence(session=SESSION))
    assert report.verdict is Verdict.ACCEPT
    assert (report.access, report.chip_status) == ("bac", ChipStatus.OPENED)
    assert (report.apdus, report.octets, report.seconds) == (21, 9000, 1.5)


def test_a_chip_that_did_not_open_is_referred_with_the_reasons() -> None:
    refused = Failure(Step.BAC, Refused(0x6300, "EXTERNAL AUTHENTICATE"), "mrz")
    closed = msgspec.structs.replace(SESSION, access=None, failures=(refused,))
    report = plain().judged(plain().evidence(session=closed))
    assert report.verdict is Verdict.REFER
    assert report.why[0].startswith("the chip did not open; EXTERNAL AUTHENTICATE: the chip answ")
    assert (report.access, report.chip_status) == ("none", ChipStatus.CLOSED)


def test_an_image_has_no_session() -> None:
    report = plain().judged()
    assert report.verdict is Verdict.ACCEPT
    assert (report.access, report.chip_status) == ("not-performed", ChipStatus.FILES)
    assert (report.apdus, report.octets, report.seconds) == (0, 0, 0.0)


def test_basic_access_control_is_a_warning_only_if_the_chip_offers_pace() -> None:
    without = plain().judged(plain().evidence(session=SESSION)).check("access.downgrade")
    assert without.outcome is Outcome.NOT_PRESENT
    offered = usual().judged(usual().evidence(session=SESSION)).check("access.downgrade")
    assert offered.outcome is Outcome.WARNING
    assert "opened by Basic Access Control, although the chip offers PACE" in offered.reason
    opened = Access(AccessControl.PACE, "mrz", "pace")
    by_pace = msgspec.structs.replace(SESSION, access=opened)
    checked = usual().judged(usual().evidence(session=by_pace)).check("access.downgrade")
    assert checked.outcome is Outcome.PASSED


BROKEN = SessionBroken("the MAC is wrong")


@pytest.mark.parametrize(
    ("document", "unread", "outcome", "shows"),
    [
        (issue(pace=(PACE_GM,)), None, Outcome.FAILED, Shows.FORGERY),
        (issue(pace=(PACE_GM,)), Refused(0x6A82, "SELECT"), Outcome.UNDETERMINED, None),
        (issue(pace=(PACE_GM,)), BROKEN, Outcome.UNDETERMINED, None),
        (issue(pace=()), None, Outcome.NOT_PRESENT, None),
        (issue(pace=()), Refused(0x6A82, "SELECT"), Outcome.NOT_PRESENT, None),
        (issue(pace=()), BROKEN, Outcome.UNDETERMINED, None),
    ],
    ids=["removed", "refused", "broken off", "none", "none, refused", "none, broken off"],
)
def test_a_chip_without_card_access(
    document: Document, unread: Fault | None, outcome: Outcome, shows: Shows | None
) -> None:
    """A signed PACEInfo shows that the file was removed (Doc 9303-11, 9.2.11)."""
    made = document.with_file(FileID.CARD_ACCESS, None)
    faults = {} if unread is None else {FileID.CARD_ACCESS: unread}
    check = made.judged(made.evidence(session=SESSION, unread=faults)).check("access.downgrade")
    assert (check.outcome, check.shows) == (outcome, shows)


@pytest.mark.parametrize(
    ("rights", "says"),
    [(("DG3", "DG4"), "may read DG3, DG4"), (("DG3",), "may read DG3"), ((), "may read nothing")],
)
def test_the_rights_of_the_terminal_are_named(rights: tuple[str, ...], says: str) -> None:
    accepted = TerminalAuthenticationTranscript("UTIS00001", rights)
    session = msgspec.structs.replace(SESSION, terminal_authentication=accepted)
    check = usual().judged(usual().evidence(session=session)).check("terminal.authentication")
    assert (check.outcome, check.reason) == (
        Outcome.PASSED,
        f"the chip accepts UTIS00001, which {says}",
    )


# --- proofs against cloning ----------------------------------------------------------------------


@pytest.mark.parametrize("with_session", [False, True])
def test_a_document_that_offers_no_proof(with_session: bool) -> None:
    evidence = plain().evidence(session=SESSION if with_session else None)
    assert plain().judged(evidence).verdict is Verdict.ACCEPT
    report = plain().judged(evidence, policy=REQUIRED)
    assert report.verdict is Verdict.REFER
    assert report.why == ("the chip has not proven that it is not a copy: it offers no such proof",)


def test_a_proof_that_is_offered_is_required_of_a_chip_and_not_of_an_image() -> None:
    document = issue(pace=(PACE_GM,))
    opened = Access(AccessControl.PACE, "mrz", "pace")
    session = msgspec.structs.replace(SESSION, access=opened)
    report = document.judged(document.evidence(session=session))
    assert report.verdict is Verdict.REFER
    (why,) = report.why
    assert why.startswith("the chip has not proven that it is not a copy: ")
    assert why.count("the chip was not asked for this proof") == 2
    assert document.judged().verdict is Verdict.ACCEPT
    assert document.judged(policy=REQUIRED).verdict is Verdict.REFER


# --- files that were not read --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file_id", "verdict"), [(FileID.DG3, Verdict.ACCEPT), (FileID.DG11, Verdict.REFER)]
)
def test_only_a_sensitive_data_group_may_stay_closed(file_id: FileID, verdict: Verdict) -> None:
    number = int(file_id.removeprefix("DG"))
    made = issue(
        pace=(), chip_authentication=False, active_authentication=None, more={number: b"\x63\x00"}
    ).with_file(file_id, None)
    evidence = made.evidence(
        session=SESSION, unread={file_id: NotTried(Why.TERMINAL_NOT_AUTHENTICATED)}
    )
    report = made.judged(evidence)
    assert report.verdict is verdict, report.why
    assert report.check(f"dg.hash.{file_id}").outcome is Outcome.NOT_PERFORMED


@pytest.mark.parametrize(
    ("why", "refusal", "says"),
    [
        (Why.TERMINAL_NOT_AUTHENTICATED, Refused(0x6300, "PSO"), " (PSO: the chip answered 6300"),
        (Why.TERMINAL_NOT_AUTHENTICATED, None, ""),
        (Why.NO_TERMINAL_KEY, Refused(0x6300, "PSO"), ""),
    ],
)
def test_why_terminal_authentication_failed_is_said_where_it_closed_a_file(
    why: Why, refusal: Refused | None, says: str
) -> None:
    made = issue(terminal_authentication=True, more={3: b"\x63\x00"}).with_file(FileID.DG3, None)
    transcript = TerminalAuthenticationTranscript("UTIS00001", (), refusal)
    session = msgspec.structs.replace(SESSION, terminal_authentication=transcript)
    evidence = made.evidence(session=session, unread={FileID.DG3: NotTried(why)})
    reason = made.judged(evidence).check("dg.hash.DG3").reason
    assert reason.startswith("DG3 was not read: ")
    assert says in reason
    assert ("(" in reason) is bool(says)


@pytest.mark.parametrize("session", [None, SESSION])
def test_a_file_that_is_absent_is_missed_where_it_should_be(
    session: InspectionSession | None,
) -> None:
    made = plain().with_file(FileID.COM, None)
    reason = made.judged(made.evidence(session=session)).check("com.consistent").reason
    assert reason.startswith("the image has no " if session is None else "the chip provided no ")


# --- what the Document Signer was used for -------------------------------------------------------

PERIOD = usage_period(NOW - 90 * DAY, NOW - 60 * DAY)
INSIDE, OUTSIDE = NOW - 75 * DAY, NOW - 20 * DAY


def date_of(instant: datetime | None) -> dict[int, bytes]:
    return {} if instant is None else {12: issued(f"{instant:%Y%m%d}")}


@pytest.mark.parametrize(
    ("signed", "issued_on", "outcome"),
    [
        (INSIDE, OUTSIDE, Outcome.PASSED),
        (OUTSIDE, INSIDE, Outcome.WARNING),
        (None, INSIDE, Outcome.PASSED),
        (None, OUTSIDE, Outcome.WARNING),
        (None, None, Outcome.PASSED),
    ],
)
def test_the_signing_time_counts_and_else_the_date_of_issue(
    signed: datetime | None, issued_on: datetime | None, outcome: Outcome
) -> None:
    signer = CSCA.issue(more=[PERIOD])
    made = issue(pace=(), signer=signer, signing_time=signed, more=date_of(issued_on))
    assert made.judged().check("ds.profile").outcome is outcome


def test_a_date_of_issue_that_is_not_signed_does_not_count() -> None:
    signer = CSCA.issue(more=[PERIOD])
    made = issue(pace=(), signer=signer, signing_time=None, unsigned=date_of(OUTSIDE))
    assert made.judged().check("ds.profile").outcome is Outcome.PASSED


def test_evidence_of_another_user_is_an_image_of_files() -> None:
    evidence = plain().evidence(session=SESSION)
    image = evidence.to_image()
    report = plain().judged(Evidence.from_image(image))
    assert (report.access, report.chip_status, report.apdus) == (
        "not-performed",
        ChipStatus.FILES,
        0,
    )


# --- where the key of a proof is -----------------------------------------------------------------

CHIP, ACTIVE = "chip.authentication", "active.authentication"


@pytest.mark.parametrize(("check_id", "file_id"), [(CHIP, FileID.DG14), (ACTIVE, FileID.DG15)])
def test_a_key_that_was_not_read_is_not_a_key_that_is_absent(
    check_id: str, file_id: FileID
) -> None:
    document = issue(pace=(PACE_GM,))
    stripped = document.with_file(file_id, None)
    check = stripped.judged(stripped.evidence(session=SESSION)).check(check_id)
    assert check.outcome is Outcome.NOT_PERFORMED
    assert check.reason.endswith(f"provided no {file_id}")

    without = plain().judged(plain().evidence(session=SESSION)).check(check_id)
    assert (without.outcome, without.reason) == (
        Outcome.NOT_PRESENT,
        f"the document has no {file_id}",
    )
    unread = {file_id: SessionBroken("the MAC is wrong")}
    broken = plain().judged(plain().evidence(session=SESSION, unread=unread)).check(check_id)
    assert broken.outcome is Outcome.NOT_PERFORMED
    assert "the MAC is wrong" in broken.reason

    lone = plain().with_file(FileID.SOD, None)
    unknown = lone.judged(lone.evidence(session=SESSION)).check(check_id)
    assert unknown.outcome is Outcome.NOT_PRESENT
    assert unknown.reason == f"the chip provided no {file_id}"


@pytest.mark.parametrize(
    ("check_id", "number"), [(CHIP, 14), (ACTIVE, 15), ("terminal.authentication", 14)]
)
def test_a_signed_file_that_cannot_be_read_offers_no_proof(check_id: str, number: int) -> None:
    tag = {14: 0x6E, 15: 0x6F}[number]
    document = issue(
        pace=(),
        chip_authentication=False,
        active_authentication=None,
        more={number: bytes((tag, 2, 0x30, 0x01))},
    )
    check = document.judged(document.evidence(session=SESSION)).check(check_id)
    terminal = check_id == "terminal.authentication"
    assert check.outcome is (Outcome.NOT_PRESENT if terminal else Outcome.UNDETERMINED)


def test_a_document_without_a_key_for_chip_authentication_does_not_offer_it() -> None:
    document = issue(pace=(PACE_GM,), chip_authentication=False)
    check = document.judged(document.evidence(session=SESSION)).check(CHIP)
    assert (check.outcome, check.reason) == (
        Outcome.NOT_PRESENT,
        "the document does not offer Chip Authentication",
    )


@pytest.mark.parametrize(
    ("offered", "session", "outcome", "says"),
    [
        (False, SESSION, Outcome.NOT_PRESENT, "does not offer"),
        (False, None, Outcome.NOT_PRESENT, "does not offer"),
        (True, None, Outcome.NOT_PERFORMED, "an image of files was judged"),
        (True, SESSION, Outcome.NOT_PERFORMED, "no terminal certificate was given"),
    ],
)
def test_terminal_authentication_without_a_certificate(
    offered: bool, session: InspectionSession | None, outcome: Outcome, says: str
) -> None:
    document = issue(terminal_authentication=offered)
    check = document.judged(document.evidence(session=session)).check("terminal.authentication")
    assert check.outcome is outcome
    assert says in check.reason


@pytest.mark.parametrize("anchors", [None, ()])
def test_a_proof_by_a_key_that_no_known_state_signed_is_undetermined(
    anchors: tuple[()] | None,
) -> None:
    """Nor is a proof that fails with such a key evidence against the chip."""
    document = issue(pace=(PACE_GM,), anchors=anchors)
    session = msgspec.structs.replace(
        SESSION,
        chip_authentication=ChipAuthenticationTranscript(refusal=Refused(0x6A80, "MSE")),
        active_authentication=ActiveAuthenticationTranscript(bytes(8), bytes(64)),
    )
    report = document.judged(document.evidence(session=session))
    for check_id in (CHIP, ACTIVE):
        check = report.check(check_id)
        if anchors is None:
            assert (check.outcome, check.shows) == (Outcome.FAILED, Shows.CLONING)
        else:
            assert (check.outcome, check.shows) == (Outcome.UNDETERMINED, None)
            assert "is not known to be signed: " in check.reason
    assert report.verdict is (Verdict.REJECT if anchors is None else Verdict.REFER)


# --- data groups and files that are not as EF.SOD says -------------------------------------------


@pytest.mark.parametrize(
    ("file_id", "fault", "outcome", "shows"),
    [
        (FileID.DG11, Refused(0x6A82, "SELECT"), Outcome.FAILED, Shows.FORGERY),
        (FileID.DG11, Refused(0x6982, "SELECT"), Outcome.NOT_PERFORMED, None),
        (FileID.DG11, SessionBroken("the MAC is wrong"), Outcome.NOT_PERFORMED, None),
        (FileID.DG3, Refused(0x6A82, "SELECT"), Outcome.NOT_PERFORMED, None),
        (FileID.DG11, None, Outcome.NOT_PRESENT, None),
    ],
)
def test_a_listed_data_group_that_the_chip_does_not_have_was_removed(
    file_id: FileID, fault: Fault | None, outcome: Outcome, shows: Shows | None
) -> None:
    """Some chips deny that there is a DG3 that they do not open."""
    number = int(file_id.removeprefix("DG"))
    made = issue(pace=(), more={number: b"\x6b\x00"}).with_file(file_id, None)
    unread = {} if fault is None else {file_id: fault}
    check = made.judged(made.evidence(session=SESSION, unread=unread)).check(f"dg.hash.{file_id}")
    assert (check.outcome, check.shows) == (outcome, shows)


def test_a_file_with_the_name_of_another_shows_forgery() -> None:
    check = usual().judged(usual().evidence(misplaced=("EF_DG2.bin",))).check("lds.structure")
    assert (check.outcome, check.shows) == (Outcome.FAILED, Shows.FORGERY)
    assert "EF_DG2.bin" in check.reason


def test_a_malformed_file_shows_forgery_unless_it_was_signed_so() -> None:
    malformed = b"\x6b\x03\x5c\x02\x01"
    signed_so = issue(more={11: malformed}).judged().check("lds.structure")
    assert (signed_so.outcome, signed_so.shows) == (Outcome.FAILED, None)
    replaced = issue(more={11: b"\x6b\x00"}).with_file(FileID.DG11, malformed)
    check = replaced.judged().check("lds.structure")
    assert (check.outcome, check.shows) == (Outcome.FAILED, Shows.FORGERY)


@pytest.mark.parametrize("check_id", ["mrz.check-digits", "document.expired"])
def test_a_zone_that_was_not_read_or_cannot_be_read(check_id: str) -> None:
    made = plain().with_file(FileID.DG1, None)
    unread = {FileID.DG1: SessionBroken("the MAC is wrong")}
    assert made.judged().check(check_id).outcome is Outcome.NOT_PRESENT
    broken = made.judged(made.evidence(unread=unread)).check(check_id)
    assert broken.outcome is Outcome.NOT_PERFORMED
    malformed = plain().with_file(FileID.DG1, b"\x61\x02\x5f\x1f").judged().check(check_id)
    assert malformed.outcome is Outcome.UNDETERMINED
    assert malformed.reason.startswith("DG1 cannot be read")
