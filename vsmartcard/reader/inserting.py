"""Cards in the virtual readers of a pcscd: one, or those of a feeder in turn."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from emrtd.errors import TransportError, TransportFault
from emrtd.transport.connection import Tray
from support.errors import MalformedError
from vsmartcard.card.conditions import protected
from vsmartcard.card.interface import Card
from vsmartcard.card.layers import Layer, command_of
from vsmartcard.card.stored_chip import StoredChip
from vsmartcard.chip.life_cycle import LifeCycle
from vsmartcard.reader.feeder import Feeder
from vsmartcard.reader.readers import listed, wait_until_empty, wait_until_occupied
from vsmartcard.reader.vpcd import BASE_PORT, ReaderOccupiedError, Slot


@dataclass(frozen=True, slots=True)
class Inserted:
    """A card in a reader: the port, and the name of the reader if pcscd told it."""

    slot: Slot
    name: str = ""

    @property
    def port(self) -> int:
        """The port of the reader."""
        return self.slot.port


@contextmanager
def inserted(card: Card, port: int | None) -> Iterator[Inserted]:
    """Insert a card on a port, or into the first reader that accepts it, and wait for pcscd."""
    known = {reader.port: reader for reader in listed()}
    ports = [reader.port for reader in known.values() if not reader.occupied] or list(known)
    with _first_free(card, ports or [BASE_PORT] if port is None else [port]) as slot:
        name = ""
        if reader := known.get(slot.port):
            wait_until_occupied(reader)
            name = reader.name
        yield Inserted(slot, name)


def feed(
    feeder: Feeder,
    port: int | None,
    make: Callable[[Path], tuple[StoredChip, Card]],
    tell: Callable[[Inserted, Path], None],
) -> None:
    """Insert the cards of a feeder in turn, until it is empty; `tell` is called for each.

    The next card comes when a program ejects the card, that is, when it releases the card and takes
    its power.  A locked card that was written or read since its insertion then moves to the tray
    `done`, any other one to `rejected`, and so does a file that is not a card.
    """
    while (path := feeder.first()) is not None:
        try:
            chip, card = make(path)
        except MalformedError:
            feeder.put_away(path, Tray.REJECTED)
            continue
        before = chip.state
        opened = _Opened(card)
        try:
            with inserted(opened, port) as place:
                port = place.port
                tell(place, path)
                place.slot.serve(opened, until_ejected=True)
                used = opened.was_opened or chip.state is not before
                locked = chip.state.life_cycle is LifeCycle.OPERATIONAL
                feeder.put_away(path, Tray.DONE if used and locked else Tray.REJECTED)
        finally:
            chip.close()
        wait_until_empty(port)


class _Opened(Layer):
    """Notes whether a terminal has used secure messaging with success."""

    was_opened = False

    def process(self, octets: bytes) -> bytes:
        response = super().process(octets)
        if protected(command_of(octets)) and len(response) > 2:
            self.was_opened = True
        return response


def left_by_a_fault(error: TransportError) -> bool:
    """Whether the card itself has left the reader."""
    return error.fault is TransportFault.CARD_REMOVED


def _first_free(card: Card, ports: list[int]) -> Slot:
    for port in ports[:-1]:
        with suppress(ReaderOccupiedError):
            return Slot.insert(port, card)
    return Slot.insert(ports[-1], card)
