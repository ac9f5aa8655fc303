"""A station at work: one worker a reader, each in a thread, and the watch over all of them.

Threads, not processes: the work of one card is 1 to 3 % of the chip's time, so that eight readers
leave one interpreter idle most of the time, and eight processes would hold eight times the memory.
A thread whose reader hangs is abandoned (`personalise.station.line.guard`), and the others go on.
Images are prepared in a process of their own (`personalise.station.line.preparation`).
"""

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

from emrtd.errors import TransportError, TransportFault
from emrtd.transport.events import CardEventKind, CardEvents
from emrtd.transport.readers import watch
from personalise.ledger.errors import LedgerUnavailableError
from personalise.ledger.states import StepRefusedError
from personalise.station.line.control import Keys
from personalise.station.line.effects import EventKind, drive
from personalise.station.line.events import Event
from personalise.station.line.guard import AbandonedError, Guard
from personalise.station.line.performing import Performer
from personalise.station.line.reader_watch import ReaderState
from personalise.station.line.shop import Shop
from personalise.station.line.worker import work
from support.errors import ChipsealError

CALL_SECONDS: Final = 30.0
"""How long one call to a reader may take: longer than any command of a card."""
_TICK_SECONDS: Final = 0.2
_RENEWING_SECONDS: Final = 10.0
_FINDING_SECONDS: Final = 3.0


@dataclass
class ReaderThread:
    """A reader, its worker's thread, and what is known of it."""

    reader: str
    guard: Guard
    thread: threading.Thread | None = None
    state: ReaderState = field(default_factory=ReaderState)
    failure: BaseException | None = None
    failed: bool = False
    abandoned: bool = False

    @property
    def is_alive(self) -> bool:
        """Whether the worker still works."""
        return not self.abandoned and self.thread is not None and self.thread.is_alive()


class Station:
    """Runs the workers of a station until they have ended.

    `readers` are names as for `connect`; none means every PC/SC reader, also those that are plugged
    in later.  `call_seconds` is the longest time that one call to a reader may take.  `polled` is
    called several times a second.
    """

    def __init__(
        self,
        shop: Shop,
        readers: Iterable[str],
        call_seconds: float = CALL_SECONDS,
    ) -> None:
        self._shop = shop
        self._named = tuple(dict.fromkeys(readers))
        self._call_seconds = call_seconds
        self.polled: Callable[[], None] = lambda: None
        self._ended = threading.Event()
        self._deadline = 0.0
        self.readers: dict[str, ReaderThread] = {}

    def run(self, keys: Keys) -> None:
        """Work until all workers have ended; raises the internal error of one that failed."""
        threading.Thread(target=self._renew, name="renewing", daemon=True).start()
        for reader in self._named:
            self._start(reader)
        if not self._named:
            self._find_readers_from_now_on()
        try:
            while self._is_at_work():
                if (order := keys.order(_TICK_SECONDS)) is not None:
                    self._shop.control.give(order)
                self._abandon_hung()
                self.polled()
        finally:
            self._ended.set()
        failures = [each.failure for each in self.readers.values() if each.failure is not None]
        if failures:
            raise failures[0]

    @property
    def has_failed(self) -> bool:
        """Whether a reader could not be used."""
        return any(each.failed for each in self.readers.values())

    @property
    def has_abandoned(self) -> bool:
        """Whether a thread still waits for a reader that does not answer."""
        return any(each.abandoned for each in self.readers.values())

    def _is_at_work(self) -> bool:
        if any(each.is_alive for each in self.readers.values()):
            return True
        if self._named or self._shop.control.ending:
            return False
        if not self.readers and self._shop.idle_ends and time.monotonic() > self._deadline:
            raise TransportError(
                "no PC/SC reader is plugged in",
                TransportFault.NO_READER,
                advice="plug one in, or name feeder:DIR with --reader",
            )
        return not (self._shop.idle_ends and self.readers)

    def _start(self, reader: str) -> None:
        guard = Guard()
        entry = ReaderThread(reader, guard)
        entry.thread = threading.Thread(
            target=self._work, args=(entry,), name=f"reader {reader}", daemon=True
        )
        self.readers[reader] = entry
        entry.thread.start()

    def _work(self, entry: ReaderThread) -> None:
        try:
            performer = Performer(entry.reader, self._shop, entry.guard, entry.state)
            try:
                entry.failed = drive(work(), performer.perform).failed
            finally:
                performer.close()
        except AbandonedError:
            return
        except ChipsealError as error:
            self._stopped(entry, str(error))
        except BaseException as error:  # noqa: BLE001 - raised in the main thread
            entry.failure = error
            self._stopped(entry, f"internal error ({type(error).__name__})")
            self._shop.control.draining = True
        finally:
            with self._shop.lock:
                if not entry.abandoned:
                    self._shop.busy.discard(entry.reader)
                    self._shop.claims.pop(entry.reader, None)
        entry.state.doing = "stopped"

    def _stopped(self, entry: ReaderThread, reason: str) -> None:
        entry.failed = True
        self._shop.tell(Event(EventKind.STOPPED, entry.reader, reason=reason))

    def _abandon_hung(self) -> None:
        """Abandon each worker whose reader does not answer, and give up its claim."""
        for entry in list(self.readers.values()):
            if entry.abandoned or not entry.guard.abandon_after(self._call_seconds):
                continue
            entry.abandoned = True
            entry.state.doing = "stopped: it does not answer"
            with self._shop.lock:
                claim = self._shop.claims.pop(entry.reader, None)
                self._shop.busy.discard(entry.reader)
            reason = (
                f"the reader has not answered for {self._call_seconds:.0f} s; take the card out,"
                " unplug the reader, and start the station again"
            )
            self._stopped(entry, reason)
            if claim is not None:
                try:
                    self._shop.ledger.interrupted(claim, "the reader does not answer")
                except (LedgerUnavailableError, StepRefusedError, OSError):
                    continue  # its lease ends by itself

    def _renew(self) -> None:
        while not self._ended.wait(_RENEWING_SECONDS):
            try:
                self._shop.renew_claims()
            except (ChipsealError, OSError):
                continue  # a lease holds until somebody else takes its job

    def _find_readers_from_now_on(self) -> None:
        """Start a worker for each reader that is or will be plugged in."""
        events = watch("")
        self._deadline = time.monotonic() + _FINDING_SECONDS
        threading.Thread(
            target=self._find_readers, args=(events,), name="finding", daemon=True
        ).start()

    def _find_readers(self, events: CardEvents) -> None:
        told = False
        with events:
            while not self._ended.is_set() and not self._shop.control.ending:
                for event in events.wait(1.0):
                    known = self.readers.get(event.reader)
                    if event.kind is CardEventKind.READER_ADDED and not (known and known.is_alive):
                        self._start(event.reader)
                if not self.readers and not told:
                    told = True
                    reason = "no PC/SC reader is plugged in, or the PC/SC service does not run"
                    self._shop.tell(Event(EventKind.WAITING, "", reason=reason))
