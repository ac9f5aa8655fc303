"""The `wsq` library, which is untyped and unsafe; other modules call it only through this one.

A damaged file can crash the interpreter that decodes it, so only the process of `decoding_process`
may call `decompress`.  The library ignores its ratio argument: it always aims at 0.75 bits a pixel
(about 15:1 with blank margins, 11:1 on ridges), the rate of IAFIS-IC-0110;
`emrtd.biometrics.images.wsq_rate` makes files smaller than that.
"""

from typing import Final

from support.errors import MalformedError, MisuseError
from support.reasons import Reason

MIN_SIDE: Final = 32
"""Pixels of the smallest side that the library encodes."""

MAX_PIXELS: Final = 3_000_000
"""The most pixels of an image; four fingers side by side at 500 pixels per inch are 2.4 million."""


def compress(pixels: bytes, width: int, height: int) -> bytes:
    """Encode 8-bit grey pixels, row by row from the top, as WSQ at 500 pixels per inch."""
    if len(pixels) != width * height:
        raise MisuseError(f"{len(pixels)} octets are not {width} x {height} grey pixels")
    if min(width, height) < MIN_SIDE or len(pixels) > MAX_PIXELS:
        raise MisuseError(
            f"WSQ images have {MIN_SIDE} pixels a side at least and {MAX_PIXELS} in all at most,"
            f" not {width} x {height}"
        )
    import _wsq

    try:
        return bytes(_wsq.compress(pixels, height, width, 0.75))
    except Exception as problem:  # noqa: BLE001  # the library raises Exception itself
        raise MisuseError(f"the image cannot be encoded as WSQ: {problem}") from None


def decompress(image: bytes) -> tuple[bytes, int, int]:
    """Decode a WSQ image to 8-bit grey pixels, width and height; may crash the interpreter."""
    import _wsq

    try:
        pixels, width, height, _ = _wsq.decompress(image)
    except Exception as problem:  # noqa: BLE001  # the library raises Exception itself
        raise MalformedError(
            "WSQ image", Reason("cannot be decoded ({problem})", problem=problem)
        ) from None
    return bytes(pixels), width, height
