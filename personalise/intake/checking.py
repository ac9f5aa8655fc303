"""Checking applications in several processes.

Decoding and compressing images is almost all of the work of an intake.  Each process has its own
copy of the `Validator`, which holds no key.  It ends with this process, also if that is killed.
"""

import os
import signal
import threading
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from datetime import datetime
from multiprocessing import get_context, parent_process
from multiprocessing.process import BaseProcess
from typing import Final, NoReturn, Protocol

from emrtd.pki.x509.certificates import Certificate
from personalise.intake.validation import Validator, Verdict
from personalise.preparing.application import Application
from personalise.preparing.chip_profile import ChipProfile
from support.errors import ChipsealError

_ALONE: Final = 3
"""So many applications are checked in this process: to start others takes as long."""


class CheckingLostError(ChipsealError):
    """A checking process ended unexpectedly."""

    kind = "checking-lost"


class Checker(Protocol):
    """What an intake needs to check applications; `ahead` are checked at once."""

    @property
    def ahead(self) -> int:
        """How many applications may wait for their verdict."""
        ...

    def submit(self, application: Application) -> Future[Verdict]:
        """Begin to check an application."""
        ...


class InThisProcess:
    """Checks each application when it is submitted."""

    ahead: Final = 0

    def __init__(self, validator: Validator) -> None:
        self._validator = validator

    def submit(self, application: Application) -> Future[Verdict]:
        """Check an application."""
        done: Future[Verdict] = Future()
        done.set_result(self._validator.check(application))
        return done


class InProcesses:
    """Checks applications in so many processes, which are started for the fourth one.

    Close it in the end.
    """

    def __init__(self, validator: Validator, jobs: int) -> None:
        self._validator = validator
        self._alone = InThisProcess(validator)
        self._jobs = jobs
        self._submitted = 0
        self._pool: ProcessPoolExecutor | None = None

    @property
    def ahead(self) -> int:
        """Two for each process: one that is checked and one that waits."""
        return 0 if self._jobs == 1 else 2 * self._jobs

    def submit(self, application: Application) -> Future[Verdict]:
        """See `Checker`; the images of the application are read now."""
        self._submitted += 1
        if self._jobs == 1 or self._submitted <= _ALONE:
            return self._alone.submit(application)
        if self._pool is None:
            validator = self._validator
            signer, csca = validator.document_signer.der, validator.csca.der
            # A fork would copy the keys of this process, and the threads of its display.
            self._pool = ProcessPoolExecutor(
                self._jobs,
                get_context("spawn"),
                _begin,
                (validator.profile, signer, csca, validator.at),
            )
        try:
            return self._pool.submit(_check, application.detached())
        except BrokenProcessPool as error:
            raise _lost() from error

    def close(self) -> None:
        """End the processes."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)


def verdict_of(checked: Future[Verdict]) -> Verdict:
    """Wait for a verdict; raises `CheckingLostError`."""
    try:
        return checked.result()
    except BrokenProcessPool as error:
        raise _lost() from error


def _lost() -> CheckingLostError:
    return CheckingLostError(
        "a process that checks applications ended unexpectedly; nothing of its package was taken",
        advice="see whether memory is short, then run it again, with --jobs 1 if it ends again",
    )


_validators: list[Validator] = []
"""The one of a checking process."""


def _begin(profile: ChipProfile, signer: bytes, csca: bytes, at: datetime) -> None:
    """Prepare a process: only its parent answers an interrupt, and it ends with its parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    validator = Validator(profile, Certificate.parse(signer), Certificate.parse(csca), at)
    _validators.append(validator)


def _end_with(parent: BaseProcess) -> NoReturn:
    parent.join()
    os._exit(1)


def _check(application: Application) -> Verdict:
    (validator,) = _validators
    return validator.check(application)
