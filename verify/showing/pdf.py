"""The report as a PDF of A4 pages, tagged for screen readers (PDF/UA-1), to print and file.

`templates/report.typ` is the layout.  All text of the report reaches it as data in one JSON object,
so that nothing a chip contains is read as markup.
"""

import importlib.resources
import json
from typing import TYPE_CHECKING, Any, Final

from emrtd.pki.findings import Outcome
from support.errors import MisuseError
from support.printable_text import printable
from verify.judging.report import Report
from verify.showing.portrait import portrait_png
from verify.showing.wording import (
    SYMBOLS,
    VERDICTS,
    access_words,
    caveat,
    counts,
    document_words,
    meaning,
    permit_claim,
    permit_words,
    tally,
)

if TYPE_CHECKING:
    from types import ModuleType

_LABELS: Final = {
    "portrait_alt": "The holder's portrait, as stored on the chip",
    "permit": "Permit",
    "no_permit": "No permit (DG13) signed by the issuing State was read.",
    "checks": "Checks",
    "columns": ["Check", "Outcome", "Reason", "Clause"],
    "data_groups": "Data groups",
    "group_columns": ["Data group", "Size", "Comparison with the signed hash"],
    "grounds": "Grounds of the verdict",
    "tolerated": "Tolerated quirks of the document",
}
_NOT_SHOWN: Final = "(in a script for which this machine has no font; see the HTML report)"
_STANDARD: Final = "ua-1"
"""PDF/UA-1 is tagged, and refuses text for which there is no font."""


def render_pdf(report: Report) -> bytes:
    """Return the PDF of a report.

    A text in a script for which no font is installed is replaced by a sentence that says so: left
    alone, it would be a row of empty boxes.  Raises `MisuseError` without `chipseal[pdf]`.
    """
    typst = typesetter()
    source = (importlib.resources.files("verify.showing") / "templates/report.typ").read_bytes()
    content = _shown(typst, _content(report))
    made: bytes = typst.compile(
        source, sys_inputs={"data": json.dumps(content)}, pdf_standards=[_STANDARD]
    )
    return made


def _content(report: Report) -> dict[str, Any]:
    portrait = portrait_png(report)
    trust = report.trust
    grounds = [
        ("CSCA", trust.csca or "not known"),
        ("Document Signer", trust.ds or "not known"),
        ("Revocation", trust.revocation or "not known"),
        ("Access", access_words(report)),
        ("Chip", counts(report)),
        ("Policy", report.policy),
        ("Judged for", f"{report.at:%Y-%m-%d %H:%M} UTC"),
        ("Rests on", "; ".join(report.rests_on)),
    ]
    origin = "" if report.is_signed("DG2") else " – not proven genuine"
    return {
        "title": f"{VERDICTS[report.verdict]} – inspection report",
        "language": "en",
        "footer": "Contains personal data: store and destroy it accordingly.",
        "verdict": report.verdict.value,
        "heading": VERDICTS[report.verdict],
        "meaning": meaning(report),
        "why": list(report.why),
        "labels": _LABELS
        | {
            "holder": f"Holder and document{caveat(report, 'DG1')}",
            "portrait": f"Portrait on the chip (DG2){origin}",
            "no_portrait": f"No portrait {'that can be shown' if report.portrait else 'was read'}",
        },
        "portrait": None if portrait is None else list(portrait),
        "document": document_words(report),
        "permit": permit_words(report),
        "permit_claim": permit_claim(report) if report.permit is not None else "",
        "mrz": report.document.get("mrz", "").splitlines(),
        "symbol": SYMBOLS[report.verdict],
        "tally": tally(report),
        "checks": [
            {
                "id": check.id,
                "outcome": _outcome(check.outcome),
                "reason": check.reason,
                "clause": check.clause,
            }
            for check in report.checks
        ],
        "data_groups": [
            {
                "name": name,
                "size": "not read" if row.size is None else f"{row.size:,} octets",
                "outcome": _outcome(row.hash),
            }
            for name, row in report.data_groups.items()
        ],
        "grounds": [row for row in grounds if row[1]],
        "tolerated": list(report.tolerated),
    }


def _outcome(outcome: Outcome) -> dict[str, str]:
    return {"id": outcome.value, "words": outcome.value}


def _shown(typst: "ModuleType", value: Any) -> Any:
    """Return the content with printable text only, for which there are fonts."""
    match value:
        case str() if value.isascii():
            return printable(value)
        case str():
            text = printable(value)
            return text if _has_font(typst, text) else _NOT_SHOWN
        case dict():
            return {name: _shown(typst, each) for name, each in value.items()}
        case list() | tuple() if not value or not isinstance(value[0], int):
            return [_shown(typst, each) for each in value]
        case _:
            return value


def _has_font(typst: "ModuleType", text: str) -> bool:
    try:
        typst.compile(
            b'#set document(title: "text")\n#sys.inputs.text',
            sys_inputs={"text": text},
            pdf_standards=[_STANDARD],
        )
    except typst.TypstError:
        return False
    return True


def typesetter() -> "ModuleType":
    """Return the module that makes PDFs; raise `MisuseError` if it is not installed."""
    try:
        import typst
    except ImportError:
        raise MisuseError(
            "a PDF needs the package typst",
            advice="pip install 'chipseal[pdf]', or write an HTML report and print that",
        ) from None
    module: ModuleType = typst
    return module
