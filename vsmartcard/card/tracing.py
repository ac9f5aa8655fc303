"""A layer that prints each command, its answer, and what the chip found inside secure messaging."""

import time
from collections.abc import Callable

from emrtd.errors import ChipRefusalError, TransportError
from emrtd.iso7816.apdu import CommandAPDU, ResponseAPDU
from emrtd.status_words import meaning
from emrtd.transport.apdu_names import Namer
from emrtd.transport.trace import describe, name_of
from vsmartcard.card.conditions import protected
from vsmartcard.card.interface import Card
from vsmartcard.card.layers import Layer, command_of
from vsmartcard.chip.commands import CarryOut, Instruction, Instructions
from vsmartcard.chip.session import Core


class Trace:
    """Traces one chip: `over` makes the layer, `change` the chip's table of commands.

    `write` gets one line at a time, without any data of a command or a response.
    """

    def __init__(
        self, write: Callable[[str], None], clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self._write = write
        self._clock = clock
        self._outside, self._inside = Namer(), Namer()
        self._carried_out = ""

    def over(self, card: Card) -> Card:
        """Return the card under a layer that writes what passes."""
        return _Traced(card, self)

    def change(self, instructions: Instructions) -> Instructions:
        """Return a table that notes the plain commands."""

        def noting(carry_out: CarryOut) -> CarryOut:
            def note(core: Core, command: CommandAPDU) -> ResponseAPDU:
                name = self._inside.name(command)
                try:
                    response = carry_out(core, command)
                except ChipRefusalError as refusal:
                    self._carried_out = f"{name}: {refusal.sw:04X}, {meaning(refusal.sw)}"
                    raise
                self._carried_out = f"{name}: {response.sw:04X}, {len(response.data)} octets"
                return response

            return note

        return {
            ins: Instruction(noting(each.carry_out), each.event)
            for ins, each in instructions.items()
        }

    def reset(self) -> None:
        """Write that the card was reset."""
        self._outside.reset()
        self._inside.reset()
        self._write("reset")

    def process(self, card: Card, octets: bytes) -> bytes:
        """Have a card answer a command, and write a line about it."""
        self._carried_out = ""
        began = self._clock()
        try:
            response = card.process(octets)
        except TransportError as error:
            self._write(
                f"{octets[:4].hex(' ').upper():11}  {name_of(octets, self._outside)}: {error}"
            )
            raise
        line = describe(octets, response, self._clock() - began, self._outside)
        if protected(command_of(octets)):
            line += f"  [{self._carried_out or 'not accepted by the session'}]"
        self._write(line)
        return response


class _Traced(Layer):
    def __init__(self, card: Card, trace: Trace) -> None:
        super().__init__(card)
        self._trace = trace

    def reset(self) -> None:
        self._trace.reset()
        super().reset()

    def process(self, octets: bytes) -> bytes:
        return self._trace.process(self.card, octets)
