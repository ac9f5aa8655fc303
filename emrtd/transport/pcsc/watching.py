"""Events of PC/SC readers and cards.

Each look compares what there is with what was there, by the count of insertions that pcsc-lite
keeps, so that nothing is missed between two waits.  In between, SCardGetStatusChange waits: in
slices, because a signal (Ctrl-C) is handled only when it returns.
"""

import threading
import time
from contextlib import suppress
from typing import Final, Self

from emrtd.errors import TransportFault
from emrtd.transport.events import CardEvent, CardEventKind, Look, differences
from emrtd.transport.pcsc.faults import fault_of
from emrtd.transport.pcsc.library import Context, PcscError, ReaderState
from emrtd.transport.pcsc.readers import matching, select

_SLICE_SECONDS: Final = 0.5
_AT_ONCE_SECONDS: Final = 0.02
"""A wait shorter than this that brings nothing is followed by a pause, and so never by a spin."""


class PcscEvents:
    """Events of the one reader that a name means, or of every reader; satisfies `CardEvents`.

    After a restart of the daemon it goes on with a context of its own.  A wait raises
    `TransportError` where the name means more than one reader.
    """

    def __init__(self, name: str = "") -> None:
        self._name = name
        self._context: Context | None = None
        self._served: bool | None = None
        self._known: Look = {}
        self._states: dict[str, ReaderState] = {}
        self._readers = 0
        self._cancelled = threading.Event()

    def wait(self, timeout: float | None = None) -> tuple[CardEvent, ...]:
        """Wait for events; see `CardEvents`."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while not self._cancelled.is_set():
            if events := self._look():
                return events
            left = _SLICE_SECONDS if deadline is None else deadline - time.monotonic()
            if left <= 0:
                break
            self._pause(min(left, _SLICE_SECONDS))
        return ()

    def cancel(self) -> None:
        """End every wait; one that begins at this very moment lasts a slice at most."""
        self._cancelled.set()
        context = self._context
        if context is not None:
            context.cancel()

    def close(self) -> None:
        """Let go of the daemon."""
        context, self._context = self._context, None
        if context is not None:
            context.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def _look(self) -> tuple[CardEvent, ...]:
        """What is different from the last look, with the daemon's own coming and going first."""
        try:
            if self._context is None:
                self._context = Context()
            names = self._context.readers()
            self._readers = len(names)
            self._states = self._context.states(self._wanted(names))
        except PcscError as error:
            if fault_of(error.code) is TransportFault.READER_GONE:
                return ()  # it went between the two questions: the next look shows it
            return self._service_gone()
        after = {name: state.card for name, state in self._states.items()}
        before, self._known = self._known, after
        was_served, self._served = self._served, True
        back = (CardEvent(CardEventKind.SERVICE_BACK),) if was_served is False else ()
        return back + differences(before, after)

    def _wanted(self, names: list[str]) -> list[str]:
        """The readers that are watched; one that is to be plugged in yet is in no list."""
        if not self._name:
            return names
        return [select(self._name, names)] if matching(self._name, names) else []

    def _service_gone(self) -> tuple[CardEvent, ...]:
        self.close()
        self._known, self._states = {}, {}
        was_served, self._served = self._served, False
        return () if was_served is False else (CardEvent(CardEventKind.SERVICE_GONE),)

    def _pause(self, seconds: float) -> None:
        """Wait until something may have changed, for a time at most."""
        begun = time.monotonic()
        if self._context is None:
            self._cancelled.wait(seconds)  # a daemon that starts tells nobody
            return
        with suppress(PcscError):  # the next look tells why
            milliseconds = max(1, int(seconds * 1000))
            self._context.wait(self._states, milliseconds, readers=self._readers)
        if time.monotonic() - begun < _AT_ONCE_SECONDS:
            self._cancelled.wait(_AT_ONCE_SECONDS)
