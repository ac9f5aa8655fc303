"""The thread that looks at the packages of the inbox, one after the other.

A package that cannot be looked at because the database, the HSM or the disk does not answer is
tried again, later each time.  An internal error is tried three times; then the package has failed,
its file stays, and the log names the type of the error.
"""

import json
import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future
from datetime import datetime, timedelta
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from personalise.intake.checking import CheckingLostError
from personalise.intake.validation import Outcome
from personalise.intake_service.inbox import Inbox, Stored
from personalise.intake_service.processing import Processed, Processing, UnknownSenderError
from personalise.service.intake import PackageState
from support.errors import ChipsealError
from support.log import tell, text_of

TRIES: Final = 3
"""How often a package is tried that causes an internal error."""

_FIRST_WAIT: Final = timedelta(seconds=5)
_LONGEST_WAIT: Final = timedelta(minutes=5)

_LOG: Final = logging.getLogger(__name__)
_COMPONENT: Final = "intake-service"


class Worker:
    """Looks at packages until it is stopped; `clock` returns the time, UTC."""

    def __init__(
        self,
        inbox: Inbox,
        processing: Processing,
        clock: Callable[[], datetime],
        registry: CollectorRegistry,
    ) -> None:
        self._inbox = inbox
        self._processing = processing
        self._clock = clock
        self._condition = threading.Condition()
        self._watched: dict[str, list[Future[None]]] = {}
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="intake")
        self._applications = Counter(
            "chipseal_intake_applications",
            "Applications by what became of them",
            ["outcome"],
            registry=registry,
        )
        self._refused = Counter(
            "chipseal_intake_refused_packages", "Packages refused whole", registry=registry
        )
        self._seconds = Histogram(
            "chipseal_intake_seconds",
            "Time to look at a package",
            buckets=(0.5, 1, 2, 5, 10, 30, 60, 120, 300),
            registry=registry,
        )
        waiting = Gauge("chipseal_intake_waiting", "Packages that wait", registry=registry)
        waiting.set_function(inbox.waiting)

    def start(self) -> None:
        """Begin with what waits in the inbox."""
        self._thread.start()

    def stop(self) -> None:
        """End after the package that is being looked at."""
        with self._condition:
            self._stopping = True
            self._condition.notify_all()
        self._thread.join()

    def wake(self) -> None:
        """Look at the inbox: there is a new package."""
        with self._condition:
            self._condition.notify_all()

    def watch(self, package: str) -> "Future[None]":
        """Return a future that is set when a package has been looked at, or was tried in vain."""
        future: Future[None] = Future()
        with self._condition:
            self._watched.setdefault(package, []).append(future)
            if self._inbox.get(package).state is not PackageState.WAITING:
                self._release(package)
        return future

    def _run(self) -> None:
        while True:
            with self._condition:
                while (stored := self._next()) is None and not self._stopping:
                    self._condition.wait(self._pause())
                if self._stopping or stored is None:
                    return
            try:
                self._look_at(stored)
            finally:
                with self._condition:
                    self._release(stored.package)

    def _next(self) -> Stored | None:
        try:
            stored = self._inbox.next()
        except (ChipsealError, OSError) as error:
            self._tell_failure("the inbox", error)
            return None
        return None if stored is None or stored.not_before > self._clock() else stored

    def _pause(self) -> float | None:
        """Return the seconds until a package may be tried again; None if none waits."""
        try:
            stored = self._inbox.next()
        except (ChipsealError, OSError):
            return _FIRST_WAIT.total_seconds()
        if stored is None:
            return None
        left = (stored.not_before - self._clock()).total_seconds()
        return min(max(0.1, left), _LONGEST_WAIT.total_seconds())

    def _look_at(self, stored: Stored) -> None:
        began = self._clock()
        try:
            self._inbox.begin(stored.package)
            processed = self._processing.process(stored, self._inbox.path(stored.package))
            self._finish(stored, processed, began)
        except UnknownSenderError as error:
            self._give_up(stored, error)
        except CheckingLostError as error:
            self._try_again(stored, error, ends=True)
        except (ChipsealError, OSError) as error:
            self._try_again(stored, error, ends=False)
        except Exception as error:  # noqa: BLE001 - the other packages go on
            self._try_again(stored, error, ends=True)

    def _finish(self, stored: Stored, processed: Processed, began: datetime) -> None:
        applications = [
            (each.position, each.job) for each in processed.package.applications if each.job
        ]
        content = json.dumps(processed.content.record(), ensure_ascii=False).encode()
        self._inbox.finish(stored.package, processed.receipt, content, applications)
        counts = {outcome: processed.content.count(outcome) for outcome in Outcome}
        for outcome, number in counts.items():
            self._applications.labels(outcome).inc(number)
        refusal = processed.package.refusal
        if refusal is not None:
            self._refused.inc()
        seconds = max(0.0, (self._clock() - began).total_seconds())
        self._seconds.observe(seconds)
        tell(
            _LOG,
            logging.INFO,
            "package-refused" if refusal is not None else "package-received",
            "" if refusal is None else str(refusal.refusal),
            client=stored.client,
            package=stored.package,
            octets=stored.octets,
            seconds=round(seconds, 3),
            taken=counts[Outcome.TAKEN],
            held=counts[Outcome.HELD],
            refused=counts[Outcome.REFUSED],
        )

    def _try_again(self, stored: Stored, error: Exception, *, ends: bool) -> None:
        tries = stored.tries + 1
        if ends and tries >= TRIES:
            self._give_up(stored, error)
            return
        self._tell_failure(stored.package, error, tries)
        wait = min(_LONGEST_WAIT, _FIRST_WAIT * (1 << min(tries - 1, 10)))
        try:
            self._inbox.put_off(stored.package, self._clock() + wait)
        except (ChipsealError, OSError) as another:
            self._wait_for_inbox(another)

    def _give_up(self, stored: Stored, error: Exception) -> None:
        self._tell_failure(stored.package, error, stored.tries + 1)
        text = (
            f"{_COMPONENT}: {stored.package} has failed; its file is kept in the inbox: correct the"
            f" cause, then stop the service, give it --retry {stored.package}, and start it"
        )
        tell(_LOG, logging.ERROR, "package-failed", text, package=stored.package)
        try:
            self._inbox.fail(stored.package)
        except (ChipsealError, OSError) as another:
            self._wait_for_inbox(another)

    def _wait_for_inbox(self, error: Exception) -> None:
        """Wait for the disk of the inbox: what could not be entered is looked at again at once."""
        self._tell_failure("the inbox", error)
        with self._condition:
            self._condition.wait_for(lambda: self._stopping, _FIRST_WAIT.total_seconds())

    def _tell_failure(self, what: str, error: Exception, tries: int = 1) -> None:
        text = f"{_COMPONENT}: {what}: {text_of(error)}"
        kind = error.kind if isinstance(error, ChipsealError) else type(error).__name__
        tell(_LOG, logging.ERROR, "failed", text, kind=kind, tries=tries)

    def _release(self, package: str) -> None:
        for future in self._watched.pop(package, ()):
            future.set_result(None)
