"""The report as text: coloured on a terminal, plain elsewhere."""

import os
import sys
from collections.abc import Iterable, Iterator
from typing import Any, Final, TextIO

import click

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

_Style = dict[str, Any]
"""Arguments of `click.style`."""

_LIGHTS: Final[dict[Verdict, _Style]] = {
    Verdict.ACCEPT: {"bold": True, "fg": "white", "bg": "green"},
    Verdict.REFER: {"bold": True, "fg": "black", "bg": "yellow"},
    Verdict.REJECT: {"bold": True, "fg": "white", "bg": "red"},
}
_DIM: Final[_Style] = {"dim": True}
_STYLES: Final[dict[Outcome, _Style]] = {
    Outcome.PASSED: {"fg": "green"},
    Outcome.FAILED: {"bold": True, "fg": "red"},
    Outcome.WARNING: {"fg": "yellow"},
    Outcome.UNDETERMINED: {"fg": "yellow"},
    Outcome.NOT_PERFORMED: _DIM,
    Outcome.NOT_PRESENT: _DIM,
}


def print_report(report: Report, stream: TextIO | None = None) -> None:
    """Print the verdict, the holder, the permit, the checks and the grounds of the verdict."""
    click.echo("\n".join(_lines(report)), stream or sys.stdout, color=_colour())


def _colour() -> bool | None:
    """Whether the user wants colours; None if only a terminal shall have them."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") in {"dumb", "unknown"}:
        return False
    return True if os.environ.get("FORCE_COLOR") else None


def _lines(report: Report) -> Iterator[str]:
    light = click.style(f" {VERDICTS[report.verdict]} ", **_LIGHTS[report.verdict])
    yield f"{light}  {meaning(report)}"
    for reason in report.why:
        yield f"  - {printable(reason)}"
    yield from _section(f"Holder and document{caveat(report, 'DG1')}", document_words(report))
    permit, claim = permit_words(report), permit_claim(report)
    yield from _section(
        "Permit", [("Not established", claim), *permit] if permit and claim else permit
    )
    yield from _heading("Checks")
    for check in report.checks:
        outcome = click.style(f"  {check.outcome.value:13}", **_STYLES[check.outcome])
        clause = click.style(f"  [{check.clause}]", **_DIM)
        yield f"{outcome} {check.id:24} {printable(check.reason)}{clause}"
    yield from _section("Data groups", _data_groups(report))
    if report.tolerated:
        yield from _heading("Tolerated quirks")
        for quirk in report.tolerated:
            yield f"  - {printable(quirk)}"
    yield from _section("Grounds of the verdict", _grounds(report))


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
        ("Rests on", "; ".join(report.rests_on)),
    ]
    return [(label, text) for label, text in grounds if text]


def _section(heading: str, rows: Iterable[tuple[str, str]]) -> Iterator[str]:
    rows = list(rows)
    if not rows:
        return
    yield from _heading(heading)
    for label, text in rows:
        yield click.style(f"  {label:16}", **_DIM) + printable(text)


def _heading(heading: str) -> tuple[str, str]:
    return "", click.style(heading, bold=True)
