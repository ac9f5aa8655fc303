"""Images deeper than 8 bits, transparent or of another colour space are converted correctly."""

from collections.abc import Callable
from io import BytesIO
from typing import Any

import numpy as np
import PIL.Image
import PIL.ImageCms
import pytest

from emrtd.biometrics.images import ImageFormat, sniff
from emrtd.biometrics.images.fingerprint import FingerprintProfile, fit_fingerprint
from emrtd.biometrics.images.png import to_png
from emrtd.biometrics.images.portrait import PortraitProfile, fit
from tests.emrtd.biometrics.images.pictures import portrait, ridges, written
from tests.helpers import shared

GREY = np.asarray(portrait(120, 160).convert("L"), dtype=int)


def pixels(image: bytes) -> Any:
    return np.asarray(PIL.Image.open(BytesIO(image)), dtype=int)


def deep_png(grey: Any) -> bytes:
    return written(PIL.Image.fromarray((grey * 257).astype(np.uint16)), "PNG")


def deep_pixmap(grey: Any, most: int = 65535) -> bytes:
    height, width = grey.shape
    values = np.rint(grey * most / 255).astype(">u2")
    return b"P5\n%d %d\n%d\n" % (width, height, most) + values.tobytes()


def deep_jpeg2000(grey: Any, bits: int, *, bare: bool = False) -> bytes:
    """A lossless JPEG 2000 of that depth: one of 16 bits whose headers are made to say it.

    The level shift is half the depth, so that the pixels have to be moved by the difference.
    """
    values = grey * (2**bits - 1) // 255 + 2**15 - 2 ** (bits - 1)
    image = bytearray(written(PIL.Image.fromarray(values.astype(np.uint16)), "JPEG2000"))
    codestream = image.index(b"\xff\x4f\xff\x51")
    for place in (codestream + 42, image.index(b"ihdr") + 14):
        assert image[place] == 15
        image[place] = bits - 1
    return bytes(image[codestream:] if bare else image)


DEEP: dict[str, Callable[[Any], bytes]] = {
    "PNG": deep_png,
    "PGM": deep_pixmap,
    "PGM of 10 bits": lambda grey: deep_pixmap(grey, 1023),
    "codestream of 12 bits": lambda grey: deep_jpeg2000(grey, 12, bare=True),
    **{
        f"JPEG 2000 of {bits} bits": lambda grey, bits=bits: deep_jpeg2000(grey, bits)
        for bits in (9, 10, 12, 16)
    },
}


@pytest.mark.parametrize("kind", DEEP)
def test_grey_of_more_than_8_bits_is_scaled_for_an_inspection(kind: str) -> None:
    assert np.abs(pixels(to_png(DEEP[kind](GREY))) - GREY).max() <= 1


@pytest.mark.parametrize("kind", DEEP)
def test_grey_of_more_than_8_bits_is_scaled_for_a_portrait(kind: str) -> None:
    as_8_bits = fit(
        written(PIL.Image.fromarray(GREY.astype(np.uint8)), "PNG"), PortraitProfile(20_000)
    )
    fitted = fit(DEEP[kind](GREY), PortraitProfile(20_000))
    assert np.abs(pixels(fitted.data) - pixels(as_8_bits.data)).mean() < 1
    assert sniff(fitted.data).channels == 1


@pytest.mark.parametrize("kind", DEEP)
def test_grey_of_more_than_8_bits_is_scaled_for_a_fingerprint(kind: str) -> None:
    grey = np.asarray(ridges(200, 240), dtype=int)
    fitted = fit_fingerprint(DEEP[kind](grey), FingerprintProfile(20_000))
    assert np.abs(pixels(to_png(fitted)) - grey).mean() < 8


def test_a_deep_portrait_is_not_stored_unchanged() -> None:
    assert not sniff(deep_jpeg2000(GREY, 10)).plain
    assert not sniff(deep_jpeg2000(GREY, 10, bare=True)).plain
    assert not sniff(written(portrait(60, 80).convert("RGBA"), "JPEG2000")).plain
    assert not sniff(written(portrait(60, 80).convert("CMYK"), "JPEG")).plain
    for name in ("JPEG", "JPEG2000"):
        for mode in ("L", "RGB"):
            assert sniff(written(portrait(60, 80).convert(mode), name)).plain


def _with_alpha(mode: str) -> PIL.Image.Image:
    picture = portrait(120, 160).convert(mode)
    alpha = PIL.Image.new("L", picture.size, 255)
    alpha.paste(0, (0, 0, 40, 40))
    alpha.paste(128, (0, 60, 40, 100))
    picture.putalpha(alpha)
    return picture


