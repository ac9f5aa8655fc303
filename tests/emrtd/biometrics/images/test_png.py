"""Every image format is converted to PNG, and no image can harm the calling process."""

import resource
import time
from io import BytesIO

import numpy as np
import PIL.Image
import pytest

from emrtd.biometrics.images import ImageFormat, decoder, sniff
from emrtd.biometrics.images.png import to_png
from emrtd.biometrics.images.wsq_library import compress
from support.errors import MalformedError, MisuseError
from tests.emrtd.biometrics.images.pictures import portrait, ridges, written
from tests.helpers import shared


def pixels(png: bytes) -> np.ndarray:
    return np.asarray(PIL.Image.open(BytesIO(png)), dtype=float)


@pytest.mark.parametrize(
    ("name", "options", "kind"),
    [
        ("JPEG", {"quality": 90}, ImageFormat.JPEG),
        ("JPEG2000", {}, ImageFormat.JPEG2000),
        ("JPEG2000", {"no_jp2": True}, ImageFormat.JPEG2000_CODESTREAM),
        ("PNG", {}, ImageFormat.PNG),
        ("PPM", {}, ImageFormat.PPM),
    ],
)
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_an_image_becomes_the_same_picture(
    name: str, options: dict[str, object], kind: ImageFormat, mode: str
) -> None:
    picture = portrait(120, 160).convert(mode)
    image = written(picture, name, **options)
    assert sniff(image).format in {kind, ImageFormat.PGM}
    png = to_png(image)
    assert sniff(png).format is ImageFormat.PNG
    assert np.abs(pixels(png) - np.asarray(picture, dtype=float)).mean() < 6


def test_wsq_becomes_the_same_picture() -> None:
    picture = ridges(200, 240)
    png = to_png(compress(picture.tobytes(), 200, 240))
    assert np.abs(pixels(png) - np.asarray(picture, dtype=float)).mean() < 6


@pytest.mark.parametrize(
    "path",
    ["lds/silver/silver.jp2", "fingerprints/fp.wsq", "fingerprints/sample_image.wsq"],
)
def test_real_images_are_converted(path: str) -> None:
    image = shared(f"data/{path}").read_bytes()
    assert sniff(to_png(image)).size == sniff(image).size


def test_a_truncated_image_is_malformed() -> None:
    for name in ("JPEG", "JPEG2000", "PNG"):
        image = written(portrait(120, 160), name)
        with pytest.raises(MalformedError, match="portrait: cannot be decoded"):
            to_png(image[: len(image) // 3], "portrait")


def test_a_decompression_bomb_is_refused_by_its_header() -> None:
    small = written(PIL.Image.new("L", (1, 1)), "PNG")
    bomb = small[:16] + (30_000).to_bytes(4, "big") * 2 + small[24:]
    with pytest.raises(MalformedError, match="30000 x 30000"):
        to_png(bomb)
    with pytest.raises(MalformedError, match="larger than"):
        to_png(b"P5\n10 10\n255\n" + bytes(5 << 20))


def test_ten_thousand_scans_are_refused() -> None:
    image = written(portrait(1000, 1000), "JPEG", progressive=True)
    with pytest.raises(MalformedError, match="scans"):
        to_png(image + b"\xff\xda" * 10_000)


def test_a_header_that_contradicts_the_codestream_is_refused() -> None:
    image = bytearray(written(portrait(120, 160), "JPEG2000"))
    where = image.index(b"\xff\x4f\xff\x51") + 8
    image[where : where + 8] = (60_000).to_bytes(4, "big") * 2
    with pytest.raises(MalformedError):
        to_png(bytes(image))


def test_mutated_wsq_never_harms_this_process() -> None:
    picture = ridges(64, 64)
    good = compress(picture.tobytes(), 64, 64)
    chance = np.random.default_rng(7)
    for _ in range(12):
        image = bytearray(good)
        for where in chance.integers(3, len(image), chance.integers(1, 30)):
            image[where] = chance.integers(256)
        try:
            assert sniff(to_png(bytes(image))).format is ImageFormat.PNG
        except MalformedError:
            continue


def test_the_most_expensive_image_stays_within_the_limits() -> None:
    noise = np.random.default_rng(3).integers(0, 255, (1150, 1150, 3), dtype=np.uint8)
    image = written(
        PIL.Image.fromarray(noise), "JPEG2000", quality_mode="rates", quality_layers=[4]
    )
    decoder.DECODER.stop()  # the usage of a process is known once it has ended
    before = time.process_time()
    used = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    to_png(image)
    decoder.DECODER.stop()
    assert time.process_time() - before < 1
    assert 0.05 < resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - used < 2


def test_wsq_of_a_wrong_size_is_refused() -> None:
    with pytest.raises(MisuseError, match="32 pixels a side"):
        compress(bytes(31 * 64), 31, 64)
    with pytest.raises(MisuseError, match="are not"):
        compress(bytes(100), 64, 64)
