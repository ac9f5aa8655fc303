import pytest

from emrtd.command_line import ExitStatus
from verify.report import Check, Outcome, Shows, Verdict


@pytest.mark.parametrize("outcome", Outcome)
def test_an_outcome_is_never_truthy_by_accident(outcome: Outcome) -> None:
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
    assert [int(statuses[each]) for each in ("accept", "reject", "refer")] == [0, 1, 2]


def test_a_hash_check_belongs_to_its_family() -> None:
    assert Check("dg.hash.DG13", Outcome.PASSED, "", "").family == "dg.hash"
    assert Check("ds.chain", Outcome.PASSED, "", "").family == "ds.chain"
