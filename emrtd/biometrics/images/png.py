"""Convert any image of an eMRTD to PNG, in another process."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from emrtd.biometrics.images.decoder import (
    DecodedPixels,
    decoded,
    each_looked_at,
    looked_at,
    pixels_of,
)
from emrtd.biometrics.images.decoding import MAX_OCTETS, MAX_PIXELS, check_bounds
from emrtd.biometrics.images.decoding_process import Mode
from emrtd.biometrics.images.headers import sniff
from support.errors import MalformedError
from support.values import Hidden, Value

T = TypeVar("T")


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
    return _of_sound(images, looked_at)


def look_each(documents: Sequence[Sequence[bytes]]) -> list[list[str | MalformedError]]:
    """Return what `look` returns for the images of each document, in less time."""
    objections = [[_objection(image) for image in images] for images in documents]
    found = each_looked_at(
        [
            [image for image, each in zip(images, against, strict=True) if each is None]
            for images, against in zip(documents, objections, strict=True)
        ]
    )
    return list(map(_merged, objections, found))


def to_pixels(images: Sequence[bytes]) -> list[DecodedPixels | MalformedError]:
    """Decode images as `to_png` does, and return their pixels, or why there are none."""
    return _of_sound(images, pixels_of)


def _of_sound(
    images: Sequence[bytes], decode: Callable[[Sequence[bytes]], Sequence[T | MalformedError]]
) -> list[T | MalformedError]:
    """Return the results for the images that may be decoded, and the objections to the others."""
    objections = [_objection(image) for image in images]
    found = decode([image for image, each in zip(images, objections, strict=True) if each is None])
    return _merged(objections, found)


def _merged(
    objections: Sequence[MalformedError | None], found: Sequence[T | MalformedError]
) -> list[T | MalformedError]:
    """Return the results, with the objections at the places of the images that have one."""
    each_found = iter(found)
    return [next(each_found) if each is None else each for each in objections]


def _objection(image: bytes) -> MalformedError | None:
    try:
        _check(image, "image")
    except MalformedError as objection:
        return objection
    return None


def _check(image: bytes, what: str) -> None:
    header = sniff(image[: MAX_OCTETS + 1], what)
    check_bounds(image, header, MAX_PIXELS)
