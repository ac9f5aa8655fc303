"""The process in which untrusted images are decoded: `python -m` this module.

The answer to a request is the quirk that was read past, a zero octet and a PNG.  A request of the
mode `LOOK` or `PIXELS` is several images, each after its length (4 octets, big endian); its answer
has for each image a status (1 octet), a length, and the result or the reason.
"""

import sys
from collections.abc import Callable
from enum import IntEnum, unique
from io import BytesIO
from struct import Struct
from typing import TYPE_CHECKING, Final, NoReturn

from emrtd.biometrics.images.decoding import decode, decode_partial, look, pillow_decoder
from emrtd.biometrics.images.headers import ImageFormat, sniff
from emrtd.biometrics.images.serving import FRAME, DecodingLimits, Status, serve, serve_once
from support import reasons
from support.errors import MalformedError

if TYPE_CHECKING:
    from PIL.Image import Image

LENGTH: Final = Struct(">I")

LIMITS: Final = DecodingLimits(memory=64 << 20)


@unique
class Mode(IntEnum):
    """What a request asks for."""

    WHOLE = 0
    """The image, if it is whole."""
    PARTIAL = 1
    """The image, or the visible part of one that ends early."""
    LOOK = 2
    """Whether several images can be shown, as by `PARTIAL`: the quirk of each."""
    PIXELS = 3
    """Several images, if they are whole: `PIXELS_HEAD`, and the pixels row by row."""


_SEVERAL: Final = frozenset({Mode.LOOK, Mode.PIXELS})

PIXELS_HEAD: Final = Struct(">BII")
"""Octets a pixel (1 for grey, 3 for RGB), width and height."""


def main() -> int:
    """Decode the images on standard input until it ends."""
    serve(answer, LIMITS, prepare)
    return 0


def main_once() -> NoReturn:
    """Decode the images of one request on standard input."""
    serve_once(answer, LIMITS, prepare)


def prepare(mode: int, octets: bytes) -> None:
    """Import the decoders of a request, so that no child has to."""
    for image in split(octets) if mode in _SEVERAL else (octets,):
        try:
            image_format = sniff(image).format
        except MalformedError:  # `answer` says so
            continue
        if image_format is ImageFormat.WSQ:
            import _wsq  # noqa: F401
        else:
            pillow_decoder(image_format)
    if mode == Mode.PIXELS:
        import PIL.Image
    elif mode != Mode.LOOK:
        import PIL.Image
        import PIL.PngImagePlugin  # noqa: F401


def answer(mode: int, octets: bytes) -> tuple[Status, bytes]:
    """Answer one request, in a child."""
    if mode in _SEVERAL:
        work = _look if mode == Mode.LOOK else _pixels
        parts: list[bytes] = []
        for image in split(octets):
            status, found = _bounded(lambda image=image: work(image))  # type: ignore[misc]
            parts += (FRAME.pack(status, len(found)), found)
        return Status.DONE, b"".join(parts)
    partial = mode == Mode.PARTIAL
    return _bounded(lambda: _png(*(decode_partial(octets) if partial else (decode(octets), ""))))


def split(octets: bytes) -> list[bytes]:
    """Return the images of a request of several."""
    images, position = [], 0
    while position < len(octets):
        start = position + LENGTH.size
        (length,) = LENGTH.unpack(octets[position:start])
        position = start + length
        images.append(octets[start:position])
    return images


def _look(image: bytes) -> bytes:
    return look(image).encode()


def _pixels(image: bytes) -> bytes:
    picture = decode(image)
    head = PIXELS_HEAD.pack(len(picture.getbands()), picture.width, picture.height)
    return head + picture.tobytes()


def _png(image: "Image", quirk: str) -> bytes:
    png = BytesIO()
    image.save(png, "PNG", compress_level=1)
    return quirk.encode() + b"\0" + png.getvalue()


def _bounded(work: Callable[[], bytes]) -> tuple[Status, bytes]:
    """Return the result of decoding, or the reason of its failure."""
    try:
        return Status.DONE, work()
    except MalformedError as problem:
        return Status.MALFORMED, reasons.encode(problem.reason)
    except MemoryError:
        return Status.MALFORMED, reasons.encode(
            "needs more memory than an image of an eMRTD should"
        )


if __name__ == "__main__":
    sys.exit(main())
