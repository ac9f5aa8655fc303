"""Convert any image of an eMRTD to PNG, in another process."""

from collections.abc import Sequence

from emrtd.biometrics.images.decoder import decoded, looked_at
from emrtd.biometrics.images.decoding import MAX_OCTETS, MAX_PIXELS, check_bounds
from emrtd.biometrics.images.decoding_process import Mode
from emrtd.biometrics.images.headers import sniff
from support.errors import MalformedError
from support.values import Hidden, Value


class Shown(Value, frozen=True):
    """The visible part of an image, as PNG, and its quirk, empty for a whole image."""

    png: Hidden[bytes]
    quirk: str = ""


def to_png(image: bytes, what: str = "image") -> bytes:
    """Decode a JPEG, JPEG 2000, PNG, WSQ or pixmap image and encode it as PNG, grey or RGB.

    The decoders run in a process of their own, whose processor time (1 s) and memory (64 MB above
    its start) are limited.  Raises `MalformedError` for a hostile image, and for one that is
    damaged or cut short.  At most 4 MB and 3 million pixels are decoded; JPEG 2000 above 1.5
    million is decoded at half its size.
    """
    _check(image, what)
    return decoded(image, Mode.WHOLE, what)[0]


def show(image: bytes, what: str = "image") -> Shown:
    """Convert an image as `to_png` does, but show the visible part of one that ends early."""
    _check(image, what)
    return Shown(*decoded(image, Mode.PARTIAL, what))


def look(images: Sequence[bytes]) -> list[str | MalformedError]:
    """Decode images as `show` does; return the quirk of each, or why it cannot be shown."""
    found = [_objection(image) for image in images]
    sound = [number for number, objection in enumerate(found) if objection is None]
    if sound:
        answers = looked_at([images[number] for number in sound])
        for number, answer in zip(sound, answers, strict=True):
            found[number] = answer
    return [each or "" for each in found]


def _objection(image: bytes) -> str | MalformedError | None:
    try:
        _check(image, "image")
    except MalformedError as objection:
        return objection
    return None


def _check(image: bytes, what: str) -> None:
    header = sniff(image[: MAX_OCTETS + 1], what)
    check_bounds(image, header, MAX_PIXELS)
