"""ISO/IEC 39794: published samples byte for byte, round trips, and hostile octets."""

import random
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emrtd import tlv
from emrtd.asn1.schema import MAX_ELEMENTS
from emrtd.biometrics.images import ImageFormat
from emrtd.biometrics.iso39794.data_block import DataBlock
from emrtd.biometrics.iso39794.face import FaceImageDataBlock
from emrtd.biometrics.iso39794.finger import FingerImageDataBlock
from emrtd.biometrics.iso39794.iris import IrisImageDataBlock
from emrtd.biometrics.iso39794.landmarks import MPEG4_POINTS
from emrtd.biometrics.samples import (
    Eye,
    FaceImage,
    FeaturePoint,
    FingerImage,
    FingerPosition,
    Gender,
    Generation,
    IrisImage,
    QualityScore,
)
from emrtd.lds.data_groups.dg2 import DataGroup2
from emrtd.lds.data_groups.dg3 import DataGroup3
from emrtd.lds.data_groups.dg4 import DataGroup4
from support.errors import MalformedError, MisuseError
from tests.helpers import facts, shared

JPEG = bytes.fromhex("FFD8FFE000104A46494600010101012C012C0000FFC0000B0800100020010111003F")
WSQ = bytes.fromhex("FFA0FFA2000F00FF00200010000000000000000000")
PNG = bytes.fromhex("89504E470D0A1A0A0000000D494844520000000800000009080000000000000000")
CAPTURED = datetime(2026, 11, 22, 10, 30, 5, 908_000, tzinfo=UTC)

