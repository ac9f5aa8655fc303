"""The interfaces of a connection to a card, and of a kind of reader."""

from enum import Enum, unique
from typing import Protocol, Self

from emrtd.transport.events import CardEvents


@unique
class Tray(Enum):
    """The tray in which a feeder puts a card that it removes from the reader."""

    DONE = "done"
    REJECTED = "rejected"


class Connection(Protocol):
    """A connection to one card; `transmit` raises `TransportError` once the card is removed.

    No other program can use the card until the connection is closed.  After a `TransportError`
    nothing more is sent, because another card might answer.
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
        """Reset the card; raise `TransportError` if that fails."""
        ...

    def eject(self, tray: Tray) -> None:
        """Close the connection; a feeder moves the card to a tray and inserts the next one.

        A reader without a feeder only closes the connection.
        """
        ...

    def close(self) -> None:
        """Release the card; it is reset and stays in the reader."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *exc_info: object) -> None: ...


class WrappedConnection:
    """A connection that passes every call on to another one; subclasses change some of them."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @property
    def reader(self) -> str:
        """The reader's name."""
        return self._connection.reader

    @property
    def atr(self) -> bytes:
        """The card's answer to reset."""
        return self._connection.atr

    def transmit(self, command: bytes) -> bytes:
        """Send an encoded command APDU and return the encoded response APDU."""
        return self._connection.transmit(command)

    def reset(self) -> None:
        """Reset the card."""
        self._connection.reset()

    def eject(self, tray: Tray) -> None:
        """Close the connection, and have a feeder put the card into a tray."""
        self._connection.eject(tray)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()


class ReaderKind(Protocol):
    """A kind of reader other than PC/SC; an entry point names an object or a module."""

    def connect(self, address: str, *, blank: bool) -> Connection:
        """Connect to the card in the reader at this address; see `connect`."""
        ...

    def watch(self, address: str) -> CardEvents:
        """Return the events of the reader at this address."""
        ...

    def require(self, address: str) -> None:
        """Raise `TransportError` if nothing is at this address; see `require_reader`."""
        ...
