"""The part of a fault's text that says at which commands it happens.

    WHEN      = POSITION | "ins" HH ["/" POSITION]
    POSITION  = N | N "-" | N "-" M | probability

`12` is the twelfth command, `12-` that one and every one after it, `12-20` includes both ends, and
`0.01` is each command with this probability.  `insB0` is every READ BINARY, `insB0/3` the third.
Commands are counted from 1 and from the insertion, across resets.
"""

import re
from dataclasses import dataclass
from random import Random
from typing import Final

from emrtd.iso7816.apdu import CommandAPDU
from support.errors import MisuseError
from vsmartcard.card.conditions import Condition

FORM: Final = "N, N-, N-M, a probability such as 0.01, or insXX with any of these after a slash"

_WHEN: Final = re.compile(r"(?:ins(?P<ins>[0-9A-Fa-f]{2}))?(?P<slash>/)?(?P<position>[0-9.-]*)")
_RANGE: Final = re.compile(r"(?P<first>[0-9]{1,9})(?:(?P<dash>-)(?P<last>[0-9]{1,9})?)?")
_PROBABILITY: Final = re.compile(r"0\.[0-9]{1,12}|1\.0")


@dataclass(frozen=True, slots=True)
class When:
    """The commands at which a fault happens.

    `ins` is the instruction octet that they must have, None for any.  Of these, it happens at the
    positions `first` to `last` (None: without end), counted from 1, each with `probability`.
    """

    ins: int | None = None
    first: int = 1
    last: int | None = None
    probability: float = 1.0

    @classmethod
    def decode(cls, text: str) -> "When":
        """Decode the text of a WHEN; raises `MisuseError`."""
        match = _WHEN.fullmatch(text)
        if match is None or bool(match["slash"]) != bool(match["ins"] and match["position"]):
            raise _mistake(text)
        ins = None if match["ins"] is None else int(match["ins"], 16)
        position = match["position"]
        if not position:
            return cls(ins)
        if _PROBABILITY.fullmatch(position):
            return cls(ins, probability=float(position))
        found = _RANGE.fullmatch(position)
        if found is None:
            raise _mistake(text)
        first = int(found["first"])
        if found["dash"] is None:
            last: int | None = first
        else:
            last = None if found["last"] is None else int(found["last"])
        if first < 1 or (last is not None and last < first):
            raise _mistake(text)
        return cls(ins, first, last)

    def condition(self, lots: Random) -> Condition:
        """Return the condition on commands; `lots` decides where there is a probability."""
        count = 0

        def happens(command: CommandAPDU) -> bool:
            nonlocal count
            # Secure messaging does not hide the instruction octet.
            if self.ins is not None and command.ins != self.ins:
                return False
            count += 1
            if count < self.first or (self.last is not None and count > self.last):
                return False
            return self.probability >= 1 or lots.random() < self.probability

        return happens


def _mistake(text: str) -> MisuseError:
    return MisuseError(f"{text!r} does not say when a fault happens", advice=f"write {FORM}")