instants = st.datetimes(timezones=st.just(UTC)).map(
    lambda at: at.replace(microsecond=at.microsecond // 1000 * 1000)
)
scores = st.builds(
    QualityScore,
    st.none() | st.integers(0, 100),
    st.integers(1, 0xFFFF),
    st.integers(1, 0xFFFF),
)
quality = st.lists(scores, max_size=3).map(tuple)
points = st.builds(
    lambda point, x, y: FeaturePoint(*point, x, y),
    st.sampled_from(MPEG4_POINTS),
    st.integers(0, 0xFFFF),
    st.integers(0, 0xFFFF),
)
faces = st.builds(
    lambda **fields: FaceImage.of(JPEG, **fields),
    gender=st.sampled_from(Gender),
    feature_points=st.lists(points, max_size=4).map(tuple),
    quality=quality,
    captured=st.none() | instants,
)
fingers = st.builds(
    FingerImage.of,
    st.sampled_from((WSQ, PNG)),
    st.sampled_from(FingerPosition),
    resolution=st.integers(1, 2000),
    quality=quality,
    captured=st.none() | instants,
)
irises = st.builds(
    lambda eye, **fields: IrisImage.of(PNG, eye, **fields),
    st.sampled_from(Eye),
    quality=quality,
    captured=instants,
)
GOOD: dict[Any, bytes] = {
    FaceImageDataBlock: FaceImageDataBlock.of(
        FaceImage.of(
            JPEG,
            gender=Gender.FEMALE,
            feature_points=(FeaturePoint(12, 1, 5, 6),),
            quality=(QualityScore(77, 257, 1),),
            captured=CAPTURED,
        )
    ).encode(),
    FingerImageDataBlock: FingerImageDataBlock.of(
        FingerImage.of(WSQ, FingerPosition.LEFT_INDEX, quality=(QualityScore(None, 257, 1),))
    ).encode(),
    IrisImageDataBlock: IrisImageDataBlock.of(
        IrisImage.of(PNG, Eye.LEFT, captured=CAPTURED)
    ).encode(),
}


def sample(name: str) -> bytes:
    return shared(f"data/iso39794/{name}").read_bytes()


@pytest.mark.parametrize(
    ("name", "decode"),
    [
        ("ICAO_39794_5_AP_AllFields.dat", FaceImageDataBlock.decode),
        ("ICAO_39794_5_AP_MandFields.dat", FaceImageDataBlock.decode),
        ("ICAO_39794_5_AP_DG2_AllFields.dat", DataGroup2.decode),
        ("ICAO_39794_5_AP_DG2_MandFields.dat", DataGroup2.decode),
        ("sample-39794-4-ed-1-v1.der", FingerImageDataBlock.decode),
        ("sample-39794-5-ed-1-v1.der", FaceImageDataBlock.decode),
        ("sample-39794-6-ed-1-v1.der", IrisImageDataBlock.decode),
    ],
)
def test_a_published_sample_encodes_to_the_same_octets(
    name: str, decode: Callable[[bytes], Any]
) -> None:
    octets = sample(name)
    read = decode(octets)
    assert read.encode() == octets
    assert not any("unknown" in note for note in read.tolerated)


def test_icaos_full_sample_is_read_in_every_field() -> None:
    (instance,) = DataGroup2.decode(sample("ICAO_39794_5_AP_DG2_AllFields.dat")).instances
    assert isinstance(instance.record, FaceImageDataBlock)
    (block,) = instance.record.representations
    declared = facts("biometrics/iso39794_5_icao_profile.json")["types_39794_5"]
    fields = {each["field"] for each in declared["RepresentationBlock"]["fields"]}
    assert set(block) == fields
    ((face, notes),) = instance.record.faces()
    assert (face.format, face.width, face.height) == (ImageFormat.JPEG2000, 413, 531)
    assert face.gender is Gender.FEMALE
    assert face.quality == (QualityScore(99, 1, 1),)
    assert face.captured == datetime(2024, 1, 20, 13, 23, 9, 908_000, tzinfo=UTC)
    assert face.feature_points == (FeaturePoint(2, 11, 90, 22),)
    assert notes == ("the face data block states 572 x 731 pixels; the image is 413 x 531",)


def test_the_invalid_image_of_icaos_sample_is_malformed() -> None:
    octets = sample("ICAO_39794_5_AP_MandFields_InvalidImage.dat")
    with pytest.raises(MalformedError, match=r"face image: begins with 0000000000002020.*neither"):
        FaceImageDataBlock.decode(octets)


def test_isos_samples_decode_to_their_samples() -> None:
    ((face, notes),) = FaceImageDataBlock.decode(sample("sample-39794-5-ed-1-v1.der")).faces()
    assert (face.format, face.width, notes) == (ImageFormat.JPEG, 1024, ())
    assert face.gender is Gender.MALE
    assert [(it.major, it.minor, it.x) for it in face.feature_points] == [
        (12, 1, 385),
        (12, 2, 640),
    ]
    ((finger, _),) = FingerImageDataBlock.decode(sample("sample-39794-4-ed-1-v1.der")).fingers()
    assert finger.position is FingerPosition.RIGHT_INDEX
    assert (finger.format, finger.resolution) == (ImageFormat.PNG, 254)
    assert finger.quality == (QualityScore(44, 11, 11), QualityScore(None, 257, 1))
    ((iris, _),) = IrisImageDataBlock.decode(sample("sample-39794-6-ed-1-v1.der")).irises()
    assert (iris.eye, iris.format, iris.width) == (Eye.RIGHT, ImageFormat.PNG, 640)


def test_the_feature_points_are_those_of_the_standard() -> None:
    types = facts("biometrics/iso39794_5_icao_profile.json")["types_39794_5"]
    codes = types["MPEG4FeaturePointCode"]["codes"]
    assert {int(code): name for code, name in codes.items()} == {
        code: f"mpeg4PointCode-{major:02}-{minor:02}"
        for code, (major, minor) in enumerate(MPEG4_POINTS)
    }


def test_a_face_is_written_as_icaos_mandatory_sample_is() -> None:
    example = facts("biometrics/iso39794_5_icao_profile.json")["minimal_example"]
    silver = shared("data/lds/silver/silver.jp2").read_bytes()
    value = FaceImageDataBlock.of(FaceImage.of(silver)).value
    block = value["representationBlocks"][0]["imageRepresentation"][1][1]
    for name in ("faceImageKind2D", "imageSizeBlock", "imageColourSpace"):
        del block["imageInformation2DBlock"][name]  # ours are optional
    octets = FaceImageDataBlock(value).encode()
    assert bytes.fromhex(example["prefix"]).endswith(octets[: octets.index(silver)])
    assert octets.endswith(silver + bytes.fromhex(example["suffix"]))


@given(faces)
def test_a_face_reads_back(face: FaceImage) -> None:
    octets = FaceImageDataBlock.of(face).encode()
    ((read, notes),) = FaceImageDataBlock.decode(octets).faces()
    assert (read, notes) == (face, ())
    assert FaceImageDataBlock.decode(octets).encode() == octets
    assert read.generation is Generation.ISO_39794


@given(fingers)
def test_a_finger_reads_back(finger: FingerImage) -> None:
    octets = FingerImageDataBlock.of(finger).encode()
    assert FingerImageDataBlock.decode(octets).fingers() == ((finger, ()),)
    assert FingerImageDataBlock.decode(octets).encode() == octets


@given(irises)
def test_an_iris_reads_back(iris: IrisImage) -> None:
    octets = IrisImageDataBlock.of(iris).encode()
    assert IrisImageDataBlock.decode(octets).irises() == ((iris, ()),)
    assert IrisImageDataBlock.decode(octets).encode() == octets


def test_a_data_group_of_either_generation_returns_the_same_samples() -> None:
    face = FaceImage.of(JPEG, gender=Gender.MALE, captured=CAPTURED.replace(microsecond=0))
    finger = FingerImage.of(WSQ, FingerPosition.LEFT_LITTLE)
    iris = IrisImage.of(
        bytes.fromhex("FF4FFF51002F0000") + bytes.fromhex("00000008" * 2 + "00" * 24 + "0001"),
        Eye.RIGHT,
        captured=CAPTURED.replace(microsecond=0),
    )
    for generation in Generation:
        for group, written in ((DataGroup2, face), (DataGroup3, finger), (DataGroup4, iris)):
            octets = group.of([written], generation).encode()  # type: ignore[attr-defined]
            assert (b"\x7f\x2e" in octets) == (generation is Generation.ISO_39794)
            (read,) = group.decode(octets).samples()  # type: ignore[attr-defined]
            assert read == written
            assert read.generation is generation


def test_unknown_elements_are_named_and_written_back() -> None:
    octets = GOOD[IrisImageDataBlock]
    inner = tlv.read(octets, "block").value  # 66 { A0 version, A1 representations }
    value = tlv.read(inner, "block").value + tlv.encode(0x9E, b"unknown")
    octets = tlv.encode(0xA1, tlv.encode(0x66, value))
    block = IrisImageDataBlock.decode(octets)
    assert "holds unknown elements" in block.tolerated[0]
    assert block.encode() == octets
    assert block.irises()[0][0].eye is Eye.LEFT


@pytest.mark.parametrize("block", list(GOOD))
def test_trailing_octets_and_truncated_blocks_are_refused(block: Any) -> None:
    octets = GOOD[block]
    with pytest.raises(MalformedError):
        block.decode(octets + b"\0")
    with pytest.raises(MalformedError):
        block.decode(tlv.read(octets, "block").value + b"\0")
    for end in range(len(octets)):
        with pytest.raises(MalformedError):
            block.decode(octets[:end])


@pytest.mark.parametrize("block", list(GOOD))
@given(damage=st.lists(st.tuples(st.integers(0, 500), st.integers(0, 255)), max_size=4))
def test_damaged_octets_decode_or_are_malformed(block: Any, damage: list[Any]) -> None:
    octets = bytearray(GOOD[block])
    for position, octet in damage:
        octets[position % len(octets)] = octet
    try:
        read = block.decode(bytes(octets))
    except MalformedError:
        return
    assert read.encode() == bytes(octets)


@pytest.mark.parametrize("block", list(GOOD))
@given(octets=st.binary(max_size=60))
def test_any_octets_are_malformed(block: Any, octets: bytes) -> None:
    for inner in (octets, tlv.encode(0xA1, octets), tlv.encode(0x65, octets)):
        with pytest.raises(MalformedError):
            block.decode(inner)


def test_a_wrong_element_in_a_sequence_of_is_malformed() -> None:
    octets = GOOD[FaceImageDataBlock]
    representation = octets.index(b"\x30")
    with pytest.raises(MalformedError):
        FaceImageDataBlock.decode(octets[:representation] + b"\x3b" + octets[representation + 1 :])


def test_many_elements_are_refused_within_a_second() -> None:
    quality = bytes.fromhex("300D" "A006" "800101" "810101" "A103" "800163")  # fmt: skip
    many = tlv.encode(0xA3, quality * 66_000)
    octets = tlv.encode(0xA1, tlv.encode(0x65, b"\xa0\x00", many))
    before = time.process_time()
    with pytest.raises(MalformedError, match=f"more than {MAX_ELEMENTS} elements"):
        FaceImageDataBlock.decode(octets)
    deep = b"\x30\x00"
    for _ in range(100):
        deep = tlv.encode(0x30, deep)
    with pytest.raises(MalformedError, match="nested deeper"):
        FaceImageDataBlock.decode(deep)
    assert time.process_time() - before < 1


def test_a_sample_that_the_standard_cannot_hold_is_refused() -> None:
    with pytest.raises(MisuseError, match="when an iris was captured"):
        IrisImageDataBlock.of(IrisImage.of(PNG, Eye.LEFT))
    with pytest.raises(MisuseError, match="cannot hold a JPEG image"):
        FingerImageDataBlock.of(FingerImage.of(JPEG, FingerPosition.LEFT_INDEX))
    with pytest.raises(MisuseError, match="not an MPEG-4 feature point"):
        FaceImageDataBlock.of(FaceImage.of(JPEG, feature_points=(FeaturePoint(12, 9, 1, 1),)))
    with pytest.raises(MisuseError, match="quality"):
        FaceImageDataBlock.of(FaceImage.of(JPEG, quality=(QualityScore(101, 1, 1),))).encode()


def test_a_repr_shows_no_personal_data() -> None:
    block = FaceImageDataBlock.decode(GOOD[FaceImageDataBlock])
    assert "FFD8" not in repr(block).upper()
    assert "'gender'" not in repr(block)
    assert "FEMALE" not in repr(block.faces())


@pytest.mark.parametrize(
    ("octets", "says"),
    [
        ("650DA007800103810207E3A1023000", "representationBlocks.representationId is missing"),
        ("6505A003800103", "versionBlock.year is missing"),
        ("650BA007800103810207D0A100", "versionBlock.year: Expected an integer between 2019"),
        ("6404A0020000", "FaceImageDataBlock should begin with tag 65, not with 64"),
        ("6509A007800103820207E3", "versionBlock.year should begin with tag 81, not with 82"),
        ("650BA007800103810207E3A100", "representationBlocks"),
    ],
)
def test_an_error_names_the_field_in_few_words(octets: str, says: str) -> None:
    with pytest.raises(MalformedError) as caught:
        FaceImageDataBlock.decode(bytes.fromhex(octets))
    assert says in str(caught.value)
    assert len(str(caught.value)) < 250


@pytest.mark.parametrize("kind", [FaceImageDataBlock, FingerImageDataBlock, IrisImageDataBlock])
def test_no_error_is_long_or_shows_a_schema(kind: type[DataBlock]) -> None:
    chance = random.Random(39794)  # noqa: S311
    sample = shared("data/iso39794/ICAO_39794_5_AP_AllFields.dat").read_bytes()
    for _ in range(300):
        damaged = bytearray(sample)
        for _ in range(chance.randint(1, 3)):
            damaged[chance.randrange(900)] = chance.choice((0, 0x30, 0x80, 0xA0, 0xA1, 0xFF))
        said = ""
        try:
            kind.decode(bytes(damaged))
        except MalformedError as problem:
            said = str(problem)
        assert len(said) < 350
        assert "Sequence(" not in said
