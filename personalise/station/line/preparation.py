"""Preparing images ahead, in a process of its own, so that no reader waits for one.

An application that cannot be prepared is rejected; one that causes an internal error is held, so
that it does not stop the others now, and again at each start.

The process takes received jobs from the ledger, as long as fewer than `ahead` images wait for a
card, and stores their images there.  It has connections and keys of its own.  It ends with the
station, also when that is killed: the pipe between them closes.  It then gives up the jobs that it
has taken, as it does after an error.  Its name is that of the station, so that after a crash it
takes up its own jobs when the station starts again.
"""

import multiprocessing
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Final

from support.errors import (
    REPORT_IT,
    ChipsealError,
    ElementError,
    MalformedError,
    MisuseError,
    internal,
)

if TYPE_CHECKING:
    from personalise.ledger.interface import Ledger
    from personalise.ledger.states import Worker
    from personalise.ledger.values import AlteredJob, Preparation
    from personalise.preparing.preparer import Preparer

PREPARING: Final = "preparation"
"""What events and the ledger name in place of a reader."""
BATCH: Final = 4
_POLL_SECONDS: Final = 0.5
_ENDING_SECONDS: Final = 15.0


@dataclass(frozen=True)
class PreparationSettings:
    """What the process needs: a PKI, the files with its secrets, the ledger; `ahead` images."""

    pki: Path
    ledger: str
    passphrase_file: Path | None = None
    pin_file: Path | None = None
    ahead: int = 32


@dataclass(frozen=True)
class Problem:
    """An error of the process, or a rejected or held job: sent to the station as text."""

    kind: str
    what: str
    advice: str
    job: str | None = None
    document: str | None = None
    is_held: bool = False

    @classmethod
    def of(
        cls, error: ChipsealError, job: str | None = None, document: str | None = None
    ) -> "Problem":
        """Return the problem of an error."""
        return cls(error.kind, error.message, error.advice, job, document)

    @property
    def reason(self) -> str:
        """What is wrong and what to do, on one line."""
        return f"{self.what}; {self.advice}" if self.advice else self.what


class PreparingProcess:
    """The process, and what it tells.  `problem` is why it ended, None while it works."""

    def __init__(
        self, settings: PreparationSettings, station: str, not_prepared: Callable[[Problem], None]
    ) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._not_prepared = not_prepared
        self._process = context.Process(
            target=_main, args=(settings, station, theirs), name="preparing", daemon=True
        )
        self._process.start()
        theirs.close()
        self.problem: Problem | None = None

    def poll(self, seconds: float = 0.0) -> None:
        """Receive what the process has told since; wait for it at most so long."""
        try:
            while self.problem is None and self._pipe.poll(seconds):
                told: Problem = self._pipe.recv()
                if told.job is None:
                    self.problem = told
                else:
                    self._not_prepared(told)
        except (EOFError, OSError):
            what = "data preparation ended unexpectedly"
            self.problem = self.problem or Problem("internal", what, "start the station again")

    def close(self) -> None:
        """End the process after the document that it prepares."""
        self._pipe.close()
        self._process.join(_ENDING_SECONDS)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()


def prepare_all(
    settings: PreparationSettings,
    ledger: "Ledger",
    station: str,
    not_prepared: Callable[[Problem], None],
) -> None:
    """Prepare the image of every received job, also those that others have taken and give up.

    Raises `MisuseError` if preparation ended with an error that concerns every job.
    """
    from personalise.ledger.states import JobState

    process = PreparingProcess(settings, station, not_prepared)
    try:
        while ledger.count_up_to(1, JobState.RECEIVED):
            process.poll(_POLL_SECONDS)
            if process.problem is not None:
                raise MisuseError(process.problem.what, advice=process.problem.advice)
        process.poll()
    finally:
        process.close()


