"""Convert a decoded image to 8 bits a channel, grey or RGB, in sRGB and without transparency.

Doc 9303-3 and ISO/IEC 19794-5 define only 8-bit grey and 24-bit colour, and no reader of a chip
applies a colour profile.  Therefore depth, transparency and profile are resolved in decoding.
"""

import struct
from io import BytesIO
from typing import TYPE_CHECKING, Final

from emrtd.biometrics.images.headers import ImageFormat, boxes

if TYPE_CHECKING:
    from PIL.Image import Image

_GREY_MODES: Final = frozenset({"1", "L", "LA", "La", "I", "I;16", "I;16B", "F"})

_DEEP_MODES: Final = frozenset({"I", "I;16", "I;16B"})
"""Grey of more than 8 bits, which Pillow scales to 0 to 65535 whatever the file's depth."""

_RESTRICTED_ICC: Final = 2
"""METH of a colour specification box that holds an ICC profile (ISO/IEC 15444-1, I.5.3.3)."""


def to_eight_bits(image: "Image", profile: bytes | None) -> "Image":
    """Return the same picture in mode L or RGB, in sRGB, on white, without metadata.

    `profile` is the ICC profile of its colours; as in viewers, it is ignored if it is damaged or
    of another colour space than the image.
    """
    mode = "L" if image.mode in _GREY_MODES else "RGB"
    if image.mode in _DEEP_MODES:
        transparent = image.info.pop("transparency", None)
        image = image.point(lambda value: value * (1 / 257) + 0.5).convert("L")
        if transparent is not None:
            image.info["transparency"] = round(transparent / 257)
    if image.has_transparency_data:
        image = _on_white(image)
    if image.mode not in ({"L"} if mode == "L" else {"RGB", "CMYK"}):
        image = image.convert(mode)
    if profile:
        image = _to_srgb(image, profile)
    if image.mode != mode:
        image = image.convert(mode)
    image.info = {}  # Pillow writes comments and profiles that it finds here into other files
    return image


def profile_of(octets: bytes, image_format: ImageFormat, image: "Image") -> bytes | None:
    """Return the ICC profile of an opened image; Pillow does not read that of a JP2 file."""
    if image_format is not ImageFormat.JPEG2000:
        found: bytes | None = image.info.get("icc_profile")
        return found
    try:
        for kind, start, end in boxes(octets):
            if kind == b"jp2h":
                for inner, first, last in boxes(octets, start, end):
                    if inner == b"colr" and octets[first] == _RESTRICTED_ICC:
                        return octets[first + 3 : last]
    except (struct.error, IndexError):
        return None
    return None


def _on_white(image: "Image") -> "Image":
    import PIL.Image

    image = image.convert("RGBA")
    white = PIL.Image.new("RGBA", image.size, (255, 255, 255, 255))
    white.alpha_composite(image)
    return white.convert("RGB")


def _to_srgb(image: "Image", profile: bytes) -> "Image":
    from PIL import ImageCms

    try:
        found = ImageCms.profileToProfile(
            image,
            ImageCms.ImageCmsProfile(BytesIO(profile)),
            ImageCms.createProfile("sRGB"),
            ImageCms.Intent.RELATIVE_COLORIMETRIC,
            "RGB",
            flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return image
    return image if found is None else found
