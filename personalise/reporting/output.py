"""A month's report as CSV, for spreadsheets, and as a page."""

import csv
import io
from collections.abc import Iterator

from personalise.reporting.histograms import Latency
from personalise.reporting.month import MonthReport
from support.pages import page_template
from support.printable_text import printable


def as_csv(report: MonthReport) -> str:
    """Return rows of section, name and value; a text that a spreadsheet would run is quoted."""
    stream = io.StringIO()
    writer = csv.writer(stream)
    writer.writerow(("section", "name", "value"))
    for section, name, value in _rows(report):
        writer.writerow((section, _inert(name), _inert(str(value))))
    return stream.getvalue()


def as_html(report: MonthReport) -> str:
    """Return one page without scripts and without anything from outside."""
    return page_template("personalise.reporting", "month.html").render(
        report=report, rows=list(_rows(report))
    )


def _rows(report: MonthReport) -> Iterator[tuple[str, str, str | int]]:
    yield "report", "state", report.state
    yield "report", "month", report.name
    yield "signatures", "in all", report.signed
    for day, signer, count in report.signatures:
        yield "signatures", f"{day} {signer}", count
    if report.issued is not None:
        yield "cards", "issued", report.issued
        yield "cards", "rejected", sum(report.rejects.values())
    for reason, count in report.rejects.items():
        yield "rejects", reason, count
    for latency in report.latencies:
        for name, value in _percentiles(latency):
            yield "seconds", f"{latency.name} {name}", value
    for operation, count in report.operations.items():
        yield "operations", operation, count
    for operation, count in report.failed.items():
        yield "failed operations", operation, count
    for incident in report.incidents:
        state = "open" if incident.closed is None else f"closed {incident.closed}"
        what = f"severity {incident.severity}, {incident.opened}, {state}: {incident.what}"
        yield "incidents", incident.number, what
    for change in report.changes:
        what = f"{change.at}: {change.before} -> {change.after}: {change.reason}"
        yield "changes", change.field, what
    for each in report.due:
        when = f"{'overdue ' if each.overdue else ''}{each.by:%Y-%m-%d}"
        yield "due", each.what, when


def _percentiles(latency: Latency) -> Iterator[tuple[str, str | int]]:
    yield "count", latency.count
    for percent, seconds in latency.percentiles.items():
        yield f"{percent} %", "unknown" if seconds is None else f"{seconds:.3f}"


def _inert(text: str) -> str:
    """Return the text so that a spreadsheet does not take it for a formula."""
    shown = printable(text)
    return f"'{shown}" if shown[:1] in {"=", "+", "-", "@"} else shown
