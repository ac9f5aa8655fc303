"""What a reader needs of a card."""

from typing import Protocol


class Card(Protocol):
    """Anything that can be put into a reader: a chip, a stored chip, a layer over another card."""

    @property
    def atr(self) -> bytes:
        """The answer to reset (2 to 33 octets)."""
        ...

    def reset(self) -> None:
        """Power up anew."""
        ...

    def process(self, octets: bytes) -> bytes:
        """Answer a command APDU with a response APDU of 2 octets or more.

        Raises `TransportError` where the card cannot answer: it has left the reader, or what it
        keeps cannot be saved.
        """
        ...
