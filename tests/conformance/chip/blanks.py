"""Blank cards in memory for the chip cases, with any table of instructions."""

from vsmartcard.card.connection import CardConnection
from vsmartcard.chip.commands import INSTRUCTIONS, Instructions
from vsmartcard.chip.dispatch import Chip
from vsmartcard.chip.state import ChipState


class MemoryBlanks:
    """Chips that are written with the usual table of instructions, and then have `instructions`."""

    def __init__(self) -> None:
        self.instructions: Instructions = INSTRUCTIONS
        self._chip = Chip()

    def blank(self) -> CardConnection:
        self._chip = Chip()
        return CardConnection(self._chip)

    def keep(self) -> bytes:
        return self._chip.state.encode()

    def restored(self, state: bytes) -> CardConnection:
        chip = Chip(ChipState.decode(state), instructions=self.instructions)
        return CardConnection(chip)
