"""Decode an image to 8-bit grey or RGB, after its header has been checked against the limits.

Untrusted images are decoded only in the process of `decoding_process`; `decode_with_pillow` also
decodes the photographs of an application, in the process of its caller.
"""

from collections.abc import Callable
from io import BytesIO
from typing import TYPE_CHECKING, Final

from emrtd.biometrics.images.colours import profile_of, to_eight_bits
from emrtd.biometrics.images.headers import ImageFormat, ImageHeader, sniff
from emrtd.biometrics.images.wsq_library import decompress
from support.errors import MalformedError
from support.reasons import Reason

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFile import ImageFile

MAX_OCTETS: Final = 4 << 20
"""Octets of the largest file that is read."""

MAX_PIXELS: Final = 3_000_000
"""The most pixels that are decoded: about 1,550 x 1,950, many times an eMRTD's portrait."""

_REDUCE_FROM: Final = 1_500_000
"""Above so many pixels JPEG 2000, which takes 16 octets a pixel, is decoded at half its size."""

_ORIENTATION, _IS_UPRIGHT = 0x0112, 1
"""The tag of EXIF, and its value for an image that is not turned."""

_END_OF_IMAGE: Final = b"\xff\xd9"
"""EOI of JPEG, and EOC of JPEG 2000."""

_WSQ_END_OF_IMAGE: Final = b"\xff\xa1"

_START_OF_TILE_PART: Final = b"\xff\x90\x00\x0a"

_MAX_TILE_PARTS: Final = 1_000


def decode(octets: bytes) -> "Image":
    """Decode a whole image; raises `MalformedError` for one that is damaged or cut short.

    For WSQ and for untrusted images, call it only in the process of `decoding_process`.
    """
    header = sniff(octets)
    check_bounds(octets, header, MAX_PIXELS)
    if header.format is ImageFormat.WSQ:
        import PIL.Image

        pixels, width, height = decompress(octets)
        return PIL.Image.frombytes("L", (width, height), pixels)
    return decode_with_pillow(octets, header)


def decode_partial(octets: bytes) -> "tuple[Image, str]":
    """Decode an image that may end early; return the picture, and a quirk, empty if it is whole.

    The quirk continues a sentence that begins with the name of the image.  Missing parts are blank
    or coarse.  Raises `MalformedError` if nothing is visible, also in a whole image.  Call it only
    in the process of `decoding_process`: it changes a setting of Pillow.
    """
    try:
        image = decode(octets)
    except MalformedError as problem:
        import PIL.ImageFile

        PIL.ImageFile.LOAD_TRUNCATED_IMAGES = True
        try:
            image = decode(with_an_end(octets, sniff(octets)))
        except MalformedError:
            raise problem from None
        finally:
            PIL.ImageFile.LOAD_TRUNCATED_IMAGES = False
        if _is_blank(image):
            raise problem from None
        return image, "ends early or is damaged; the rest of it is shown"
    if _is_blank(image):
        raise MalformedError("image", Reason("is blank: all its pixels have one colour"))
    return image, ""


def _is_blank(image: "Image") -> bool:
    return image.getcolors(maxcolors=1) is not None


def look(octets: bytes) -> str:
    """Decode an image that may end early, and return only its quirk, as `decode_partial` does."""
    if sniff(octets).format is ImageFormat.WSQ:
        try:
            pixels, _, _ = decompress(octets)
        except MalformedError:
            pass  # some of it may be visible
        else:
            if pixels.count(pixels[:1]) < len(pixels):
                return ""
    return decode_partial(octets)[1]


def with_an_end(octets: bytes, header: ImageHeader) -> bytes:
    """Return an image that is cut short, completed as far as its decoder requires."""
    if header.format is ImageFormat.JPEG:
        return octets + _END_OF_IMAGE
    if header.format is ImageFormat.WSQ:
        return octets + _WSQ_END_OF_IMAGE
    if header.format.is_jpeg2000:
        return octets + bytes(_missing_of_tiles(octets)) + _END_OF_IMAGE
    if header.format in {ImageFormat.PGM, ImageFormat.PPM}:
        return octets + b"\xff" * (2 * header.channels * header.pixels)
    return octets


