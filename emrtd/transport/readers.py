"""Finding a reader by its name: a connection to its card, and its events."""

from collections.abc import Callable
from typing import Final

from emrtd.errors import TransportError, TransportFault
from emrtd.transport.connection import Connection, ReaderKind
from emrtd.transport.events import CardEvents
from support.plugins import plugins

ENTRY_POINT_GROUP: Final = "chipseal.readers"

HOLDING_SECONDS: Final = 20.0
"""How long `connect` waits for a card that another program holds, in seconds."""


def connect(
    reader: str = "",
    *,
    blank: bool = False,
    tell: Callable[[str], None] = lambda _remark: None,
    limit: float = HOLDING_SECONDS,
) -> Connection:
    """Connect to the card in a reader, and hold it until the connection is closed.

    `reader` is the name of a PC/SC reader or an unambiguous part of it; an empty name means the
    only reader.  It may also be `SCHEME:ADDRESS`, if a package has registered the scheme in the
    entry-point group `chipseal.readers`: `virtual:FILE` is a virtual card, `timed:PROFILE:FILE` one
    that takes the time of a real one, `feeder:DIR` a feeder of virtual cards.  With `blank`, a
    virtual card that does not exist is created.

    If another program holds the card, `tell` is called with a sentence within 2 s, and after
    `limit` seconds `TransportError` is raised with `TransportFault.CARD_HELD`.  Other faults are
    that there is no such reader, or no card in it.
    """
    kind, address = _kind_of(reader)
    if kind is not None:
        return kind.connect(address, blank=blank)
    require_pyscard()
    from emrtd.transport.pcsc.connection import connect as connect_pcsc

    return connect_pcsc(reader, tell, limit)


def watch(reader: str = "") -> CardEvents:
    """Return the events of one reader, named as for `connect`, or of every PC/SC reader.

    The reader need not be plugged in yet.
    """
    kind, address = _kind_of(reader)
    if kind is not None:
        return kind.watch(address)
    require_pyscard()
    from emrtd.transport.pcsc.watching import PcscEvents

    return PcscEvents(reader)


def require_reader(reader: str) -> None:
    """Raise `TransportError` if a reader `SCHEME:ADDRESS` does not exist, such as `virtual:TYPO`.

    A PC/SC reader is not looked for: it may be plugged in later.
    """
    kind, address = _kind_of(reader)
    if kind is not None:
        kind.require(address)


def pcsc_readers() -> list[str]:
    """Return the names of the PC/SC readers; raise `TransportError` if no service answers."""
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
    """Raise `TransportError` if this installation has no PC/SC library."""
    try:
        import emrtd.transport.pcsc.library  # noqa: F401
    except ImportError as error:
        raise TransportError(
            "PC/SC readers need pyscard",
            TransportFault.NO_SERVICE,
            advice="pip install 'chipseal[pcsc]', or use virtual:FILE",
        ) from error
