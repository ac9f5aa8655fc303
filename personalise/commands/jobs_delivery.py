"""The commands `personalise jobs check`, `pack`, `hand-over`, `return`, and the stop list.

Each command imports what it needs when it runs, so that `--help` stays fast.
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from personalise.commands.jobs_output import print_decided
from personalise.commands.ledger_options import as_json, card_name, ledger_options, opened_ledger
from personalise.commands.people import deciding, decision_options, work_options, working
from support.command_line import examples
from support.errors import MisuseError
from support.printable_text import counted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from personalise.ledger.sql_ledger import SqlLedger

_REASONS = ("lost", "stolen", "cancelled", "returned")
_MAX_DOCUMENT = 256
_reason = click.option("--reason", default="", help="Why; entered in the ledger.")


@click.command(
    "check",
    epilog=examples(
        "personalise jobs check 4D3C2B1A --pki pki",
        'personalise jobs check 4D3C2B1A --failed "the print is blurred" --pki pki',
    ),
)
@click.argument("cards", nargs=-1, required=True)
@click.option("--failed", metavar="REASON", help="The check found a fault: which one.")
@as_json
@work_options
def check(cards: tuple[str, ...], failed: str | None, *, as_json: bool, **options: Any) -> None:
    """Enter the quality check of good CARDS, by serial number.

    A card that failed is not packed: have its application reprinted, or check it again.
    """
    place = "checked" if failed is None else "failed"
    _move(cards, place, failed or "", as_json=as_json, **options)


@click.command("pack", epilog=examples("personalise jobs pack 4D3C2B1A 4D3C2B1B --pki pki"))
@click.argument("cards", nargs=-1, required=True)
@_reason
@as_json
@work_options
def pack(cards: tuple[str, ...], reason: str, *, as_json: bool, **options: Any) -> None:
    """Enter that CARDS, which were checked, are packed."""
    _move(cards, "packed", reason, as_json=as_json, **options)


@click.command("hand-over", epilog=examples("personalise jobs hand-over 4D3C2B1A --pki pki"))
@click.argument("cards", nargs=-1, required=True)
@_reason
@as_json
@work_options
def hand_over(cards: tuple[str, ...], reason: str, *, as_json: bool, **options: Any) -> None:
    """Enter that CARDS were given to their holders, or to the post."""
    _move(cards, "handed-over", reason, as_json=as_json, **options)


@click.command(
    "return", epilog=examples('personalise jobs return 4D3C2B1A --reason "moved away" --pki pki')
)
@click.argument("cards", nargs=-1, required=True)
@_reason
@as_json
@work_options
def take_back(cards: tuple[str, ...], reason: str, *, as_json: bool, **options: Any) -> None:
    """Enter that CARDS came back: undelivered, given back, or replaced by a reprint.

    A good one can be packed again; any of them can be destroyed (`ledger stock destroy`).
    """
    _move(cards, "returned", reason, as_json=as_json, **options)


def _move(cards: Sequence[str], place: str, reason: str, *, as_json: bool, **options: Any) -> None:
    from personalise.ledger.states import Place

    names, moved = [card_name(each) for each in cards], []
    with working(f"jobs: a card is {place}", **options) as (ledger, person):
        for name in names:
            card = ledger.move_card(name, Place(place), by=person, reason=reason)
            moved.append({"card": card.name, "application": card.job, "place": card.place.value})
    if as_json:
        click.echo(json.dumps(moved))
        return
    for each in moved:
        click.echo(f"{each['card']}: {place}, of {each['application']}")


@click.command(
    "stop",
    epilog=examples(
        "personalise jobs stop A-0123 --reason stolen --since 2026-11-20 --pki pki -o stops.p7m",
        "personalise jobs stop --document - --reason lost --pki pki",
    ),
)
@click.argument("application", required=False)
@click.option(
    "--document",
    type=click.File("rb"),
    help="File with State and number of the document, instead of the application: for one that was"
    " purged.  - is standard input.",
)
@click.option("--reason", "why", type=click.Choice(_REASONS), required=True, help="What it is.")
@click.option(
    "--since",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]),
    help="Since when, UTC.  [default: now]",
)
@click.option("--note", default="", help="More about it; entered in the ledger.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write the new stop list.")
@as_json
@decision_options
def stop(  # noqa: PLR0917 - click's options
    application: str | None,
    document: Any,
    why: str,
    since: datetime | None,
    note: str,
    output: Path | None,
    *,
    as_json: bool,
    **options: Any,
) -> None:
    """Put the document of a finished application on the stop list.  Needs a supervisor.

    The document is known by its number, which a reprint would have too: it is not reprinted while
    it is on the list.  With -o the signed list is written as `jobs stop-list` does.
    """
    if (application is None) == (document is None):
        raise MisuseError("name the application, or its document with --document")
    at = datetime.now(UTC).replace(microsecond=0)
    from_when = at if since is None else since.replace(tzinfo=UTC)
    if from_when > at:
        raise MisuseError("--since is in the future", advice="enter when it was reported")
    named = None if document is None else _state_and_number(document.read(_MAX_DOCUMENT + 1))
    subject = {"application": application or "by its document", "reason": why, "note": note}
    with deciding("jobs.stop", subject, **options) as (ledger, person, operations):
        if output is not None:
            _require_publishable(operations, output)  # fails before anything is entered
        if named is None:
            application, named = str(application), _named_in(ledger, str(application))
        else:
            application = _application_of(ledger, *named)
        sealed = operations.pki.seal_number(" ".join(named))
        ledger.stop(application, why, from_when, sealed, by=person, reason=note)
        print_decided(ledger, application, as_json=as_json)
        if output is not None:
            published = _publish(operations, ledger, output, _DAYS)
            if not as_json:
                _print_list(published)


@click.command("unstop", epilog=examples("personalise jobs unstop A-0123 --reason found --pki pki"))
@click.argument("application")
@click.option("--reason", required=True, help="Why; entered in the ledger.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write the new stop list.")
@as_json
@decision_options
def unstop(
    application: str, reason: str, output: Path | None, *, as_json: bool, **options: Any
) -> None:
    """Take a document off the stop list: it was found.  Needs a supervisor.

    Verifiers know it when they have the next list.
    """
    subject = {"application": application, "reason": reason}
    with deciding("jobs.unstop", subject, **options) as (ledger, person, operations):
        if output is not None:
            _require_publishable(operations, output)
        ledger.unstop(application, reason, by=person)
        print_decided(ledger, application, as_json=as_json)
        if output is not None:
            published = _publish(operations, ledger, output, _DAYS)
            if not as_json:
                _print_list(published)


@click.command("stops", epilog=examples("personalise jobs stops --pki pki --json"))
@as_json
@ledger_options
def stops(*, as_json: bool, **where: Any) -> None:
    """List the applications whose documents are on the stop list."""
    with opened_ledger(**where) as ledger:
        found = ledger.stops()
    records = [
        {"application": each.job, "reason": each.why, "since": f"{each.since:%Y-%m-%dT%H:%M:%SZ}"}
        for each in found
    ]
    if as_json:
        click.echo(json.dumps(records))
        return
    for record in records:
        click.echo("  ".join(record.values()))


_DAYS = 7


@click.command(
    "stop-list", epilog=examples("personalise jobs stop-list -o stops.p7m --days 1 --pki pki")
)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), required=True, help="File for the list."
)
@click.option(
    "--days",
    type=click.IntRange(1, 90),
    default=_DAYS,
    show_default=True,
    help="For how many days verifiers may use it.",
)
@as_json
@decision_options
def stop_list(output: Path, days: int, *, as_json: bool, **options: Any) -> None:
    """Sign the stop list and write it, in place of an earlier one.  Needs a supervisor.

    For `verify card|image|bulk --stop-list`. It holds keyed digests, a reason and a date for each
    document, and no number. Publish a new one before the last is out of date, also if nothing has
    changed: a verifier refers documents to the second line if its list is too old.
    """
    with deciding("stop-list.publish", {"file": str(output)}, **options) as decision:
        ledger, _, operations = decision
        _require_publishable(operations, output)
        published = _publish(operations, ledger, output, days)
    if as_json:
        click.echo(json.dumps(published))
    else:
        _print_list(published)


def _require_publishable(operations: Any, output: Path) -> None:
    from emrtd.pki.lists.stop_list import NAME
    from personalise.pki.list_signers import STOP_LIST, list_signer
    from support.files import require_own

    list_signer(operations, STOP_LIST)
    require_own(output, NAME.encode(), "stop list")


def _print_list(published: "Mapping[str, Any]") -> None:
    documents = counted(published["documents"], "document")
    click.echo("{file}: {0}, {issued}, next by {next}".format(documents, **published))


def _publish(operations: Any, ledger: "SqlLedger", output: Path, days: int) -> dict[str, Any]:
    from emrtd.pki.lists.stop_list import Stop, StopReason
    from personalise.pki.stop_lists import sign_stop_list
    from support.files import write_atomically

    entries = []
    for each in ledger.stops():
        state, number = operations.pki.unseal(each.document).reveal().decode().split(" ", 1)
        entries.append((state, number, Stop(StopReason[each.why.upper()], each.since)))
    until = operations.at + timedelta(days=days)
    write_atomically(output, sign_stop_list(operations, entries, until))
    return {
        "file": str(output),
        "documents": len(entries),
        "issued": f"{operations.at:%Y-%m-%dT%H:%M:%SZ}",
        "next": f"{until:%Y-%m-%dT%H:%M:%SZ}",
    }


def _named_in(ledger: "SqlLedger", application: str) -> tuple[str, str]:
    """Return State and number of a document from its application."""
    from personalise.ledger.states import JobState

    if ledger.job(application).job.state is JobState.PURGED:
        raise MisuseError(
            f"{application}: its contents were purged, and its number is not known",
            advice="give State and number with --document FILE",
        )
    document = ledger.personal(application).application.particulars.document
    return document.issuing_state, document.number


def _application_of(ledger: "SqlLedger", state: str, number: str) -> str:
    found = ledger.find_document(state, number)
    if found is None:
        raise MisuseError("the ledger has no document with this State and number")
    return found


def _state_and_number(octets: bytes) -> tuple[str, str]:
    words = octets.decode("ascii", errors="replace").upper().split()
    if len(words) != 2 or len(octets) > _MAX_DOCUMENT:
        raise MisuseError("--document: is not a State and a number, such as: UTO ZU1234567")
    return words[0].rstrip("<"), words[1].rstrip("<")
