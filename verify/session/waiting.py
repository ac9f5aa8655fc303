"""Waiting for a card in a reader, for commands that inspect the next one."""

from collections.abc import Callable
from typing import Final

from emrtd.errors import TransportFault
from emrtd.transport.events import CardEventKind
from emrtd.transport.readers import watch

COMES_BACK: Final = frozenset(
    {TransportFault.CARD_REMOVED, TransportFault.READER_GONE, TransportFault.SERVICE_GONE}
)
"""The faults after which the same card may come back."""

_REMARKS: Final = {
    CardEventKind.READER_GONE: "the reader was unplugged; plug it in again",
    CardEventKind.SERVICE_GONE: "the PC/SC service does not run; start it",
    CardEventKind.SERVICE_BACK: "the PC/SC service runs again",
}


def wait_for_card(reader: str, tell: Callable[[str], None]) -> str:
    """Wait for a card in a reader, or in any if `reader` is empty; return the reader's full name.

    `tell` receives a sentence when the wait begins, and for each change that matters.  Raises
    `TransportError` if the name means several readers, or if there is no PC/SC library.
    """
    with watch(reader) as events:
        told = False
        while True:
            for event in events.wait(None if told else 0.0):
                if event.kind is CardEventKind.INSERTED:
                    return event.reader
                if event.kind in _REMARKS:
                    tell(_REMARKS[event.kind])
            if not told:
                tell("waiting for a card: put it on the reader")
                told = True
