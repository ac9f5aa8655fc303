"""Fit a portrait to a profile: crop it to the face's geometry, scale it, meet a file size.

The geometry is that of Doc 9303-3, 3.9.1: 7:9 (35 x 45 mm), crown to chin 70 to 80 per cent of the
height, cropped and never stretched.  Nothing is sharpened, whitened or enlarged.
"""

import math
from collections.abc import Callable
from io import BytesIO
from typing import TYPE_CHECKING, Final

import msgspec

from emrtd.biometrics.images.decoding import (
    check_bounds,
    count_scans,
    decode_with_pillow,
)
from emrtd.biometrics.images.eye_centres import Eyes
from emrtd.biometrics.images.eyes import find_eyes
from emrtd.biometrics.images.headers import ImageFormat, ImageHeader, sniff
from support.errors import MisuseError
from support.values import Hidden, Value

if TYPE_CHECKING:
    from PIL.Image import Image, Resampling


MAX_OCTETS: Final = 20 << 20
"""The largest photograph that is fitted, in octets."""

MAX_CAMERA_PIXELS: Final = 50_000_000
"""The most pixels of a baseline JPEG, which is decoded at the smallest sufficient scale."""

MAX_PIXELS: Final = 8_000_000
"""The most pixels of any other photograph, and of a JPEG as it is decoded: 32 MB."""

_WIDTH_IN_EYES: Final = 3.6
"""Width of the portrait in distances between the eyes: 10 mm of 35 (Doc 9303-3, 3.9.1.1).

Crown to chin is about 3.5 such distances, hence 75 per cent of the height."""

_EYE_LINE: Final = 0.45
"""Distance of the eyes from the top, in heights (ISO/IEC 19794-5: 0.3 to 0.5)."""

_MIN_TILT: Final = math.radians(1)
"""The eyes are made level above this tilt; below it, resampling would lose more than it gains."""


class PortraitProfile(msgspec.Struct, frozen=True):
    """What a portrait is fitted to.

    `width` and `height` are pixels, 413 x 531 being 35 x 45 mm at 300 pixels per inch; `format` is
    JPEG or JPEG 2000; `target_bytes` is never exceeded, and is met within 2 per cent if the
    picture has enough detail.
    """

    target_bytes: int
    format: ImageFormat = ImageFormat.JPEG2000
    width: int = 413
    height: int = 531
    colour: bool = True


class FittedPortrait(Value, frozen=True):
    """The fitted image, and the position of the eyes in it, if given or found."""

    data: Hidden[bytes]
    width: int
    height: int
    eyes: Hidden[Eyes | None] = None
    marked: bool = False
    """Whether the caller gave the eyes; otherwise a program found them."""


def fit(image: bytes, profile: PortraitProfile, eyes: Eyes | None = None) -> FittedPortrait:
    """Crop, scale and compress a photograph to the profile.

    The picture is turned until the eyes are level, and cropped so that they are where the
    standards require, as far as the photograph extends.  Without `eyes`, `find_eyes` looks for
    them; if it finds none, the picture is cropped around its middle.  Raises `MalformedError` if
    it is not an image or is too large, `MisuseError` for a profile that cannot be met.
    """
    marked = eyes is not None
    picture, eyes = _load(image, profile, eyes)
    eyes = find_eyes(picture) if eyes is None else eyes
    if eyes is not None:
        picture, eyes = _level(picture, eyes)
    left, top, right, bottom = _crop(picture.size, profile, eyes)
    scale = min(1.0, profile.width / (right - left))
    size = (round((right - left) * scale), round((bottom - top) * scale))
    fitted = picture.resize(size, resample=_lanczos(), box=(left, top, right, bottom))
    if not profile.colour:
        fitted = fitted.convert("L")
    if eyes is not None:
        eyes = eyes.moved(lambda point: ((point[0] - left) * scale, (point[1] - top) * scale))
    data = compress(fitted, profile.format, profile.target_bytes)
    return FittedPortrait(data, *size, eyes, marked)


def _load(
    octets: bytes, profile: PortraitProfile, eyes: Eyes | None
) -> "tuple[Image, Eyes | None]":
    header = sniff(octets, "portrait")
    if header.format is ImageFormat.WSQ:
        raise MisuseError("a portrait is a photograph; WSQ is for fingerprints")
    camera = header.format is ImageFormat.JPEG and count_scans(octets, header) == 1
    check_bounds(octets, header, MAX_CAMERA_PIXELS if camera else MAX_PIXELS, MAX_OCTETS)
    part = _needed(header, profile, eyes)
    at_least = (math.ceil(header.width * part), math.ceil(header.height * part))
    if at_least[0] * at_least[1] > MAX_PIXELS:
        raise MisuseError(
            "the face is too small a part of so large a photograph", advice="crop it first"
        )
    picture = decode_with_pillow(octets, header, at_least)
    scale = max(picture.size) / max(header.width, header.height)
    if eyes is not None:
        eyes = eyes.moved(lambda point: (point[0] * scale, point[1] * scale))
        _check_eyes(eyes, picture.size)
    return picture, eyes


def _needed(header: ImageHeader, profile: PortraitProfile, eyes: Eyes | None) -> float:
    """Return the scale at which the photograph still has 1.5 times as many pixels as needed."""
    face = min(header.width, header.height)
    if eyes is not None:
        face = min(face, math.ceil(eyes.distance * _WIDTH_IN_EYES))
    return min(1.0, 1.5 * max(profile.width, profile.height) / max(face, 1))


