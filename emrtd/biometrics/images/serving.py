"""The server side of a process that does dangerous work, each time in a forked child.

It imports what it needs once and answers requests on standard input, each in a child that has
limited processor time and memory, does its work and ends.  If a library crashes, only the
child ends, and the next request has another child.

A request is a mode (one octet), a length (4 octets, big endian) and that many octets; an answer is
a status (one octet), a length and that many octets.
"""

import contextlib
import gc
import os
import signal
from collections.abc import Callable
from enum import IntEnum, unique
from select import POLLIN, poll
from struct import Struct
from time import monotonic
from typing import Final, NamedTuple, NoReturn

from support.core_dumps import forbid_core_dumps

MAX_WAIT: Final = 10
"""Seconds of real time for one request, on a busy machine."""

MAX_HELD: Final = 0.25
"""Seconds that an answer may be kept before the work on another request begins."""

MAX_ANSWER: Final = 16 << 20
"""Octets of an answer: 3 million pixels in colour, hardly compressed, and a margin."""

FRAME: Final = Struct(">BI")
"""The head of a request and of an answer."""


@unique
class Status(IntEnum):
    """How a request ended."""

    DONE = 0
    MALFORMED = 1
    """The answer is the reason."""
    DIED = 2
    """The child did not answer; the answer is its exit status."""


class DecodingLimits(NamedTuple):
    """The limits of a child: octets above its memory at the start, seconds of processor time."""

    memory: int
    seconds: int = 1


Work = Callable[[int, bytes], tuple[Status, bytes]]
"""The function that a child calls with the mode and the octets of a request."""


Prepare = Callable[[int, bytes], object]
"""The function that prepares for a request before the child is forked; it decodes nothing."""


def serve(work: Work, limits: DecodingLimits, prepare: Prepare | None = None) -> None:
    """Answer requests until standard input ends.  A child that crashes leaves no core dump.

    `prepare` imports what a child would have to import otherwise.  While requests wait, answers are
    kept, `MAX_HELD` at most, since each that is sent interrupts the client.
    """
    forbid_core_dumps()
    waiting, held_since = poll(), 0.0
    waiting.register(0, POLLIN)
    with (
        contextlib.suppress(BrokenPipeError),
        open(0, "rb", closefd=False) as requests,
        open(1, "wb", closefd=False) as answers,
    ):
        while head := requests.read(FRAME.size):
            mode, length = FRAME.unpack(head)
            octets = requests.read(length)
            if prepare is not None:
                prepare(mode, octets)
            gc.freeze()  # so that a collection in a child touches, and copies, no page
            status, answer = answer_in_a_child(work, limits, mode, octets)
            answers.write(FRAME.pack(status, len(answer)) + answer)
            held_since = held_since or monotonic()
            if not waiting.poll(0) or monotonic() - held_since > MAX_HELD:
                answers.flush()
                held_since = 0.0


def serve_once(work: Work, limits: DecodingLimits, prepare: Prepare | None = None) -> NoReturn:
    """Answer one request in this process itself, which ends with it: no other needs protection."""
    forbid_core_dumps()
    status = Status.DIED
    try:
        with open(0, "rb", closefd=False) as requests:
            mode, length = FRAME.unpack(requests.read(FRAME.size))
            octets = requests.read(length)
        if prepare is not None:
            prepare(mode, octets)
        gc.freeze()
        status, answer = _limited(work, limits, mode, octets)
        with open(1, "wb", closefd=False) as answers:
            answers.write(FRAME.pack(status, len(answer)) + answer)
    finally:
        os._exit(status)


def answer_in_a_child(
    work: Work, limits: DecodingLimits, mode: int, octets: bytes
) -> tuple[Status, bytes]:
    """Do the work in a forked child; return its answer, or `DIED` if it crashed."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _child(work, limits, mode, octets, writing)
    os.close(writing)
    with open(reading, "rb") as pipe:  # noqa: PTH123
        answer = pipe.read(MAX_ANSWER)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    if code == Status.DONE or (code == Status.MALFORMED and answer):
        return Status(code), answer
    return Status.DIED, str(code).encode("ascii")


def _child(work: Work, limits: DecodingLimits, mode: int, octets: bytes, writing: int) -> NoReturn:
    """Do the work, write the answer and exit; the parent's streams stay untouched."""
    status = Status.DIED
    try:
        nothing = os.open(os.devnull, os.O_RDWR)
        for stream in range(3):
            os.dup2(nothing, stream)
        found, answer = _limited(work, limits, mode, octets)
        with open(writing, "wb") as pipe:
            pipe.write(answer)
        status = found
    finally:
        os._exit(status)


def _limited(work: Work, limits: DecodingLimits, mode: int, octets: bytes) -> tuple[Status, bytes]:
    """Do the work after this process, which ends with it, has been limited."""
    signal.alarm(MAX_WAIT)
    _apply(limits)
    return work(mode, octets)


def _apply(limits: DecodingLimits) -> None:
    """Limit processor time and memory of this process, if the system can."""
    try:
        import resource
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_CPU, (limits.seconds, limits.seconds + 1))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    held = _address_space()
    if held:
        most = held + limits.memory
        resource.setrlimit(resource.RLIMIT_AS, (most, most))


def _address_space() -> int:
    """Return the octets of address space of this process; 0 if the system does not state it."""
    try:
        with open("/proc/self/statm", "rb") as statm:  # noqa: PTH123
            pages = int(statm.read().split()[0])
    except (OSError, ValueError):
        return 0
    import resource

    return pages * resource.getpagesize()
