"""Faults: why a step of an inspection failed or a file was not read, as values.

A fault is stored in evidence; checks depend on its type and fields only.  `describe` returns the
sentence that an officer reads; no code parses that sentence.
"""

from enum import StrEnum, unique
from typing import Annotated, Any, Final, Literal

import msgspec

from emrtd.status_words import meaning
from support.reasons import Reason

StatusWord = Annotated[int, msgspec.Meta(ge=0, le=0xFFFF)]

PasswordName = Literal["mrz", "can", "pin", "puk"]
"""A kind of password, as it is named in evidence and in reports."""


class Data(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A struct whose repr omits its content, which may be personal data."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}(...)"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return []


class Refused(Data, frozen=True, tag="refused"):
    """The chip refused a command with a status word; `doing` names the step.

    Within a session the status word was authenticated by secure messaging.
    """

    sw: StatusWord
    doing: str


class BareAnswer(Data, frozen=True, tag="bare-answer"):
    """The chip answered without secure messaging, so the status word is not authenticated."""

    sw: StatusWord


class SessionBroken(Data, frozen=True, tag="session-broken"):
    """Secure messaging failed, which ends the session; `reason` says what was wrong."""

    reason: str


class Malformed(Data, frozen=True, tag="malformed"):
    """The chip returned malformed data: the fields of the `MalformedError`."""

    what: str
    reason: str
    offset: int | None = None


class Violated(Data, frozen=True, tag="violated"):
    """The chip broke a protocol, or failed to prove what it claims; `reason` says how."""

    reason: str


class Unsuitable(Data, frozen=True, tag="unsuitable"):
    """A password or certificate of this terminal does not suit the chip; `reason` says why."""

    reason: str


class TooLong(Data, frozen=True, tag="too-long"):
    """A step needs commands of extended length, and the chip or the reader has only short ones.

    `sw` is the status word of the refusal; `doing` names the step.
    """

    sw: StatusWord
    doing: str


@unique
class Why(StrEnum):
    """Why the terminal itself stopped."""

    TERMINAL_WANTED = "terminal-wanted"
    BAC_NOT_ALLOWED = "bac-not-allowed"
    PACE_OFFERED = "pace-offered"
    NO_MRZ = "no-mrz"
    NO_SESSION = "no-session"
    NOTHING_TO_BIND_TO = "nothing-to-bind-to"
    NO_TERMINAL_KEY = "no-terminal-key"
    TERMINAL_NOT_AUTHENTICATED = "terminal-not-authenticated"
    NO_RIGHT = "no-right"


class NotTried(Data, frozen=True, tag="not-tried"):
    """The terminal did not try a step.

    `holder` is the holder of the terminal's certificate if its rights are the reason, else empty.
    """

    why: Why
    holder: str = ""


class Exhausted(Data, frozen=True, tag="exhausted"):
    """The inspection has sent as many commands as one inspection may send."""

    commands: Annotated[int, msgspec.Meta(ge=0)]


Fault = (
    TooLong
    | Refused
    | BareAnswer
    | SessionBroken
    | Malformed
    | Violated
    | Unsuitable
    | NotTried
    | Exhausted
)

_SENTENCES: Final = {
    Why.TERMINAL_WANTED: (
        "the chip opens its eMRTD application only to a terminal with a certificate, and none was"
        " given (--terminal)"
    ),
    Why.BAC_NOT_ALLOWED: "the policy does not allow Basic Access Control",
    Why.PACE_OFFERED: ("the chip offers PACE, so the policy does not allow Basic Access Control"),
    Why.NO_MRZ: "Basic Access Control requires the MRZ, and only a CAN was given",
    Why.NO_SESSION: "the chip has ended the session and does not open again",
    Why.NOTHING_TO_BIND_TO: (
        "Terminal Authentication cannot be bound to a key of the chip, because Chip Authentication"
        " did not take place"
    ),
    Why.NO_TERMINAL_KEY: "it requires Terminal Authentication, and no terminal key was given",
    Why.TERMINAL_NOT_AUTHENTICATED: "Terminal Authentication did not succeed",
    Why.NO_RIGHT: "the certificates of {holder} do not allow this terminal to read it",
}


def describe(fault: Fault) -> str:
    """Return a sentence that explains a fault."""
    said: str
    match fault:
        case Refused(sw, doing):
            said = Reason(
                "{doing}: the chip answered {sw} ({meaning})",
                doing=doing,
                sw=f"{sw:04X}",
                meaning=meaning(sw),
            )
        case TooLong(sw, doing):
            said = Reason(
                "{doing} needs extended length, which the chip or the reader seems not to have:"
                " it answered {sw} ({meaning})",
                doing=doing,
                sw=f"{sw:04X}",
                meaning=meaning(sw),
            )
        case BareAnswer(sw):
            answered = Reason("{sw} ({meaning}) in plain", sw=f"{sw:04X}", meaning=meaning(sw))
            said = Reason(
                "secure messaging: the chip answered {answered} inside a session", answered=answered
            )
        case SessionBroken(reason):
            said = Reason("secure messaging: {reason}", reason=reason)
        case Malformed(what, reason, offset):
            where = "" if offset is None else Reason(" at offset {offset}", offset=offset)
            said = Reason("{what}: {reason}{where}", what=what, reason=reason, where=where)
        case Violated(reason) | Unsuitable(reason):
            said = reason
        case NotTried(why, holder):
            said = Reason(_SENTENCES[why], holder=holder) if holder else _SENTENCES[why]
        case Exhausted(commands):
            said = Reason(
                "the chip's files could not be read within {commands} commands", commands=commands
            )
    return said
