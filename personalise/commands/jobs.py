"""The commands `personalise jobs`: what a supervisor sees and decides.

Each command imports what it needs when it runs, so that `--help` stays fast.
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from personalise.commands.ledger_options import (
    as_json,
    by,
    card_name,
    ledger_options,
    name_of,
    opened_ledger,
    reason,
)
from support.command_line import examples
from support.errors import ExitStatus, MisuseError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from personalise.ledger.interface import JobEntry, Ledger, PurgeReport

_STATES = (
    "received", "held", "prepared", "claimed", "in-doubt", "issued", "rejected", "purged",
)  # fmt: skip


@click.group()
def jobs() -> None:
    """The applications in the ledger, from receipt to purge."""


@jobs.command(
    "list", epilog=examples("personalise jobs list --pki pki", "personalise jobs list --json")
)
@click.option(
    "--state",
    "states",
    type=click.Choice(_STATES),
    multiple=True,
    help="Only applications in this state; once for each.",
)
@as_json
@ledger_options
def list_jobs(states: tuple[str, ...], *, as_json: bool, **where: Any) -> None:
    """List the applications, the oldest first."""
    from personalise.ledger.states import JobState

    with opened_ledger(**where) as ledger:
        found = ledger.jobs([JobState(state) for state in states])
        if as_json:
            _print_array(json.dumps(_listed(each)) for each in found)
            return
        for each in found:
            job = each.job
            card = job.card or "-"
            click.echo(f"{job.id}  {job.state.value:9} {card:20} {job.attempts}  {job.reason}")


@jobs.command("show", epilog=examples("personalise jobs show A-0123456789abcdef --pki pki"))
@click.argument("application")
@as_json
@ledger_options
def show(application: str, *, as_json: bool, **where: Any) -> None:
    """Show one application and every step that was entered for it."""
    with opened_ledger(**where) as ledger:
        entry, steps = ledger.job(application), ledger.history(application)
    record = _listed(entry) | {
        "document": entry.document,
        "profile": entry.profile,
        "card_profile": entry.card_profile,
        "priority": entry.priority,
        "received": f"{entry.received:%Y-%m-%dT%H:%M:%SZ}",
        "period": entry.period,
        "station": entry.station,
        "steps": [
            {"at": f"{at:%Y-%m-%dT%H:%M:%SZ}", "chain": chain, **step} for at, chain, step in steps
        ],
    }
    if as_json:
        click.echo(json.dumps(record, ensure_ascii=False))
        return
    for name, value in record.items():
        if name != "steps" and value not in {None, ""}:
            click.echo(f"{name:13} {value}")
    for at, chain, step in steps:
        click.echo(
            f"{at:%Y-%m-%d %H:%M:%S}  {chain:20} {step['step']:20} {_details(step)}".rstrip()
        )


def _details(step: "Mapping[str, object]") -> str:
    """Return the fields of a step that say something, but for long digests."""
    shown = {
        name: value
        for name, value in step.items()
        if name not in {"step", "worker", "until", "document", "contents", "image", "sod", "entry"}
        and value not in {None, "", False}
    }
    return "  ".join(f"{name}={value}" for name, value in shown.items())


@jobs.command("reject", epilog=examples("personalise jobs reject A-0123 --reason withdrawn"))
@click.argument("application")
@reason
@by
@as_json
@ledger_options
def reject(application: str, reason: str, by: str | None, *, as_json: bool, **where: Any) -> None:
    """End an application for which no card is made; refused while a good card may exist."""
    with opened_ledger(**where) as ledger:
        ledger.reject(application, reason, by=name_of(by))
        _print_decided(ledger, application, as_json=as_json)


@jobs.command("hold", epilog=examples('personalise jobs hold A-0123 --reason "wait for a letter"'))
@click.argument("application")
@reason
@by
@as_json
@ledger_options
def hold(application: str, reason: str, by: str | None, *, as_json: bool, **where: Any) -> None:
    """Hold an application that no card was begun for."""
    with opened_ledger(**where) as ledger:
        ledger.hold(application, reason, by=name_of(by))
        _print_decided(ledger, application, as_json=as_json)


@jobs.command("release", epilog=examples("personalise jobs release A-0123 --pki pki"))
@click.argument("application")
@click.option("--reason", default="", help="Why; entered in the ledger.")
@by
@as_json
@ledger_options
def release(application: str, reason: str, by: str | None, *, as_json: bool, **where: Any) -> None:
    """Let a held application go on."""
    with opened_ledger(**where) as ledger:
        ledger.release(application, reason=reason, by=name_of(by))
        _print_decided(ledger, application, as_json=as_json)


@jobs.command(
    "reprint", epilog=examples('personalise jobs reprint A-0123 --reason "lost in the post"')
)
@click.argument("application")
@reason
@by
@as_json
@ledger_options
def reprint(application: str, reason: str, by: str | None, *, as_json: bool, **where: Any) -> None:
    """End the good card of an issued application, and make another one."""
    with opened_ledger(**where) as ledger:
        ledger.reprint(application, reason, by=name_of(by))
        _print_decided(ledger, application, as_json=as_json)


@jobs.command(
    "write-off", epilog=examples('personalise jobs write-off 4D3C2B1A --reason "fell into a gap"')
)
@click.argument("card")
@reason
@by
@as_json
@ledger_options
def write_off(card: str, reason: str, by: str | None, *, as_json: bool, **where: Any) -> int:
    """Write off CARD, by its serial number: it was begun, and is not seen again.

    Its application then takes another card. Exit status: 2 if the card may be good, 0 otherwise.
    """
    card = card_name(card)
    with opened_ledger(**where) as ledger:
        may_be_good = ledger.write_off(card, reason, by=name_of(by))
    if as_json:
        click.echo(json.dumps({"card": card, "may_be_good": may_be_good}))
    elif may_be_good:
        click.echo(f"{card}: a good card may exist; it is in every report until it is destroyed")
    return ExitStatus.REFERRED if may_be_good else ExitStatus.OK


@jobs.command(
    "export", epilog=examples("personalise jobs export A-0123 --pki pki -o images/A-0123")
)
@click.argument("application")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    required=True,
    help="New folder for the LDS image.",
)
@by
@as_json
@ledger_options
def export(application: str, output: Path, by: str | None, *, as_json: bool, **where: Any) -> None:
    """Write the image of an application to a folder, in clear; this is entered in the ledger."""
    from emrtd.lds.image import require_free

    require_free(output)
    with opened_ledger(**where) as ledger:
        ledger.export(application, by=name_of(by)).save(output)
        _print_decided(ledger, application, as_json=as_json)


@jobs.command(
    "purge",
    epilog=examples(
        "personalise jobs purge --period 2026-11 --pki pki",
        "personalise jobs purge A-0123 A-4567 --pki pki --json",
    ),
)
@click.argument("applications", nargs=-1)
@click.option(
    "--period", metavar="YYYY-MM", help="Every finished application received in this period."
)
@click.option("--reason", default="", help="Why; entered in the ledger.")
@by
@as_json
@ledger_options
def purge(
    applications: tuple[str, ...],
    period: str | None,
    reason: str,
    by: str | None,
    *,
    as_json: bool,
    **where: Any,
) -> int:
    """Destroy what the ledger stores about the persons of finished applications.

    With --period the period's key is destroyed too, if all its applications are finished: no copy
    of the database opens then. The report names the copies that are not reached.

    Exit status: 2 if applications of the period are not finished, 0 otherwise.
    """
    if not applications and period is None:
        raise MisuseError("nothing is named", advice="name applications, or a --period")
    with opened_ledger(**where) as ledger:
        report = ledger.purge(jobs=applications, period=period, by=name_of(by), reason=reason)
    if as_json:
        record = {
            "purged": report.jobs,
            "destroyed_keys": report.periods,
            "not_finished": report.kept,
            "beyond_reach": report.beyond_reach,
        }
        click.echo(json.dumps(record))
    else:
        _print_purge(report)
    return ExitStatus.REFERRED if report.kept else ExitStatus.OK


def _print_purge(report: "PurgeReport") -> None:
    click.echo(f"{len(report.jobs):,} applications purged")
    for period in report.periods:
        click.echo(f"the key of {period} is destroyed: no copy of the database opens it")
    if report.kept:
        click.echo(f"{len(report.kept):,} applications are not finished, and were kept:")
        for job in report.kept:
            click.echo(f"  {job}")
    click.echo("not reached:")
    for each in report.beyond_reach:
        click.echo(f"  {each}")


def _print_decided(ledger: "Ledger", application: str, *, as_json: bool) -> None:
    """With `--json`, print the application as `jobs list` does; otherwise nothing."""
    if as_json:
        click.echo(json.dumps(_listed(ledger.job(application)), ensure_ascii=False))


def _listed(entry: "JobEntry") -> dict[str, object]:
    job = entry.job
    return {
        "application": job.id,
        "state": job.state.value,
        "card": job.card,
        "reader": entry.reader,
        "attempts": job.attempts,
        "reason": job.reason or None,
    }


def _print_array(records: Any) -> None:
    """Print an array of JSON, an item a line, without holding it in memory."""
    opening = "["
    for each in records:
        click.echo(f"{opening}{each}", nl=False)
        opening = ",\n "
    click.echo("[]" if opening == "[" else "]")
