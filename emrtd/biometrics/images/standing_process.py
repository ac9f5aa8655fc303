"""The client side of a process of `serving`, which is started once and used under a lock.

A hostile request spoils only its own answer: its processor time, memory and real time are limited,
a crash is an answer, and if the process itself is lost the next request starts another.

The process is a new interpreter, which takes 70 ms of processor time to start, or a fork of a
program that has no secrets yet (`StandingProcess.fork`), which takes 2 ms.
"""

import atexit
import contextlib
import fcntl
import gc
import importlib
import os
import signal
import sys
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from select import POLLIN, POLLOUT, poll
from time import monotonic, sleep
from typing import IO, Final, NamedTuple, NoReturn, Protocol

from emrtd.biometrics.images.serving import FRAME, MAX_ANSWER, MAX_WAIT, Status

_ROOT: Final = Path(__file__).resolve().parents[3]
_THREADS: Final = Path("/proc/self/task")
_MAX_DESCRIPTORS: Final = 1 << 16
_BLOCK: Final = 1 << 16
"""Octets of an answer that are read at once."""
_PIPE: Final = 1 << 20
"""Octets of requests that may wait: those of a chunk of documents, so that nobody has to."""
_STATUSES: Final = frozenset(Status)

PATIENCE: Final = MAX_WAIT + 2.0
"""Seconds until the process counts as lost; its child has `MAX_WAIT`."""


class LostError(Exception):
    """The process ended, or did not answer."""


class _EndedError(LostError):
    """The process ended instead of answering."""


class _Child(Protocol):
    """A child process, as `subprocess.Popen` is one."""

    @property
    def pid(self) -> int: ...
    def poll(self) -> int | None: ...
    def wait(self) -> int: ...


class _Process(NamedTuple):
    """The process and its two pipes; `once`: it answers one request, and ends."""

    process: _Child
    requests: IO[bytes]
    answers: IO[bytes]
    once: bool = False

    def close(self) -> None:
        for stream in (self.requests, self.answers):
            with contextlib.suppress(OSError):
                stream.close()


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

    def fork(self, *, once: bool = False) -> None:
        """Start the process as a fork of this one, without waiting for the first request.

        The fork has a copy of this process's memory.  Call it before a key, a password or a
        person's data is read, so that a decoder that a hostile image takes over finds none.  It
        does nothing if the process runs already, or if this one has several threads: a fork could
        inherit a lock that is held.

        With `once` it answers the first request itself instead of in a child of its own, and ends;
        the next request starts another process.
        """
        with self.lock:
            running = self._process
            if (running is None or running.process.poll() is not None) and _is_single_threaded():
                self._process = _fork(self._module, once=once)

    def ask(self, mode: int, octets: bytes) -> tuple[Status, bytes]:
        """Send a request and return its answer; raises `LostError`."""
        running = self._process
        if running is None or running.process.poll() is not None:
            running = self._process = _start(self._module)
        until = monotonic() + PATIENCE
        try:
            _write(running.requests, FRAME.pack(mode, len(octets)) + octets, until)
            status, length = FRAME.unpack(_read(running.answers, FRAME.size, until))
            answer = _read(running.answers, min(length, MAX_ANSWER), until)
        except (OSError, _EndedError):
            if running.once:
                _wait_for_end(running.process.pid, until)
            self.stop()
            if running.once:
                return Status.DIED, str(running.process.wait()).encode("ascii")
            raise LostError("has ended") from None
        except LostError:
            self.stop()
            raise
        if running.once:
            self.stop()
        return Status(status), answer

    def ask_each(self, mode: int, requests: Iterable[bytes]) -> list[tuple[Status, bytes]]:
        """Send requests without waiting for the answers in between; return the answers in order.

        If the process is lost, the answers are fewer than the requests.  Ask for the others anew.
        """
        running = self._process
        if running is None or running.process.poll() is not None:
            running = self._process = _start(self._module)
        found: list[tuple[Status, bytes]] = []
        if running.once:
            return found
        try:
            found.extend(_exchange(running, mode, requests))
        except (OSError, LostError):
            self.stop()
        return found

    def stop(self) -> None:
        """End the process, and its child; the next request starts another."""
        running, self._process = self._process, None
        if running is None:
            return
        for end in (os.killpg, os.kill):  # a new fork has no group of its own yet
            with contextlib.suppress(ProcessLookupError, PermissionError):
                end(running.process.pid, signal.SIGKILL)
        running.process.wait()
        running.close()

    def forget(self) -> None:
        """Leave the process to the parent, of which this process is a fork."""
        self.lock = threading.Lock()
        if self._process is not None:
            self._forgotten.append(self._process)
            self._process = None


def _is_single_threaded() -> bool:
    """Whether this process has one thread, as far as the system tells; threads of C count too."""
    try:
        return len(list(_THREADS.iterdir())) == 1
    except OSError:
        return False