@pytest.mark.parametrize("mode", ["L", "RGB"])
@pytest.mark.parametrize("name", ["PNG", "JPEG2000"])
def test_a_transparent_background_is_white(mode: str, name: str) -> None:
    found = pixels(to_png(written(_with_alpha(mode), name)))
    whole = np.asarray(portrait(120, 160).convert(mode), dtype=int)
    assert (found[:30, :30] >= 250).all()
    assert np.abs(found[65:95, 5:35] - (whole[65:95, 5:35] + 255) / 2).mean() < 4
    assert np.abs(found[:, 60:] - whole[:, 60:]).mean() < 4


def test_a_transparent_colour_is_white() -> None:
    palette = portrait(120, 160).quantize(64)
    first = palette.getpixel((0, 0))
    assert (pixels(to_png(written(palette, "PNG", transparency=first)))[0, 0] == 255).all()
    deep = np.array(GREY * 257, dtype=np.uint16)
    deep[:20] = 1000
    image = written(PIL.Image.fromarray(deep), "PNG", transparency=1000)
    found = pixels(to_png(image))
    assert (found[:20] == 255).all()
    assert np.abs(found[20:] - GREY[20:]).max() <= 1


def swapped_profile() -> bytes:
    """Return an sRGB profile with red and green swapped."""
    profile = bytearray(PIL.ImageCms.ImageCmsProfile(PIL.ImageCms.createProfile("sRGB")).tobytes())
    red, green = profile.index(b"rXYZ"), profile.index(b"gXYZ")
    profile[red : red + 4], profile[green : green + 4] = b"gXYZ", b"rXYZ"
    return bytes(profile)


def test_a_colour_profile_is_applied() -> None:
    red = PIL.Image.new("RGB", (60, 60), (220, 40, 30))
    for name, options in (("PNG", {}), ("JPEG", {"quality": 95, "subsampling": 0})):
        image = written(red, name, icc_profile=swapped_profile(), **options)
        assert np.abs(pixels(to_png(image)) - (40, 220, 30)).max() < 6
        fitted = fit(image, PortraitProfile(20_000))
        assert np.abs(pixels(fitted.data) - (40, 220, 30)).max() < 8


def test_a_colour_profile_in_a_jp2_file_is_applied() -> None:
    image = written(PIL.Image.new("RGB", (60, 60), (220, 40, 30)), "JPEG2000")
    box = image.index(b"colr") - 4
    profile = swapped_profile()
    coloured = (11 + len(profile)).to_bytes(4, "big") + b"colr\x02\x00\x00" + profile
    header = image.index(b"jp2h") - 4
    size = int.from_bytes(image[header : header + 4], "big") - 15 + len(coloured)
    image = (
        image[:header] + size.to_bytes(4, "big") + image[header + 4 : box] + coloured
        + image[box + 15 :]
    )  # fmt: skip
    assert np.abs(pixels(to_png(image)) - (40, 220, 30)).max() < 6


def test_a_grey_image_with_a_profile_stays_grey() -> None:
    grey = PIL.Image.fromarray(GREY.astype(np.uint8))
    image = written(grey, "PNG", icc_profile=swapped_profile())  # of another colour space: ignored
    assert sniff(to_png(image)).channels == 1
    assert np.abs(pixels(to_png(image)) - GREY).max() == 0


@pytest.mark.parametrize("profile", [b"no profile", bytes(128), swapped_profile()[:200]])
def test_a_broken_profile_is_ignored(profile: bytes) -> None:
    image = written(portrait(60, 80), "PNG", icc_profile=profile)
    assert np.abs(pixels(to_png(image)) - np.asarray(portrait(60, 80), dtype=int)).max() == 0


def test_metadata_of_a_camera_is_not_stored() -> None:
    picture = portrait(300, 400)
    exif = PIL.Image.Exif()
    exif[0x010E] = "somebody's name"
    image = written(
        picture, "JPEG", quality=95, comment=b"somebody's name", exif=exif,
        icc_profile=swapped_profile(),
    )  # fmt: skip
    for image_format in (ImageFormat.JPEG, ImageFormat.JPEG2000):
        fitted = fit(image, PortraitProfile(15_000, image_format)).data
        assert b"somebody" not in fitted
        assert b"acsp" not in fitted


def test_the_sample_images_are_converted_correctly() -> None:
    whole = PIL.Image.open(shared("data/cases/images/whole.jpg"))
    grey = shared("data/cases/images/grey-16-bit.png").read_bytes()
    assert np.abs(pixels(to_png(grey)) - np.asarray(whole.convert("L"), dtype=int)).mean() < 3
    transparent = shared("data/cases/images/transparent-background.png").read_bytes()
    assert (pixels(to_png(transparent))[:20, :20] == 255).all()
