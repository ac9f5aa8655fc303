from datetime import UTC, datetime

import pytest

from emrtd.pki.findings import Check, Outcome, Shows
from support.errors import ExitStatus
from tests.helpers import replace
from verify.judging.report import ChipStatus, Report, Trust, Verdict
from verify.showing.wording import access_words, caveat, meaning


@pytest.mark.parametrize("outcome", Outcome)
def test_an_outcome_has_no_truth_value(outcome: Outcome) -> None:
    with pytest.raises(TypeError, match="no truth value"):
        bool(outcome)


@pytest.mark.parametrize("outcome", [each for each in Outcome if each is not Outcome.FAILED])
def test_only_a_failed_check_shows_anything(outcome: Outcome) -> None:
    with pytest.raises(ValueError, match="only a failed check"):
        Check("sod.signature", outcome, "", "", Shows.FORGERY)


def test_exit_statuses_of_the_verdicts() -> None:
    statuses = {verdict: verdict.exit_status for verdict in Verdict}
    assert statuses == {
        Verdict.ACCEPT: ExitStatus.OK,
        Verdict.REJECT: ExitStatus.REJECTED,
        Verdict.REFER: ExitStatus.REFERRED,
    }
    order = (Verdict.ACCEPT, Verdict.REJECT, Verdict.REFER)
    assert [int(statuses[each]) for each in order] == [0, 1, 2]


def test_a_hash_check_belongs_to_its_family() -> None:
    assert Check("dg.hash.DG13", Outcome.PASSED, "", "").family == "dg.hash"
    assert Check("ds.chain", Outcome.PASSED, "", "").family == "ds.chain"


def an_image(*checks: Check) -> Report:
    return Report(
        verdict=Verdict.ACCEPT, why=(), checks=checks, at=datetime(2026, 11, 22, tzinfo=UTC),
        policy="default", document={}, permit=None, portrait=None, data_groups={},
        access="not-performed", trust=Trust(), apdus=0, octets=0, seconds=0.0,
    )  # fmt: skip


def test_the_meaning_of_accept_depends_on_the_proofs() -> None:
    def passed(*ids: str) -> tuple[Check, ...]:
        return tuple(Check(each, Outcome.PASSED, "", "") for each in ids)

    signed = passed("sod.signature", "ds.chain", "dg.hash.DG1")
    image = an_image(*signed)
    assert "no chip was asked" in meaning(image)
    assert "not a copy" in meaning(replace(image, access="bac", chip_status=ChipStatus.OPENED))
    live = replace(
        image,
        access="bac",
        chip_status=ChipStatus.OPENED,
        checks=(*signed, *passed("chip.authentication")),
    )
    assert "genuine" in meaning(live)
    assert caveat(image, "DG1") == ""
    assert "NOT PROVEN" in caveat(image, "DG13")
    assert "NOT PROVEN" in caveat(replace(image, checks=passed("dg.hash.DG1")), "DG1")


@pytest.mark.parametrize(
    ("chip_status", "access", "said"),
    [
        (ChipStatus.FILES, "not-performed", "an image of files, no chip"),
        (ChipStatus.CLOSED, "none", "the chip did not open"),
        (ChipStatus.OPENED, "none", "no access control"),
        (ChipStatus.OPENED, "bac", "bac"),
    ],
)
def test_access_words_distinguish_a_closed_chip_from_an_open_one(
    chip_status: ChipStatus, access: str, said: str
) -> None:
    report = replace(an_image(), chip_status=chip_status, access=access)
    assert access_words(report) == said
    assert report.as_json()["access"] == access
