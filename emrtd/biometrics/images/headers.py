"""The format and the size of an image, read from its header without decoding it.

Doc 9303-10 stores portraits as JPEG (ISO/IEC 10918-1) or JPEG 2000 (ISO/IEC 15444-1, in a JP2
file or, at some issuers, as the bare codestream), fingerprints as WSQ (IAFIS-IC-0110); ISO/IEC
39794-4 and -6 add PNG (ISO/IEC 15948) and the portable pixmaps.
"""

import re
import struct
from collections.abc import Iterator
from enum import Enum, unique
from typing import Final

import msgspec

from support.errors import MalformedError
from support.reasons import Reason


@unique
class ImageFormat(Enum):
    """The image formats in data groups; the value is the usual name."""

    JPEG = "JPEG"
    JPEG2000 = "JPEG 2000"
    JPEG2000_CODESTREAM = "JPEG 2000 codestream"
    PNG = "PNG"
    WSQ = "WSQ"
    PGM = "PGM"
    PPM = "PPM"

    @property
    def is_jpeg2000(self) -> bool:
        """Whether this is JPEG 2000, as a file or as a bare codestream."""
        return self in {ImageFormat.JPEG2000, ImageFormat.JPEG2000_CODESTREAM}


class ImageHeader(msgspec.Struct, frozen=True):
    """The header of an image: its format, and its size in pixels.

    `channels` is 1 for grey and 3 for colour; `pixels_per_inch` is None if it is not stated.
    `plain` is False for a JPEG or JPEG 2000 that is not grey or colour of 8 bits a channel, but
    deeper, CMYK or transparent: a biometric record cannot state this, and few readers show it.
    """

    format: ImageFormat
    width: int
    height: int
    channels: int
    pixels_per_inch: int | None = None
    plain: bool = True

    @property
    def pixels(self) -> int:
        """Width times height."""
        return self.width * self.height

    @property
    def size(self) -> str:
        """The dimensions as text: 413 x 531."""
        return f"{self.width} x {self.height}"


JPEG_MAGIC: Final = b"\xff\xd8\xff"
JP2_MAGIC: Final = bytes.fromhex("0000000C6A5020200D0A870A")
J2K_MAGIC: Final = bytes.fromhex("FF4FFF51")
PNG_MAGIC: Final = b"\x89PNG\r\n\x1a\n"
WSQ_MAGIC: Final = b"\xff\xa0\xff"

_MAGICS: Final = (
    (JPEG_MAGIC, ImageFormat.JPEG),
    (JP2_MAGIC, ImageFormat.JPEG2000),
    (J2K_MAGIC, ImageFormat.JPEG2000_CODESTREAM),
    (PNG_MAGIC, ImageFormat.PNG),
    (WSQ_MAGIC, ImageFormat.WSQ),
    (b"P5", ImageFormat.PGM),
    (b"P6", ImageFormat.PPM),
)

IMAGE_MAGICS: Final = tuple(magic for magic, _ in _MAGICS)
"""The first octets of each format, for `bytes.startswith`."""

MAX_SEGMENTS: Final = 200
"""How many marker segments or boxes are read to find the dimensions."""


def identify(image: bytes) -> ImageFormat | None:
    """Return the format of an image from its first octets; None if it is unknown."""
    for magic, image_format in _MAGICS:
        if image.startswith(magic):
            return image_format
    return None


def sniff(image: bytes, what: str = "image") -> ImageHeader:
    """Read the format and the dimensions; `what` names the image in errors.

    Raises `MalformedError` for octets that are not an image, and for a header that is broken or
    states no pixels.  Nothing is decoded: the picture itself may still be broken.
    """
    image_format = identify(image)
    if image_format is None:
        reason = (
            Reason(
                "begins with {image}, which is neither JPEG, JPEG 2000, PNG nor WSQ",
                image=image[:8].hex().upper(),
            )
            if image
            else "is empty"
        )
        raise MalformedError(what, reason, 0)
    try:
        header = _READERS[image_format](image)
    except (struct.error, IndexError):
        header = None
    if header is None:
        raise MalformedError(
            what,
            Reason(
                "the {image_format} header is broken or cut short", image_format=image_format.value
            ),
        )
    if not header.width or not header.height:
        raise MalformedError(
            what,
            Reason(
                "the {image_format} header states {size} pixels",
                image_format=image_format.value,
                size=header.size,
            ),
        )
    return header


def _jpeg(image: bytes) -> ImageHeader | None:
    density = None
    for marker, start, _ in _segments(image, position=2):
        if marker == 0xE0 and image[start : start + 5] == b"JFIF\0":
            density = _jfif_density(image, start)
        if 0xC0 <= marker <= 0xCF and marker not in {0xC4, 0xC8, 0xCC}:  # SOFn: B.2.2
            precision, height, width, components = struct.unpack_from(">BHHB", image, start)
            channels = 1 if components == 1 else 3
            plain = precision == 8 and components in {1, 3}
            return ImageHeader(ImageFormat.JPEG, width, height, channels, density, plain)
        if marker in {0xDA, 0xD9}:
            break
    return None


