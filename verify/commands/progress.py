"""Show the steps of an inspection on a terminal, on standard error, as they happen."""

import shutil
import sys
from contextlib import AbstractContextManager, nullcontext
from types import TracebackType
from typing import Final, Self, TextIO

from support.printable_text import printable
from verify.inspection.events import (
    AuthenticationProtocol,
    Event,
    Listener,
    NotOpened,
    NotRead,
    Opened,
    Opening,
    Proved,
    Proving,
    Read,
    Reading,
    Reopened,
    SessionLost,
    StepFailed,
    ignore,
)
from verify.judging.evidence import AccessControl
from verify.judging.faults import describe

_PROTOCOLS: Final = {
    AuthenticationProtocol.ACTIVE_AUTHENTICATION: "Active Authentication",
    AuthenticationProtocol.CHIP_AUTHENTICATION: "Chip Authentication",
    AuthenticationProtocol.TERMINAL_AUTHENTICATION: "Terminal Authentication",
    AuthenticationProtocol.GENERAL_AUTHENTICATION: "Terminal and Chip Authentication, version 2",
}
_CONTROLS: Final = {
    AccessControl.NONE: "without a password",
    AccessControl.BAC: "by Basic Access Control",
    AccessControl.PACE: "by PACE",
}


def wording(event: Event) -> str:
    """Return an event as one line of text."""
    said: str
    match event:
        case Opening(control, password):
            with_what = "" if password is None else f" with the {password.upper()}"
            said = f"opening {_CONTROLS[control]}{with_what}"
        case StepFailed(failure):
            said = describe(failure.fault)
        case Opened(access):
            said = f"open {_CONTROLS[access.control]}"
        case NotOpened():
            said = "the chip did not open"
        case Reading() | Read():
            said = _reading(event)
        case NotRead(file, fault):
            said = f"{file} not read: {describe(fault)}"
        case Proving(protocol):
            said = _PROTOCOLS[protocol]
        case Proved(protocol, fault):
            outcome = "done" if fault is None else describe(fault)
            said = f"{_PROTOCOLS[protocol]}: {outcome}"
        case SessionLost(reopening):
            how = "opening it again" if reopening else "it does not open again"
            said = f"the chip ended the session; {how}"
        case Reopened():
            said = "open again"
    return printable(said)


def _reading(event: Reading | Read) -> str:
    if isinstance(event, Read):
        return f"{event.file} read, {event.octets:,} octets"
    of = "" if event.of is None else f" of {event.of:,}"
    return f"{event.file}: {event.done:,}{of} octets"


_BEGINNINGS: Final = (Opening, Reading, Proving)
"""The events whose line is overwritten by the result that follows."""


class Progress:
    """Writes events to a terminal, one line for each step; the result overwrites its beginning.

    An error in writing to the terminal ends the output, not the inspection.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream: TextIO | None = stream
        self._unfinished = 0

    def __call__(self, event: Event) -> None:
        """Show one event."""
        width = shutil.get_terminal_size().columns - 1
        begins = isinstance(event, _BEGINNINGS)
        text = wording(event)[:width] if begins else wording(event)
        self._write("\r" + text.ljust(self._unfinished) + ("" if begins else "\n"))
        self._unfinished = len(text) if begins else 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End an unfinished line."""
        if self._unfinished:
            self._write("\n")

    def _write(self, text: str) -> None:
        if self._stream is None:
            return
        try:
            self._stream.write(text)
            self._stream.flush()
        except (OSError, ValueError):  # gone, or closed
            self._stream = None


def progress(*, as_json: bool) -> AbstractContextManager[Listener]:
    """Return a listener that shows the steps, if standard error is a terminal and not `as_json`."""
    is_watched = not as_json and sys.stderr is not None and sys.stderr.isatty()
    return Progress(sys.stderr) if is_watched else nullcontext(ignore)
