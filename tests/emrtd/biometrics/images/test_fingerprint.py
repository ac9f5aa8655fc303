"""Fingerprints become WSQ at 500 pixels per inch, of a target size, and still show ridges."""

from io import BytesIO

import numpy as np
import PIL.Image
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emrtd.biometrics.images import ImageFormat, sniff
from emrtd.biometrics.images.fingerprint import FingerprintProfile, encode_wsq, fit_fingerprint
from emrtd.biometrics.images.png import to_png
from emrtd.biometrics.images.wsq_entropy import read_block, symbols_of, write_block
from emrtd.biometrics.images.wsq_huffman import HuffmanTable, table_for
from emrtd.biometrics.images.wsq_rate import shrink
from support.errors import MalformedError, MisuseError
from tests.emrtd.biometrics.images.pictures import ridges, written
from tests.helpers import shared

NOISE = np.random.default_rng(5).normal(0, 25, (560, 416))
FINGER = PIL.Image.fromarray((np.asarray(ridges()) + NOISE).clip(0, 255).astype(np.uint8))
WSQ = encode_wsq(FINGER)


def pixels(image: bytes) -> np.ndarray:
    return np.asarray(PIL.Image.open(BytesIO(to_png(image))), dtype=float)


@pytest.mark.parametrize("share", [0.9, 0.7, 0.5, 0.35])
def test_a_target_size_is_met_within_two_per_cent(share: float) -> None:
    target = int(len(WSQ) * share)
    assert 0.98 * target <= len(shrink(WSQ, target)) <= target


def test_smaller_files_show_the_same_ridges_with_more_loss() -> None:
    original = np.asarray(FINGER, dtype=float)
    losses = [
        np.square(pixels(shrink(WSQ, int(len(WSQ) * share))) - original).mean()
        for share in (1.0, 0.8, 0.5)
    ]
    assert losses == sorted(losses)
    assert losses[-1] < 2 * losses[0]


@pytest.mark.parametrize("name", ["fp.wsq", "sample_image.wsq"])
def test_real_files_are_made_smaller(name: str) -> None:
    image = shared(f"data/fingerprints/{name}").read_bytes()
    for share in (0.9, 0.6, 0.4):
        target = int(len(image) * share)
        smaller = shrink(image, target)
        assert 0.98 * target <= len(smaller) <= target
        assert sniff(smaller).size == sniff(image).size
    assert np.square(pixels(smaller) - pixels(image)).mean() < 400  # 22 dB


@pytest.mark.parametrize("number", range(1, 6))
def test_synthetic_fingers_fit_a_profile(number: int) -> None:
    image = shared(f"data/fingerprints/SFinGe_Test0{number}.pgm").read_bytes()
    fitted = fit_fingerprint(image, FingerprintProfile(12_000))
    assert 0.98 * 12_000 <= len(fitted) <= 12_000
    assert sniff(fitted).size == "416 x 560".replace("560", "512")


def test_a_file_that_fits_is_unchanged() -> None:
    assert fit_fingerprint(WSQ, FingerprintProfile(len(WSQ), 416, 560)) == WSQ
    assert fit_fingerprint(WSQ, FingerprintProfile(10 * len(WSQ), 500, 600)) == WSQ


@pytest.mark.parametrize("name", ["PNG", "JPEG", "PPM", "JPEG2000"])
def test_any_image_becomes_wsq(name: str) -> None:
    fitted = fit_fingerprint(written(FINGER, name), FingerprintProfile(100_000, 416, 560))
    header = sniff(fitted)
    assert (header.format, header.size, header.pixels_per_inch) == (
        ImageFormat.WSQ,
        "416 x 560",
        500,
    )


def test_an_image_of_another_resolution_is_scaled() -> None:
    large = FINGER.resize((832, 1120))
    profile = FingerprintProfile(100_000, 600, 600)
    assert sniff(fit_fingerprint(written(large, "PNG"), profile, 1000)).size == "416 x 560"
    marked = written(large, "PNG", dpi=(1000, 1000))
    assert sniff(fit_fingerprint(marked, profile)).size == "416 x 560"
    assert sniff(fit_fingerprint(encode_wsq(large), profile, 1000)).size == "416 x 560"


def test_the_crop_keeps_the_ridges() -> None:
    page = PIL.Image.new("L", (1000, 1000), 255)
    page.paste(FINGER, (580, 430))
    fitted = pixels(fit_fingerprint(written(page, "PNG"), FingerprintProfile(100_000, 420, 564)))
    assert np.abs(fitted[2:562, 2:418] - np.asarray(FINGER, dtype=float)).mean() < 40


def test_a_fingerprint_that_cannot_be_fitted_is_refused() -> None:
    profile = FingerprintProfile(10_000)
    with pytest.raises(MalformedError, match="fingerprint"):
        fit_fingerprint(b"no image", profile)
    with pytest.raises(MisuseError, match="too small"):
        fit_fingerprint(written(ridges(64, 64), "PNG"), profile, 2000)
    with pytest.raises(MisuseError, match="per inch"):
        fit_fingerprint(written(ridges(64, 64), "PNG"), profile, 3)
    with pytest.raises(MisuseError, match="at the lowest quality"):
        fit_fingerprint(written(FINGER, "PNG"), FingerprintProfile(500))
    with pytest.raises(MalformedError):
        shrink(WSQ[: len(WSQ) // 2], 5_000)
    with pytest.raises(MisuseError, match="cannot be made smaller"):
        shrink(written(FINGER, "PNG"), 5_000)


@given(
    st.lists(
        st.just(0) | st.integers(-80, 80) | st.integers(-0xFFFF, 0xFFFF),
        max_size=60,
    ),
    st.sampled_from((0, 90, 101, 256, 65_535, 65_536, 200_000)),
)
@settings(max_examples=60)
def test_encoded_coefficients_read_back(values: list[int], zeros: int) -> None:
    indices = np.array([*values, *[0] * zeros, 1, *values[::-1]], np.int32)
    symbols = symbols_of(indices)
    table = table_for(symbols.frequencies())
    coded = write_block(symbols, table)
    assert (read_block(coded, table, len(indices)) == indices).all()


@given(st.lists(st.integers(0, 1 << 30), min_size=1, max_size=255).filter(any))
@settings(max_examples=60)
def test_a_huffman_table_is_complete_without_the_code_of_ones(counts: list[int]) -> None:
    table = table_for(counts)
    assert set(table.symbols) == {symbol for symbol, count in enumerate(counts) if count}
    room = sum(1 << 16 - length for length in table.lengths)
    assert room < 1 << 16
    assert HuffmanTable.decode(table.encode()[:16], table.encode()[16:]) == table
    codes = {format(code, f"0{length}b") for code, length in table.codes().values()}
    assert not any("0" not in code for code in codes)
    assert len(codes) == len(table.symbols)


@given(st.lists(st.tuples(st.integers(2, 30_000), st.integers(0, 255)), min_size=1, max_size=6))
@settings(max_examples=25, deadline=None)
def test_damaged_files_are_made_smaller_or_refused(damage: list[tuple[int, int]]) -> None:
    image = bytearray(WSQ)
    for position, octet in damage:
        image[position % len(image)] = octet
    try:
        assert len(shrink(bytes(image), 9_000)) <= 9_000
    except (MalformedError, MisuseError):
        return
