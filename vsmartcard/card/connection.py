"""A connection to any card in this process."""

from contextlib import suppress
from typing import Self

from emrtd.errors import TransportError
from emrtd.transport.connection import Tray
from vsmartcard.card.interface import Card


class CardConnection:
    """Satisfies `emrtd.transport.connection.Connection`; the card is reset when it is closed."""

    def __init__(self, card: Card, reader: str = "virtual reader") -> None:
        self.reader = reader
        self.atr = card.atr
        self._card: Card | None = card

    def transmit(self, command: bytes) -> bytes:
        """Send a command; `TransportError` once closed, or where the card does not answer."""
        return self._inserted.process(command)

    def reset(self) -> None:
        """Power the card up anew; `TransportError` once closed."""
        self._inserted.reset()

    @property
    def _inserted(self) -> Card:
        if self._card is None:
            raise TransportError(f"{self.reader}: the connection is closed; connect again")
        return self._card

    def eject(self, _tray: Tray) -> None:
        """Close the connection: there is no feeder."""
        self.close()

    def close(self) -> None:
        """Let the card go."""
        card, self._card = self._card, None
        if card is not None:
            with suppress(TransportError):  # one that has left is powered off already
                card.reset()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()
