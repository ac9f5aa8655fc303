"""What a connection to a card is, and what a kind of reader provides."""

from enum import Enum, unique
from typing import Protocol, Self

from emrtd.transport.events import CardEvents


@unique
class Tray(Enum):
    """Where a feeder puts a card that it takes out of the reader."""

    DONE = "done"
    REJECTED = "rejected"


class Connection(Protocol):
    """A connection to one card; `transmit` raises `TransportError` once the card has left.

    The card belongs to this connection alone until it is closed.  After a `TransportError` nothing
    more is sent: what would answer may be another card.
    """

    @property
    def reader(self) -> str:
        """The reader's name."""
        ...

    @property
    def atr(self) -> bytes:
        """The card's answer to reset (2 to 33 octets)."""
        ...

    def transmit(self, command: bytes) -> bytes:
        """Send an encoded command APDU and return the encoded response APDU."""
        ...

    def reset(self) -> None:
        """Power the card up anew; `TransportError` where that cannot be done."""
        ...

    def eject(self, tray: Tray) -> None:
        """Close the connection, and have a feeder put the card into a tray and take the next one.

        A reader without a feeder only closes the connection.
        """
        ...

    def close(self) -> None:
        """Let the card go; it is reset, and stays in the reader."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *exc_info: object) -> None: ...


class ReaderKind(Protocol):
    """A kind of reader that is not PC/SC, as an entry point names it: an object, or a module."""

    def connect(self, address: str, *, blank: bool) -> Connection:
        """Connect to the card in the reader at this address; see `connect`."""
        ...

    def watch(self, address: str) -> CardEvents:
        """The events of the reader at this address."""
        ...
