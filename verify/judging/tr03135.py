"""The results of TR-03135-1 (version 2.5) for a report, by the number of the guideline's table.

The guideline gives each check one of five results (2.5.2).  Tables that need a scan of the page
(5.3 to 5.16, 5.47 to 5.53) have no result here: an inspection of the chip does not perform them.
"""

from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum, unique
from typing import Final

from emrtd.pki.findings import Outcome
from verify.judging.check_ids import CLONE_PROOFS
from verify.judging.evidence import AccessControl
from verify.judging.report import ChipStatus, Report, Verdict


@unique
class Result(StrEnum):
    """A check result of TR-03135-1, 2.5.2."""

    SUCCESSFUL = "successful"
    FAILED = "failed"
    UNDETERMINED = "undetermined"
    NOT_SUPPORTED = "not supported"
    ABORTED = "aborted"


_RESULTS: Final = {
    Outcome.PASSED: Result.SUCCESSFUL,
    Outcome.WARNING: Result.SUCCESSFUL,
    Outcome.FAILED: Result.FAILED,
    Outcome.UNDETERMINED: Result.UNDETERMINED,
    Outcome.NOT_PERFORMED: Result.UNDETERMINED,
    Outcome.NOT_PRESENT: Result.NOT_SUPPORTED,
}
_VERDICTS: Final = {
    Verdict.ACCEPT: Result.SUCCESSFUL,
    Verdict.REFER: Result.UNDETERMINED,
    Verdict.REJECT: Result.FAILED,
}

CHECKS: Final[Mapping[str, tuple[str, str]]] = {
    "5.21": ("Terminal Authentication", "terminal.authentication"),
    "5.24": ("Active Authentication", "active.authentication"),
    "5.25": ("Chip Authentication", "chip.authentication"),
    "5.26": ("PACE-CAM", "pace.cam"),
    "5.30": ("signature of EF.SOD", "sod.signature"),
    "5.33": ("signature of the DS certificate", "ds.chain"),
    "5.36": ("validity of the DS certificate", "ds.validity"),
    "5.37": ("revocation of the DS certificate", "ds.revocation"),
    "5.40": ("EF.SOD and EF.COM", "com.consistent"),
    "5.43": ("issuing State of DG1 and of the DS certificate", "issuer.consistent"),
    "5.45": ("expiry of the document", "document.expired"),
}
"""The tables that one check of a report answers: their names, and the ids of the checks."""


def results(report: Report) -> dict[str, Result]:
    """Return the result of every table that the report answers, in the guideline's order."""
    found = {
        table: _of(report, check_id)
        for table, (_, check_id) in CHECKS.items()
        if any(check.id == check_id for check in report.checks)
    }
    found |= {table: rule(report) for table, (_, rule) in _RULES.items()}
    return dict(sorted(found.items(), key=lambda pair: [int(each) for each in pair[0].split(".")]))


def name_of(table: str) -> str:
    """Return the name of a table's check."""
    return CHECKS[table][0] if table in CHECKS else _RULES[table][0]


def _of(report: Report, check_id: str) -> Result:
    return _RESULTS[report.check(check_id).outcome]


def _each(report: Report, *families: str) -> list[Result]:
    return [_RESULTS[check.outcome] for check in report.checks if check.family in families]


def _all(found: Iterable[Result]) -> Result:
    """Combine results of which all must be successful (tables 5.22, 5.27, 5.39, 5.41)."""
    seen = set(found)
    if Result.FAILED in seen:
        return Result.FAILED
    return Result.SUCCESSFUL if seen == {Result.SUCCESSFUL} else Result.UNDETERMINED


def _access(report: Report) -> Result:
    """5.18: either BAC or PACE."""
    if report.chip_status is ChipStatus.FILES:
        return Result.UNDETERMINED
    if report.chip_status is ChipStatus.CLOSED:
        return Result.FAILED
    return Result.NOT_SUPPORTED if report.access == AccessControl.NONE else Result.SUCCESSFUL


def _protocol(report: Report, control: AccessControl) -> Result:
    """5.19 and 5.20: not needed where the other protocol opened the chip."""
    result = _access(report)
    if result is not Result.SUCCESSFUL:
        return result
    used = report.access.partition("-")[0] == control.value
    return Result.SUCCESSFUL if used else Result.NOT_SUPPORTED


def _authenticity(report: Report) -> Result:
    """5.23: any one of the three protocols is enough."""
    found = _each(report, *CLONE_PROOFS)
    for decisive in (Result.SUCCESSFUL, Result.FAILED, Result.UNDETERMINED):
        if decisive in found:
            return decisive
    return Result.NOT_SUPPORTED


def _security_objects(report: Report) -> Result:
    """5.27: EF.SOD must be there, EF.CardSecurity need not be."""
    found = [_of(report, "sod.signature")]
    found += [
        each for each in _each(report, "cardsecurity.signature") if each is not Result.NOT_SUPPORTED
    ]
    return _all(found)


def _issuer(report: Report) -> Result:
    """5.32: the Document Signer's signature, validity and revocation."""
    return _all(_each(report, "ds.chain", "ds.validity", "ds.revocation"))


def _integrity(report: Report) -> Result:
    """5.39: the comparison of EF.COM does not count where a document has none."""
    comparison = _each(report, "com.consistent")
    wanted = [each for each in comparison if each is not Result.NOT_SUPPORTED]
    return _all([*wanted, _data_groups(report)])


def _data_groups(report: Report) -> Result:
    """5.41: every data group is read, and every hash identical."""
    return _all(_each(report, "dg.hash"))


def _content(report: Report) -> Result:
    """5.22: authenticity, security objects, issuer, integrity and issuing State."""
    found = [_authenticity(report), _security_objects(report), _issuer(report), _integrity(report)]
    return _all([*found, *_each(report, "issuer.consistent")])


def _optical(report: Report) -> Result:
    """5.46: not supported where no printed MRZ was given, as with the CAN."""
    outcome = report.check("mrz.matches-optical").outcome
    return Result.NOT_SUPPORTED if outcome is Outcome.NOT_PERFORMED else _RESULTS[outcome]


def _combined(report: Report) -> Result:
    """5.44: none failed or undetermined, and at least one successful."""
    found = [_of(report, "document.expired"), _optical(report)]
    if set(found) <= {Result.NOT_SUPPORTED}:
        return Result.NOT_SUPPORTED
    return _all(each for each in found if each is not Result.NOT_SUPPORTED)


_RULES: Final[Mapping[str, tuple[str, Callable[[Report], Result]]]] = {
    "5.2": ("overall document check", lambda report: _VERDICTS[report.verdict]),
    "5.18": ("chip access by BAC or PACE", _access),
    "5.19": ("BAC", lambda report: _protocol(report, AccessControl.BAC)),
    "5.20": ("PACE", lambda report: _protocol(report, AccessControl.PACE)),
    "5.22": ("chip content", _content),
    "5.23": ("chip authenticity", _authenticity),
    "5.27": ("security objects", _security_objects),
    "5.32": ("issuer certificate of EF.SOD", _issuer),
    "5.39": ("integrity of the chip's contents", _integrity),
    "5.41": ("integrity of the data groups", _data_groups),
    "5.44": ("combined checks", _combined),
    "5.46": ("optical MRZ and DG1", _optical),
}
