"""The interface between a reader and a card."""

from typing import Protocol


class Card(Protocol):
    """Anything a reader can hold: a chip, a stored chip, a layer over another card."""

    @property
    def atr(self) -> bytes:
        """The answer to reset (2 to 33 octets)."""
        ...

    def reset(self) -> None:
        """Power the card off and on: it forgets its session."""
        ...

    def process(self, octets: bytes) -> bytes:
        """Answer a command APDU with a response APDU of 2 octets or more.

        Raises `TransportError` if the card cannot answer: it has left the reader, or its state
        cannot be saved.
        """
        ...
