"""The process in which untrusted images are decoded: `python -m` this module.

It imports the decoders once and then answers requests on standard input, each in a child that it
forks: the child gives up processor time and memory, decodes one image, and ends.  A decoder that
is led astray dies alone, and the next image has another.

A request is a mode (one octet), a length (4 octets, big endian) and the image; an answer is a
status (one octet), a length and the answer: the quirk, a zero octet and a PNG, or the reason.
"""

import contextlib
import os
import signal
import sys
from enum import IntEnum, unique
from io import BytesIO
from struct import Struct
from typing import Final, NoReturn

from emrtd.biometrics.images.decoding import decode, decode_what_there_is
from support.errors import MalformedError

MAX_WORKING_MEMORY: Final = 64 << 20
"""Octets of memory above what the process holds before it sees the image."""

MAX_SECONDS: Final = 1
"""Seconds of processor time for one image."""

MAX_WAIT: Final = 10
"""Seconds of real time for one image, on a busy machine."""

MAX_ANSWER: Final = 16 << 20
"""Octets of an answer: 3 million pixels in colour, hardly compressed, and a margin."""

FRAME: Final = Struct(">BI")
"""The head of a request and of an answer."""


@unique
class Mode(IntEnum):
    """What a request wants."""

    WHOLE = 0
    """The image, if it is whole."""
    WHAT_THERE_IS = 1
    """The image, and where it ends early what can be seen of it."""


@unique
class Status(IntEnum):
    """How a request ended."""

    DECODED = 0
    MALFORMED = 1
    DIED = 2
    """The child did not answer; the answer says how it ended."""


def main() -> int:
    """Answer requests until standard input ends."""
    import _wsq  # noqa: F401  # so that no child has to import them
    import PIL.Image
    import PIL.ImageOps
    import PIL.Jpeg2KImagePlugin

    PIL.Image.preinit()
    requests, answers = sys.stdin.buffer, sys.stdout.buffer
    with contextlib.suppress(BrokenPipeError):
        while head := requests.read(FRAME.size):
            mode, length = FRAME.unpack(head)
            status, answer = answer_in_a_child(Mode(mode), requests.read(length))
            answers.write(FRAME.pack(status, len(answer)) + answer)
            answers.flush()
    return 0


def answer_in_a_child(mode: Mode, octets: bytes) -> tuple[Status, bytes]:
    """Decode one image in a forked child, whatever becomes of it."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _child(mode, octets, writing)
    os.close(writing)
    with open(reading, "rb") as pipe:  # noqa: PTH123
        answer = pipe.read(MAX_ANSWER)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    if code == Status.DECODED or (code == Status.MALFORMED and answer):
        return Status(code), answer
    return Status.DIED, str(code).encode("ascii")


def _child(mode: Mode, octets: bytes, writing: int) -> NoReturn:
    """Decode one image, write the answer, and end without a word to the parent's streams."""
    status = Status.DIED
    try:
        nothing = os.open(os.devnull, os.O_RDWR)
        for stream in range(3):
            os.dup2(nothing, stream)
        signal.alarm(MAX_WAIT)
        _limit()
        status, answer = _answer(mode, octets)
        with open(writing, "wb") as pipe:
            pipe.write(answer)
    finally:
        os._exit(status)


def _answer(mode: Mode, octets: bytes) -> tuple[Status, bytes]:
    try:
        if mode is Mode.WHAT_THERE_IS:
            image, quirk = decode_what_there_is(octets)
        else:
            image, quirk = decode(octets), ""
        png = BytesIO()
        image.save(png, "PNG", compress_level=1)
    except MalformedError as problem:
        return Status.MALFORMED, problem.reason.encode()
    except MemoryError:
        return Status.MALFORMED, b"needs more memory than an image of an eMRTD should"
    return Status.DECODED, quirk.encode() + b"\0" + png.getvalue()


def _limit() -> None:
    """Give up processor time and memory for good, where the system has a way to."""
    try:
        import resource
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_CPU, (MAX_SECONDS, MAX_SECONDS + 1))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    held = _address_space()
    if held:
        most = held + MAX_WORKING_MEMORY
        resource.setrlimit(resource.RLIMIT_AS, (most, most))


def _address_space() -> int:
    """Octets of address space this process holds now; 0 where the system does not say."""
    try:
        with open("/proc/self/statm", "rb") as statm:  # noqa: PTH123
            pages = int(statm.read().split()[0])
    except (OSError, ValueError):
        return 0
    import resource

    return pages * resource.getpagesize()


if __name__ == "__main__":
    sys.exit(main())
