"""Attackers on the radio link, who change the messages of a session that they cannot read."""

from collections.abc import Callable
from typing import Final

from emrtd.iso7816.apdu import CommandAPDU, ResponseAPDU
from emrtd.status_words import SW
from vsmartcard.card.interface import Card
from vsmartcard.card.layers import ChangingResponses, Layer
from vsmartcard.forging.cards import layered
from vsmartcard.forging.kinds.lies import UNREAD, Lies, reading_a_file

KINDS: Final = Lies()


def _changing(card: Card, change: Callable[[ResponseAPDU], ResponseAPDU]) -> Card:
    """Return a card whose answers to reading commands are changed on the radio link."""
    reads = reading_a_file()
    return ChangingResponses(
        card, lambda command, response: change(response) if reads(command) else response
    )


KINDS.lie(
    "chip.bare-status",
    "a terminal that accepts 9000 without secure messaging",
    UNREAD,
    layered(lambda card: _changing(card, lambda _: ResponseAPDU())),
)
KINDS.lie(
    "chip.plain-data",
    "a terminal that accepts data without secure messaging",
    UNREAD,
    layered(lambda card: _changing(card, lambda _: ResponseAPDU(b"\x77\x00"))),
)
KINDS.lie(
    "chip.mac-bit",
    "a terminal that does not verify MACs",
    UNREAD,
    layered(
        lambda card: _changing(
            card,
            lambda response: ResponseAPDU(
                response.data[:-1] + bytes((response.data[-1] ^ 1,)), response.sw
            ),
        )
    ),
)
KINDS.lie(
    "chip.no-mac",
    "a terminal that verifies a MAC only if there is one",
    UNREAD,
    layered(
        lambda card: _changing(
            card, lambda response: ResponseAPDU(response.data[:-10], response.sw)
        )
    ),
)


class _Replaying(Layer):
    """Answers every reading command with the first answer to one."""

    def __init__(self, card: Card) -> None:
        super().__init__(card)
        self._reads = reading_a_file()
        self._first: bytes | None = None

    def reset(self) -> None:
        self._first = None
        super().reset()

    def process(self, octets: bytes) -> bytes:
        response = super().process(octets)
        if not self._reads(CommandAPDU.decode(octets)):
            return response
        self._first = self._first or response
        return self._first


KINDS.lie(
    "chip.replayed-answer",
    "a terminal that does not count",
    UNREAD,
    layered(_Replaying),
)
KINDS.lie(
    "chip.other-status",
    "a terminal that goes by the status outside secure messaging",
    UNREAD,
    layered(
        lambda card: _changing(
            card, lambda response: ResponseAPDU(response.data, SW.SECURITY_STATUS_NOT_SATISFIED)
        )
    ),
)
