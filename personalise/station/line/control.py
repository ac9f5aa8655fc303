"""How an operator steers a station: pause, resume, drain, stop; by signal or by key.

SIGUSR1, p   pause: finish the cards in the readers, and begin no other
SIGUSR2, r   resume
SIGTERM, SIGINT (Ctrl-C), d   drain: finish the cards in the readers, then end
a second SIGTERM or SIGINT, q   stop at once: cards in hand are finished by the next run
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import Enum, unique
from typing import Any, Final, Self

_POLL_SECONDS: Final = 0.1


@unique
class Order(Enum):
    """What an operator orders; the value is the key."""

    PAUSE = "p"
    RESUME = "r"
    DRAIN = "d"
    STOP = "q"


class Control:
    """The orders that hold; every method may be called from any thread or signal handler."""

    def __init__(self) -> None:
        self.paused = False
        self.draining = False
        self.stopping = False

    def give(self, order: Order) -> None:
        """Carry out an order."""
        match order:
            case Order.PAUSE:
                self.paused = True
            case Order.RESUME:
                self.paused = False
            case Order.DRAIN:
                self.draining = True
            case Order.STOP:
                self.draining = self.stopping = True

    @property
    def ending(self) -> str:
        """Why a worker begins no other card, in a few words; empty while it may."""
        if self.stopping:
            return "stopped"
        return "drained" if self.draining else ""

    def sleep(self, seconds: float) -> None:
        """Wait; less if the station stops."""
        waited = threading.Event()
        while seconds > 0 and not self.stopping:
            waited.wait(min(seconds, _POLL_SECONDS))
            seconds -= _POLL_SECONDS


@contextmanager
def obeying_signals(control: Control) -> Iterator[None]:
    """Give the orders that signals mean; the former handlers are restored at the end."""

    def end(_number: int, _frame: object) -> None:
        control.give(Order.STOP if control.draining else Order.DRAIN)

    handlers: dict[signal.Signals, Any] = {
        signal.SIGUSR1: lambda _number, _frame: control.give(Order.PAUSE),
        signal.SIGUSR2: lambda _number, _frame: control.give(Order.RESUME),
        signal.SIGTERM: end,
        signal.SIGINT: end,
    }
    former = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


class Keys:
    """The keys of a terminal, read one at a time; no keys where standard input is none."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._former: list[Any] | None = None

    def __enter__(self) -> Self:
        import termios
        import tty

        with suppress(termios.error, OSError, ValueError):
            if self._stream.isatty():
                self._former = termios.tcgetattr(self._stream)
                tty.setcbreak(self._stream)
        return self

    def __exit__(self, *exc_info: object) -> None:
        if self._former is not None:
            import termios

            with suppress(termios.error):
                termios.tcsetattr(self._stream, termios.TCSADRAIN, self._former)

    def order(self, seconds: float) -> Order | None:
        """Wait for a key for this long at most; return the order that it means."""
        if self._former is None:
            threading.Event().wait(seconds)
            return None
        import select

        if not select.select([self._stream], [], [], seconds)[0]:
            return None
        key = self._stream.read(1).lower()
        return Order(key) if key in {each.value for each in Order} else None
