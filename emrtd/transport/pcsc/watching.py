"""Events of PC/SC readers and cards.

Each look compares the readers with those of the last look, by the count of insertions that
pcsc-lite keeps, so that nothing is missed between two waits.  SCardGetStatusChange waits in
between, in slices, because Python handles a signal (Ctrl-C) only when the call returns.
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
"""After a wait that ends sooner than this, a pause follows, so that the loop cannot spin."""


class PcscEvents:
    """Events of the one reader that a name means, or of every reader; satisfies `CardEvents`.

    After a restart of the daemon it continues with a new context.  `wait` raises
    `TransportError` if the name means more than one reader.
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
        """End every wait; a wait that begins at the same moment lasts at most one slice."""
        self._cancelled.set()
        context = self._context
        if context is not None:
            context.cancel()

    def close(self) -> None:
        """Release the context."""
        context, self._context = self._context, None
        if context is not None:
            context.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def _look(self) -> tuple[CardEvent, ...]:
        """Return the differences from the last look, events of the daemon first."""
        try:
            if self._context is None:
                self._context = Context()
            names = self._context.readers()
            self._readers = len(names)
            self._states = self._context.states(self._wanted(names))
        except PcscError as error:
            if fault_of(error.code) is TransportFault.READER_GONE:
                return ()  # it was unplugged between the two calls: the next look shows it
            return self._service_gone()
        after = {name: state.card for name, state in self._states.items()}
        before, self._known = self._known, after
        was_served, self._served = self._served, True
        back = (CardEvent(CardEventKind.SERVICE_BACK),) if was_served is False else ()
        return back + differences(before, after)

    def _wanted(self, names: list[str]) -> list[str]:
        """Return the watched readers among those that are plugged in."""
        if not self._name:
            return names
        return [select(self._name, names)] if matching(self._name, names) else []

    def _service_gone(self) -> tuple[CardEvent, ...]:
        self.close()
        self._known, self._states = {}, {}
        was_served, self._served = self._served, False
        return () if was_served is False else (CardEvent(CardEventKind.SERVICE_GONE),)

    def _pause(self, seconds: float) -> None:
        """Wait until something may have changed, for at most `seconds`."""
        begun = time.monotonic()
        if self._context is None:
            self._cancelled.wait(seconds)  # a daemon sends no event when it starts
            return
        with suppress(PcscError):  # the next look finds the cause
            milliseconds = max(1, int(seconds * 1000))
            self._context.wait(self._states, milliseconds, readers=self._readers)
        if time.monotonic() - begun < _AT_ONCE_SECONDS:
            self._cancelled.wait(_AT_ONCE_SECONDS)
