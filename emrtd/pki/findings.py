"""The result of a check, as data: its outcome and its reason.

Path validation, the checks of an inspection and the import of trust lists all return `Check`.
"""

from collections.abc import Iterable
from enum import Enum, unique
from typing import NoReturn, Protocol

import msgspec


@unique
class Outcome(Enum):
    """The outcome of a check (TR-03135-1, 3.5.2).

    It has no truth value, so that no outcome other than PASSED is taken for true by mistake.
    """

    PASSED = "passed"
    FAILED = "failed"
    WARNING = "warning"
    UNDETERMINED = "undetermined"
    """Information that the check requires is missing or not proven."""
    NOT_PERFORMED = "not-performed"
    """The document may support the check, but it was not run."""
    NOT_PRESENT = "not-present"
    """The document (or its image) does not contain what the check examines."""

    def __bool__(self) -> NoReturn:
        raise TypeError("an Outcome has no truth value; compare it with a member")


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
    """What a failed check is evidence of, if of more than a defect."""

    FORGERY = "forgery"
    CLONING = "cloning"
    REVOCATION = "revocation"


class NamedQuirk(Protocol):
    """An error of an issuer that was read past, with a stable name and an explanation."""

    @property
    def id(self) -> str:
        """The name by which a policy tolerates or refuses the quirk."""
        ...

    @property
    def explanation(self) -> str:
        """The quirk in words."""
        ...


class Check(msgspec.Struct, frozen=True):
    """The result of one check: a stable id, outcome, reason, and the clause that requires it.

    `shows` is set only on a failed check (`ValueError` otherwise); `tolerated` holds the quirks
    that were read past.  A reason contains no personal data: it names a field, not its value.
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
        """The id that a policy uses for the check: dg.hash for dg.hash.DG1."""
        return "dg.hash" if self.id.startswith("dg.hash.") else self.id

    @property
    def severity(self) -> tuple[int, bool]:
        """How bad the outcome is: the greater, the worse.

        A failure that is evidence of forgery, cloning or revocation is worse than another failure.
        """
        return _BY_SEVERITY.index(self.outcome), self.shows is not None


def worst_of(checks: Iterable[Check]) -> Check:
    """Return the worst of some checks; of equally bad ones, the first."""
    return max(checks, key=lambda check: check.severity)


def all_tolerated(checks: Iterable[Check]) -> tuple[NamedQuirk, ...]:
    """Return the quirks of some checks, each once, in order."""
    return tuple(dict.fromkeys(quirk for check in checks for quirk in check.tolerated))
