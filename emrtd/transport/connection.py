"""What a connection to a card is, and how a reader's name leads to one."""

from collections.abc import Callable
from typing import Protocol, Self

from emrtd.errors import TransportError
from support.errors import MisuseError
from support.plugins import plugins

ENTRY_POINT_GROUP = "chipseal.readers"

NO_PYSCARD = "PC/SC readers need pyscard: pip install 'chipseal[pcsc]', or use virtual:FILE"


class Connection(Protocol):
    """A connection to one card; `transmit` raises `TransportError` once the card has left."""

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

    def close(self) -> None:
        """Let the card go; it is reset."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *exc_info: object) -> None: ...


Connect = Callable[[str], Connection]


def connect(reader: str) -> Connection:
    """Connect to the card in a reader.

    `reader` is (part of) a PC/SC reader's name, or `SCHEME:ADDRESS` where a package has registered
    the scheme in the entry-point group `chipseal.readers`: `virtual:FILE` is a virtual chip.
    Raises `TransportError` where there is no such reader or no card in it.
    """
    scheme, colon, address = reader.partition(":")
    entry = plugins(ENTRY_POINT_GROUP).get(scheme) if colon else None
    if entry is not None:
        plugin: Connect = entry.load()
        return plugin(address)
    if not reader:
        raise MisuseError("name the reader; `vsmartcard readers list` shows those there are")
    try:
        from emrtd.transport.pcsc import connect as connect_pcsc
    except ImportError as error:
        raise TransportError(NO_PYSCARD) from error
    return connect_pcsc(reader)
