"""Images are identified and measured by their headers, and a broken header is refused."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emrtd.biometrics.images import ImageFormat, sniff
from support.errors import MalformedError
from tests.helpers import shared

JP2 = (
    bytes.fromhex("0000000C6A5020200D0A870A000000146674797069703220000000006A703220")
    + struct.pack(">I4sI4sIIHBBBB", 45, b"jp2h", 22, b"ihdr", 531, 413, 3, 7, 7, 0, 0)
)  # fmt: skip
J2K = bytes.fromhex("FF4FFF51002F0000") + struct.pack(">8IH", 413, 531, 0, 0, 0, 0, 0, 0, 3)
PNG = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sIIBB", 13, b"IHDR", 24, 25, 8, 0) + bytes(9)
JPEG = bytes.fromhex("FFD8FFE000104A46494600010101012C012C0000FFFFC200110800100020030000FFDA0002")
WSQ = bytes.fromhex("FFA0FFA4000AFFFFFFFFFFFFFFFFFFA2000F00FF026C026D0000000000000000")


@pytest.mark.parametrize(
    ("image", "kind", "width", "height", "channels", "density"),
    [
        (JPEG, ImageFormat.JPEG, 32, 16, 3, 300),
        (JP2, ImageFormat.JPEG2000, 413, 531, 3, None),
        (J2K, ImageFormat.JPEG2000_CODESTREAM, 413, 531, 3, None),
        (PNG, ImageFormat.PNG, 24, 25, 1, None),
        (WSQ, ImageFormat.WSQ, 621, 620, 1, None),
        (b"P5 # made by hand\n 3\n4\n255\n", ImageFormat.PGM, 3, 4, 1, None),
        (b"P6\n3 4\n255\n", ImageFormat.PPM, 3, 4, 3, None),
    ],
)
def test_an_image_is_measured_by_its_header(
    image: bytes, kind: ImageFormat, width: int, height: int, channels: int, density: int | None
) -> None:
    header = sniff(image)
    assert header.format is kind
    assert (header.width, header.height, header.channels) == (width, height, channels)
    assert header.pixels_per_inch == density


@pytest.mark.parametrize(
    ("path", "kind", "size"),
    [
        ("lds/silver/silver.jp2", ImageFormat.JPEG2000, "413 x 531"),
        ("iso39794/ICAO_39794_5_AP_Face.jpg", ImageFormat.JPEG2000, "413 x 531"),
        ("portraits/astronaut.png", ImageFormat.PNG, "512 x 512"),
        ("fingerprints/fp.wsq", ImageFormat.WSQ, "620 x 620"),
        ("fingerprints/sample_image.wsq", ImageFormat.WSQ, "545 x 622"),
        ("fingerprints/SFinGe_Test01.pgm", ImageFormat.PGM, "416 x 560"),
    ],
)
def test_real_images_have_the_format_and_size_of_their_names(
    path: str, kind: ImageFormat, size: str
) -> None:
    header = sniff(shared(f"data/{path}").read_bytes())
    assert (header.format, header.size) == (kind, size)


@pytest.mark.parametrize("image", [JPEG, JP2, J2K, PNG, WSQ, b"P5\n3 4\n255\n"])
def test_a_header_that_is_cut_short_is_refused(image: bytes) -> None:
    for end in range(9):
        with pytest.raises(MalformedError):
            sniff(image[:end])


def test_the_error_for_another_file_states_its_first_octets() -> None:
    with pytest.raises(MalformedError, match="portrait: begins with 0000000020200D0A"):
        sniff(bytes.fromhex("0000000020200D0A870A"), "portrait")
    with pytest.raises(MalformedError, match="is empty"):
        sniff(b"")


def test_an_image_without_pixels_is_refused() -> None:
    with pytest.raises(MalformedError, match="states 0 x 25 pixels"):
        sniff(PNG.replace(struct.pack(">I", 24), bytes(4)))


def test_a_million_marker_segments_are_not_read() -> None:
    with pytest.raises(MalformedError):
        sniff(b"\xff\xd8" + b"\xff\xe1\x00\x02" * 250_000)
    with pytest.raises(MalformedError):
        sniff(JP2[:12] + b"\x00\x00\x00\x08free" * 120_000)


@given(
    st.sampled_from((JPEG[:3], JP2[:12], J2K[:4], PNG[:8], WSQ[:3], b"P5", b"P6", b"")),
    st.binary(max_size=80),
)
def test_any_octets_are_measured_or_malformed(magic: bytes, octets: bytes) -> None:
    try:
        header = sniff(magic + octets)
    except MalformedError:
        return
    assert header.pixels > 0
