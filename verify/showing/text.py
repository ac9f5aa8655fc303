"""The report as text: coloured on a terminal, plain elsewhere."""

from collections.abc import Iterable
from typing import Final

from rich.console import Console
from rich.text import Text

from emrtd.pki.findings import Outcome
from support.printable_text import printable
from verify.judging.report import Report, Verdict
from verify.showing.wording import (
    VERDICTS,
    access_words,
    caveat,
    counts,
    document_words,
    meaning,
    permit_claim,
    permit_words,
)

_LIGHTS: Final = {
    Verdict.ACCEPT: "bold white on green",
    Verdict.REFER: "bold black on yellow",
    Verdict.REJECT: "bold white on red",
}
_STYLES: Final = {
    Outcome.PASSED: "green",
    Outcome.FAILED: "bold red",
    Outcome.WARNING: "yellow",
    Outcome.UNDETERMINED: "yellow",
    Outcome.NOT_PERFORMED: "dim",
    Outcome.NOT_PRESENT: "dim",
}


def print_report(report: Report, console: Console | None = None) -> None:
    """Print the verdict, the holder, the permit, the checks and the grounds of the verdict."""
    console = console or Console()
    light = Text(f" {VERDICTS[report.verdict]} ", _LIGHTS[report.verdict])
    _line(console, light, Text(f"  {meaning(report)}"))
    for reason in report.why:
        _line(console, Text(f"  - {printable(reason)}"))
    _section(console, f"Holder and document{caveat(report, 'DG1')}", document_words(report))
    claim = permit_claim(report)
    permit = permit_words(report)
    _section(
        console, "Permit", [("Not established", claim), *permit] if permit and claim else permit
    )
    _heading(console, "Checks")
    for check in report.checks:
        _line(
            console,
            Text(f"  {check.outcome.value:13}", _STYLES[check.outcome]),
            Text(f" {check.id:24} {printable(check.reason)}"),
            Text(f"  [{check.clause}]", "dim"),
        )
    _section(console, "Data groups", _data_groups(report))
    if report.tolerated:
        _heading(console, "Tolerated quirks")
        for quirk in report.tolerated:
            _line(console, Text(f"  - {printable(quirk)}"))
    _section(console, "Grounds of the verdict", _grounds(report))


def _data_groups(report: Report) -> list[tuple[str, str]]:
    return [
        (name, f"{'not read' if row.size is None else f'{row.size:,} octets'}, {row.hash.value}")
        for name, row in report.data_groups.items()
    ]


def _grounds(report: Report) -> list[tuple[str, str]]:
    trust = report.trust
    grounds = [
        ("CSCA", trust.csca or "not known"),
        ("Document Signer", trust.ds or "not known"),
        ("Revocation", trust.revocation or "not known"),
        ("Access", access_words(report)),
        ("Chip", counts(report)),
        ("Judged", f"for {report.at:%Y-%m-%d %H:%M} UTC, by the policy {report.policy}"),
    ]
    return [(label, text) for label, text in grounds if text]


def _section(console: Console, heading: str, rows: Iterable[tuple[str, str]]) -> None:
    rows = list(rows)
    if not rows:
        return
    _heading(console, heading)
    for label, text in rows:
        _line(console, Text(f"  {label:16}", "dim"), Text(printable(text)))


def _heading(console: Console, heading: str) -> None:
    _line(console)
    _line(console, Text(heading, "bold"))


def _line(console: Console, *parts: Text) -> None:
    console.print(Text.assemble(*parts), soft_wrap=True, highlight=False)
