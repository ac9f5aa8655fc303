"""The decoder of untrusted images: one process of its own, started once, that forks for each image.

A hostile image costs its own decoding and nothing else: its processor time (1 s), its memory (64 MB
above the process's start) and its time on the clock are bounded, a crash is an answer like any
other, and if the decoding process itself is lost the next image starts another.
"""

import atexit
import contextlib
import os
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from select import select
from time import monotonic
from typing import IO, Final

from emrtd.biometrics.images.decoding_process import FRAME, MAX_ANSWER, MAX_WAIT, Mode, Status
from support.errors import MalformedError

_MODULE: Final = "emrtd.biometrics.images.decoding_process"
_ROOT: Final = Path(__file__).resolve().parents[3]

PATIENCE: Final = MAX_WAIT + 2.0
"""Seconds until the decoding process is given up; its child has `MAX_WAIT`."""


class _LostError(Exception):
    """The decoding process ended, or did not answer."""


@dataclass(frozen=True, slots=True)
class _Process:
    """The decoding process and its two pipes."""

    process: subprocess.Popen[bytes]
    requests: IO[bytes]
    answers: IO[bytes]


class Decoder:
    """The decoding process as its one client sees it; `lock` is held by whoever asks it."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self._process: _Process | None = None
        self._forgotten: list[_Process] = []

    @property
    def process_id(self) -> int | None:
        """The process's id; None before the first image."""
        return None if self._process is None else self._process.process.pid

    def ask(self, mode: Mode, octets: bytes) -> tuple[Status, bytes]:
        """Have an image decoded; raises `_LostError`."""
        running = self._process
        if running is None or running.process.poll() is not None:
            running = self._process = _start()
        until = monotonic() + PATIENCE
        try:
            running.requests.write(FRAME.pack(mode, len(octets)) + octets)
            running.requests.flush()
            status, length = FRAME.unpack(_read(running.answers, FRAME.size, until))
            return Status(status), _read(running.answers, min(length, MAX_ANSWER), until)
        except OSError:
            self.stop()
            raise _LostError("has ended") from None
        except _LostError:
            self.stop()
            raise

    def stop(self) -> None:
        """End the process, and whatever child it has; the next image starts another."""
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
        """Leave the process to the one that this process was forked from."""
        self.lock = threading.Lock()
        if self._process is not None:
            self._forgotten.append(self._process)
            self._process = None


def _start() -> _Process:
    requests, answers = os.pipe(), os.pipe()
    path = os.pathsep.join((str(_ROOT), *filter(None, sys.path)))  # found already: -S saves 30 ms
    environment = {**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
    process = subprocess.Popen(  # noqa: S603  # our own interpreter and module
        (sys.executable, "-S", "-m", _MODULE),
        stdin=requests[0],
        stdout=answers[1],
        stderr=subprocess.DEVNULL,
        env=environment,
        start_new_session=True,  # an interrupt from the keyboard is for the command alone
    )
    os.close(requests[0])
    os.close(answers[1])
    return _Process(process, os.fdopen(requests[1], "wb"), os.fdopen(answers[0], "rb", 0))


def _read(stream: IO[bytes], size: int, until: float) -> bytes:
    """Read so many octets, without waiting for longer than until then."""
    parts, missing = [], size
    while missing:
        if not select((stream,), (), (), max(0.0, until - monotonic()))[0]:
            raise _LostError("takes too long")
        part = os.read(stream.fileno(), missing)
        if not part:
            raise _LostError("has ended")
        parts.append(part)
        missing -= len(part)
    return b"".join(parts)


STANDING: Final = Decoder()
"""The decoder of this process, which starts with the first image."""
atexit.register(STANDING.stop)
os.register_at_fork(after_in_child=STANDING.forget)


def decoded(image: bytes, mode: Mode, what: str) -> tuple[bytes, str]:
    """Have an image decoded: a PNG, and the quirk that was read past.

    Raises `MalformedError`, which blames `what`, for whatever keeps it from being decoded.
    """
    with STANDING.lock:
        try:
            status, answer = STANDING.ask(mode, image)
        except _LostError as problem:
            raise MalformedError(what, f"cannot be decoded: the decoder {problem}") from None
    if status is Status.MALFORMED:
        raise MalformedError(what, answer.decode(errors="replace"))
    if status is Status.DIED:
        reason = f"ended its decoder (status {answer.decode('ascii', 'replace')})"
        raise MalformedError(what, reason)
    quirk, _, png = answer.partition(b"\0")
    return png, quirk.decode(errors="replace")
