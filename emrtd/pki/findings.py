"""What a validation found: outcomes with their reasons, as data for whoever gives the verdict."""

from enum import Enum, unique
from typing import NoReturn

import msgspec

from emrtd.pki.tolerances import Tolerance


@unique
class Outcome(Enum):
    """How a check came out (TR-03135-1, 3.5.2).

    It has no truth value, so that nothing which merely is not False can count as passed.
    """

    PASSED = "passed"
    FAILED = "failed"
    WARNING = "warning"
    UNDETERMINED = "undetermined"
    """Information that the check needs is missing, or proves nothing by itself."""
    NOT_PERFORMED = "not-performed"
    """The document may offer it, but it was not run."""
    NOT_PRESENT = "not-present"
    """The document (or the image of it) does not have what the check is about."""

    def __bool__(self) -> NoReturn:
        raise TypeError("an Outcome has no truth value: compare it with one")


@unique
class Shows(Enum):
    """What a failed check is evidence of, where it is evidence of more than a defect."""

    FORGERY = "forgery"
    CLONING = "cloning"
    REVOCATION = "revocation"


class Finding(msgspec.Struct, frozen=True):
    """One check: its stable id, its outcome, one sentence why, and the clause that asks for it.

    `shows` is set only where the outcome is FAILED; `tolerated` names what was read past.
    """

    id: str
    outcome: Outcome
    reason: str
    clause: str
    shows: Shows | None = None
    tolerated: frozenset[Tolerance] = frozenset()
