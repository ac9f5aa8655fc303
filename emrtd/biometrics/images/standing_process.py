"""The client side of a process of `serving`, which is started once and used under a lock.

A hostile request spoils only its own answer: its processor time, memory and real time are limited,
a crash is an answer, and if the process itself is lost the next request starts another.
"""

import atexit
import contextlib
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from select import POLLIN, POLLOUT, poll
from time import monotonic
from typing import IO, Final

import msgspec

from emrtd.biometrics.images.serving import FRAME, MAX_ANSWER, MAX_WAIT, Status

_ROOT: Final = Path(__file__).resolve().parents[3]

PATIENCE: Final = MAX_WAIT + 2.0
"""Seconds until the process counts as lost; its child has `MAX_WAIT`."""


class LostError(Exception):
    """The process ended, or did not answer."""


class _Process(msgspec.Struct, frozen=True):
    """The process and its two pipes."""

    process: subprocess.Popen[bytes]
    requests: IO[bytes]
    answers: IO[bytes]


class StandingProcess:
    """A serving process, which starts with the first request and ends with this process.

    The caller of `ask` holds `lock`; a fork of this process starts its own process.
    """

    def __init__(self, module: str) -> None:
        self.lock = threading.Lock()
        self._module = module
        self._process: _Process | None = None
        self._forgotten: list[_Process] = []
        atexit.register(self.stop)
        os.register_at_fork(after_in_child=self.forget)

    @property
    def process_id(self) -> int | None:
        """The process's id; None before the first request."""
        return None if self._process is None else self._process.process.pid

    def ask(self, mode: int, octets: bytes) -> tuple[Status, bytes]:
        """Send a request and return its answer; raises `LostError`."""
        running = self._process
        if running is None or running.process.poll() is not None:
            running = self._process = _start(self._module)
        until = monotonic() + PATIENCE
        try:
            _write(running.requests, FRAME.pack(mode, len(octets)) + octets, until)
            status, length = FRAME.unpack(_read(running.answers, FRAME.size, until))
            return Status(status), _read(running.answers, min(length, MAX_ANSWER), until)
        except OSError:
            self.stop()
            raise LostError("has ended") from None
        except LostError:
            self.stop()
            raise

    def stop(self) -> None:
        """End the process, and its child; the next request starts another."""
        running, self._process = self._process, None
        if running is None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(running.process.pid, signal.SIGKILL)
        running.process.wait()
        for stream in (running.requests, running.answers):
            with contextlib.suppress(OSError):
                stream.close()

    def forget(self) -> None:
        """Leave the process to the parent, of which this process is a fork."""
        self.lock = threading.Lock()
        if self._process is not None:
            self._forgotten.append(self._process)
            self._process = None


def _start(module: str) -> _Process:
    requests, answers = os.pipe(), os.pipe()
    path = os.pathsep.join((str(_ROOT), *filter(None, sys.path)))  # in full: -S saves 30 ms
    environment = {**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
    process = subprocess.Popen(  # noqa: S603  # our own interpreter and module
        (sys.executable, "-S", "-m", module),
        stdin=requests[0],
        stdout=answers[1],
        stderr=subprocess.DEVNULL,
        env=environment,
        start_new_session=True,  # an interrupt from the keyboard ends only the command
    )
    os.close(requests[0])
    os.close(answers[1])
    os.set_blocking(requests[1], False)
    return _Process(process, os.fdopen(requests[1], "wb", 0), os.fdopen(answers[0], "rb", 0))


def _write(stream: IO[bytes], octets: bytes, until: float) -> None:
    """Write all octets, waiting no longer than `until`; raises `OSError` or `LostError`."""
    left = memoryview(octets)
    while left:
        _wait(stream, POLLOUT, until)
        left = left[os.write(stream.fileno(), left) :]


def _read(stream: IO[bytes], size: int, until: float) -> bytes:
    """Read `size` octets, waiting no longer than `until`; raises `LostError`."""
    parts, missing = [], size
    while missing:
        _wait(stream, POLLIN, until)
        part = os.read(stream.fileno(), missing)
        if not part:
            raise LostError("has ended")
        parts.append(part)
        missing -= len(part)
    return b"".join(parts)


def _wait(stream: IO[bytes], event: int, until: float) -> None:
    waiting = poll()  # `select` takes no descriptor above 1,023
    waiting.register(stream, event)
    if not waiting.poll(1000 * max(0.0, until - monotonic())):
        raise LostError("takes too long")
