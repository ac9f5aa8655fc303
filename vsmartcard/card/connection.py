"""A connection to any card in this process."""

from contextlib import suppress
from typing import Self

from emrtd.errors import TransportError
from emrtd.transport.connection import Tray
from vsmartcard.card.interface import Card


class CardConnection:
    """Implements `emrtd.transport.connection.Connection`; closing it resets the card."""

    def __init__(self, card: Card, reader: str = "virtual reader") -> None:
        self.reader = reader
        self.atr = card.atr
        self._card: Card | None = card

    def transmit(self, command: bytes) -> bytes:
        """Send a command; `TransportError` once closed, or if the card does not answer."""
        return self._inserted.process(command)

    def reset(self) -> None:
        """Reset the card; `TransportError` once closed."""
        self._inserted.reset()

    @property
    def _inserted(self) -> Card:
        if self._card is None:
            raise TransportError(f"{self.reader}: the connection is closed", advice="connect again")
        return self._card

    def eject(self, _tray: Tray) -> None:
        """Close the connection: this reader has no feeder."""
        self.close()

    def close(self) -> None:
        """Reset the card and release it; no effect once closed."""
        card, self._card = self._card, None
        if card is not None:
            with suppress(TransportError):  # a card that has left has no power
                card.reset()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()
