"""Portraits are cropped to the face, scaled, and meet the target size in octets."""

import math
from io import BytesIO
from typing import Any

import numpy as np
import PIL.Image
import pytest

from emrtd.biometrics.images import ImageFormat, sniff
from emrtd.biometrics.images.eye_centres import Eyes
from emrtd.biometrics.images.portrait import PortraitProfile, compress, fit
from support.errors import MalformedError, MisuseError
from tests.emrtd.biometrics.images.pictures import eyes_of, photograph, portrait, written
from tests.helpers import shared

PHOTOGRAPH = written(portrait(900, 1200), "JPEG", quality=95)
EYES = Eyes(*eyes_of(900, 1200))


@pytest.mark.parametrize("target", [8_000, 12_000, 17_408, 30_000])
@pytest.mark.parametrize("image_format", [ImageFormat.JPEG, ImageFormat.JPEG2000])
@pytest.mark.parametrize("colour", [True, False])
def test_the_target_is_met_within_two_per_cent(
    target: int, image_format: ImageFormat, colour: bool
) -> None:
    fitted = fit(PHOTOGRAPH, PortraitProfile(target, image_format, colour=colour), EYES).data
    header = sniff(fitted)
    assert header.format is image_format
    assert header.channels == (3 if colour else 1)
    assert 0.98 * target <= len(fitted) <= target


def test_a_real_photograph_meets_the_target() -> None:
    image = shared("data/portraits/astronaut.png").read_bytes()
    for target in (12_000, 15_000, 18_000, 20_000):
        fitted = fit(image, PortraitProfile(target)).data
        assert 0.98 * target <= len(fitted) <= target


def test_the_crop_places_the_eyes_as_the_standard_requires() -> None:
    fitted = fit(PHOTOGRAPH, PortraitProfile(20_000), EYES)
    assert (fitted.width, fitted.height) == (413, 531)
    assert fitted.eyes is not None
    right, left = fitted.eyes.right, fitted.eyes.left
    assert (right[0] + left[0]) / 2 == pytest.approx(413 / 2, abs=2)
    assert 0.3 < right[1] / 531 < 0.5
    assert fitted.eyes.distance >= 90


def test_tilted_eyes_are_made_level() -> None:
    tilted = portrait(900, 1200).rotate(8, fillcolor=(210, 212, 215))
    angle = math.radians(-8)
    middle = (450, 600)

    def turned(point: tuple[float, float]) -> tuple[float, float]:
        x, y = point[0] - middle[0], point[1] - middle[1]
        return (
            middle[0] + x * math.cos(angle) - y * math.sin(angle),
            middle[1] + x * math.sin(angle) + y * math.cos(angle),
        )

    fitted = fit(written(tilted, "PNG"), PortraitProfile(40_000), EYES.moved(turned))
    assert fitted.eyes is not None
    assert fitted.eyes.right[1] == pytest.approx(fitted.eyes.left[1])
    picture = decoded(fitted.data)
    for x, y in (fitted.eyes.right, fitted.eyes.left):
        assert picture.getpixel((round(x), round(y)))[0] < 80  # the pupil is dark
        assert picture.getpixel((round(x), round(y) - 40))[0] > 120


def decoded(image: bytes) -> Any:
    return PIL.Image.open(BytesIO(image)).convert("RGB")


def test_a_small_photograph_is_not_enlarged_and_keeps_its_aspect() -> None:
    fitted = fit(written(portrait(210, 400), "PNG"), PortraitProfile(20_000))
    assert (fitted.width, fitted.height) == (210, 270)


def test_a_photograph_of_a_camera_is_fitted() -> None:
    fitted = fit(written(portrait(300, 400).resize((3000, 4000)), "JPEG"), PortraitProfile(17_408))
    assert (fitted.width, fitted.height) == (413, 531)


def test_eyes_outside_the_picture_are_refused() -> None:
    for eyes in (Eyes((10, 10), (10, 2000)), Eyes((10, 10), (12, 10))):
        with pytest.raises(MisuseError, match="eye positions"):
            fit(PHOTOGRAPH, PortraitProfile(20_000), eyes)


def test_a_portrait_that_cannot_be_fitted_is_refused() -> None:
    with pytest.raises(MalformedError, match="portrait"):
        fit(b"not an image", PortraitProfile(20_000))
    with pytest.raises(MisuseError, match="WSQ is for fingerprints"):
        fit(bytes.fromhex("FFA0FFA2000F00FF0020001000000000"), PortraitProfile(20_000))
    with pytest.raises(MisuseError, match="at the lowest quality"):
        fit(PHOTOGRAPH, PortraitProfile(100))
    with pytest.raises(MisuseError, match="not as PNG"):
        fit(PHOTOGRAPH, PortraitProfile(20_000, ImageFormat.PNG))


def test_jpeg2000_of_colour_uses_the_colour_transformation_and_of_grey_does_not() -> None:
    for colour in (True, False):
        fitted = fit(PHOTOGRAPH, PortraitProfile(15_000, colour=colour)).data
        # COD: Lcod, Scod, progression order, layers, then the transformation (15444-1, A.6.1)
        coding_style = fitted.index(b"\xff\x52")
        assert fitted[coding_style + 8] == colour
        assert fitted[coding_style + 13] == 0  # the 9-7 irreversible filter


def likeness(image: bytes, picture: PIL.Image.Image) -> float:
    """The peak signal-to-noise ratio in dB."""
    error = np.asarray(decoded(image), dtype=float) - np.asarray(picture, dtype=float)
    return 10 * math.log10(255**2 / float(np.mean(error**2)))


@pytest.mark.parametrize("target", [8_000, 15_000])
def test_a_portrait_loses_less_than_with_the_encoders_own_rate_control(target: int) -> None:
    picture = photograph()
    fitted = fit(written(picture, "PNG"), PortraitProfile(target)).data
    for rate in range(10, 200):
        plain = written(picture, "JPEG2000", quality_mode="rates", quality_layers=[rate])
        if len(plain) <= target:
            break
    assert 0.97 * target <= len(plain)
    assert likeness(fitted, picture) >= likeness(plain, picture) + 2


def test_a_real_portrait_loses_less_than_with_the_encoders_own_rate_control() -> None:
    picture = PIL.Image.open(shared("data/lds/silver/silver.jp2")).convert("RGB")
    assert likeness(compress(picture, ImageFormat.JPEG2000, 15_000), picture) > 41
    assert likeness(compress(picture, ImageFormat.JPEG2000, 8_000), picture) > 34.5
