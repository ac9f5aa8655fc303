"""A card that takes the time of a chip and a link, by a clock that is an argument.

    timing = Timing(*read_timing("2018,424"))
    card = timing.card(state)

The commands and responses do not change.  With a `VirtualClock` nothing sleeps, and the same
commands take the same time on every machine.
"""

from collections import Counter

from emrtd.errors import ChipRefusalError
from emrtd.iso7816.apdu import CommandAPDU, ResponseAPDU
from emrtd.transport.timing import CardTime
from vsmartcard.card.faults.spec import Faults
from vsmartcard.card.interface import Card
from vsmartcard.card.layers import Layer
from vsmartcard.card.timed.memory import pages_written
from vsmartcard.card.timed.operations import operations_of, secure_messaging, station_messaging
from vsmartcard.chip.commands import CarryOut, Instruction, Instructions
from vsmartcard.chip.dispatch import Chip, Memory, instructions_of
from vsmartcard.chip.session import Core
from vsmartcard.chip.state import ChipState
from vsmartcard.timing.clock import Clock, VirtualClock
from vsmartcard.timing.link import Link
from vsmartcard.timing.operations import Operation
from vsmartcard.timing.profile import ChipProfile


class Timing:
    """Times one chip: `change` and `memory` are for the chip, `over` makes the layer over it.

    `time` is what link and chip have taken since the beginning, in seconds.  `operations`, `pages`,
    `blocks` and `extensions` count what that time was taken for.
    """

    def __init__(self, profile: ChipProfile, link: Link, clock: Clock | None = None) -> None:
        self.profile = profile
        self.link = link
        self.clock = VirtualClock() if clock is None else clock
        self.time = CardTime()
        self.operations: Counter[Operation] = Counter()
        self.pages = 0
        self.blocks = 0
        self.extensions = 0
        self._doing: list[Operation] = []
        self._writing = 0

    def card(self, state: ChipState, faults: Faults | None = None) -> Card:
        """Return a card with these faults, whose state is not saved.

        What a fault of the reader or the link does is not timed.
        """
        faults = faults or Faults()
        chip = Chip(
            state,
            random=faults.random,
            instructions=faults.change(self.change(instructions_of(state))),
            memory=self.memory(faults.memory),
        )
        return faults.over(self.over(chip))

    def over(self, card: Card) -> Card:
        """Return the card under a layer that takes the time."""
        return _Timed(card, self)

    def change(self, instructions: Instructions) -> Instructions:
        """Return a table that notes the operations of each command."""

        def noting(carry_out: CarryOut) -> CarryOut:
            def note(core: Core, command: CommandAPDU) -> ResponseAPDU:
                self._doing += operations_of(core, command)
                session = core.session.secure_messaging
                response = ResponseAPDU()
                try:
                    response = carry_out(core, command)
                except ChipRefusalError as refusal:
                    response = ResponseAPDU(sw=refusal.sw)
                    raise
                finally:
                    if session is not None:
                        self._doing += secure_messaging(session.cipher, command, response)
                return response

            return note

        return {
            ins: Instruction(noting(each.carry_out), each.event)
            for ins, each in instructions.items()
        }

    def memory(self, beneath: Memory | None = None) -> Memory:
        """Return a memory that counts the pages that are written; it keeps what `beneath` keeps."""

        def write(before: ChipState, after: ChipState) -> ChipState:
            self._writing += pages_written(before, after, self.profile.memory.page_octets)
            return after if beneath is None else beneath(before, after)

        return write

    def reset(self, card: Card) -> None:
        """Reset a card, and take the time until it waits for a command."""
        begun = self.clock.now()
        card.reset()
        self._take(begun, self.link.activation(), self.profile.overhead.start_ms / 1000)

    def process(self, card: Card, octets: bytes) -> bytes:
        """Have a card answer a command, and take the time of both."""
        begun = self.clock.now()
        self._doing, self._writing = [], 0
        response = card.process(octets)
        doing = [*self._doing, *station_messaging(octets, response)]
        working = self.profile.seconds(doing, self._writing, commands=1)
        exchange = self.link.exchange(octets, response, working)
        self.operations.update(doing)
        self.pages += self._writing
        self.blocks += exchange.blocks
        self.extensions += exchange.extensions
        self._take(begun, exchange.seconds, working)
        return response

    def _take(self, begun: float, link: float, chip: float) -> None:
        self.clock.wait_until(begun + link + chip)  # what is interrupted was not taken
        self.time = CardTime(self.time.link + link, self.time.chip + chip)


class _Timed(Layer):
    def __init__(self, card: Card, timing: Timing) -> None:
        super().__init__(card)
        self._timing = timing

    def reset(self) -> None:
        self._timing.reset(self.card)

    def process(self, octets: bytes) -> bytes:
        return self._timing.process(self.card, octets)
