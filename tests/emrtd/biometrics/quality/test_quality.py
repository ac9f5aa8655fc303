"""Good samples have a score of 100, and each kind of damage fails the check for it."""

import resource
import time
from collections.abc import Callable
from functools import cache
from io import BytesIO

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageEnhance, ImageFilter

from emrtd.biometrics.images.eye_centres import Eyes
from emrtd.biometrics.quality.fingerprint import assess_fingerprint
from emrtd.biometrics.quality.measurement import Assessment, Grade, Measurement, Range
from emrtd.biometrics.quality.portrait import assess_portrait
from personalise.specimen.applications import make_application
from support.errors import MalformedError
from tests.helpers import shared


def png(image: Image.Image) -> bytes:
    stream = BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue()


@cache
def specimen() -> Image.Image:
    files = make_application("quality", 1)[1]
    return Image.open(BytesIO(files["portrait.jpg"])).convert("RGB").resize((413, 531))


@cache
def finger() -> Image.Image:
    y, x = np.mgrid[:360, :300]
    away = np.hypot(x - 150, (y - 170) * 0.8)
    return Image.fromarray((127 + 90 * np.sin(away * 2 * np.pi / 9)).astype(np.uint8))


def graded(assessment: Assessment, grade: Grade) -> set[str]:
    return {each.id for each in assessment.measurements if each.grade is grade}


def test_a_good_portrait_and_a_good_print_have_a_score_of_100() -> None:
    assert assess_portrait(png(specimen())).score == 100
    assert assess_fingerprint(png(finger())).score == 100


@pytest.mark.parametrize(
    ("spoil", "found"),
    [
        (lambda image: image.filter(ImageFilter.GaussianBlur(8)), "portrait.sharpness"),
        (lambda image: ImageEnhance.Brightness(image).enhance(0.08), "portrait.brightness"),
        (lambda image: ImageEnhance.Contrast(image).enhance(0.05), "portrait.contrast"),
        (lambda image: image.quantize(8).convert("RGB"), "portrait.grey-levels"),
        (lambda image: image.resize((70, 90)), "portrait.width"),
        (lambda image: image.resize((413, 200)), "portrait.aspect"),
        (lambda _: Image.new("RGB", (413, 531), (255, 255, 255)), "portrait.saturated"),
    ],
)
def test_a_spoilt_portrait_fails_the_mandatory_limit_for_it(
    spoil: Callable[[Image.Image], Image.Image], found: str
) -> None:
    assessment = assess_portrait(png(spoil(specimen())))
    assert found in graded(assessment, Grade.UNUSABLE)
    assert assessment.score < 60


@pytest.mark.parametrize(
    ("spoil", "found"),
    [
        (lambda image: ImageEnhance.Brightness(image).enhance(1.3), "portrait.saturated"),
        (
            lambda image: Image.composite(
                image, Image.effect_noise(image.size, 90).convert("RGB"), _ellipse(image.size)
            ),
            "portrait.background-uniformity",
        ),
        (
            lambda image: Image.composite(
                image, Image.new("RGB", image.size, (20, 20, 20)), _ellipse(image.size)
            ),
            "portrait.background-lightness",
        ),
        (
            lambda image: Image.merge(
                "RGB",
                (
                    image.getchannel(0),
                    *(image.getchannel(n).point(lambda v: v // 3) for n in (1, 2)),
                ),
            ),
            "portrait.colour-cast",
        ),
    ],
)
def test_a_poor_portrait_misses_the_recommended_limit_for_it(
    spoil: Callable[[Image.Image], Image.Image], found: str
) -> None:
    assert found in graded(assess_portrait(png(spoil(specimen()))), Grade.POOR)


def _ellipse(size: tuple[int, int]) -> Image.Image:
    from PIL import ImageDraw

    mask = Image.new("L", size)
    ImageDraw.Draw(mask).ellipse((size[0] * 0.15, size[1] * 0.1, size[0] * 0.85, size[1]), fill=255)
    return mask


def test_distance_head_height_and_tilt_are_measured_from_the_eyes() -> None:
    def measured(eyes: Eyes) -> dict[str, Measurement]:
        return {each.id: each for each in assess_portrait(png(specimen()), eyes).measurements}

    good = measured(Eyes((150, 240), (263, 240)))
    assert good["portrait.eye-distance"].value == 113
    assert {good[f"portrait.{name}"].grade for name in ("eye-distance", "head-height", "tilt")} == {
        Grade.GOOD
    }
    assert measured(Eyes((190, 240), (230, 240)))["portrait.eye-distance"].grade is Grade.UNUSABLE
    assert measured(Eyes((150, 200), (263, 245)))["portrait.tilt"].grade is Grade.UNUSABLE


@pytest.mark.parametrize(
    ("spoil", "found"),
    [
        (lambda image: Image.new("L", image.size, 200), "finger.ridge-area"),
        (lambda image: Image.effect_noise(image.size, 80), "finger.ridge-clarity"),
        (lambda image: ImageEnhance.Contrast(image).enhance(0.05), "finger.ridge-area"),
        (lambda image: image.crop((0, 0, 100, 100)), "finger.smaller-side"),
    ],
)
def test_a_spoilt_print_fails_the_mandatory_limit_for_it(
    spoil: Callable[[Image.Image], Image.Image], found: str
) -> None:
    assert found in graded(assess_fingerprint(png(spoil(finger()))), Grade.UNUSABLE)


def test_a_face_is_unusable_as_a_fingerprint() -> None:
    face = assess_fingerprint(shared("data/portraits/astronaut.png").read_bytes())
    assert "finger.ridge-spacing" in graded(face, Grade.UNUSABLE)


def test_a_print_of_300_pixels_per_inch_is_poor() -> None:
    assert "finger.resolution" in graded(assess_fingerprint(png(finger()), 300), Grade.POOR)


@pytest.mark.parametrize("number", range(1, 6))
def test_public_synthetic_prints_are_good(number: int) -> None:
    path = shared(f"data/fingerprints/SFinGe_Test0{number}.pgm")
    assert assess_fingerprint(path.read_bytes()).score == 100


def test_public_photographs_are_usable() -> None:
    for name in ("portraits/astronaut.png", "lds/silver/silver.jp2"):
        assert not assess_portrait(shared(f"data/{name}").read_bytes()).unusable


def test_octets_that_are_not_an_image_are_malformed() -> None:
    for assess in (assess_portrait, assess_fingerprint):
        with pytest.raises(MalformedError):
            assess(b"no image at all")


def test_the_largest_image_takes_little_memory_and_a_second() -> None:
    huge = png(Image.new("RGB", (1500, 1500), (120, 130, 140)))
    assess_portrait(png(specimen()))
    before, began = resource.getrusage(resource.RUSAGE_SELF), time.process_time()
    assess_portrait(huge)
    assess_fingerprint(huge)
    after = resource.getrusage(resource.RUSAGE_SELF)
    assert (after.ru_maxrss - before.ru_maxrss) < 64 * 1024  # kB
    assert time.process_time() - began < 2


@settings(max_examples=50)
@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_grades_follow_the_limits(value: float, least: float, floor: float) -> None:
    floor, least = sorted((floor, least))
    measurement = Measurement("x", value, "", Range(least=least), Range(least=floor), "", "")
    expected = Grade.UNUSABLE if value < floor else Grade.POOR if value < least else Grade.GOOD
    assert measurement.grade is expected
    assert measurement.sentence.count("\n") == 0
