"""Where chunks are judged: in processes of this machine, or by the workers of a dask scheduler.

An engine is an executor that can lose a process.  `concurrent.futures` says only that some process
died; the chunks in flight are then tried again by `verify.bulk.running`.
"""

import logging
import os
import signal
import threading
from collections.abc import Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context, parent_process
from multiprocessing.process import BaseProcess
from typing import Final, NoReturn, Protocol

from support.cores import usable_cores
from support.errors import MisuseError
from verify.bulk.finding import Found
from verify.bulk.judging import Job, Refusal, judge_chunk

Answer = bytes | Refusal
"""Lines of JSON, one for each image, or why a process cannot judge."""

_PATIENCE: Final = 30
"""Seconds to wait for a dask scheduler and its first worker."""

DASK: Final = "dask://"
DASK_TLS: Final = "dask+tls://"


class Engine(Protocol):
    """What `verify.bulk.running` requires."""

    @property
    def workers(self) -> int:
        """How many chunks are judged at once; it may change during the run."""

    @property
    def losses(self) -> tuple[type[BaseException], ...]:
        """The exceptions of a future whose process died."""

    def submit(self, job: Job, chunk: Sequence[Found]) -> Future[Answer]:
        """Begin to judge a chunk."""

    def recover(self) -> None:
        """Make the engine usable after a loss."""

    def check(self) -> None:
        """Raise `MisuseError` if the engine cannot finish what was submitted."""

    def close(self) -> None:
        """End all processes of its own, after the chunks that they are judging."""


class ProcessEngine:
    """Processes of this machine, which end with this process."""

    def __init__(self, jobs: int) -> None:
        self._jobs = jobs
        self._pool = self._start()

    def _start(self) -> ProcessPoolExecutor:
        # A fork would copy the threads of the progress display, and locks that they hold.
        return ProcessPoolExecutor(self._jobs, get_context("spawn"), _begin)

    @property
    def workers(self) -> int:
        """See `Engine`."""
        return self._jobs

    @property
    def losses(self) -> tuple[type[BaseException], ...]:
        """See `Engine`."""
        return (BrokenProcessPool,)

    def submit(self, job: Job, chunk: Sequence[Found]) -> Future[Answer]:
        """See `Engine`."""
        try:
            return self._pool.submit(judge_chunk, job, chunk)
        except BrokenProcessPool as error:
            failed: Future[Answer] = Future()
            failed.set_exception(error)
            return failed

    def recover(self) -> None:
        """See `Engine`; a pool that lost one process ends the others."""
        self._pool.shutdown(wait=True)
        self._pool = self._start()

    def check(self) -> None:
        """See `Engine`; a pool notices by itself."""

    def close(self) -> None:
        """See `Engine`."""
        self._pool.shutdown(wait=True, cancel_futures=True)


def _begin() -> None:
    """Prepare a process: only its parent answers an interrupt, and it ends with its parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: BaseProcess) -> NoReturn:
    parent.join()
    os._exit(1)


_LOGGERS: Final = ("distributed", "distributed.client")
"""The loggers to which dask gives a level and a handler of their own.

The client's reports a result that went with its worker, which is computed again.
"""


class DaskEngine:
    """The workers of a dask scheduler, on any number of machines.

    They read images and trust store under the same paths as this process.  A worker that dies costs
    its chunk another try, by another worker.
    """

    def __init__(self, url: str) -> None:
        address = _address(url)
        try:
            import distributed
        except ImportError:
            raise MisuseError(
                "dask.distributed is not installed",
                advice="install it with `pip install 'chipseal[bulk]'`",
            ) from None
        for name in _LOGGERS:
            logging.getLogger(name).setLevel(logging.CRITICAL)
        self._url = url
        self._losses = (distributed.KilledWorker,)
        try:
            self._client = distributed.Client(address, timeout=_PATIENCE, set_as_default=False)
        except (OSError, ValueError, TimeoutError):
            raise MisuseError(
                f"{url}: no dask scheduler answers there",
                advice="start `dask scheduler` and `dask worker --nthreads 1`, or check the port",
            ) from None
        try:
            self._client.wait_for_workers(1, timeout=_PATIENCE)
        except TimeoutError:
            self._client.close()
            raise MisuseError(
                f"{url}: the scheduler has no worker",
                advice=f"start `dask worker --nthreads 1 {address}` on each machine",
            ) from None
        # Work is submitted as impure: dask takes two equal calls of a pure function for one.
        self._executor: Executor = self._client.get_executor(pure=False)

    @property
    def workers(self) -> int:
        """See `Engine`."""
        return max(1, int(sum(self._client.nthreads().values())))

    @property
    def losses(self) -> tuple[type[BaseException], ...]:
        """See `Engine`."""
        return self._losses

    def submit(self, job: Job, chunk: Sequence[Found]) -> Future[Answer]:
        """See `Engine`."""
        return self._executor.submit(judge_chunk, job, chunk)

    def recover(self) -> None:
        """See `Engine`; the scheduler keeps the workers."""

    def check(self) -> None:
        """See `Engine`."""
        if self._client.status != "running":
            raise MisuseError(
                f"{self._url}: the dask scheduler is gone",
                advice="start it again, and go on with --resume",
            )

    def close(self) -> None:
        """See `Engine`."""
        self._executor.shutdown(wait=False)
        self._client.close(timeout=_PATIENCE)


def make_engine(url: str, jobs: int | None) -> Engine:
    """Return the engine for `--engine` and `--jobs`; an empty URL stands for this machine.

    Raises `MisuseError` if there is no such engine, or if it does not answer.
    """
    if not url:
        return ProcessEngine(jobs or usable_cores())
    if jobs is not None:
        raise MisuseError(
            "--jobs and --engine exclude one another",
            advice="the scheduler decides how many workers there are",
        )
    return DaskEngine(url)


def _address(url: str) -> str:
    for prefix, scheme in ((DASK, "tcp://"), (DASK_TLS, "tls://")):
        if url.startswith(prefix) and url.removeprefix(prefix):
            return scheme + url.removeprefix(prefix)
    raise MisuseError(f"{url!r} is not an engine", advice="write dask://HOST:PORT")