def _main(settings: PreparationSettings, station: str, pipe: Connection) -> None:
    import signal

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(number, signal.SIG_IGN)  # of a terminal's Ctrl-C: the station ends this
    try:
        _prepare_until_closed(settings, station, pipe)
    except (BrokenPipeError, EOFError):
        return
    except ChipsealError as error:
        pipe.send(Problem.of(error))
    except Exception as error:  # noqa: BLE001 - a trace might show a person's data
        pipe.send(_internal("data preparation failed", error))


def _internal(
    what: str, error: Exception, job: str | None = None, document: str | None = None
) -> Problem:
    """Return the problem of an internal error."""
    described = f"{what}: {internal(error)}"
    return Problem("internal", described, REPORT_IT, job, document, is_held=job is not None)


def _prepare_until_closed(settings: PreparationSettings, station: str, pipe: Connection) -> None:
    from emrtd.biometrics.images.decoder import DECODER
    from personalise.ledger.opening import open_ledger
    from personalise.ledger.states import Worker
    from personalise.pki.issuer import PkiIssuer
    from personalise.pki.issuing_pki import IssuingPki, no_pin
    from personalise.preparing.preparer import Preparer
    from support.passphrase import read_passphrase, read_secret_line

    DECODER.fork()
    pin_file = settings.pin_file
    pin = no_pin if pin_file is None else lambda: read_secret_line(pin_file)
    pki = IssuingPki.open(settings.pki, read_passphrase(settings.passphrase_file), pin)
    preparer = Preparer(PkiIssuer(pki))
    worker = Worker(station, PREPARING)
    ledger = open_ledger(settings.ledger, pki)
    try:
        _Loop(ledger, preparer, worker, pipe, settings.ahead).run()
    finally:
        with suppress(ChipsealError, OSError):  # the leases end by themselves
            ledger.give_up_preparation(worker)
        preparer.close()
        ledger.close()


@dataclass(frozen=True)
class _Loop:
    """Prepares jobs until the pipe to the station closes."""

    ledger: "Ledger"
    preparer: "Preparer"
    worker: "Worker"
    pipe: Connection
    ahead: int

    def run(self) -> None:
        from personalise.ledger.errors import LedgerUnavailableError
        from personalise.ledger.states import StepRefusedError

        while not self.pipe.poll():
            try:
                taken = self._take()
            except (LedgerUnavailableError, StepRefusedError):
                taken = []  # also those just taken: they are taken again
            wait = not taken
            for each in taken:
                if self.pipe.poll():
                    return
                try:
                    self._prepare(each)
                except (LedgerUnavailableError, StepRefusedError):
                    wait = True  # it is taken again, unless somebody else decided
            if wait and self.pipe.poll(_POLL_SECONDS):
                return

    def _take(self) -> "list[Preparation]":
        from personalise.ledger.states import JobState

        waiting = self.ledger.count_up_to(self.ahead, JobState.PREPARED)
        limit = min(BATCH, self.ahead - waiting)
        if limit <= 0:
            return []
        return self.ledger.take_for_preparation(self.worker, limit, altered=self._reject_altered)

    def _prepare(self, each: "Preparation") -> None:
        from personalise.preparing.preparer import decided_before
        from support.records import FieldError

        try:
            image = self.preparer.prepare(
                each.application, each.profile, now(), accept_quality=decided_before
            )
            self.ledger.prepared(each.job, image)
        except (ElementError, FieldError, MalformedError) as error:
            self._reject(each.job, each.document, error)
        except (ChipsealError, OSError):  # of the PKI or the machine: it concerns every job
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the others go on
            problem = _internal("it cannot be prepared", error, each.job, each.document)
            self.ledger.hold(each.job, problem.reason)
            self.pipe.send(problem)

    def _reject(self, job: str, document: str, error: ChipsealError) -> None:
        self.ledger.reject(job, str(error))
        self.pipe.send(Problem.of(error, job, document))

    def _reject_altered(self, found: "AlteredJob") -> None:
        self._reject(found.job, found.document, found.error)


def now() -> datetime:
    """Return the time of this machine's clock in whole seconds."""
    return datetime.now(UTC).replace(microsecond=0)
