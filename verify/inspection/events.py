"""What an inspection is doing, told to a listener as data while it happens.

A listener is a function of one event.  It changes nothing: the procedure yields the same commands
with and without it.  A listener that raises ends the inspection with `ListenerError`: there is no
evidence, and so no verdict; what it raised is never taken for something that the chip did.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum, unique

from emrtd.lds.files import FileID
from verify.judging.evidence import Access, AccessControl, Failure
from verify.judging.faults import Fault, PasswordName


@unique
class AuthenticationProtocol(StrEnum):
    """A protocol by which one side proves what it is, once the chip is open."""

    ACTIVE_AUTHENTICATION = "active-authentication"
    CHIP_AUTHENTICATION = "chip-authentication"
    TERMINAL_AUTHENTICATION = "terminal-authentication"
    GENERAL_AUTHENTICATION = "general-authentication"
    """Terminal and Chip Authentication of version 2, in the session of PACE."""


@dataclass(frozen=True, slots=True)
class Opening:
    """An attempt to open the chip begins; `password` is None where the chip is asked for none."""

    control: AccessControl
    password: PasswordName | None = None


@dataclass(frozen=True, slots=True)
class StepFailed:
    """A step of opening did not succeed; it is in the evidence as it is here."""

    failure: Failure


@dataclass(frozen=True, slots=True)
class Opened:
    """The eMRTD application can be read."""

    access: Access


@dataclass(frozen=True, slots=True)
class NotOpened:
    """The chip did not open: there is nothing more to be read."""


@dataclass(frozen=True, slots=True)
class Reading:
    """Octets of a file have come: `done` so far, `of` in all where the file declares that."""

    file: FileID
    done: int
    of: int | None


@dataclass(frozen=True, slots=True)
class Read:
    """A file is read whole."""

    file: FileID
    octets: int


@dataclass(frozen=True, slots=True)
class NotRead:
    """A file that should be there was not read; why is in the evidence as it is here."""

    file: FileID
    fault: Fault


@dataclass(frozen=True, slots=True)
class Proving:
    """A protocol of authentication begins."""

    protocol: AuthenticationProtocol


@dataclass(frozen=True, slots=True)
class Proved:
    """A protocol has run to its end; what that is worth is for the judgement to say.

    `fault` is why it did not, None where it did.
    """

    protocol: AuthenticationProtocol
    fault: Fault | None = None


@dataclass(frozen=True, slots=True)
class SessionLost:
    """The chip has ended the session; it is opened anew if `reopening`, and given up otherwise."""

    reopening: bool


@dataclass(frozen=True, slots=True)
class Reopened:
    """The chip is open again."""


Event = (
    Opening
    | StepFailed
    | Opened
    | NotOpened
    | Reading
    | Read
    | NotRead
    | Proving
    | Proved
    | SessionLost
    | Reopened
)

Listener = Callable[[Event], None]


class ListenerError(Exception):
    """A listener raised; its own error is the cause.

    It is no `ChipsealError`, since no procedure may take it for a fault of the chip.
    """


def nobody(_: Event) -> None:
    """The listener of an inspection that nobody watches."""


def guarded(listener: Listener) -> Listener:
    """The same listener; what it raises is a `ListenerError`."""

    def tell(event: Event) -> None:
        try:
            listener(event)
        except Exception as error:
            raise ListenerError(f"a listener failed at {type(event).__name__}") from error

    return tell
