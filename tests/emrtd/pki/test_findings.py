import pytest

from emrtd.pki.findings import Check, Outcome, Shows, all_tolerated, worst_of
from emrtd.pki.quirks import Quirk


def check(outcome: Outcome, reason: str = "", shows: Shows | None = None) -> Check:
    return Check("ds.chain", outcome, reason, "", shows)


def test_every_outcome_has_a_severity() -> None:
    order = sorted(Outcome, key=lambda outcome: check(outcome).severity)
    assert order[0] is Outcome.PASSED
    assert order[-2:] == [Outcome.UNDETERMINED, Outcome.FAILED]
    assert len({check(outcome).severity for outcome in Outcome}) == len(Outcome)


def test_a_failure_that_is_evidence_of_forgery_is_worse_than_another() -> None:
    expired, revoked = check(Outcome.FAILED), check(Outcome.FAILED, shows=Shows.REVOCATION)
    assert worst_of([expired, revoked]) is revoked
    assert worst_of([revoked, expired]) is revoked


@pytest.mark.parametrize("outcome", Outcome)
def test_the_first_of_equally_bad_checks_is_the_worst(outcome: Outcome) -> None:
    first = check(outcome, "the first")
    assert worst_of([check(Outcome.PASSED), first, check(outcome, "the second")]).severity == (
        first.severity
    )
    assert worst_of([first, check(outcome, "the second")]) is first


def test_each_quirk_is_listed_once() -> None:
    quirks = (Quirk.ISSUER_NAME, Quirk.PATH_LENGTH)
    checks = [
        Check("ds.chain", Outcome.PASSED, "", "", None, quirks),
        Check("ds.profile", Outcome.PASSED, "", "", None, quirks[1:]),
    ]
    assert all_tolerated(checks) == quirks
