"""The clocks that a timed card waits by: a virtual one for measurements, the real one for demos."""

import time
from collections.abc import Callable
from typing import Protocol


class Clock(Protocol):
    """A clock in seconds that one can wait by."""

    def now(self) -> float:
        """Return the present instant."""
        ...

    def wait_until(self, instant: float) -> None:
        """Wait until an instant; return at once if it is in the past."""
        ...


class VirtualClock:
    """A clock that stands still until somebody waits, and never sleeps."""

    def __init__(self) -> None:
        self._now = 0.0

    def now(self) -> float:
        """Return the seconds waited so far."""
        return self._now

    def wait_until(self, instant: float) -> None:
        """Set the clock to an instant in the future."""
        self._now = max(self._now, instant)


class RealClock:
    """The clock of the machine."""

    def __init__(
        self,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._monotonic = monotonic
        self._sleep = sleep

    def now(self) -> float:
        """Return the present instant."""
        return self._monotonic()

    def wait_until(self, instant: float) -> None:
        """Sleep until an instant."""
        left = instant - self._monotonic()
        if left > 0:
            self._sleep(left)
