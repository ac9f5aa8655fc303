"""Why a chip did not open, as the officer needs to know it: misread, blocked, or another cause."""

from dataclasses import dataclass
from enum import StrEnum, unique
from typing import Final

from emrtd.status_words import SW
from verify.judging.evidence import Evidence, Failure, Step
from verify.judging.faults import NotTried, PasswordName, Refused, Why


@unique
class OpeningCause(StrEnum):
    """Why a chip did not open."""

    WRONG_PASSWORD = "wrong-password"  # noqa: S105 - not a password
    """The chip refused the password: most likely it was misread."""
    BLOCKED = "blocked"
    """The password has no tries left."""
    WANTS_MRZ = "wants-mrz"
    """The chip opens with the MRZ only, and a CAN was given."""
    WANTS_TERMINAL = "wants-terminal"
    """The chip opens only to a terminal with a certificate."""
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class OpeningProblem:
    """The cause, the kind of the password that was tried, and how many tries are left.

    `tries_left` is None if the chip does not say, as is usual: the MRZ and the CAN of a document
    have no limit of tries (Doc 9303-11, 4.4.4.4; 63CX comes from a password that has).
    """

    cause: OpeningCause
    password: PasswordName | None = None
    tries_left: int | None = None


_REFUSED_BY_BAC: Final = frozenset(
    {
        SW.AUTHENTICATION_FAILED,
        SW.SECURITY_STATUS_NOT_SATISFIED,
        SW.CONDITIONS_NOT_SATISFIED,
        SW.INCORRECT_DATA,
    }
)
"""How chips answer a wrong key of Basic Access Control; Doc 9303-11, 4.3 names no status word."""

_NOT_TRIED: Final = {
    Why.TERMINAL_WANTED: OpeningCause.WANTS_TERMINAL,
    Why.NO_MRZ: OpeningCause.WANTS_MRZ,
}


def opening_problem(evidence: Evidence) -> OpeningProblem | None:
    """Return why the chip did not open; None if it did, or if there was no chip."""
    session = evidence.session
    if session is None or session.access is not None:
        return None
    found = [problem for each in session.failures if (problem := _problem_of(each)) is not None]
    return min(found, key=lambda each: _WEIGHT.index(each.cause), default=_OTHER)


_OTHER: Final = OpeningProblem(OpeningCause.OTHER)
_WEIGHT: Final = (
    OpeningCause.BLOCKED,
    OpeningCause.WRONG_PASSWORD,
    OpeningCause.WANTS_TERMINAL,
    OpeningCause.OTHER,
    OpeningCause.WANTS_MRZ,
)
"""The causes, the most important first: a chip whose PACE is broken does not want the MRZ."""


def _problem_of(failure: Failure) -> OpeningProblem | None:
    match failure.fault:
        case NotTried(why) if why in _NOT_TRIED:
            return OpeningProblem(_NOT_TRIED[why], failure.password)
        case Refused(sw) if sw in {0x63C0, SW.AUTHENTICATION_METHOD_BLOCKED}:
            return OpeningProblem(OpeningCause.BLOCKED, failure.password, 0)
        case Refused(sw) if 0x63C1 <= sw <= 0x63CF:
            return OpeningProblem(OpeningCause.WRONG_PASSWORD, failure.password, sw & 0xF)
        case Refused(sw) if sw == SW.AUTHENTICATION_FAILED:
            return OpeningProblem(OpeningCause.WRONG_PASSWORD, failure.password)
        case Refused(sw) if failure.step is Step.BAC and sw in _REFUSED_BY_BAC:
            return OpeningProblem(OpeningCause.WRONG_PASSWORD, failure.password)
        case _:
            return _OTHER if failure.step is Step.PACE else None
