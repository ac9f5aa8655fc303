"""Faults of the chip itself: of its random numbers, its counter and its memory."""

import hashlib
from typing import Final

from emrtd.iso7816.apdu import CommandAPDU, ResponseAPDU
from vsmartcard.card.conditions import Condition
from vsmartcard.card.interface import Card
from vsmartcard.card.layers import Layer
from vsmartcard.chip.commands import CarryOut, Instruction, Instructions
from vsmartcard.chip.dispatch import Memory
from vsmartcard.chip.session import Core
from vsmartcard.chip.state import ChipState

A_WRITE: Final = CommandAPDU(0x00, 0x00)
"""What a condition on writes is called with: it can only count them."""


class RepeatingRandom:
    """Random octets that begin again when `restart` is called."""

    def __init__(self, seed: str) -> None:
        self._seed = seed
        self._drawn = 0

    def restart(self) -> None:
        """Draw the same octets again."""
        self._drawn = 0

    def __call__(self, size: int) -> bytes:
        """Draw this many octets."""
        self._drawn += 1
        return hashlib.shake_256(f"{self._drawn} {self._seed}".encode()).digest(size)


class Restarting(Layer):
    """Restarts the random numbers of the chip beneath whenever it is reset."""

    def __init__(self, card: Card, random: RepeatingRandom) -> None:
        super().__init__(card)
        self._random = random

    def reset(self) -> None:
        """Reset the chip."""
        self._random.restart()
        super().reset()


def with_counter_jumps(instructions: Instructions, when: Condition, steps: int) -> Instructions:
    """Return a table whose commands move the send sequence counter before the response.

    `when` is called with plain commands.
    """

    def change(carry_out: CarryOut) -> CarryOut:
        def jump(core: Core, command: CommandAPDU) -> ResponseAPDU:
            concerned = when(command)
            response = carry_out(core, command)
            if concerned and core.session.secure_messaging is not None:
                core.session.secure_messaging.ssc += steps
            return response

        return jump

    return {
        ins: Instruction(change(each.carry_out), each.event) for ins, each in instructions.items()
    }


def forgetting(when: Condition) -> Memory:
    """Return a memory that loses some writes, although the chip has confirmed them.

    `when` is called once a write.
    """
    return lambda before, after: before if when(A_WRITE) else after


def all_memories(memories: list[Memory]) -> Memory | None:
    """Return a memory with the faults of all of these; None for none."""
    if not memories:
        return None

    def memory(before: ChipState, after: ChipState) -> ChipState:
        for each in memories:
            after = each(before, after)
        return after

    return memory
