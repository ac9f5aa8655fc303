"""Show the steps of an inspection on a terminal, on standard error, as they happen."""

import shutil
import sys
from contextlib import AbstractContextManager, nullcontext
from types import TracebackType
from typing import Self, TextIO

from verify.inspection.events import Event, Listener, ignore
from verify.inspection.steps import BEGINNINGS, step_text


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
        begins = isinstance(event, BEGINNINGS)
        text = step_text(event)[:width] if begins else step_text(event)
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
