"""Faults as text, and a card with these faults.

    SPEC  = NAME [":" WHEN] *("," VALUE)

NAME is one of `FAULTS`; WHEN is described in `vsmartcard.card.faults.when`, and means every command
if it is absent.  Examples: `tear-after:12`, `flip:0.01`, `short:insB0/3,10`, `slow:5-,0.2`.
"""

import secrets
import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from random import Random
from typing import Final

from emrtd.iso7816 import procedure
from support.errors import MisuseError
from vsmartcard.card.faults.chip import all_memories
from vsmartcard.card.faults.kinds import FAULTS, Effect, FaultKind, Setting
from vsmartcard.card.faults.layers import Sleep
from vsmartcard.card.faults.when import When
from vsmartcard.card.interface import Card
from vsmartcard.chip.commands import Instructions
from vsmartcard.chip.dispatch import Chip, Memory, instructions_of
from vsmartcard.chip.state import ChipState

SEED: Final = "0"
"""The default seed."""


@dataclass(frozen=True, slots=True)
class Faults:
    """Faults in the order in which they are applied: the first is nearest to the chip."""

    effects: tuple[Effect, ...] = ()

    @property
    def random(self) -> procedure.Random:
        """The chip's source of random octets."""
        return next(
            (each.random for each in self.effects if each.random is not None), secrets.token_bytes
        )

    @property
    def memory(self) -> Memory | None:
        """The chip's memory; None if it keeps everything."""
        return all_memories([each.memory for each in self.effects if each.memory is not None])

    def change(self, instructions: Instructions) -> Instructions:
        """Return the chip's table of commands, from the table without faults."""
        for each in self.effects:
            if each.instructions is not None:
                instructions = each.instructions(instructions)
        return instructions

    def over(self, card: Card) -> Card:
        """Return the card under the layers of these faults."""
        layers = (each.layer for each in self.effects if each.layer is not None)
        return reduce(lambda beneath, layer: layer(beneath), layers, card)

    def card(self, state: ChipState) -> Card:
        """Return a card with these faults, whose state is not saved."""
        chip = Chip(
            state,
            random=self.random,
            instructions=self.change(instructions_of(state)),
            memory=self.memory,
        )
        return self.over(chip)


def read_faults(specs: Iterable[str], seed: str = SEED, sleep: Sleep = time.sleep) -> Faults:
    """Read the text of some faults; raises `MisuseError`.

    The same seed, specs and commands give the same faults; another fault before or after one does
    not change it.  Each card needs its own: a fault counts the commands of one card.
    """
    seen: dict[str, int] = {}
    effects = []
    for spec in specs:
        seen[spec] = seen.get(spec, 0) + 1
        lots = Random(f"{seed} {spec} {seen[spec]}")  # noqa: S311 - of a test, not secret
        effects.append(_effect(spec, lots, sleep))
    return Faults(tuple(effects))


def _effect(spec: str, lots: Random, sleep: Sleep) -> Effect:
    head, *values = spec.split(",")
    name, colon, position = head.partition(":")
    when = position if colon else None
    kind = FAULTS.get(name)
    if kind is None:
        raise MisuseError(
            f"fault {spec!r}: no fault is called {name!r}",
            advice=f"choose from {', '.join(FAULTS)}",
        )
    try:
        condition = _when(name, kind, when).condition(lots)
        return kind.make(Setting(condition, _values(name, kind, values), lots, sleep))
    except MisuseError as error:
        raise MisuseError(f"fault {spec!r}: {error.message}", advice=error.advice) from None


def _when(name: str, kind: FaultKind, text: str | None) -> When:
    if text is None:
        return When()
    if not kind.counts:
        raise MisuseError(f"{name} concerns every session", advice=f"write {name} alone")
    when = When.decode(text)
    if when.ins is not None and kind.counts == "writes":
        raise MisuseError(f"{name} counts writes of the memory, not commands")
    return when


def _values(name: str, kind: FaultKind, values: list[str]) -> list[str]:
    if len(values) > len(kind.values):
        expected = f"at most {len(kind.values)} value" if kind.values else "no value"
        raise MisuseError(f"{name} takes {expected}, not {len(values)}")
    return values
