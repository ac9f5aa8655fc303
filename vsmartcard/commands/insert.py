"""The command `vsmartcard insert`; it imports what it needs when it runs."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from support.command_line import examples, remark
from vsmartcard.commands.blank_options import (
    MEMORY,
    kind_option,
    open_option,
    require_plain_kind,
)

if TYPE_CHECKING:
    from vsmartcard.card.interface import Card
    from vsmartcard.reader.vpcd import Slot


@click.command(epilog=examples("vsmartcard insert --state card.chip"))
@click.option(
    "--state",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File that stores the chip; created if it does not exist.  Without it, the chip is blank"
    " and is not saved.",
)
@click.option(
    "--reader-port",
    type=click.IntRange(1, 65535),
    help="Port of the reader.  [default: that of the first empty virtual reader]",
)
@click.option(
    "--memory",
    type=MEMORY,
    help="Octets of memory of a blank chip, for files and keys.  [default: 262144]",
)
@kind_option
@open_option
@click.option(
    "--fault",
    "faults",
    metavar="SPEC",
    multiple=True,
    help="A fault of card or reader, such as tear-after:12 or flip:0.01; repeatable.  The first is"
    " nearest to the chip.  docs/virtual-card.md lists them.",
)
@click.option(
    "--seed",
    type=int,
    default=0,
    show_default=True,
    help="Seed of what the faults draw; the same seed and commands give the same faults.",
)
def insert(
    *,
    state: Path | None,
    reader_port: int | None,
    memory: int | None,
    kind: str,
    is_open: bool,
    faults: tuple[str, ...],
    seed: int,
) -> None:
    """Insert a virtual chip into a virtual reader, until SIGTERM or SIGINT takes it out.

    A blank one has the published test key as its transport key, or with --open none.
    """
    from vsmartcard.card.faults.spec import read_faults
    from vsmartcard.card.stored_chip import StoredChip
    from vsmartcard.chip.security_domain import BlankKind, TransportKeys
    from vsmartcard.chip.state import Hardware
    from vsmartcard.reader.readers import kept_running

    hardware = None if memory is None else Hardware(memory=memory)
    if is_open:
        require_plain_kind(kind)
    transport = None if is_open else TransportKeys(BlankKind.of(kind))
    faulty = read_faults(faults, str(seed))
    chip = StoredChip(
        state,
        hardware=hardware,
        transport=transport,
        random=faulty.random,
        change=faulty.change,
        memory=faulty.memory,
    )
    card = faulty.over(chip)
    with _until_taken_out(), kept_running(), _slot(card, reader_port) as slot:
        slot.serve(card)


class _TakenOut(BaseException):
    """Raised by the signal to take the card out."""


@contextmanager
def _until_taken_out() -> Iterator[None]:
    def take_out(_number: int, _frame: object) -> None:
        raise _TakenOut

    from emrtd.errors import TransportError, TransportFault

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, take_out)
    try:
        yield
    except _TakenOut:
        click.echo("taken out", err=True)
    except TransportError as error:
        if error.fault is not TransportFault.CARD_REMOVED:
            raise
        remark(f"taken out by a fault: {error.message}")


@contextmanager
def _slot(card: "Card", port: int | None) -> "Iterator[Slot]":
    """Insert the card on this port, or into the first reader that accepts it."""
    from vsmartcard.reader.readers import listed, wait_until_occupied
    from vsmartcard.reader.vpcd import BASE_PORT

    known = {reader.port: reader for reader in listed()}
    ports = [reader.port for reader in known.values() if not reader.occupied] or list(known)
    with _first_free(card, ports or [BASE_PORT] if port is None else [port]) as slot:
        name = ""
        if reader := known.get(slot.port):
            wait_until_occupied(reader)
            name = f"{reader.name}, "
        click.echo(f"inserted in {name}port {slot.port}")
        sys.stdout.flush()
        yield slot


def _first_free(card: "Card", ports: list[int]) -> "Slot":
    from vsmartcard.reader.vpcd import ReaderOccupiedError, Slot

    for port in ports[:-1]:
        with suppress(ReaderOccupiedError):
            return Slot.insert(port, card)
    return Slot.insert(ports[-1], card)
