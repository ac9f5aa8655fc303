"""A report on standard output, as text or as JSON, and as a page in a file."""

import json
import sys
from pathlib import Path

from support.files import write_atomically
from verify.judging.report import Report


def print_report(report: Report, *, as_json: bool = False) -> None:
    """Print a report."""
    if as_json:
        # ASCII: nothing that a chip says can be a command to the terminal.
        sys.stdout.write(json.dumps(report.as_json(), indent=2, ensure_ascii=True) + "\n")
        return
    from verify.showing import text

    text.print_report(report)


def write_page(report: Report, path: Path) -> None:
    """Write a report as a page of HTML, which only its owner may read; raises `OSError`."""
    from verify.showing.html import render_html

    write_atomically(path, render_html(report).encode(), mode=0o600)
