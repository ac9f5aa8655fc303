"""Fit a fingerprint to a profile: 500 pixels per inch, cropped to its ridges, WSQ of a given size.

A WSQ file that has this resolution and area already is not decoded: it is stored as it is, or made
smaller without a second wavelet transformation.
"""

from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

import msgspec

from emrtd.biometrics.images.decoding import check_bounds, decode_with_pillow
from emrtd.biometrics.images.headers import ImageFormat, ImageHeader, sniff
from emrtd.biometrics.images.png import to_png
from emrtd.biometrics.images.wsq_library import MIN_SIDE, compress
from emrtd.biometrics.images.wsq_rate import shrink
from support.errors import MisuseError
from support.values import Hidden, Value

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image

RESOLUTION: Final = 500
"""Pixels per inch of every fingerprint on a chip (ISO/IEC 19794-4, acquisition level 31)."""

MAX_PIXELS: Final = 3_000_000


class FingerprintProfile(msgspec.Struct, frozen=True):
    """What a fingerprint is fitted to.

    `target_bytes` is never exceeded; it is met within 2 per cent if the library's 0.75 bits a
    pixel would take more, and a smaller file is left as it is.  `width` and `height` are the
    largest area in pixels, 512 at 500 pixels per inch being 26 mm.
    """

    target_bytes: int
    width: int = 512
    height: int = 512


class _Scan(Value, frozen=True):
    """An image of a finger, and its resolution in pixels per inch."""

    data: Hidden[bytes]
    header: ImageHeader
    resolution: int


def fit_fingerprint(
    image: bytes, profile: FingerprintProfile, resolution: int | None = None
) -> bytes:
    """Fit a fingerprint: any image in, WSQ at 500 pixels per inch out.

    `resolution`, if given, overrides that in the header of `image`; the default is 500.
    Raises `MalformedError` if it is not an image, `MisuseError` if it cannot be fitted.
    """
    header = sniff(image, "fingerprint")
    check_bounds(image, header, MAX_PIXELS)
    scan = _Scan(image, header, resolution or header.pixels_per_inch or RESOLUTION)
    if not 100 <= scan.resolution <= 4000:
        raise MisuseError(f"a fingerprint of {scan.resolution} pixels per inch cannot be fitted")
    fits = header.width <= profile.width and header.height <= profile.height
    if header.format is ImageFormat.WSQ and fits and scan.resolution == RESOLUTION:
        return shrink(image, profile.target_bytes)
    return shrink(encode_wsq(_prepared(scan, profile)), profile.target_bytes)


def encode_wsq(picture: "Image") -> bytes:
    """Encode an 8-bit grey picture as WSQ at 500 pixels per inch, about 0.75 bits a pixel."""
    grey = picture.convert("L")
    return compress(grey.tobytes(), grey.width, grey.height)


def _prepared(scan: _Scan, profile: FingerprintProfile) -> "Image":
    from PIL.Image import Resampling

    picture = _decode(scan)
    scale = RESOLUTION / scan.resolution
    size = (round(picture.width * scale), round(picture.height * scale))
    if min(size) < MIN_SIDE:
        raise MisuseError(f"a fingerprint of {size[0]} x {size[1]} pixels is too small")
    if size != picture.size:
        picture = picture.resize(size, resample=Resampling.LANCZOS)
    return picture.crop(_densest(picture, profile))


def _decode(scan: _Scan) -> "Image":
    if scan.header.format is not ImageFormat.WSQ:
        return decode_with_pillow(scan.data, scan.header).convert("L")
    import PIL.Image

    return PIL.Image.open(BytesIO(to_png(scan.data, "fingerprint")))  # our own PNG


def _densest(picture: "Image", profile: FingerprintProfile) -> tuple[int, int, int, int]:
    """Return the box of the profile's area around the ridges, inside the picture.

    The ridges are where brightness changes from pixel to pixel; the box is centred on their mass.
    """
    import numpy as np

    pixels = np.asarray(picture, dtype=np.int16)
    width, height = min(profile.width, picture.width), min(profile.height, picture.height)
    changes = np.abs(np.diff(pixels, axis=1))[:-1] + np.abs(np.diff(pixels, axis=0))[:, :-1]
    left = _centre(changes.sum(axis=0), width, picture.width)
    top = _centre(changes.sum(axis=1), height, picture.height)
    return left, top, left + width, top + height


def _centre(mass: "np.ndarray[Any, np.dtype[np.int64]]", span: int, most: int) -> int:
    """Return the start of a span of pixels that is centred on the mass, inside the picture."""
    total = int(mass.sum())
    middle = (
        sum(place * int(each) for place, each in enumerate(mass)) / total if total else most / 2
    )
    return min(max(round(middle - span / 2), 0), most - span)
