"""Eyes are found in photographs, and not in pictures without a face."""

import math
import signal
from collections.abc import Iterator
from random import Random

import PIL.Image
import pytest

from bench.images import change
from emrtd.biometrics.images import eyes
from emrtd.biometrics.images.eye_centres import Eyes
from emrtd.biometrics.images.eyes import find_eyes, is_installed
from emrtd.biometrics.images.portrait import PortraitProfile, fit
from emrtd.biometrics.images.serving import Status
from tests.emrtd.biometrics.images.pictures import photograph, ridges, written
from tests.helpers import shared

installed = pytest.mark.skipif(not is_installed(), reason="needs the extra `faces`")

PHOTOGRAPHS = {
    "portraits/astronaut.png": Eyes((203.8, 101.3), (246.9, 103.4)),
    "lds/silver/silver.jp2": Eyes((145, 238.3), (266.7, 238)),
}


def error(found: Eyes | None, there: Eyes) -> float:
    """Return the larger error of both eyes, in distances between the eyes."""
    if found is None:
        return math.inf
    pairs = ((found.right, there.right), (found.left, there.left))
    return max(math.dist(*pair) for pair in pairs) / there.distance


@pytest.fixture(autouse=True)
def finder_ends() -> Iterator[None]:
    yield
    eyes.FINDER.stop()


@installed
@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_eyes_are_found_in_a_photograph_that_is_turned_scaled_shifted_and_darkened(
    name: str,
) -> None:
    picture = PIL.Image.open(shared(f"data/{name}")).convert("RGB")
    assert error(find_eyes(picture), PHOTOGRAPHS[name]) < 0.1
    chance = Random(11)  # noqa: S311
    changed = (change(picture, PHOTOGRAPHS[name], chance) for _ in range(5))
    assert all(error(find_eyes(each), there) < 0.1 for each, there in changed)


@installed
def test_a_large_photograph_is_searched_at_a_smaller_size() -> None:
    picture = PIL.Image.open(shared("data/lds/silver/silver.jp2")).convert("RGB")
    there = PHOTOGRAPHS["lds/silver/silver.jp2"].moved(lambda point: (6 * point[0], 6 * point[1]))
    larger = picture.resize((6 * picture.width, 6 * picture.height))
    assert error(find_eyes(larger), there) < 0.1


@installed
def test_the_crop_is_around_the_eyes_that_were_found() -> None:
    image = shared("data/portraits/astronaut.png").read_bytes()
    found = fit(image, PortraitProfile(20_000))
    said = fit(image, PortraitProfile(20_000), PHOTOGRAPHS["portraits/astronaut.png"])
    assert found.eyes is not None
    assert said.eyes is not None
    assert error(found.eyes, said.eyes) < 0.15
    assert (found.width, found.height) == pytest.approx((said.width, said.height), rel=0.05)
    assert (found.marked, said.marked) == (False, True)


@installed
@pytest.mark.parametrize(
    "picture",
    [ridges(), photograph().crop((0, 0, 400, 100)), PIL.Image.new("RGB", (300, 400), "white"),
     PIL.Image.new("L", (1, 1)), PIL.Image.effect_noise((500, 500), 90)],
)  # fmt: skip
def test_no_eyes_are_found_without_a_face(picture: PIL.Image.Image) -> None:
    assert find_eyes(picture) is None


@pytest.mark.parametrize(
    "answer",
    [
        (Status.DIED, str(-signal.SIGSEGV).encode()),
        (Status.MALFORMED, b"shows no face with two eyes"),
        (Status.DONE, b"1 2 3"),
        (Status.DONE, b"1 2 3 4000"),
    ],
)
def test_without_eyes_the_crop_is_around_the_middle(
    answer: tuple[Status, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(eyes, "is_installed", lambda: True)
    monkeypatch.setattr(eyes.FINDER, "ask", lambda *_: answer)
    picture = photograph(600, 800)
    assert find_eyes(picture) is None
    fitted = fit(written(picture, "PNG"), PortraitProfile(20_000))
    assert fitted.eyes is None
    assert (fitted.width, fitted.height) == (413, 531)


def test_without_the_extra_no_eyes_are_searched_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(eyes, "is_installed", lambda: False)
    monkeypatch.setattr(eyes.FINDER, "ask", lambda *_: pytest.fail("the finder was asked"))
    assert find_eyes(photograph()) is None
