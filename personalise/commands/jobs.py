"""The commands `personalise jobs`: what a supervisor sees and decides.

Each command imports what it needs when it runs, so that `--help` stays fast.
"""

import json
from typing import TYPE_CHECKING, Any

import click

from personalise.commands.jobs_delivery import (
    check,
    hand_over,
    pack,
    stop,
    stop_list,
    stops,
    take_back,
    unstop,
)
from personalise.commands.jobs_output import listed, print_array, print_decided
from personalise.commands.jobs_printing import export, prepare, printed
from personalise.commands.ledger_options import (
    as_json,
    card_name,
    ledger_options,
    opened_ledger,
    reason,
)
from personalise.commands.people import deciding, decision_options, work_options, working
from support.command_line import examples
from support.errors import ExitStatus, MisuseError
from support.printable_text import counted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from personalise.ledger.values import PurgeReport

_STATES = (
    "received", "held", "prepared", "claimed", "in-doubt", "issued", "rejected", "purged",
)  # fmt: skip


@click.group()
def jobs() -> None:
    """The applications in the ledger, from receipt to purge.

    What needs a supervisor is entered in the audit log of the PKI, also if it is refused.
    """


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
@click.option(
    "--printing",
    type=click.Choice(["wanted", "sent", "printed"]),
    help="Only applications that wait for the printer, are there, or have a printed card.",
)
@as_json
@ledger_options
def list_jobs(
    states: tuple[str, ...], printing: str | None, *, as_json: bool, **where: Any
) -> None:
    """List the applications, the oldest first."""
    from personalise.ledger.states import JobState

    with opened_ledger(**where) as ledger:
        found = ledger.jobs([JobState(state) for state in states])
        if printing is not None:
            found = (each for each in found if each.job.printing == printing)
        if as_json:
            print_array(json.dumps(listed(each)) for each in found)
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
        place = "" if entry.job.card is None else ledger.card(entry.job.card).place.value
    record = listed(entry) | {
        "document": entry.document,
        "profile": entry.profile,
        "card_profile": entry.card_profile,
        "priority": entry.priority,
        "received": f"{entry.received:%Y-%m-%dT%H:%M:%SZ}",
        "period": entry.period,
        "printing": entry.job.printing.value,
        "place": place,
        "stopped": entry.job.stopped,
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


@jobs.command("hold", epilog=examples('personalise jobs hold A-0123 --reason "wait for a letter"'))
@click.argument("application")
@reason
@as_json
@work_options
def hold(application: str, reason: str, *, as_json: bool, **options: Any) -> None:
    """Hold an application that no card was begun for."""
    with working("jobs.hold", **options) as (ledger, person):
        ledger.hold(application, reason, by=person)
        print_decided(ledger, application, as_json=as_json)


@jobs.command("release", epilog=examples("personalise jobs release A-0123 --pki pki"))
@click.argument("application")
@click.option("--reason", default="", help="Why; entered in the ledger.")
@as_json
@decision_options
def release(application: str, reason: str, *, as_json: bool, **options: Any) -> None:
    """Let a held application go on.  Needs a supervisor."""
    subject = {"application": application, "reason": reason}
    with deciding("jobs.release", subject, **options) as (ledger, person, _):
        ledger.release(application, reason=reason, by=person)
        print_decided(ledger, application, as_json=as_json)


@jobs.command("reject", epilog=examples("personalise jobs reject A-0123 --reason withdrawn"))
@click.argument("application")
@reason
@as_json
@decision_options
def reject(application: str, reason: str, *, as_json: bool, **options: Any) -> None:
    """End an application for which no card is made.  Needs a supervisor.

    Refused while a good card may exist.
    """
    subject = {"application": application, "reason": reason}
    with deciding("jobs.reject", subject, **options) as (ledger, person, _):
        ledger.reject(application, reason, by=person)
        print_decided(ledger, application, as_json=as_json)


@jobs.command("reprint", epilog=examples('personalise jobs reprint A-0123 --reason "bent"'))
@click.argument("application")
@reason
@as_json
@decision_options
def reprint(application: str, reason: str, *, as_json: bool, **options: Any) -> None:
    """End the good card of an application, and make another one.  Needs a supervisor.

    The old card is still a good one for every inspection, with the same number: it stays in
    `ledger status` until it is destroyed.  If it is lost, put its document on the stop list
    instead, and take in an application with another number.
    """
    subject = {"application": application, "reason": reason}
    with deciding("jobs.reprint", subject, **options) as (ledger, person, _):
        ledger.reprint(application, reason, by=person)
        print_decided(ledger, application, as_json=as_json)


@jobs.command(
    "write-off", epilog=examples('personalise jobs write-off 4D3C2B1A --reason "fell into a gap"')
)
@click.argument("card")
@reason
@as_json
@decision_options
def write_off(card: str, reason: str, *, as_json: bool, **options: Any) -> int:
    """Write off CARD, by its serial number: it is not seen again.  Needs a supervisor.

    It was begun, or printed. Its application then takes another card. Exit status: 2 if the card
    may be good, 0 otherwise.
    """
    card = card_name(card)
    with deciding("jobs.write-off", {"card": card, "reason": reason}, **options) as decision:
        ledger, person, _ = decision
        may_be_good = ledger.write_off(card, reason, by=person)
    if as_json:
        click.echo(json.dumps({"card": card, "may_be_good": may_be_good}))
    elif may_be_good:
        click.echo(f"{card}: a good card may exist; it is in every report until it is destroyed")
    else:
        click.echo(f"{card}: written off")
    return ExitStatus.REFERRED if may_be_good else ExitStatus.OK


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
@as_json
@decision_options
def purge(
    applications: tuple[str, ...],
    period: str | None,
    reason: str,
    *,
    as_json: bool,
    **options: Any,
) -> int:
    """Destroy what the ledger stores about the persons of finished applications.

    Needs a supervisor. With --period the period's key is destroyed too, if all its applications are
    finished: no copy of the database opens then. The report names the copies that are not reached.

    Exit status: 2 if applications of the period are not finished, 0 otherwise.
    """
    if not applications and period is None:
        raise MisuseError("nothing is named", advice="name applications, or a --period")
    subject = {"applications": " ".join(applications), "period": period or "", "reason": reason}
    with deciding("jobs.purge", subject, **options) as (ledger, person, _):
        report = ledger.purge(jobs=applications, period=period, by=person, reason=reason)
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
    click.echo(f"{counted(len(report.jobs), 'application')} purged")
    for period in report.periods:
        click.echo(f"the key of {period} is destroyed: no copy of the database opens it")
    if report.kept:
        are = "is" if len(report.kept) == 1 else "are"
        click.echo(f"{counted(len(report.kept), 'application')} {are} not finished, and kept:")
        for job in report.kept:
            click.echo(f"  {job}")
    click.echo("not reached:")
    for each in report.beyond_reach:
        click.echo(f"  {each}")


for _command in (
    prepare, export, printed, check, pack, hand_over, take_back, stop, unstop, stops, stop_list,
):  # fmt: skip
    jobs.add_command(_command)
