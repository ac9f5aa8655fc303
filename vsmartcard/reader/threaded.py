"""A card in a PC/SC reader that a thread of this process serves, for tests."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from typing import Final

from emrtd.errors import TransportError
from vsmartcard.card.interface import Card
from vsmartcard.reader import pcscd, readers
from vsmartcard.reader.claiming import claimed
from vsmartcard.reader.inserting import inserted
from vsmartcard.reader.readers import VirtualReader
from vsmartcard.reader.vpcd import Slot


class ThreadedReader:
    """An empty virtual reader of a pcscd; `insert` puts a card into it.

    The program under test must let other threads run while it waits for the reader: pyscard does,
    and so does every program in a process of its own.  A card that raises an error other than
    `TransportError` leaves the reader; `take_out` raises that error.
    """

    def __init__(self, reader: VirtualReader) -> None:
        self.name = reader.name
        self.port = reader.port
        self._holding = ExitStack()
        self._failure: BaseException | None = None

    def insert(self, card: Card) -> None:
        """Insert a card in place of the one in the reader, and wait until pcscd reports it."""
        self.take_out()
        place = self._holding.enter_context(inserted(card, self.port))
        thread = threading.Thread(
            target=partial(self._serve, place.slot, card), name=f"card in {self.name}", daemon=True
        )
        self._holding.callback(readers.wait_until_empty, self.port)
        self._holding.callback(thread.join)
        self._holding.callback(place.slot.close)
        thread.start()

    def take_out(self) -> None:
        """Take the card out, if there is one."""
        self._holding.close()
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure

    def _serve(self, slot: Slot, card: Card) -> None:
        try:
            slot.serve(card)
        except (TransportError, OSError):
            slot.close()  # the card has left
        except BaseException as error:  # noqa: BLE001 - raised by `take_out`
            self._failure = error
            slot.close()


READERS: Final = 8
"""How many readers are started if no pcscd with virtual readers runs."""


@contextmanager
def virtual_reader() -> Iterator[ThreadedReader]:
    """Claim an empty reader of a pcscd for this process.

    If no pcscd with virtual readers runs, one is started, which needs root, and stopped in the end.
    Raises `TransportError` if there are no readers and none can be started.
    """
    with ExitStack() as stack:
        stack.callback(_stop_unused)
        stack.enter_context(pcscd.in_use())
        found = readers.listed() or readers.up(READERS)
        reader = ThreadedReader(stack.enter_context(claimed(found)))
        stack.callback(reader.take_out)
        yield reader


def _stop_unused() -> None:
    """Stop our pcscd unless another process still uses it."""
    with suppress(readers.ReadersInUseError):
        readers.down()