def _check_eyes(eyes: Eyes, size: tuple[int, int]) -> None:
    inside = all(0 <= x < size[0] and 0 <= y < size[1] for x, y in (eyes.one, eyes.other))
    if not inside or eyes.distance < 10:
        raise MisuseError("the eye positions are outside the portrait or too close together")


def _level(picture: "Image", eyes: Eyes) -> "tuple[Image, Eyes]":
    """Turn the picture about the middle between the eyes until they are level."""
    (x0, y0), (x1, y1) = eyes.right, eyes.left
    tilt = math.atan2(y1 - y0, x1 - x0)
    if abs(tilt) < _MIN_TILT:
        return picture, eyes
    middle = ((x0 + x1) / 2, (y0 + y1) / 2)
    half = eyes.distance / 2
    turned = picture.rotate(math.degrees(tilt), resample=_bicubic(), center=middle)
    return turned, Eyes((middle[0] - half, middle[1]), (middle[0] + half, middle[1]))


def _crop(
    size: tuple[int, int], profile: PortraitProfile, eyes: Eyes | None
) -> tuple[float, float, float, float]:
    """Return the box to cut out: of the profile's aspect, around the eyes, inside the picture."""
    aspect = profile.width / profile.height
    widest = min(size[0], size[1] * aspect)
    if eyes is None:
        width, x, y = widest, size[0] / 2, size[1] / 2
        down = 0.5
    else:
        width = min(eyes.distance * _WIDTH_IN_EYES, widest)
        x, y = ((a + b) / 2 for a, b in zip(eyes.right, eyes.left, strict=True))
        down = _EYE_LINE
    height = width / aspect
    left = min(max(x - width / 2, 0), size[0] - width)
    top = min(max(y - height * down, 0), size[1] - height)
    return left, top, left + width, top + height


def compress(picture: "Image", image_format: ImageFormat, target: int) -> bytes:
    """Compress to at most `target` octets, and within 2 per cent of it if there is enough detail.

    Raises `MisuseError` if even the lowest quality is larger than that.
    """
    if image_format is ImageFormat.JPEG:
        return _search(lambda scale: _jpeg(picture, scale), target, 1.0, (0.02, 40.0))
    if image_format is ImageFormat.JPEG2000:
        raw = picture.width * picture.height * len(picture.getbands())
        return _search(
            lambda rate: _jpeg2000(picture, rate), target, raw / target, (1.0, raw / 200)
        )
    raise MisuseError(f"a portrait is stored as JPEG or JPEG 2000, not as {image_format.value}")


def _search(
    encode: Callable[[float], bytes], target: int, guess: float, limits: tuple[float, float]
) -> bytes:
    """Search between limits, from a guess, for how coarsely to encode; return the best encoding."""
    finest, coarsest = limits
    too_fine: tuple[float, int] | None = None
    fits: tuple[float, int] | None = None
    best, coarse = b"", min(max(guess, finest), coarsest)
    for _ in range(12):
        found = encode(coarse)
        size = len(found)
        if size > target:
            too_fine = (coarse, size)
            if coarse >= coarsest:
                raise MisuseError(
                    f"the portrait takes {size} octets at the lowest quality;"
                    f" the target is {target}"
                )
        else:
            fits = (coarse, size)
            best = max(best, found, key=len)
            if size >= 0.985 * target or coarse <= finest:
                break
        coarse = min(max(_next(too_fine, fits, 0.993 * target), finest), coarsest)
    return best


def _next(too_fine: tuple[float, int] | None, fits: tuple[float, int] | None, aim: float) -> float:
    """Return the next value to try: between both ends, on a log-log line; else in proportion."""
    if too_fine is None or fits is None:
        coarse, size = too_fine or fits or (1.0, 1)
        return coarse * math.pow(size / aim, 1.3)
    span = math.log(fits[0] / too_fine[0])
    part = math.log(too_fine[1] / aim) / math.log(too_fine[1] / fits[1])
    return too_fine[0] * math.exp(span * min(max(part, 0.05), 0.95))


# ITU-T T.81, tables K.1 and K.2, row by row and not in zigzag order: the tables of quality 50.
_LUMINANCE: Final = (
    16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55,
    14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51, 87, 80, 62,
    18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92,
    49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
)  # fmt: skip
_CHROMINANCE: Final = (
    17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99,
    24, 26, 56, 99, 99, 99, 99, 99, 47, 66, 99, 99, 99, 99, 99, 99,
    *(99,) * 32,
)  # fmt: skip


def _jpeg(picture: "Image", scale: float) -> bytes:
    """Return a JPEG with both tables times `scale`, in finer steps than Pillow's qualities."""
    tables = [
        [min(255, max(1, round(each * scale))) for each in table]
        for table in (_LUMINANCE, _CHROMINANCE)
    ]
    written = BytesIO()
    picture.save(
        written,
        "JPEG",
        qtables=tables if picture.mode == "RGB" else tables[:1],
        subsampling="4:2:0",
        optimize=True,
        dpi=(300, 300),
    )
    return written.getvalue()


def _jpeg2000(picture: "Image", rate: float) -> bytes:
    """Return a one-layer JPEG 2000 with the wavelet and colour transformation that lose less."""
    written = BytesIO()
    picture.save(
        written,
        "JPEG2000",
        quality_mode="rates",
        quality_layers=[rate],
        irreversible=True,
        mct=1 if picture.mode == "RGB" else 0,  # ISO/IEC 15444-1, annex G.3: three components
    )
    return written.getvalue()


def _lanczos() -> "Resampling":
    from PIL.Image import Resampling

    return Resampling.LANCZOS


def _bicubic() -> "Resampling":
    from PIL.Image import Resampling

    return Resampling.BICUBIC
