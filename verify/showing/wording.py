"""The words of a report, from the catalogue `verify.wording`; English unless asked otherwise."""

from typing import Any, Final

from emrtd.pki.findings import Outcome
from support.printable_text import printable
from verify.judging.evidence import AccessControl
from verify.judging.report import ChipStatus, Report, Verdict
from verify.wording import ENGLISH, Wording

VERDICTS: Final = {each: ENGLISH(f"verdict.{each.value}") for each in Verdict}
SYMBOLS: Final = {Verdict.REJECT: "✕", Verdict.REFER: "!", Verdict.ACCEPT: "✓"}
"""The symbol of each verdict, from the worst to the best."""

_DOCUMENT: Final = (
    "surname",
    "given_names",
    "name_in_full",
    "other_names",
    "nationality",
    "date_of_birth",
    "place_of_birth",
    "sex",
    "personal_number",
    "document_code",
    "issuing_state",
    "document_number",
    "issuing_authority",
    "date_of_issue",
    "date_of_expiry",
    "optional_data",
    "optional_data_2",
)
_PERMIT: Final = (
    "category",
    "valid_from",
    "valid_until",
    "stay",
    "work",
    "study",
    "public_funds",
    "remarks",
)


def meaning(report: Report, wording: Wording = ENGLISH) -> str:
    """Return the verdict as a sentence, which states no more than the checks established."""
    if report.verdict is Verdict.REFER:
        return wording(f"meaning.refer{_referred_for(report)}")
    if report.verdict is Verdict.REJECT:
        return wording("meaning.reject")
    if report.is_proven_original:
        return wording("meaning.accept.proven")
    files = report.chip_status is ChipStatus.FILES
    return wording(f"meaning.accept.{'files' if files else 'unproven'}")


def _referred_for(report: Report) -> str:
    """Return the end of the key of the sentence that says why a document is referred."""
    if report.chip_status is ChipStatus.CLOSED:
        return ".closed"
    failed = {check.id for check in report.checks if check.outcome is Outcome.FAILED}
    failed &= report.in_the_way
    if "document.stop-list" in failed:
        return ".reported"
    if report.in_the_way == failed == {"document.expired"}:
        return ".expired"
    return ".failed" if failed else ""


def caveat(report: Report, data_group: str) -> str:
    """Return a warning for the heading of a data group; empty if a State has signed it."""
    return "" if report.is_signed(data_group) else " (NOT PROVEN to be what a State signed)"


def permit_claim(report: Report, wording: Wording = ENGLISH) -> str:
    """Return why the entitlements are only a claim of the document; empty if it was accepted."""
    if not report.is_signed("DG13"):
        return wording("permit.claim.unsigned")
    if report.verdict is Verdict.ACCEPT:
        return ""
    return wording(f"permit.claim.{report.verdict.value}")


def document_words(report: Report) -> list[tuple[str, str]]:
    """Return the fields of holder and document, as label and text."""
    return [
        (ENGLISH(f"document.{name}"), printable(report.document[name]))
        for name in _DOCUMENT
        if report.document.get(name)
    ]


def permit_words(report: Report) -> list[tuple[str, str]]:
    """Return the entitlements, as label and text; empty without a permit."""
    if report.permit is None:
        return []
    return [(ENGLISH(f"permit.{name}"), _text(name, report.permit[name])) for name in _PERMIT]


def _text(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return ENGLISH("permit.yes" if value else "permit.no")
    if value is None:
        return ENGLISH("permit.without-end") if name == "valid_until" else ""
    if isinstance(value, list):
        return printable("; ".join(map(str, value))) or ENGLISH("permit.none")
    return printable(str(value))


def tally(report: Report) -> str:
    """Return how many checks have each outcome, without the outcomes that no check has."""
    found = [(each, sum(check.outcome is each for check in report.checks)) for each in Outcome]
    return ", ".join(f"{count} {outcome.value}" for outcome, count in found if count)


def counts(report: Report, wording: Wording = ENGLISH) -> str:
    """Return the commands, octets and seconds of the session; empty for an image of files."""
    if not report.apdus:
        return ""
    return wording(
        "facts.counts",
        apdus=report.apdus,
        octets=wording.number(report.octets),
        seconds=f"{report.seconds:.1f}",
    )


def access_words(report: Report, wording: Wording = ENGLISH) -> str:
    """Return how the chip was opened, or that it was not."""
    match report.chip_status:
        case ChipStatus.FILES:
            return wording("access.files")
        case ChipStatus.CLOSED:
            return wording("access.closed")
        case ChipStatus.OPENED if report.access == AccessControl.NONE:
            return wording("access.none")
        case ChipStatus.OPENED:
            return printable(report.access)
