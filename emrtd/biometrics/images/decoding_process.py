"""The process in which an untrusted image is decoded: `python -m` this module.

It reads an image from standard input, gives up processor time and memory, and writes a PNG to
standard output; or it writes one line of reason to standard error and ends with status 1.  A
decoder that is led astray dies here, alone.
"""

import sys
from io import BytesIO
from typing import TYPE_CHECKING, Final

from emrtd.biometrics.images.headers import ImageFormat, ImageHeader, sniff
from emrtd.biometrics.images.wsq_library import decompress
from support.errors import MalformedError

if TYPE_CHECKING:
    from PIL.Image import Image

MAX_OCTETS: Final = 4 << 20
"""How large a file is read."""

MAX_PIXELS: Final = 3_000_000
"""How many pixels are decoded: about 1,550 x 1,950, many times an eMRTD's portrait."""

MAX_WORKING_MEMORY: Final = 64 << 20
"""Octets of memory above what the process holds before it sees the image."""

MAX_SECONDS: Final = 1
"""Seconds of processor time, start of the interpreter included."""

_GREY_MODES: Final = frozenset({"1", "L", "LA", "I", "I;16", "F"})

_REDUCE_FROM: Final = 1_500_000
"""JPEG 2000 needs 16 octets a pixel to decode: larger images are decoded at half their size."""


def main() -> int:
    """Decode standard input to a PNG on standard output; the exit status."""

    octets = sys.stdin.buffer.read(MAX_OCTETS + 1)
    _limit()
    try:
        image = decode(octets)
        png = BytesIO()
        image.save(png, "PNG", compress_level=1)
    except MalformedError as problem:
        sys.stderr.write(problem.reason)
        return 1
    except MemoryError:
        sys.stderr.write("needs more memory than an image of an eMRTD should")
        return 1
    sys.stdout.buffer.write(png.getvalue())
    return 0


def decode(octets: bytes) -> "Image":
    """Decode an image to 8-bit grey or colour; raises `MalformedError`.

    For WSQ, and for whatever a stranger made, only in a process of its own.
    """
    import PIL.Image

    header = sniff(octets)
    check_bounds(octets, header, MAX_PIXELS)
    if header.format is ImageFormat.WSQ:
        pixels, width, height = decompress(octets)
        return PIL.Image.frombytes("L", (width, height), pixels)
    return decode_with_pillow(octets, header)


def check_bounds(
    octets: bytes, header: ImageHeader, max_pixels: int, max_octets: int = MAX_OCTETS
) -> None:
    """Refuse an image that is too large, or whose many scans would take too long to decode."""
    if len(octets) > max_octets:
        raise MalformedError("image", f"is larger than {max_octets} octets")
    if header.pixels > max_pixels:
        raise MalformedError("image", f"is {header.size} pixels; {max_pixels} pixels are decoded")
    scans = count_scans(octets, header)
    if scans * header.pixels > 16 * max_pixels:
        raise MalformedError("image", f"has {scans} scans, far more than its size calls for")


def count_scans(octets: bytes, header: ImageHeader) -> int:
    """How many scans a JPEG has, one for a baseline JPEG; 1 for any other image."""
    return octets.count(b"\xff\xda") if header.format is ImageFormat.JPEG else 1


def decode_with_pillow(
    octets: bytes, header: ImageHeader, at_least: tuple[int, int] | None = None
) -> "Image":
    """Decode a JPEG, JPEG 2000, PNG or pixmap whose bounds have been checked, the right way up.

    A JPEG is decoded no larger than need be to have `at_least` these pixels.
    """
    import PIL.Image
    import PIL.ImageOps

    try:
        image = PIL.Image.open(BytesIO(octets), formats=("JPEG", "JPEG2000", "PNG", "PPM"))
        if header.format.is_jpeg2000 and header.pixels > _REDUCE_FROM:
            image.reduce = 1  # type: ignore[method-assign,assignment]  # Pillow's name for it
        if image.size == (header.width, header.height):
            if at_least is not None:
                image.draft(image.mode, at_least)
            PIL.ImageOps.exif_transpose(image, in_place=True)
            mode = "L" if image.mode in _GREY_MODES else "RGB"
            return image if image.mode == mode else image.convert(mode)
    except MemoryError:
        raise
    except Exception as problem:  # noqa: BLE001  # Pillow's plug-ins raise whatever they meet
        damage = "it is damaged or cut short" if isinstance(problem, OSError) else repr(problem)
        raise MalformedError("image", f"cannot be decoded: {damage[:80]}") from None
    raise MalformedError("image", "has two headers that disagree on its dimensions")


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
