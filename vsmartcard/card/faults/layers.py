"""Layers over a card that distort, delay or lose what passes between it and the terminal.

The layers of `vsmartcard.card.layers` complete them: `Torn`, `Refusing`, `Dropping`, `Swapped` and
`Interrupted`.
"""

import time
from collections.abc import Callable
from typing import Final

from emrtd.errors import TransportError, TransportFault
from vsmartcard.card.conditions import Condition
from vsmartcard.card.interface import Card
from vsmartcard.card.layers import Layer, command_of
from vsmartcard.timing.contactless import Contactless

Sleep = Callable[[float], object]
"""Waits for a number of seconds."""

Change = Callable[[bytes], bytes]
"""Returns octets in place of an encoded command or response."""

FRAME_WAITING_SECONDS: Final = Contactless(fwi=8).waiting
"""The frame waiting time of a chip with FWI 8: 77 ms."""

_STATUS_WORD: Final = 2


def _unchanged(octets: bytes) -> bytes:
    return octets


class Distorting(Layer):
    """Changes some encoded commands before the card gets them, or the card's responses to them."""

    def __init__(
        self,
        card: Card,
        when: Condition,
        *,
        command: Change = _unchanged,
        response: Change = _unchanged,
    ) -> None:
        super().__init__(card)
        self._when = when
        self._command = command
        self._response = response

    def process(self, octets: bytes) -> bytes:
        """Return the response, with both changed if it is time for it."""
        if not self._when(command_of(octets)):
            return super().process(octets)
        return self._response(super().process(self._command(octets)))


def shortened(octets: bytes, size: int | None = None) -> bytes:
    """Return a response with at most `size` octets of data, by default half of them.

    The status word stays.
    """
    data, status = octets[:-_STATUS_WORD], octets[-_STATUS_WORD:]
    return data[: len(data) // 2 if size is None else size] + status


class Losing(Layer):
    """Loses responses with at least `size` octets of data; the card has carried out the command.

    Some readers do this to the longest response of short length, whose 258 octets do not fit in
    their buffer.
    """

    def __init__(self, card: Card, when: Condition, size: int = 256) -> None:
        super().__init__(card)
        self._when = when
        self._size = size

    def process(self, octets: bytes) -> bytes:
        """Return the response; `TransportError` with `CARD_MUTE` if it is lost."""
        concerned = self._when(command_of(octets))
        response = super().process(octets)
        if concerned and len(response) - _STATUS_WORD >= self._size:
            raise _no_answer()
        return response


class Mute(Layer):
    """Answers nothing from a command on, until it is reset."""

    def __init__(self, card: Card, when: Condition) -> None:
        super().__init__(card)
        self._when = when
        self._mute = False

    def reset(self) -> None:
        """Reset the card, which answers again."""
        self._mute = False
        super().reset()

    def process(self, octets: bytes) -> bytes:
        """Return the response; `TransportError` with `CARD_MUTE` while the card is mute."""
        self._mute = self._when(command_of(octets)) or self._mute
        if self._mute:
            raise _no_answer()
        return super().process(octets)


class Slow(Layer):
    """Takes a time for some commands, in seconds."""

    def __init__(
        self, card: Card, when: Condition, seconds: float, sleep: Sleep = time.sleep
    ) -> None:
        super().__init__(card)
        self._when = when
        self._seconds = seconds
        self._sleep = sleep

    def process(self, octets: bytes) -> bytes:
        """Wait if it is time for it, then return the response."""
        if self._when(command_of(octets)):
            self._sleep(self._seconds)
        return super().process(octets)


class Reset(Layer):
    """Loses its power for a moment before some commands, which it then answers without a session.

    The terminal is not told.
    """

    def __init__(self, card: Card, when: Condition) -> None:
        super().__init__(card)
        self._when = when

    def process(self, octets: bytes) -> bytes:
        """Reset the card if it is time for it, then return its response."""
        if self._when(command_of(octets)):
            self.card.reset()
        return super().process(octets)


def _no_answer() -> TransportError:
    return TransportError("the card does not answer", TransportFault.CARD_MUTE)
