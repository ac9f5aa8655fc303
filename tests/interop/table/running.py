"""Putting the cards before a reader, one after another."""

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from tests.interop.table.cards import Maker, Row
from tests.interop.table.reading import NotStartedError, Reader
from tests.interop.table.results import Cell, Outcome, Results
from vsmartcard.card.interface import Card
from vsmartcard.card.layers import Layer
from vsmartcard.reader import pcscd, readers
from vsmartcard.reader.claiming import claimed
from vsmartcard.reader.threaded import READERS as HOW_MANY
from vsmartcard.reader.threaded import ThreadedReader

TRIES: Final = 4
"""How often a card is read that was not read whole."""


class Changer(Layer):
    """A card in a reader that becomes another one when told.

    So many cards are read without waiting for pcscd, which looks for a new card every 0.4 s.  A
    card with another ATR is inserted.
    """

    def __init__(self, reader: ThreadedReader, card: Card) -> None:
        super().__init__(card)
        self._reader = reader
        reader.insert(self)

    def become(self, card: Card) -> None:
        """Put a card in place of the one that is in the reader."""
        card.reset()  # some programs leave their session open
        inserted, self.card = self.card, card
        if inserted.atr != card.atr:
            self._reader.insert(self)


@contextmanager
def first_reader() -> Iterator[ThreadedReader]:
    """Claim the first virtual reader of a pcscd, which a program uses that takes no name."""
    with ExitStack() as stack:
        stack.callback(_stop_unused)
        stack.enter_context(pcscd.in_use())
        found = readers.listed() or readers.up(HOW_MANY)
        reader = ThreadedReader(stack.enter_context(claimed(found[:1])))
        stack.callback(reader.take_out)
        yield reader


def _stop_unused() -> None:
    with suppress(readers.ReadersInUseError):
        readers.down()


class Bench:
    """A reader's place: it makes the cards and changes them in the PC/SC reader."""

    def __init__(self, place: ThreadedReader, maker: Maker) -> None:
        self._place = place
        self._maker = maker
        self._changer: Changer | None = None

    def read(self, reader: Reader, row: Row) -> tuple[Cell, list[str]]:
        """Have a reader read the card of a row; return the result and what it complained of."""
        presented = self._maker.present(row)
        if self._changer is None:
            self._changer = Changer(self._place, presented.card)
        else:
            self._changer.become(presented.card)
        said = reader.read(row, presented)
        return Cell.of(presented, said), said.errors

    def read_often(self, reader: Reader, row: Row) -> tuple[Cell, list[str]]:
        """Have a card read until it was read whole, and return the best result.

        Some readers fail in one session of many, as with leading zeros of a shared secret.
        """
        best, errors = self.read(reader, row)
        tries = 1
        while best.outcome is not Outcome.WHOLE and tries < TRIES:
            cell, others = self.read(reader, row)
            tries += 1
            if cell.merit > best.merit:
                best, errors = replace(cell, tries=tries), others
        return best, errors


def fill(
    results: Results,
    key: str,
    start: Callable[[str], Reader],
    rows: Iterable[Row],
    folder: Path,
    tell: Callable[[str], None] = lambda line: print(line, file=sys.stderr, flush=True),
    save: Callable[[], None] = lambda: None,
) -> None:
    """Fill in what is missing in a reader's column; `save` is called after each card.

    Raises `NotStartedError` if the reader cannot be started.
    """
    with first_reader() as place:
        reader = start(place.name)
        try:
            bench = Bench(place, Maker(folder))
            today = datetime.now(UTC).date()
            column = results.column(key, reader.named, today)
            for row in rows:
                if row.key in column.cells:
                    continue
                cell, errors = bench.read_often(reader, row)
                column.cells[row.key], column.on = cell, today
                lacks = f" without {', '.join(cell.lacks)}" if cell.lacks else ""
                why = f" ({errors[0]})" if errors else ""
                tell(f"{reader.named}: {row.key}: {cell.outcome}{lacks}, {cell.genuine}{why}")
                save()
        finally:
            reader.close()


__all__ = ["Bench", "Changer", "NotStartedError", "fill", "first_reader"]
