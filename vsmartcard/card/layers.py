"""Layers over a card: what readers, thieves and other programs do between a terminal and a chip.

A layer is itself a card, so layers can be stacked.  A layer uses no randomness: the same commands
get the same answers.  To make the chip itself behave differently, inside secure messaging too, give
it another table of instructions (`vsmartcard.chip.commands`).
"""

from collections.abc import Callable, Sequence
from itertools import chain

from emrtd.errors import TransportError
from emrtd.iso7816.apdu import CommandAPDU, ResponseAPDU
from emrtd.status_words import SW
from support.errors import MalformedError
from vsmartcard.card.conditions import Condition
from vsmartcard.card.interface import Card

Answer = Callable[[CommandAPDU], ResponseAPDU | bytes | None]
"""Returns the answer to a command, or None to pass the command to the card."""

Change = Callable[[CommandAPDU, ResponseAPDU], ResponseAPDU]
"""Returns the response to send, from a command and the card's response to it."""


def command_of(octets: bytes) -> CommandAPDU:
    """Decode a command; one that is malformed counts as its header alone, 00 where it has none."""
    try:
        return CommandAPDU.decode(octets)
    except MalformedError:
        return CommandAPDU(*octets[:4].ljust(4, b"\x00"))


class Layer:
    """Passes everything to the card beneath, unchanged."""

    def __init__(self, card: Card) -> None:
        self.card = card

    @property
    def atr(self) -> bytes:
        """The ATR of the card beneath."""
        return self.card.atr

    def reset(self) -> None:
        """Reset the card beneath."""
        self.card.reset()

    def process(self, octets: bytes) -> bytes:
        """Answer a command."""
        return self.card.process(octets)


class Watched(Layer):
    """Records the commands and responses.

    `exchanges` are pairs of encoded command and response, as `emrtd.transport.recording` replays
    them.  `sent` are all encoded commands, including one that the card did not answer.  `resets` is
    the number of resets.
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
        """Count the reset, and pass it to the card."""
        self.resets += 1
        super().reset()

    def process(self, octets: bytes) -> bytes:
        """Record the command and its response."""
        self.sent.append(octets)
        response = super().process(octets)
        self.exchanges.append((octets, response))
        return response


class Answering(Layer):
    """Answers some commands itself; these commands do not reach the card."""

    def __init__(self, card: Card, answer: Answer) -> None:
        super().__init__(card)
        self._answer = answer

    def process(self, octets: bytes) -> bytes:
        """Answer the command, or pass it to the card."""
        answer = self._answer(command_of(octets))
        if answer is None:
            return super().process(octets)
        return answer if isinstance(answer, bytes) else answer.encode()


class Refusing(Answering):
    """Answers some commands itself, with a status word outside secure messaging."""

    def __init__(self, card: Card, when: Condition, sw: int) -> None:
        refusal = ResponseAPDU(sw=sw)
        super().__init__(card, lambda command: refusal if when(command) else None)


class ChangingResponses(Layer):
    """Changes the card's responses."""

    def __init__(self, card: Card, change: Change) -> None:
        super().__init__(card)
        self._change = change

    def process(self, octets: bytes) -> bytes:
        """Return the card's response, changed."""
        response = ResponseAPDU.decode(super().process(octets))
        return self._change(command_of(octets), response).encode()


class ChangingCommands(Layer):
    """Changes commands before they reach the card."""

    def __init__(self, card: Card, change: Callable[[CommandAPDU], CommandAPDU]) -> None:
        super().__init__(card)
        self._change = change

    def process(self, octets: bytes) -> bytes:
        """Return the card's response to the changed command."""
        return super().process(self._change(CommandAPDU.decode(octets)).encode())


class Dropping(Layer):
    """Makes the card lose its session at some commands: it is reset and answers in plain.

    It answers 6988, or another status word.  The card does not carry out the command.
    """

    def __init__(self, card: Card, when: Condition, sw: int = SW.SM_DATA_OBJECT_INCORRECT) -> None:
        super().__init__(card)
        self._when = when
        self._response = ResponseAPDU(sw=sw).encode()

    def process(self, octets: bytes) -> bytes:
        """Pass the command to the card, or drop the session."""
        if self._when(command_of(octets)):
            self.card.reset()
            return self._response
        return super().process(octets)


class Torn(Layer):
    """Takes the card out of the reader at a command.

    `carried_out`: whether the card carries out this command before it leaves.  `error` makes the
    error that the reader raises.  Set `gone` to True to take the card out, and to False to put it
    back, after a reset.
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
        """Reset the card beneath; `TransportError` once it has left."""
        self._require_present()
        super().reset()

    def process(self, octets: bytes) -> bytes:
        """Answer; `TransportError` from the command at which the card leaves."""
        self._require_present()
        if not self._when(command_of(octets)):
            return super().process(octets)
        if self._carried_out:
            super().process(octets)
        self._gone = True
        raise self._left()

    def _require_present(self) -> None:
        if self._gone:
            raise self._left()


class Interrupted(Layer):
    """Another program sends its commands before some of ours, over the same connection."""

    def __init__(self, card: Card, when: Condition, commands: Sequence[bytes]) -> None:
        super().__init__(card)
        self._when = when
        self._commands = tuple(commands)

    def process(self, octets: bytes) -> bytes:
        """Send the commands of the other program if it is time for them, then this one."""
        before = self._commands if self._when(command_of(octets)) else ()
        return [self.card.process(each) for each in chain(before, (octets,))][-1]


class Swapped(Layer):
    """Replaces the card with another one at a command.

    The terminal is not notified: it continues the session that it had with the first card.
    """

    def __init__(self, card: Card, other: Card, when: Condition) -> None:
        super().__init__(card)
        self._other: Card | None = other
        self._when = when

    def process(self, octets: bytes) -> bytes:
        """Return the response of the card that is in the reader."""
        if self._other is not None and self._when(command_of(octets)):
            self.card, self._other = self._other, None
            self.card.reset()
        return super().process(octets)
