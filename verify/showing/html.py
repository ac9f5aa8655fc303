"""The report as one page of HTML, to show, print and file.

The page is self-contained: it has no script and fetches neither style sheets nor images, and its
content security policy forbids both.  All data from a chip are hostile, and are escaped.
"""

import base64
from typing import Final

from emrtd.pki.findings import Outcome
from support.pages import page_template
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

_SYMBOLS: Final = {
    Outcome.PASSED: "✓",
    Outcome.FAILED: "✕",
    Outcome.WARNING: "!",
    Outcome.UNDETERMINED: "?",
    Outcome.NOT_PERFORMED: "–",
    Outcome.NOT_PRESENT: "–",
}


def render_html(report: Report) -> str:
    """Return the page of a report."""
    return page_template("verify.showing", "report.html").render(
        report=report,
        heading=VERDICTS[report.verdict],
        meaning=meaning(report),
        lights=list(SYMBOLS.items()),
        portrait=_portrait(report),
        document=document_words(report),
        permit=permit_words(report),
        document_caveat=caveat(report, "DG1"),
        permit_claim=permit_claim(report),
        symbols=_SYMBOLS,
        access=access_words(report),
        counts=counts(report),
        tally=tally(report),
    )


def _portrait(report: Report) -> str | None:
    """Return the portrait as a data URL; None if it was not read or cannot be shown."""
    png = portrait_png(report)
    return None if png is None else f"data:image/png;base64,{base64.b64encode(png).decode('ascii')}"
