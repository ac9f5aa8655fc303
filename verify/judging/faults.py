"""Why an inspection did not get what it asked for, as values; and the sentences made of them.

A fault is stored in evidence and decided on by its type and fields.  `describe` makes the sentence
that an officer reads; nothing reads that sentence back.
"""

from enum import StrEnum, unique
from typing import Annotated, Any, Final, Literal

import msgspec

from emrtd.status_words import meaning

StatusWord = Annotated[int, msgspec.Meta(ge=0, le=0xFFFF)]

PasswordName = Literal["mrz", "can", "pin", "puk"]
"""A kind of password, as it is named in evidence and in reports."""


class Data(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Has no repr of its content, which may be a person's."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}(...)"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return []


class Refused(Data, frozen=True, tag="refused"):
    """The chip answered with a status word that ended what was being done.

    Inside a session the answer was authenticated; `doing` says what was asked.
    """

    sw: StatusWord
    doing: str


class BareAnswer(Data, frozen=True, tag="bare-answer"):
    """The chip answered outside secure messaging, where nobody vouches for the status word."""

    sw: StatusWord


class SessionBroken(Data, frozen=True, tag="session-broken"):
    """Secure messaging failed, which ends the session; `reason` says what was wrong with it."""

    reason: str


class Malformed(Data, frozen=True, tag="malformed"):
    """What the chip gave is not what it claims to be: the fields of a `MalformedError`."""

    what: str
    reason: str
    offset: int | None = None


class Violated(Data, frozen=True, tag="violated"):
    """The chip broke a protocol, or failed to prove what it claims; `reason` says how."""

    reason: str


class Unsuitable(Data, frozen=True, tag="unsuitable"):
    """What this terminal was given does not suit the chip; `reason` says how."""

    reason: str


@unique
class Why(StrEnum):
    """Why the terminal itself went no further."""

    BAC_NOT_ALLOWED = "bac-not-allowed"
    PACE_OFFERED = "pace-offered"
    NO_MRZ = "no-mrz"
    NO_SESSION = "no-session"
    NOTHING_TO_BIND_TO = "nothing-to-bind-to"
    NO_TERMINAL_KEY = "no-terminal-key"
    TERMINAL_NOT_AUTHENTICATED = "terminal-not-authenticated"
    NO_RIGHT = "no-right"


class NotTried(Data, frozen=True, tag="not-tried"):
    """The terminal did not ask, or stopped asking.

    `holder` is the terminal's certificate where its rights are the reason.
    """

    why: Why
    holder: str = ""


class Exhausted(Data, frozen=True, tag="exhausted"):
    """The chip has used up the commands that one inspection may send."""

    commands: Annotated[int, msgspec.Meta(ge=0)]


Fault = (
    Refused | BareAnswer | SessionBroken | Malformed | Violated | Unsuitable | NotTried | Exhausted
)

_SENTENCES: Final = {
    Why.BAC_NOT_ALLOWED: "the policy does not allow Basic Access Control",
    Why.PACE_OFFERED: (
        "the chip offers PACE: the policy does not allow Basic Access Control instead"
    ),
    Why.NO_MRZ: "Basic Access Control takes the MRZ, and only a CAN was given",
    Why.NO_SESSION: "the chip has ended the session and does not open again",
    Why.NOTHING_TO_BIND_TO: (
        "without Chip Authentication there is nothing to bind Terminal Authentication to"
    ),
    Why.NO_TERMINAL_KEY: "only Terminal Authentication opens it, and no terminal's key was given",
    Why.TERMINAL_NOT_AUTHENTICATED: "Terminal Authentication did not succeed",
    Why.NO_RIGHT: "the certificates of {holder} give no right to it",
}


def describe(fault: Fault) -> str:
    """The sentence that says what a fault is."""
    said: str
    match fault:
        case Refused(sw, doing):
            said = f"{doing}: the chip answered {sw:04X} ({meaning(sw)})"
        case BareAnswer(sw):
            answered = f"{sw:04X} ({meaning(sw)}) in plain"
            said = f"secure messaging: the chip answered {answered} inside a session"
        case SessionBroken(reason):
            said = f"secure messaging: {reason}"
        case Malformed(what, reason, offset):
            where = "" if offset is None else f" at offset {offset}"
            said = f"{what}: {reason}{where}"
        case Violated(reason) | Unsuitable(reason):
            said = reason
        case NotTried(why, holder):
            said = _SENTENCES[why].format(holder=holder)
        case Exhausted(commands):
            said = f"the chip has not given its files in {commands} commands"
    return said
