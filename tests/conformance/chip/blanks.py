"""Blank cards in memory for the chip cases, with any table of instructions."""

import secrets

from conformance.chip.cards import PersonalisedCards
from vsmartcard.card.connection import CardConnection
from vsmartcard.chip.commands import INSTRUCTIONS, Instructions
from vsmartcard.chip.dispatch import Chip
from vsmartcard.chip.state import ChipState


class MemoryBlanks:
    """Chips of one table of instructions, which are written with the standard's table."""

    def __init__(self, instructions: Instructions = INSTRUCTIONS) -> None:
        self._instructions = instructions
        self._chip = Chip()

    def blank(self) -> CardConnection:
        self._chip = Chip()
        return CardConnection(self._chip)

    def keep(self) -> bytes:
        return self._chip.state.encode()

    def restored(self, state: bytes) -> CardConnection:
        chip = Chip(ChipState.decode(state), instructions=self._instructions)
        return CardConnection(chip)


def our_cards(instructions: Instructions = INSTRUCTIONS) -> PersonalisedCards:
    return PersonalisedCards(MemoryBlanks(instructions), secrets.token_bytes)