class _Fork:
    """A child process that was forked, and is waited for once."""

    def __init__(self, pid: int) -> None:
        self.pid: Final = pid
        self._status: int | None = None

    def poll(self) -> int | None:
        """Return the exit status, None while the process runs."""
        return self._wait(os.WNOHANG)

    def wait(self) -> int:
        """Wait until the process has ended; return its exit status."""
        return self._wait(0) or 0

    def _wait(self, options: int) -> int | None:
        if self._status is None:
            try:
                ended, status = os.waitpid(self.pid, options)
            except ChildProcessError:  # something else has waited for it
                ended, status = self.pid, 0
            if ended:
                self._status = os.waitstatus_to_exitcode(status)
        return self._status


def _fork(module: str, *, once: bool) -> _Process:
    requests, answers = os.pipe(), os.pipe()
    pid = os.fork()
    if pid == 0:
        _serve(module, "main_once" if once else "main", requests[0], answers[1])
    return _process(_Fork(pid), requests, answers, once=once)


def _serve(module: str, function: str, requests: int, answers: int) -> NoReturn:
    """Answer requests in the fork, which keeps nothing open but its two pipes."""
    status = 1
    try:
        os.setsid()  # an interrupt from the keyboard ends only the command
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        os.dup2(requests, 0)
        os.dup2(answers, 1)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        os.closerange(3, _MAX_DESCRIPTORS)
        gc.freeze()  # an object of the program that is collected would close a descriptor
        status = getattr(importlib.import_module(module), function)()
    finally:
        os._exit(status)


def _start(module: str) -> _Process:
    import subprocess

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
    return _process(process, requests, answers)


def _process(
    child: _Child, requests: tuple[int, int], answers: tuple[int, int], *, once: bool = False
) -> _Process:
    """Return a process with this side's ends of its pipes; the other ends are closed."""
    os.close(requests[0])
    os.close(answers[1])
    os.set_blocking(requests[1], False)
    with contextlib.suppress(AttributeError, OSError):  # a system without it, or its limit
        fcntl.fcntl(requests[1], fcntl.F_SETPIPE_SZ, _PIPE)
    return _Process(child, os.fdopen(requests[1], "wb", 0), os.fdopen(answers[0], "rb", 0), once)


def _wait_for_end(pid: int, until: float) -> None:
    """Wait until a child process has ended, no longer than `until`; its status stays to be read."""
    while monotonic() < until:
        if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None:
            return
        sleep(0.001)


def _write(stream: IO[bytes], octets: bytes, until: float) -> None:
    """Write all octets, waiting no longer than `until`; raises `OSError` or `LostError`."""
    left = memoryview(octets)
    while left:
        try:
            left = left[os.write(stream.fileno(), left) :]
        except BlockingIOError:  # the pipe is full
            _wait(stream, POLLOUT, until)


def _exchange(
    running: _Process, mode: int, requests: Iterable[bytes]
) -> Iterator[tuple[Status, bytes]]:
    """Send requests as fast as they are taken, and yield the answers as they come.

    It waits `PATIENCE` for each answer.  Raises `OSError` or `LostError`.
    """
    sending, receiving = running.requests.fileno(), running.answers.fileno()
    waiting = poll()
    waiting.register(receiving, POLLIN)
    waiting.register(sending, POLLOUT)
    left = (memoryview(FRAME.pack(mode, len(each)) + each) for each in requests)
    part = next(left, None)
    unanswered, received, until = int(part is not None), bytearray(), monotonic() + PATIENCE
    while unanswered:
        events = dict(waiting.poll(1000 * max(0.0, until - monotonic())))
        if not events:
            raise LostError("takes too long")
        with contextlib.suppress(BlockingIOError):  # the pipe is full
            while part is not None and sending in events:
                part = part[os.write(sending, part) :]
                if not part:
                    part = next(left, None)
                    unanswered += part is not None
                if part is None:
                    waiting.unregister(sending)
        if receiving not in events:
            continue
        octets = os.read(receiving, _BLOCK)
        if not octets:
            raise _EndedError
        received += octets
        while (answer := _first_answer(received)) is not None:
            yield answer
            unanswered, until = unanswered - 1, monotonic() + PATIENCE


def _first_answer(received: bytearray) -> tuple[Status, bytes] | None:
    """Take the first answer from what was received; None if it is not complete.

    Raises `LostError` for what is no answer.
    """
    if len(received) < FRAME.size:
        return None
    status, length = FRAME.unpack_from(received)
    if length > MAX_ANSWER or status not in _STATUSES:
        raise LostError("has given no valid answer")
    end = FRAME.size + length
    if len(received) < end:
        return None
    answer = bytes(received[FRAME.size : end])
    del received[:end]
    return Status(status), answer


def _read(stream: IO[bytes], size: int, until: float) -> bytes:
    """Read `size` octets, waiting no longer than `until`; raises `LostError`."""
    parts, missing = [], size
    while missing:
        _wait(stream, POLLIN, until)
        part = os.read(stream.fileno(), missing)
        if not part:
            raise _EndedError
        parts.append(part)
        missing -= len(part)
    return b"".join(parts)


def _wait(stream: IO[bytes], event: int, until: float) -> None:
    waiting = poll()  # `select` takes no descriptor above 1,023
    waiting.register(stream, event)
    if not waiting.poll(1000 * max(0.0, until - monotonic())):
        raise LostError("takes too long")
