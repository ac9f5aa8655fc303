"""How the commands `personalise jobs` print an application."""

import json
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from personalise.ledger.interface import Ledger
    from personalise.ledger.values import JobEntry


def print_decided(ledger: "Ledger", application: str, *, as_json: bool) -> None:
    """Print what an application has become; with `--json` as `jobs list` does."""
    entry = ledger.job(application)
    if as_json:
        click.echo(json.dumps(listed(entry), ensure_ascii=False))
        return
    stopped = f", on the stop list as {entry.job.stopped}" if entry.job.stopped else ""
    click.echo(f"{application}: {entry.job.state.value}{stopped}")


def listed(entry: "JobEntry") -> dict[str, object]:
    """Return the record of an application in `jobs list --json`."""
    job = entry.job
    return {
        "application": job.id,
        "state": job.state.value,
        "card": job.card,
        "reader": entry.reader,
        "attempts": job.attempts,
        "reason": job.reason or None,
    }


def print_array(records: Any) -> None:
    """Print an array of JSON, an item a line, without holding it in memory."""
    opening = "["
    for each in records:
        click.echo(f"{opening}{each}", nl=False)
        opening = ",\n "
    click.echo("[]" if opening == "[" else "]")