def _missing_of_tiles(octets: bytes) -> int:
    """Return how many octets the last tile-part of a codestream lacks (ISO/IEC 15444-1, A.4.2).

    Zeros in their place are empty packets, which add no detail.
    """
    position = octets.find(_START_OF_TILE_PART)
    for _ in range(_MAX_TILE_PARTS):
        if position < 0 or octets[position : position + 4] != _START_OF_TILE_PART:
            return 0
        length = int.from_bytes(octets[position + 6 : position + 10], "big")
        position += length
        if position > len(octets):
            return min(position - len(octets), MAX_OCTETS)
        if length < 14:
            return 0
    return 0


def check_bounds(
    octets: bytes, header: ImageHeader, max_pixels: int, max_octets: int = MAX_OCTETS
) -> None:
    """Raise `MalformedError` for an image that is too large, or has so many scans as to be slow."""
    if len(octets) > max_octets:
        raise MalformedError(
            "image", Reason("is larger than {max_octets} octets", max_octets=max_octets)
        )
    if header.pixels > max_pixels:
        raise MalformedError(
            "image",
            Reason(
                "is {size} pixels; at most {max_pixels} are decoded",
                size=header.size,
                max_pixels=max_pixels,
            ),
        )
    scans = count_scans(octets, header)
    if scans * header.pixels > 16 * max_pixels:
        raise MalformedError(
            "image", Reason("has {scans} scans, too many for its size", scans=scans)
        )


def count_scans(octets: bytes, header: ImageHeader) -> int:
    """Return the number of scans of a JPEG, which is 1 if it is baseline; 1 for other formats."""
    return octets.count(b"\xff\xda") if header.format is ImageFormat.JPEG else 1


def decode_with_pillow(
    octets: bytes, header: ImageHeader, at_least: tuple[int, int] | None = None
) -> "Image":
    """Decode a JPEG, JPEG 2000, PNG or pixmap whose bounds have been checked, and turn it upright.

    A JPEG is decoded at the smallest scale that has `at_least` these pixels.  The picture is 8-bit
    grey or RGB in sRGB, on white where it was transparent.
    """
    opener = pillow_decoder(header.format)
    try:
        image = opener(BytesIO(octets))
        profile = profile_of(octets, header.format, image)
        if header.format.is_jpeg2000 and header.pixels > _REDUCE_FROM:
            image.reduce = 1  # type: ignore[method-assign,assignment]  # Pillow's name for it
        if image.size == (header.width, header.height):
            if at_least is not None:
                image.draft(image.mode, at_least)
            return to_eight_bits(_upright(image), profile)
    except MemoryError:
        raise
    except Exception as problem:  # noqa: BLE001  # Pillow's plug-ins raise any kind
        cut = isinstance(problem, (OSError, SyntaxError))
        damage = "it is damaged or cut short" if cut else repr(problem)
        raise MalformedError(
            "image", Reason("cannot be decoded: {damage}", damage=damage[:80])
        ) from None
    raise MalformedError("image", "has two headers that disagree on its dimensions")


def pillow_decoder(image_format: ImageFormat) -> "Callable[[BytesIO], ImageFile]":
    """Return the class of Pillow that reads a format.

    `PIL.Image.open` would import the classes of formats that no eMRTD holds.
    """
    match image_format:
        case ImageFormat.JPEG:
            from PIL.JpegImagePlugin import JpegImageFile

            return JpegImageFile
        case ImageFormat.PNG:
            from PIL.PngImagePlugin import PngImageFile

            return PngImageFile
        case ImageFormat.PGM | ImageFormat.PPM:
            from PIL.PpmImagePlugin import PpmImageFile

            return PpmImageFile
        case _:
            from PIL.Jpeg2KImagePlugin import Jpeg2KImageFile

            return Jpeg2KImageFile


def _upright(image: "ImageFile") -> "Image":
    """Decode the image, and turn it as its metadata ask for."""
    image.load()
    if image.getexif().get(_ORIENTATION, _IS_UPRIGHT) == _IS_UPRIGHT:
        return image
    import PIL.ImageOps

    PIL.ImageOps.exif_transpose(image, in_place=True)
    return image
