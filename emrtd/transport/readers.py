"""How a reader's name leads to a connection to its card, and to its events."""

from collections.abc import Callable
from typing import Final

from emrtd.errors import TransportError, TransportFault
from emrtd.transport.connection import Connection, ReaderKind
from emrtd.transport.events import CardEvents
from support.plugins import plugins

ENTRY_POINT_GROUP: Final = "chipseal.readers"

HOLDING_SECONDS: Final = 20.0
"""How long `connect` waits for a card that another program holds."""


def connect(
    reader: str = "",
    *,
    blank: bool = False,
    tell: Callable[[str], None] = lambda _remark: None,
    limit: float = HOLDING_SECONDS,
) -> Connection:
    """Connect to the card in a reader, and hold it until the connection is closed.

    `reader` is a PC/SC reader's name or an unambiguous part of it, empty for the only one there is,
    or `SCHEME:ADDRESS` where a package has registered the scheme in the entry-point group
    `chipseal.readers`: `virtual:FILE` is a virtual card, `feeder:DIR` a feeder of them.  With
    `blank`, a virtual card that does not exist is made.

    Where another program holds the card, `tell` is given a sentence within 2 s, and after `limit`
    seconds `TransportError` is raised with `TransportFault.CARD_HELD`; other faults say that there
    is no such reader, or no card in it.
    """
    kind, address = _kind_of(reader)
    if kind is not None:
        return kind.connect(address, blank=blank)
    require_pyscard()
    from emrtd.transport.pcsc.connection import connect as connect_pcsc

    return connect_pcsc(reader, tell, limit)


def watch(reader: str = "") -> CardEvents:
    """The events of one reader, named as for `connect`; without a name, of every PC/SC reader.

    A PC/SC reader may be plugged in later.
    """
    kind, address = _kind_of(reader)
    if kind is not None:
        return kind.watch(address)
    require_pyscard()
    from emrtd.transport.pcsc.watching import PcscEvents

    return PcscEvents(reader)


def pcsc_readers() -> list[str]:
    """The names of the PC/SC readers; raises `TransportError` where no service answers."""
    require_pyscard()
    from emrtd.transport.pcsc.readers import names

    return names()


def _kind_of(reader: str) -> tuple[ReaderKind | None, str]:
    scheme, colon, address = reader.partition(":")
    entry = plugins(ENTRY_POINT_GROUP).get(scheme) if colon else None
    if entry is None:
        return None, reader
    kind: ReaderKind = entry.load()
    return kind, address


def require_pyscard() -> None:
    """Raise `TransportError` where PC/SC cannot be reached from this installation."""
    try:
        import emrtd.transport.pcsc.library  # noqa: F401
    except ImportError as error:
        raise TransportError(
            "PC/SC readers need pyscard",
            TransportFault.NO_SERVICE,
            advice="pip install 'chipseal[pcsc]', or use virtual:FILE",
        ) from error
