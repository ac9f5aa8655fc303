"""Layers over a card: what readers, thieves, and other programs do between a terminal and a chip.

A layer is a card itself, so that layers stand on one another.  Nothing in a layer is drawn at
random: the same commands bring the same answers.  What a chip itself does otherwise, inside secure
messaging too, is another table of instructions of that chip (`vsmartcard.chip.commands`).
"""

from collections.abc import Callable, Sequence
from itertools import chain

from emrtd.errors import TransportError
from emrtd.iso7816.apdu import CommandAPDU, ResponseAPDU
from emrtd.status_words import SW
from vsmartcard.card.conditions import Condition
from vsmartcard.card.interface import Card

Answer = Callable[[CommandAPDU], ResponseAPDU | bytes | None]
"""The answer to a command in the card's place; None leaves it to the card."""

Change = Callable[[CommandAPDU, ResponseAPDU], ResponseAPDU]
"""What is answered to a command instead of the card's response."""


class Layer:
    """Passes everything through to the card beneath."""

    def __init__(self, card: Card) -> None:
        self.card = card

    @property
    def atr(self) -> bytes:
        """The answer to reset of the card beneath."""
        return self.card.atr

    def reset(self) -> None:
        """Power up the card beneath."""
        self.card.reset()

    def process(self, octets: bytes) -> bytes:
        """Answer a command."""
        return self.card.process(octets)


class Watched(Layer):
    """Keeps what went over the wire.

    `exchanges` are encoded commands and responses, as `emrtd.transport.recording` replays them;
    `sent` are all encoded commands, one that the card did not answer included; `resets` is how
    often the card was powered up anew.
    """

    def __init__(self, card: Card) -> None:
        super().__init__(card)
        self.exchanges: list[tuple[bytes, bytes]] = []
        self.sent: list[bytes] = []
        self.resets = 0

    @property
    def commands(self) -> tuple[CommandAPDU, ...]:
        """All commands, decoded."""
        return tuple(map(CommandAPDU.decode, self.sent))

    def reset(self) -> None:
        """Count the reset, and pass it on."""
        self.resets += 1
        super().reset()

    def process(self, octets: bytes) -> bytes:
        """Keep the command and its response."""
        self.sent.append(octets)
        response = super().process(octets)
        self.exchanges.append((octets, response))
        return response


class Answering(Layer):
    """Gives some answers itself; those commands never reach the card."""

    def __init__(self, card: Card, answer: Answer) -> None:
        super().__init__(card)
        self._answer = answer

    def process(self, octets: bytes) -> bytes:
        """Answer in the card's place, or let the card answer."""
        answer = self._answer(CommandAPDU.decode(octets))
        if answer is None:
            return super().process(octets)
        return answer if isinstance(answer, bytes) else answer.encode()


class Refusing(Answering):
    """Answers some commands with a status word, outside secure messaging, in the card's place."""

    def __init__(self, card: Card, when: Condition, sw: int) -> None:
        refusal = ResponseAPDU(sw=sw)
        super().__init__(card, lambda command: refusal if when(command) else None)


class Changing(Layer):
    """Lets the card carry each command out, and changes what it answered."""

    def __init__(self, card: Card, change: Change) -> None:
        super().__init__(card)
        self._change = change

    def process(self, octets: bytes) -> bytes:
        """The card's answer, changed."""
        response = ResponseAPDU.decode(super().process(octets))
        return self._change(CommandAPDU.decode(octets), response).encode()


class Meddling(Layer):
    """Changes commands on their way to the card."""

    def __init__(self, card: Card, change: Callable[[CommandAPDU], CommandAPDU]) -> None:
        super().__init__(card)
        self._change = change

    def process(self, octets: bytes) -> bytes:
        """The card's answer to the changed command."""
        return super().process(self._change(CommandAPDU.decode(octets)).encode())


class Dropping(Layer):
    """The card loses its session at some commands: it is powered up anew, and answers a bare 6988.

    Another status word may be given; the command is not carried out.
    """

    def __init__(self, card: Card, when: Condition, sw: int = SW.SM_DATA_OBJECT_INCORRECT) -> None:
        super().__init__(card)
        self._when = when
        self._response = ResponseAPDU(sw=sw).encode()

    def process(self, octets: bytes) -> bytes:
        """Answer, or drop the session."""
        if self._when(CommandAPDU.decode(octets)):
            self.card.reset()
            return self._response
        return super().process(octets)


class Torn(Layer):
    """The card leaves the reader at a command, and does not come back.

    `carried_out` says whether the card has still carried the command out, and `error` what the
    reader says of it.  `gone` may be set by hand: True takes the card out, False puts it back,
    powered up anew.
    """

    def __init__(
        self,
        card: Card,
        when: Condition,
        *,
        carried_out: bool = False,
        error: Callable[[], TransportError] = lambda: TransportError("the card left the reader"),
    ) -> None:
        super().__init__(card)
        self._when = when
        self._carried_out = carried_out
        self._left = error
        self._gone = False

    @property
    def gone(self) -> bool:
        """Whether the card is out of the reader."""
        return self._gone

    @gone.setter
    def gone(self, gone: bool) -> None:
        if self._gone and not gone:
            super().reset()
        self._gone = gone

    def reset(self) -> None:
        """Power up the card beneath; `TransportError` once it has left."""
        self._require_present()
        super().reset()

    def process(self, octets: bytes) -> bytes:
        """Answer; `TransportError` from the command on at which the card leaves."""
        self._require_present()
        if not self._when(CommandAPDU.decode(octets)):
            return super().process(octets)
        if self._carried_out:
            super().process(octets)
        self._gone = True
        raise self._left()

    def _require_present(self) -> None:
        if self._gone:
            raise self._left()


class Interrupted(Layer):
    """Another program sends commands of its own before some of ours, over the same connection."""

    def __init__(self, card: Card, when: Condition, commands: Sequence[bytes]) -> None:
        super().__init__(card)
        self._when = when
        self._commands = tuple(commands)

    def process(self, octets: bytes) -> bytes:
        """Answer the command, after those of the other program."""
        before = self._commands if self._when(CommandAPDU.decode(octets)) else ()
        return [self.card.process(each) for each in chain(before, (octets,))][-1]


class Swapped(Layer):
    """Another card takes the place of the first at a command, and stays.

    The terminal is told nothing: it goes on with the session that it had with the first card.
    """

    def __init__(self, card: Card, other: Card, when: Condition) -> None:
        super().__init__(card)
        self._other: Card | None = other
        self._when = when

    def process(self, octets: bytes) -> bytes:
        """The answer of the card that is in the reader."""
        if self._other is not None and self._when(CommandAPDU.decode(octets)):
            self.card, self._other = self._other, None
            self.card.reset()
        return super().process(octets)
