"""The commands `personalise ledger`: the ledger as a whole, and the stock of blank cards.

Each command imports what it needs when it runs, so that `--help` stays fast.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

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
    from personalise.ledger.states import CardRecord

_CARD_STATES = (
    "in-stock", "printed", "begun", "used", "ended", "spoilt", "written-off", "destroyed",
)  # fmt: skip
_MAX_LIST = 16 * 1024 * 1024


@click.group()
def ledger() -> None:
    """The ledger: every application, every card, every step."""


@ledger.command(
    "init",
    epilog=examples(
        "personalise ledger init --pki pki",
        "personalise ledger init --pki pki --ledger postgresql://chipseal@host/ledger",
    ),
)
@as_json
@ledger_options
def init(*, as_json: bool, **where: Any) -> None:
    """Create the ledger: its tables, and its keys in the PKI's folder.

    `personalise intake` creates it too. One in PostgreSQL needs an empty database.
    """
    with opened_ledger(create=True, **where) as opened:
        record = {"ledger": opened.id, "database": opened.where}
    click.echo(
        json.dumps(record) if as_json else f"{record['database']}: ledger {record['ledger']}"
    )


@ledger.command("status", epilog=examples("personalise ledger status --pki pki --json"))
@as_json
@ledger_options
def status(*, as_json: bool, **where: Any) -> None:
    """Count applications and cards; name the cards that may be good, and the periods."""
    from personalise.ledger.states import JobState

    with opened_ledger(**where) as opened:
        summary, periods = opened.summary(), opened.periods()
        in_doubt = [each.job for each in opened.jobs([JobState.IN_DOUBT])]
        checkpoint, identifier, database = opened.last_checkpoint(), opened.id, opened.where
    record = {
        "ledger": identifier,
        "database": database,
        "jobs": {state.value: number for state, number in summary.jobs.items()},
        "cards": {state.value: number for state, number in summary.cards.items()},
        "in_doubt": [{"application": job.id, "card": job.card} for job in in_doubt],
        "may_be_good": [
            {"card": card.name, "application": card.job, "state": card.status.value}
            for card in summary.may_be_good
        ],
        "checkpoint": None
        if checkpoint is None
        else {"number": checkpoint[0], "at": f"{checkpoint[1]:%Y-%m-%dT%H:%M:%SZ}"},
        "periods": [
            {
                "period": each.name,
                "applications": each.jobs,
                "destroyed": each.destroyed and f"{each.destroyed:%Y-%m-%dT%H:%M:%SZ}",
            }
            for each in periods
        ],
    }
    if as_json:
        click.echo(json.dumps(record))
        return
    click.echo(f"{database}: ledger {identifier}")
    if checkpoint is not None:
        click.echo(f"checkpoint    {checkpoint[0]:,}, signed {checkpoint[1]:%Y-%m-%d %H:%M:%S} UTC")
    for title, counts in (("applications", summary.jobs), ("cards", summary.cards)):
        for state, number in counts.items():
            click.echo(f"{title:13} {state.value:12} {number:>10,}")
    for job in in_doubt:
        click.echo(f"in doubt      {job.id}  card {job.card}: insert it, or write it off")
    for card in summary.may_be_good:
        click.echo(f"may be good   card {card.name} of {card.job}, {card.status.value}")
    for each in periods:
        held = counted(each.jobs, "application") if each.destroyed is None else "key destroyed"
        click.echo(f"period        {each.name}  {held}")


@ledger.command("verify", epilog=examples("personalise ledger verify --pki pki"))
@as_json
@ledger_options
def verify(*, as_json: bool, **where: Any) -> int:
    """Verify the hash chains, their checkpoints, and the promise of exactly one card.

    Exit status: 1 if anything is wrong, 0 otherwise.
    """
    with opened_ledger(**where) as opened:
        found = opened.verify()
    if as_json:
        record = {
            "entries": found.entries,
            "checkpoints": found.checkpoints,
            "jobs": found.jobs,
            "cards": found.cards,
            "findings": [{"where": f.where, "problem": f.problem} for f in found.findings],
        }
        click.echo(json.dumps(record))
    else:
        for each in found.findings:
            click.echo(f"{each.where}: {each.problem}")
        click.echo(
            f"{found.entries:,} {'entry' if found.entries == 1 else 'entries'},"
            f" {counted(found.checkpoints, 'checkpoint')}, {counted(found.jobs, 'application')},"
            f" {counted(found.cards, 'card')}: {len(found.findings) or 'nothing'} wrong"
        )
    return ExitStatus.REJECTED if found.findings else ExitStatus.OK


@ledger.command("rejoin", epilog=examples('personalise ledger rejoin --reason "disk failed"'))
@reason
@as_json
@decision_options
def rejoin(reason: str, *, as_json: bool, **options: Any) -> None:
    """Enter the cards that this user's stations made and a restored ledger lacks.

    Needs a supervisor.

    Run it on every host, as the user of its stations, after the ledger was restored from a backup.
    """
    with deciding("ledger.rejoin", {"reason": reason}, **options) as (opened, person, _):
        cards = opened.rejoin(reason=reason, by=person)
    _print_cards(cards, as_json=as_json)


@ledger.group()
def stock() -> None:
    """The stock of blank cards, by serial number."""


@stock.command(
    "receive",
    epilog=examples(
        "personalise ledger stock receive 4D3C2B1A 4D3C2B1B --pki pki",
        "personalise ledger stock receive --from delivery.txt --kind iso7816-9 --pki pki",
    ),
)
@click.argument("cards", nargs=-1)
@click.option(
    "--from",
    "file",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="File with a serial number (hexadecimal) on each line.",
)
@click.option("--kind", default="", help="Kind of the cards: the name of their card profile.")
@as_json
@work_options
def receive(
    cards: tuple[str, ...], file: Path | None, kind: str, *, as_json: bool, **options: Any
) -> None:
    """Take blank CARDS into stock."""
    names = [card_name(each) for each in (*cards, *_lines(file))]
    if not names:
        raise MisuseError("no card is named", advice="name serial numbers, or a file with --from")
    with working("stock receive", **options) as (opened, person):
        new = opened.receive_cards(names, kind=kind, by=person)
    known = len(set(names)) - new
    if as_json:
        click.echo(json.dumps({"received": new, "in_stock_before": known}))
    else:
        click.echo(f"{counted(new, 'card')} received; {known:,} in stock before")


@stock.command("list", epilog=examples("personalise ledger stock list --state spoilt --json"))
@click.option(
    "--state",
    "states",
    type=click.Choice(_CARD_STATES),
    multiple=True,
    help="Only cards in this state; once for each.",
)
@click.option(
    "--place",
    type=click.Choice(["checked", "failed", "packed", "handed-over", "returned"]),
    help="Only cards that are there.",
)
@as_json
@ledger_options
def list_cards(states: tuple[str, ...], place: str | None, *, as_json: bool, **where: Any) -> None:
    """List the cards, by serial number."""
    from personalise.ledger.states import CardStatus

    with opened_ledger(**where) as opened:
        cards = opened.cards([CardStatus(state) for state in states])
        found = [each for each in cards if place is None or each.place == place]
    _print_cards(found, as_json=as_json)


@stock.command("spoil", epilog=examples("personalise ledger stock spoil 4D3C2B1A --reason bent"))
@click.argument("card")
@reason
@as_json
@work_options
def spoil(card: str, reason: str, *, as_json: bool, **options: Any) -> None:
    """Take a blank CARD out of stock: it is damaged, or lost."""
    name = card_name(card)
    with working("stock spoil", **options) as (opened, person):
        opened.spoil_card(name, reason, by=person)
        spoilt = opened.card(name)
    if as_json:
        _print_cards([spoilt], as_json=True)


@stock.command("destroy", epilog=examples("personalise ledger stock destroy 4D3C2B1A --pki pki"))
@click.argument("cards", nargs=-1, required=True)
@click.option("--reason", default="", help="Why; entered in the ledger.")
@as_json
@work_options
def destroy(cards: tuple[str, ...], reason: str, *, as_json: bool, **options: Any) -> None:
    """Enter that CARDS were destroyed: spoilt, ended, written off, returned or blank ones.

    With --json it prints the cards as `stock list` does.
    """
    names, destroyed = [card_name(each) for each in cards], []
    with working("stock destroy", **options) as (opened, person):
        for name in names:
            opened.destroy_card(name, by=person, reason=reason)
            destroyed.append(opened.card(name))
    if as_json:
        _print_cards(destroyed, as_json=True)


def _lines(file: Path | None) -> Iterator[str]:
    from support.records import read_bounded

    if file is not None:
        text = read_bounded(file, _MAX_LIST).decode("ascii", errors="replace")
        yield from filter(None, (line.strip() for line in text.splitlines()))


def _print_cards(cards: "list[CardRecord]", *, as_json: bool) -> None:
    if as_json:
        records = [
            {
                "card": card.name,
                "state": card.status.value,
                "application": card.job,
                "may_be_good": card.may_be_good,
                "place": card.place.value or None,
                "reason": card.reason or None,
            }
            for card in cards
        ]
        click.echo(json.dumps(records))
        return
    for card in cards:
        doubt = f"  {card.place}" if card.place else ""
        doubt += "  may be good" if card.may_be_good else ""
        click.echo(f"{card.name:20} {card.status.value:12} {card.job or '-'}{doubt}  {card.reason}")
