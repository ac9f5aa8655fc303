"""Print a report on standard output as text or JSON, and write it to a file as HTML or PDF."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from support.errors import MalformedError
from support.files import write_atomically
from support.remarks import remark
from verify.judging.report import Report


def print_report(report: Report, *, as_json: bool = False) -> None:
    """Print a report on standard output, as text or as one JSON object."""
    if as_json:
        from verify.judging.tr03135 import results

        whole = {**report.as_json(), "tr03135": results(report)}
        import json

        # ASCII: no data of a chip can be a control sequence of the terminal.
        sys.stdout.write(json.dumps(whole, indent=2, ensure_ascii=True) + "\n")
        return
    from verify.showing import text

    text.print_report(report)


def require_writer(path: Path) -> None:
    """Raise `MisuseError` if a report to this file needs a package that is not installed."""
    if path.suffix.lower() == ".pdf":
        from verify.showing.pdf import typesetter

        typesetter()


def write_report(report: Report, path: Path) -> None:
    """Write a report to a file that only its owner can read: a PDF for `.pdf`, otherwise HTML.

    Raises `OSError`, and `MisuseError` for a PDF without `chipseal[pdf]`.
    """
    if path.suffix.lower() == ".pdf":
        from verify.showing.pdf import render_pdf

        content = render_pdf(report)
    else:
        from verify.showing.html import render_html

        content = render_html(report).encode()
    write_atomically(path, content, mode=0o600)


def write_portrait(report: Report, path: Path) -> None:
    """Write the portrait to a file that only its owner can read; remark if there is none.

    For `.png` it is converted, otherwise it is the image of the chip as it is (JPEG or JPEG 2000).
    Raises `OSError`.
    """
    if report.portrait is None:
        remark(f"{path}: not written, since no portrait was read")
        return
    content = report.portrait
    if path.suffix.lower() == ".png":
        from emrtd.biometrics.images.png import show

        try:
            content = show(content, "portrait").png
        except MalformedError as problem:
            remark(f"{path}: not written, since the {problem.message}")
            return
    write_atomically(path, content, mode=0o600)


def write_log(report: Report, path: Path, *, with_holder: bool) -> None:
    """Write the log of the inspection to a file that only its owner can read; raises `OSError`."""
    from verify.showing.transaction import transaction

    log = transaction(report, uuid4(), datetime.now(UTC), with_holder=with_holder)
    write_atomically(path, log, mode=0o600)
