"""The events of an inspection, which it reports to a listener as they happen.

A listener is a function of one event.  The procedure yields the same commands with and without it.
A listener that raises ends the inspection with `ListenerError`, without evidence and so without a
verdict: its error must not be mistaken for a fault of the chip.
"""

from collections.abc import Callable
from enum import StrEnum, unique

import msgspec

from emrtd.lds.files import FileID
from verify.judging.evidence import Access, AccessControl, Failure
from verify.judging.faults import Fault, PasswordName


@unique
class AuthenticationProtocol(StrEnum):
    """A protocol by which the chip or the terminal authenticates itself, once the chip is open."""

    ACTIVE_AUTHENTICATION = "active-authentication"
    CHIP_AUTHENTICATION = "chip-authentication"
    TERMINAL_AUTHENTICATION = "terminal-authentication"
    GENERAL_AUTHENTICATION = "general-authentication"
    """Terminal and Chip Authentication of version 2, in the session of PACE."""


class Opening(msgspec.Struct, frozen=True):
    """An attempt to open the chip begins; `password` is None if it uses no password."""

    control: AccessControl
    password: PasswordName | None = None


class StepFailed(msgspec.Struct, frozen=True):
    """A step of opening failed; the evidence contains the same `failure`."""

    failure: Failure


class Opened(msgspec.Struct, frozen=True):
    """The eMRTD application can be read."""

    access: Access


class NotOpened(msgspec.Struct, frozen=True):
    """The chip did not open, so no more files are read."""


class Reading(msgspec.Struct, frozen=True):
    """Octets of a file have arrived: `done` so far, of `of` in total; None if not known yet."""

    file: FileID
    done: int
    of: int | None


class Read(msgspec.Struct, frozen=True):
    """A file was read completely; `octets` is its size."""

    file: FileID
    octets: int


class NotRead(msgspec.Struct, frozen=True):
    """An expected file was not read; the evidence contains the same `fault`."""

    file: FileID
    fault: Fault


class Proving(msgspec.Struct, frozen=True):
    """An authentication protocol begins."""

    protocol: AuthenticationProtocol


class Proved(msgspec.Struct, frozen=True):
    """An authentication protocol has ended; the judgement verifies its result.

    `fault` is why it failed, None if it ran to its end.
    """

    protocol: AuthenticationProtocol
    fault: Fault | None = None


class SessionLost(msgspec.Struct, frozen=True):
    """The chip has ended the session; if `reopening`, the inspection tries to open it again."""

    reopening: bool


class Reopened(msgspec.Struct, frozen=True):
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
    """A listener raised an exception, which is the cause of this one.

    It is not a `ChipsealError`, so that no procedure treats it as a fault of the chip.
    """


def ignore(_: Event) -> None:
    """Ignore an event: the listener of an inspection without one."""


def guarded(listener: Listener) -> Listener:
    """Return the same listener, which raises `ListenerError` for every exception."""

    def tell(event: Event) -> None:
        try:
            listener(event)
        except Exception as error:
            raise ListenerError(f"a listener failed at {type(event).__name__}") from error

    return tell