_FILL: Final = re.compile(rb"\xff+")


def _segments(image: bytes, position: int) -> Iterator[tuple[int, int, int]]:
    """Yield the marker segments of JPEG or WSQ, up to the first scan: marker, start and end."""
    for _ in range(MAX_SEGMENTS):
        filled = _FILL.match(image, position)  # FF may be repeated before a marker (B.1.1.2)
        if filled is None or filled.end() + 3 > len(image):
            return
        position = filled.end() - 1
        marker = image[position + 1]
        length = int.from_bytes(image[position + 2 : position + 4], "big")
        yield marker, position + 4, position + 2 + length
        if marker in {0xDA, 0xD9} or length < 2:
            return
        position += 2 + length


def _jfif_density(image: bytes, start: int) -> int | None:
    unit, horizontal = struct.unpack_from(">BH", image, start + 7)
    return _per_inch(horizontal, {1: 1.0, 2: 2.54}.get(unit))


def _per_inch(value: float, factor: float | None) -> int | None:
    return round(value * factor) if value and factor else None


def boxes(image: bytes, start: int = 0, end: int | None = None) -> Iterator[tuple[bytes, int, int]]:
    """Yield the boxes of a JP2 file, or of a superbox: kind, start and end of the content.

    Stops at a box of an impossible length (ISO/IEC 15444-1, I.4); raises `struct.error` if a box
    is cut short.
    """
    position, stop = start, len(image) if end is None else end
    for _ in range(MAX_SEGMENTS):
        if position >= stop:
            return
        length, kind = struct.unpack_from(">I4s", image, position)
        yield kind, position + 8, position + length
        if length < 8:
            return
        position += length


def _jp2(image: bytes) -> ImageHeader | None:
    for kind, start, _ in boxes(image, len(JP2_MAGIC)):
        if kind == b"jp2h":
            height, width, components = struct.unpack_from(">8xIIH", image, start)
            depth = image[start + 18 : start + 19]
            if image[start + 4 : start + 8] != b"ihdr":  # always the first box: I.5.3
                return None
            return _jpeg2000(ImageFormat.JPEG2000, width, height, components, depth)
    return None


def _jpeg2000(
    image_format: ImageFormat, width: int, height: int, components: int, depth: bytes
) -> ImageHeader:
    """Return the header of JPEG 2000; `depth` is one octet: sign, and bits less one (A.5.1)."""
    plain = depth == b"\x07" and components in {1, 3}
    return ImageHeader(image_format, width, height, 1 if components == 1 else 3, plain=plain)


def _codestream(image: bytes) -> ImageHeader | None:
    # SIZ: Rsiz, Xsiz, Ysiz, XOsiz, YOsiz, four of the tiles, Csiz (ISO/IEC 15444-1, A.5.1)
    right, bottom, left, top, components = struct.unpack_from(">IIII16xH", image, 8)
    width, height = max(0, right - left), max(0, bottom - top)
    return _jpeg2000(ImageFormat.JPEG2000_CODESTREAM, width, height, components, image[42:43])


def _png(image: bytes) -> ImageHeader | None:
    kind, width, height, _, colour = struct.unpack_from(">4sIIBB", image, 12)
    if kind != b"IHDR":
        return None
    density = None
    found = image.find(b"pHYs", 33, 4096)
    if found != -1:
        horizontal, _, unit = struct.unpack_from(">IIB", image, found + 4)
        density = _per_inch(horizontal, 0.0254 if unit == 1 else None)
    return ImageHeader(ImageFormat.PNG, width, height, 1 if colour in {0, 4} else 3, density)


def _wsq(image: bytes) -> ImageHeader | None:
    density = None
    for marker, start, end in _segments(image, position=2):
        if marker == 0xA8 and image[start : start + 8] == b"NIST_COM":
            found = re.search(rb"\nPPI (\d{1,5})\s", image[start:end])
            density = int(found[1]) or None if found else None
        if marker == 0xA2:  # start of frame: black, white, Y, X
            height, width = struct.unpack_from(">xxHH", image, start)
            return ImageHeader(ImageFormat.WSQ, width, height, 1, density)
        if marker == 0xA3:
            break
    return None


_PIXMAP: Final = re.compile(rb"P[56]\s+(?:#[^\n]*\n\s*)*(\d{1,6})\s+(\d{1,6})\s+\d{1,5}\s")


def _pixmap(image: bytes) -> ImageHeader | None:
    found = _PIXMAP.match(image[:1024])
    if found is None:
        return None
    grey = image.startswith(b"P5")
    image_format = ImageFormat.PGM if grey else ImageFormat.PPM
    return ImageHeader(image_format, int(found[1]), int(found[2]), 1 if grey else 3)


_READERS: Final = {
    ImageFormat.JPEG: _jpeg,
    ImageFormat.JPEG2000: _jp2,
    ImageFormat.JPEG2000_CODESTREAM: _codestream,
    ImageFormat.PNG: _png,
    ImageFormat.WSQ: _wsq,
    ImageFormat.PGM: _pixmap,
    ImageFormat.PPM: _pixmap,
}
