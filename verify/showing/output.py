"""Print a report on standard output as text or JSON, and write it to a file as HTML."""

import json
import sys
from pathlib import Path

from support.files import write_atomically
from verify.judging.report import Report


def print_report(report: Report, *, as_json: bool = False) -> None:
    """Print a report on standard output, as text or as one JSON object."""
    if as_json:
        # ASCII: no data of a chip can be a control sequence of the terminal.
        sys.stdout.write(json.dumps(report.as_json(), indent=2, ensure_ascii=True) + "\n")
        return
    from verify.showing import text

    text.print_report(report)


def write_page(report: Report, path: Path) -> None:
    """Write a report as a page of HTML that only its owner can read; raises `OSError`."""
    from verify.showing.html import render_html

    write_atomically(path, render_html(report).encode(), mode=0o600)
