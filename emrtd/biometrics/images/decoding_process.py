"""The process in which untrusted images are decoded: `python -m` this module.

The answer to a request is the quirk that was read past, a zero octet and a PNG.
"""

import sys
from enum import IntEnum, unique
from io import BytesIO
from typing import Final

from emrtd.biometrics.images.decoding import decode, decode_partial
from emrtd.biometrics.images.serving import DecodingLimits, Status, serve
from support.errors import MalformedError

LIMITS: Final = DecodingLimits(memory=64 << 20)


@unique
class Mode(IntEnum):
    """What a request asks for."""

    WHOLE = 0
    """The image, if it is whole."""
    PARTIAL = 1
    """The image, or the visible part of one that ends early."""
    QUIRK = 2
    """As `PARTIAL`, without the PNG, which takes longer to make than a portrait to decode."""


def main() -> int:
    """Decode the images on standard input until it ends."""
    import _wsq  # noqa: F401  # so that no child has to import them
    import PIL.Image
    import PIL.ImageOps
    import PIL.Jpeg2KImagePlugin

    PIL.Image.preinit()
    serve(answer, LIMITS)
    return 0


def answer(mode: int, octets: bytes) -> tuple[Status, bytes]:
    """Decode one image; the answer is PNG, or the reason of the failure."""
    try:
        if mode == Mode.WHOLE:
            image, quirk = decode(octets), ""
        else:
            image, quirk = decode_partial(octets)
        if mode == Mode.QUIRK:
            return Status.DONE, quirk.encode() + b"\0"
        png = BytesIO()
        image.save(png, "PNG", compress_level=1)
    except MalformedError as problem:
        return Status.MALFORMED, problem.reason.encode()
    except MemoryError:
        return Status.MALFORMED, b"needs more memory than an image of an eMRTD should"
    return Status.DONE, quirk.encode() + b"\0" + png.getvalue()


if __name__ == "__main__":
    sys.exit(main())
