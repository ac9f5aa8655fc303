"""A virtual chip in this process: the reader `virtual:FILE`, without a daemon."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Self

from emrtd.errors import TransportError, TransportFault
from emrtd.transport.connection import Tray
from emrtd.transport.events import CardEvents, CardInReader, PolledEvents
from support.errors import MisuseError
from vsmartcard.card.stored_chip import StoredChip
from vsmartcard.chip.security_domain import TransportKeys

if TYPE_CHECKING:
    from emrtd.transport.timing import CardTime
    from vsmartcard.card.interface import Card
    from vsmartcard.card.timed.layer import Timing


class InProcessConnection:
    """A connection to the virtual chip of a state file.

    Implements `emrtd.transport.connection.Connection`.  `put_away` is called when the card is
    ejected; without it, the file stays.  With `timing` the card takes the time of a real one.
    """

    def __init__(
        self,
        path: Path,
        reader: str,
        put_away: Callable[[Tray], None] | None = None,
        timing: "Timing | None" = None,
    ) -> None:
        self.reader = reader
        self._put_away = put_away
        self._timing = timing
        chip = _stored(path, timing)
        self._chip: StoredChip | None = chip
        self._card: Card = chip if timing is None else timing.over(chip)
        self.atr = chip.atr

    @property
    def card_time(self) -> "CardTime | None":
        """What the card has taken since the connection; None if it is not timed."""
        return None if self._timing is None else self._timing.time

    def transmit(self, command: bytes) -> bytes:
        """Send a command; `TransportError` once closed, or if the state cannot be saved."""
        try:
            return self._inserted.process(command)
        except OSError as error:
            self.close()
            raise TransportError(
                f"{self.reader}: the state of the chip cannot be saved ({error.strerror}); the last"
                " command had no effect",
                reader=self.reader,
            ) from error

    def reset(self) -> None:
        """Reset the chip; `TransportError` once closed."""
        self._inserted.reset()

    @property
    def _inserted(self) -> "Card":
        if self._chip is None:
            raise TransportError(
                f"{self.reader}: the connection is closed",
                reader=self.reader,
                advice="connect again",
            )
        return self._card

    def eject(self, tray: Tray) -> None:
        """Put the card away while it is still locked, then close; no effect once closed."""
        if self._chip is not None:
            try:
                if self._put_away is not None:
                    self._put_away(tray)
            finally:
                self.close()

    def close(self) -> None:
        """Reset and release the chip, which stays in its reader; no effect once closed."""
        if self._chip is not None:
            self._chip.close()
            self._chip = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()


def _stored(path: Path, timing: "Timing | None") -> StoredChip:
    transport = TransportKeys()
    if timing is None:
        return StoredChip(path, transport=transport)
    return StoredChip(path, transport=transport, change=timing.change, memory=timing.memory())


def connect(address: str, *, blank: bool) -> InProcessConnection:
    """Connect to the chip of a state file.

    If the file does not exist: to a blank chip with `blank`, else raises `TransportError` with
    `TransportFault.NO_CARD`.
    """
    if not blank:
        require(address)
    return InProcessConnection(_path_of(address), f"virtual:{address}")


def watch(address: str) -> CardEvents:
    """Return the events of a reader in which the card is present while its file exists."""
    path, reader = _path_of(address), f"virtual:{address}"
    return PolledEvents(lambda: {reader: CardInReader(address) if path.exists() else None})


def require(address: str) -> None:
    """Raise `TransportError` with `TransportFault.NO_CARD` if the state file does not exist."""
    if not _path_of(address).exists():
        reader = f"virtual:{address}"
        raise TransportError(
            f"{reader}: no such card",
            TransportFault.NO_CARD,
            reader=reader,
            advice="name the file of a virtual card",
        )


def _path_of(address: str) -> Path:
    if not address:
        raise MisuseError("virtual: names no file", advice="write virtual:FILE")
    return Path(address)
