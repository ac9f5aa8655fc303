"""The running desk: its state, the threads that wait for cards and read them, and its watchers.

The state belongs to the event loop; threads send it their inputs.  A chip that never answers keeps
its thread, and no other.
"""

import asyncio
import logging
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import Final

from emrtd.transport.events import CardEvents
from support.errors import ChipsealError
from verify.desk.inputs import CardsChanged, Input, Tick
from verify.desk.machine import Begin, Limits, step
from verify.desk.reading import read_card
from verify.desk.state import Desk
from verify.desk.terminal import DeskTerminal
from verify.session.judging import JudgingSession

_LOG: Final = logging.getLogger(__name__)

_TICK_SECONDS: Final = 1.0
_WAIT_SECONDS: Final = 5.0
_GATHER_SECONDS: Final = 0.04
"""How long changes are gathered before they are shown: a chip sends some hundred a second."""


class DeskService:
    """The state of one desk, and what makes it change."""

    def __init__(
        self,
        session: JudgingSession,
        cards: CardEvents,
        *,
        terminal: DeskTerminal | None = None,
        limits: Limits | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.session: Final = session
        self.terminal: Final = terminal
        self.limits: Final = limits or Limits()
        self.desk = Desk()
        self._cards = cards
        self._clock = clock
        self._loop: asyncio.AbstractEventLoop | None = None
        self._changed: set[asyncio.Event] = set()
        self._ended = False

    def take(self, what: Input) -> None:
        """Take one input, in the event loop's thread; an inspection begins at once."""
        before = self.desk
        self.desk, begin = step(before, what, self._clock(), self.limits)
        if begin is not None:
            self._start(begin)
        if self.desk is not before:
            for each in self._changed:
                each.set()

    def send(self, what: Input) -> None:
        """Take one input from any thread; nothing happens once the desk is stopping."""
        loop = self._loop
        if loop is not None and not loop.is_closed():
            try:
                loop.call_soon_threadsafe(self.take, what)
            except RuntimeError:  # the loop was closed in between
                _LOG.debug("an input came after the end of the desk")

    async def states(self) -> AsyncIterator[Desk]:
        """Yield the state now, and after each change, until the desk ends.

        Changes in quick succession are one.
        """
        with self._watching() as changed:
            while not self._ended:
                changed.clear()
                yield self.desk
                await changed.wait()
                await asyncio.sleep(_GATHER_SECONDS)

    def end(self) -> None:
        """End every stream of states, so that the server can stop; from any thread."""
        loop = self._loop
        if loop is not None:
            loop.call_soon_threadsafe(self._end)

    def _end(self) -> None:
        self._ended = True
        for each in self._changed:
            each.set()

    async def run(self) -> None:
        """Watch the cards until cancelled."""
        self._loop = asyncio.get_running_loop()
        threading.Thread(target=self._watch, name="card events", daemon=True).start()
        try:
            while True:
                await asyncio.sleep(_TICK_SECONDS)
                self.take(Tick())
        finally:
            self._cards.cancel()

    @contextmanager
    def _watching(self) -> Iterator[asyncio.Event]:
        changed = asyncio.Event()
        self._changed.add(changed)
        try:
            yield changed
        finally:
            self._changed.discard(changed)

    def _start(self, begin: Begin) -> None:
        threading.Thread(
            target=read_card,
            args=(begin, self.session, self.terminal, self.send),
            name=f"inspection {begin.attempt}",
            daemon=True,  # a chip that never answers must not keep the process
        ).start()

    def _watch(self) -> None:
        """Send the events of cards until the watch is cancelled."""
        while self._loop is not None and not self._loop.is_closed():
            try:
                events = self._cards.wait(_WAIT_SECONDS)
            except (ChipsealError, OSError) as error:
                _LOG.error("the readers cannot be watched: %s", error)
                time.sleep(_WAIT_SECONDS)
                continue
            for event in events:
                self.send(CardsChanged(event))
