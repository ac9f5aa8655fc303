"""What a check found: its outcome and its reason, as data for whoever gives the verdict.

Path validation, the inspection's checks and the import of trust lists all say it with `Check`.
"""

from collections.abc import Iterable
from enum import Enum, unique
from typing import NoReturn, Protocol

import msgspec


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


_BY_SEVERITY = (
    Outcome.PASSED,
    Outcome.NOT_PRESENT,
    Outcome.NOT_PERFORMED,
    Outcome.WARNING,
    Outcome.UNDETERMINED,
    Outcome.FAILED,
)


@unique
class Shows(Enum):
    """What a failed check is evidence of, where it is evidence of more than a defect."""

    FORGERY = "forgery"
    CLONING = "cloning"
    REVOCATION = "revocation"


class NamedQuirk(Protocol):
    """Something wrong that was read past: its stable name, and what it is in words."""

    @property
    def id(self) -> str:
        """The name under which a policy tolerates or refuses it."""
        ...

    @property
    def explanation(self) -> str:
        """What it is, in words."""
        ...


class Check(msgspec.Struct, frozen=True):
    """One check: its stable id, its outcome, one sentence why, and the clause that asks for it.

    `shows` is set only on a failed check (`ValueError` otherwise); `tolerated` holds the quirks
    that were read past.  No reason holds a person's data: it names the field, not its value.
    """

    id: str
    outcome: Outcome
    reason: str
    clause: str
    shows: Shows | None = None
    tolerated: tuple[NamedQuirk, ...] = ()

    def __post_init__(self) -> None:
        if self.shows is not None and self.outcome is not Outcome.FAILED:
            raise ValueError(f"{self.id}: only a failed check shows {self.shows.value}")

    @property
    def family(self) -> str:
        """The id under which a policy knows the check: dg.hash for dg.hash.DG1."""
        return "dg.hash" if self.id.startswith("dg.hash.") else self.id

    @property
    def severity(self) -> tuple[int, bool]:
        """How bad the check came out: the greater, the worse.

        A failure that is evidence of forgery, cloning or revocation is worse than one that is not.
        """
        return _BY_SEVERITY.index(self.outcome), self.shows is not None


def worst_of(checks: Iterable[Check]) -> Check:
    """The worst of some checks, the first of those that are equally bad."""
    return max(checks, key=lambda check: check.severity)


def all_tolerated(checks: Iterable[Check]) -> tuple[NamedQuirk, ...]:
    """Every quirk that some checks have read past, each once, in their order."""
    return tuple(dict.fromkeys(quirk for check in checks for quirk in check.tolerated))
