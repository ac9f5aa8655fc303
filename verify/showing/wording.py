"""What an officer reads: words for fields and outcomes, and text that cannot deceive the eye."""

from typing import Any, Final

from emrtd.pki.findings import Outcome
from support.printable_text import printable
from verify.judging.evidence import AccessControl
from verify.judging.report import ChipStatus, Report, Verdict

VERDICTS: Final = {
    Verdict.ACCEPT: "ACCEPT",
    Verdict.REFER: "REFER TO SECOND LINE",
    Verdict.REJECT: "REJECT",
}
_MEANINGS: Final = {
    Verdict.REFER: "Not everything could be established. The document goes to the second line.",
    Verdict.REJECT: "There is evidence of forgery, cloning or revocation.",
}

OUTCOMES: Final = {
    Outcome.PASSED: "passed",
    Outcome.FAILED: "FAILED",
    Outcome.WARNING: "warning",
    Outcome.UNDETERMINED: "undetermined",
    Outcome.NOT_PERFORMED: "not performed",
    Outcome.NOT_PRESENT: "not present",
}

_DOCUMENT: Final = {
    "surname": "Surname",
    "given_names": "Given names",
    "nationality": "Nationality",
    "date_of_birth": "Date of birth",
    "sex": "Sex",
    "document_code": "Document code",
    "issuing_state": "Issuing State",
    "document_number": "Document number",
    "date_of_expiry": "Date of expiry",
    "optional_data": "Optional data",
    "optional_data_2": "Optional data 2",
}
_PERMIT: Final = {
    "category": "Category",
    "valid_from": "Valid from",
    "valid_until": "Valid until",
    "stay": "Stay",
    "work": "Work",
    "study": "Study",
    "public_funds": "Public funds",
    "remarks": "Remarks",
}
_FLAGS: Final = {True: "allowed", False: "NOT allowed"}


def meaning(report: Report) -> str:
    """The verdict in a sentence, which claims no more than was established."""
    if report.verdict is not Verdict.ACCEPT:
        return _MEANINGS[report.verdict]
    if report.is_proven_original:
        return "The chip is genuine and says what the issuing State signed."
    signed = "The data are what the issuing State signed"
    if report.chip_status is ChipStatus.FILES:
        return f"{signed}; these are files, and no chip was asked to prove itself."
    return f"{signed}; the chip offers no proof that it is not a copy."


def caveat(report: Report, data_group: str) -> str:
    """What a heading over a data group's content has to add: nothing where a State signed it."""
    return "" if report.is_signed(data_group) else " (NOT PROVEN to be what a State signed)"


def document_words(report: Report) -> list[tuple[str, str]]:
    """The holder and the document, as label and text."""
    return [
        (label, printable(report.document[name]))
        for name, label in _DOCUMENT.items()
        if report.document.get(name)
    ]


def permit_words(report: Report) -> list[tuple[str, str]]:
    """The entitlements, as label and text; empty where there is no permit."""
    if report.permit is None:
        return []
    return [(label, _said(name, report.permit[name])) for name, label in _PERMIT.items()]


def _said(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return _FLAGS[value]
    if value is None:
        return "without end" if name == "valid_until" else ""
    if isinstance(value, list):
        return printable("; ".join(map(str, value))) or "none"
    return printable(str(value))


def counts(report: Report) -> str:
    """How the chip was read, in a sentence; empty for an image of files."""
    if not report.apdus:
        return ""
    return f"{report.apdus} commands, {report.octets:,} octets, {report.seconds:.1f} s"


def access_words(report: Report) -> str:
    """How the chip was opened."""
    match report.chip_status:
        case ChipStatus.FILES:
            return "an image of files, no chip"
        case ChipStatus.CLOSED:
            return "the chip did not open"
        case ChipStatus.OPENED if report.access == AccessControl.NONE:
            return "no access control"
        case ChipStatus.OPENED:
            return printable(report.access)
