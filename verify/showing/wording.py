"""The words of a report: labels of fields, verdicts, and printable text of a chip's data."""

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
SYMBOLS: Final = {Verdict.REJECT: "✕", Verdict.REFER: "!", Verdict.ACCEPT: "✓"}
"""The symbol of each verdict, from the worst to the best."""

_MEANINGS: Final = {
    Verdict.REFER: "Not everything could be established. The document goes to the second line.",
    Verdict.REJECT: "There is evidence of forgery, cloning or revocation.",
}


_DOCUMENT: Final = {
    "surname": "Surname",
    "given_names": "Given names",
    "name_in_full": "Name in full",
    "other_names": "Other names",
    "nationality": "Nationality",
    "date_of_birth": "Date of birth",
    "place_of_birth": "Place of birth",
    "sex": "Sex",
    "personal_number": "Personal number",
    "document_code": "Document code",
    "issuing_state": "Issuing State",
    "document_number": "Document number",
    "issuing_authority": "Authority",
    "date_of_issue": "Date of issue",
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
    """Return the verdict as a sentence, which states no more than the checks established."""
    if report.verdict is not Verdict.ACCEPT:
        return _MEANINGS[report.verdict]
    if report.is_proven_original:
        return "The chip is genuine, and its data are what the issuing State signed."
    signed = "The data are what the issuing State signed"
    if report.chip_status is ChipStatus.FILES:
        return f"{signed}; they come from files, and no chip was asked for a proof."
    return f"{signed}; the chip offers no proof that it is not a copy."


def caveat(report: Report, data_group: str) -> str:
    """Return a warning for the heading of a data group; empty if a State has signed it."""
    return "" if report.is_signed(data_group) else " (NOT PROVEN to be what a State signed)"


def permit_claim(report: Report) -> str:
    """Return why the entitlements are only a claim of the document; empty if it was accepted."""
    if not report.is_signed("DG13"):
        return "Claimed by the chip; not proven to be what a State signed."
    if report.verdict is Verdict.REJECT:
        return "Claimed by the document, which is rejected."
    if report.verdict is Verdict.REFER:
        return "Claimed by the document; the second line decides."
    return ""


def document_words(report: Report) -> list[tuple[str, str]]:
    """Return the fields of holder and document, as label and text."""
    return [
        (label, printable(report.document[name]))
        for name, label in _DOCUMENT.items()
        if report.document.get(name)
    ]


def permit_words(report: Report) -> list[tuple[str, str]]:
    """Return the entitlements, as label and text; empty without a permit."""
    if report.permit is None:
        return []
    return [(label, _text(name, report.permit[name])) for name, label in _PERMIT.items()]


def _text(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return _FLAGS[value]
    if value is None:
        return "without end" if name == "valid_until" else ""
    if isinstance(value, list):
        return printable("; ".join(map(str, value))) or "none"
    return printable(str(value))


def tally(report: Report) -> str:
    """Return how many checks have each outcome, without the outcomes that no check has."""
    found = [(each, sum(check.outcome is each for check in report.checks)) for each in Outcome]
    return ", ".join(f"{count} {outcome.value}" for outcome, count in found if count)


def counts(report: Report) -> str:
    """Return the commands, octets and seconds of the session; empty for an image of files."""
    if not report.apdus:
        return ""
    return f"{report.apdus} commands, {report.octets:,} octets, {report.seconds:.1f} s"


def access_words(report: Report) -> str:
    """Return how the chip was opened, or that it was not."""
    match report.chip_status:
        case ChipStatus.FILES:
            return "an image of files, no chip"
        case ChipStatus.CLOSED:
            return "the chip did not open"
        case ChipStatus.OPENED if report.access == AccessControl.NONE:
            return "no access control"
        case ChipStatus.OPENED:
            return printable(report.access)
