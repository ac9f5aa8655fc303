"""The watch over one reader: who waits for it, and since when.

A reader may never answer, and no wait inside pcsc-lite can be cancelled.  Each call to a reader is
therefore made in the thread of its worker, inside `Guard.calling`.  If a call takes too long, the
worker is abandoned: when the call returns after all, `AbandonedError` ends the thread, so that it
neither sends anything more nor enters anything.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from emrtd.errors import TransportError
from emrtd.transport.connection import Connection, Tray, WrappedConnection


class AbandonedError(Exception):
    """The worker of this thread was abandoned; never reported."""


class Guard:
    """Whether a worker's reader is being waited for, and whether the worker was abandoned."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._since: float | None = None
        self._abandoned = False

    @contextmanager
    def calling(self) -> Iterator[None]:
        """Make a call to the reader; raises `AbandonedError` if the worker is abandoned."""
        self._set(self._clock())
        try:
            yield
        finally:
            self._set(None)

    @contextmanager
    def releasing(self) -> Iterator[None]:
        """Make the last call to a card, also from the thread of an abandoned worker."""
        with self._lock:
            self._since = self._clock()
        try:
            yield
        finally:
            with self._lock:
                self._since = None

    def _set(self, since: float | None) -> None:
        with self._lock:
            if self._abandoned:
                raise AbandonedError
            self._since = since

    def check(self) -> None:
        """Raise `AbandonedError` if the worker is abandoned."""
        with self._lock:
            if self._abandoned:
                raise AbandonedError

    def abandon_after(self, seconds: float) -> bool:
        """Abandon the worker if a call to its reader takes longer than this; return whether."""
        with self._lock:
            late = self._since is not None and self._clock() - self._since > seconds
            self._abandoned = self._abandoned or late
            return late

    def abandon(self) -> None:
        """Abandon the worker, whatever it does."""
        with self._lock:
            self._abandoned = True


class GuardedConnection(WrappedConnection):
    """A connection whose calls are made inside a guard, and end when the station stops at once."""

    def __init__(
        self, connection: Connection, guard: Guard, is_stopping: Callable[[], bool]
    ) -> None:
        super().__init__(connection)
        self._guard = guard
        self._is_stopping = is_stopping
        self.apdus = 0

    def transmit(self, command: bytes) -> bytes:
        """Send a command, unless the station stops."""
        if self._is_stopping():
            raise TransportError(f"{self.reader}: the station was stopped")
        with self._guard.calling():
            response = self._connection.transmit(command)
        self.apdus += 1
        return response

    def reset(self) -> None:
        """Reset the card."""
        with self._guard.calling():
            self._connection.reset()

    def eject(self, tray: Tray) -> None:
        """Close the connection, and have a feeder put the card into a tray."""
        with self._guard.calling():
            self._connection.eject(tray)

    def close(self) -> None:
        """Close the connection, also of an abandoned worker: the card is free then."""
        with self._guard.releasing():
            self._connection.close()
