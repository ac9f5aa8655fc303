"""The results of TR-03135-1, by table, for documents with one flaw each."""

import pytest

from emrtd.pki.findings import Check, Outcome
from tests.helpers import replace
from tests.verify.documents import usual
from verify.judging.report import ChipStatus, Report, Verdict
from verify.judging.tr03135 import CHECKS, Result, name_of, results

GOOD, BAD, OPEN = Result.SUCCESSFUL, Result.FAILED, Result.UNDETERMINED
NONE = Result.NOT_SUPPORTED


@pytest.fixture(scope="module")
def report() -> Report:
    read = usual().judged()
    return replace(
        read,
        chip_status=ChipStatus.OPENED,
        access="pace-ecdh-gm-aes-cbc-cmac-128/brainpoolP256r1/mrz",
        checks=tuple(
            Check(each.id, Outcome.PASSED, each.reason, each.clause) for each in read.checks
        ),
        verdict=Verdict.ACCEPT,
    )


def having(report: Report, **outcomes: Outcome) -> Report:
    """Return the report with other outcomes of the checks whose ids these are, with `_` for `.`."""
    changed = {name.replace("_", "."): outcome for name, outcome in outcomes.items()}
    return replace(
        report,
        checks=tuple(
            Check(each.id, changed.get(each.id, each.outcome), each.reason, each.clause)
            for each in report.checks
        ),
    )


def test_all_is_successful_for_a_good_document_opened_by_pace(report: Report) -> None:
    found = results(report)
    assert {table for table, result in found.items() if result is not GOOD} == {"5.19"}
    assert found["5.19"] is NONE
    assert next(iter(found)) == "5.2"
    assert list(found)[-1] == "5.46"
    assert all(map(name_of, found))


@pytest.mark.parametrize(
    ("check", "outcome", "table", "result"),
    [
        ("sod_signature", Outcome.FAILED, "5.30", BAD),
        ("sod_signature", Outcome.FAILED, "5.27", BAD),
        ("sod_signature", Outcome.FAILED, "5.22", BAD),
        ("cardsecurity_signature", Outcome.NOT_PRESENT, "5.27", GOOD),
        ("cardsecurity_signature", Outcome.FAILED, "5.27", BAD),
        ("ds_chain", Outcome.UNDETERMINED, "5.33", OPEN),
        ("ds_chain", Outcome.UNDETERMINED, "5.32", OPEN),
        ("ds_chain", Outcome.UNDETERMINED, "5.22", OPEN),
        ("ds_validity", Outcome.FAILED, "5.36", BAD),
        ("ds_revocation", Outcome.FAILED, "5.37", BAD),
        ("ds_revocation", Outcome.FAILED, "5.32", BAD),
        ("com_consistent", Outcome.NOT_PRESENT, "5.40", NONE),
        ("com_consistent", Outcome.NOT_PRESENT, "5.39", GOOD),
        ("com_consistent", Outcome.FAILED, "5.39", BAD),
        ("dg_hash_DG1", Outcome.FAILED, "5.41", BAD),
        ("dg_hash_DG1", Outcome.NOT_PERFORMED, "5.41", OPEN),
        ("dg_hash_DG1", Outcome.NOT_PERFORMED, "5.39", OPEN),
        ("issuer_consistent", Outcome.FAILED, "5.22", BAD),
        ("document_expired", Outcome.FAILED, "5.45", BAD),
        ("document_expired", Outcome.FAILED, "5.44", BAD),
        ("mrz_matches-optical", Outcome.NOT_PERFORMED, "5.46", NONE),
        ("mrz_matches-optical", Outcome.NOT_PERFORMED, "5.44", GOOD),
        ("mrz_matches-optical", Outcome.FAILED, "5.44", BAD),
        ("terminal_authentication", Outcome.NOT_PRESENT, "5.21", NONE),
        ("active_authentication", Outcome.FAILED, "5.24", BAD),
        ("active_authentication", Outcome.FAILED, "5.23", GOOD),
        ("pace_cam", Outcome.UNDETERMINED, "5.26", OPEN),
    ],
)
def test_one_flaw_has_the_result_of_its_tables(
    report: Report, check: str, outcome: Outcome, table: str, result: Result
) -> None:
    assert results(having(report, **{check: outcome}))[table] is result


@pytest.mark.parametrize(
    ("outcomes", "result"),
    [
        ((Outcome.NOT_PRESENT, Outcome.NOT_PRESENT, Outcome.NOT_PRESENT), NONE),
        ((Outcome.FAILED, Outcome.NOT_PRESENT, Outcome.NOT_PRESENT), BAD),
        ((Outcome.FAILED, Outcome.UNDETERMINED, Outcome.NOT_PRESENT), BAD),
        ((Outcome.NOT_PERFORMED, Outcome.NOT_PRESENT, Outcome.NOT_PRESENT), OPEN),
        ((Outcome.FAILED, Outcome.FAILED, Outcome.PASSED), GOOD),
    ],
)
def test_chip_authenticity_needs_one_of_three_proofs(
    report: Report, outcomes: tuple[Outcome, Outcome, Outcome], result: Result
) -> None:
    ids = ("chip_authentication", "active_authentication", "pace_cam")
    assert results(having(report, **dict(zip(ids, outcomes, strict=True))))["5.23"] is result


@pytest.mark.parametrize(
    ("status", "access", "expected"),
    [
        (ChipStatus.OPENED, "bac", (GOOD, GOOD, NONE)),
        (ChipStatus.OPENED, "none", (NONE, NONE, NONE)),
        (ChipStatus.CLOSED, "none", (BAD, BAD, BAD)),
        (ChipStatus.FILES, "none", (OPEN, OPEN, OPEN)),
    ],
)
def test_the_access_protocols(
    report: Report, status: ChipStatus, access: str, expected: tuple[Result, Result, Result]
) -> None:
    found = results(replace(report, chip_status=status, access=access))
    assert (found["5.18"], found["5.19"], found["5.20"]) == expected


def test_the_verdict_is_the_overall_result(report: Report) -> None:
    assert results(replace(report, verdict=Verdict.REFER))["5.2"] is OPEN
    assert results(replace(report, verdict=Verdict.REJECT))["5.2"] is BAD


def test_every_table_is_of_a_check_that_reports_have(report: Report) -> None:
    assert {check_id for _, check_id in CHECKS.values()} <= {each.id for each in report.checks}
