"""ISO/IEC 19794 records: published samples byte for byte, round trips, and hostile octets."""

import struct
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emrtd import tlv
from emrtd.biometrics.iso19794.face import FaceRecord, FacialImage, RecordedPoint
from emrtd.biometrics.iso19794.finger import Compression, FingerRecord, FingerView
from emrtd.biometrics.iso19794.iris import IrisRecord, RecordedEye, RecordedIris
from support.errors import MalformedError, MisuseError
from tests.helpers import facts, shared

JPEG = bytes.fromhex("FFD8FFE000104A46494600010101012C012C0000FFC0000B0800100010010111003F")
OCTET, SHORT = st.integers(0, 0xFF), st.integers(0, 0xFFFF)
THREE = st.binary(min_size=3, max_size=3)

images = st.binary(max_size=40).map(lambda tail: JPEG + tail)
faces = st.builds(
    FacialImage,
    images,
    gender=OCTET,
    eye_colour=OCTET,
    hair_colour=OCTET,
    feature_mask=THREE,
    expression=SHORT,
    pose_angle=THREE,
    pose_uncertainty=THREE,
    face_image_type=OCTET,
    image_data_type=OCTET,
    width=SHORT,
    height=SHORT,
    colour_space=OCTET,
    source_type=OCTET,
    device_type=SHORT,
    quality=SHORT,
    feature_points=st.lists(
        st.builds(RecordedPoint, OCTET, OCTET, SHORT, SHORT, SHORT), max_size=4
    ).map(tuple),
)
views = st.builds(
    FingerView, images, OCTET, SHORT, SHORT, OCTET, OCTET, quality=OCTET, impression=OCTET
)
face_records = st.lists(faces, min_size=1, max_size=4).map(lambda each: FaceRecord(tuple(each)))
finger_records = st.builds(
    FingerRecord,
    st.lists(views, min_size=1, max_size=4).map(tuple),
    OCTET,
    SHORT,
    SHORT,
    OCTET,
    st.tuples(SHORT, SHORT),
    st.tuples(SHORT, SHORT),
    OCTET,
)
irises = st.builds(RecordedIris, images, SHORT, OCTET, SHORT, SHORT)
eyes = st.builds(RecordedEye, OCTET, st.lists(irises, min_size=1, max_size=3).map(tuple))
iris_records = st.builds(
    IrisRecord,
    st.lists(eyes, min_size=1, max_size=2).map(tuple),
    SHORT,
    SHORT,
    SHORT,
    SHORT,
    SHORT,
    OCTET,
    OCTET,
    SHORT,
    st.binary(min_size=16, max_size=16),
)
DECODERS: list[Callable[[bytes], Any]] = [
    FaceRecord.decode,
    FingerRecord.decode,
    IrisRecord.decode,
]


@given(st.one_of(face_records, finger_records, iris_records))
def test_a_record_reads_back(record: Any) -> None:
    octets = record.encode()
    read = type(record).decode(octets)
    assert read == record
    assert read.encode() == octets
    assert read.tolerated == ()


@given(st.one_of(face_records, finger_records, iris_records), st.data())
def test_a_truncated_record_is_refused(record: Any, data: st.DataObject) -> None:
    octets = record.encode()
    end = data.draw(st.integers(0, len(octets) - 1))
    with pytest.raises(MalformedError):
        type(record).decode(octets[:end])


@given(
    st.one_of(face_records, finger_records, iris_records),
    st.lists(st.tuples(st.integers(0, 400), OCTET), min_size=1, max_size=4),
)
def test_damaged_octets_decode_or_are_malformed(record: Any, damage: list[Any]) -> None:
    octets = bytearray(record.encode())
    for position, octet in damage:
        octets[position % len(octets)] = octet
    try:
        read = type(record).decode(bytes(octets))
    except MalformedError:
        return
    assert read.encode() == bytes(octets)


@pytest.mark.parametrize("decode", DECODERS)
@given(octets=st.binary(max_size=200))
def test_any_octets_decode_or_are_malformed(decode: Callable[[bytes], Any], octets: bytes) -> None:
    for identifier in (b"", b"FAC\x00010\0", b"FIR\x00010\0", b"IIR\x00010\0"):
        with pytest.raises(MalformedError):  # 200 octets hold no image
            decode(identifier + octets)


@pytest.mark.parametrize(
    ("short", "note"),
    [(8, "is 8 too small"), (1, "is 1 too small")],
    ids=["New Zealand", "United Kingdom"],
)
def test_a_record_length_that_is_a_little_too_small_is_a_quirk(short: int, note: str) -> None:
    octets = bytearray(FaceRecord((FacialImage(JPEG + bytes(100)),)).encode())
    octets[8:12] = struct.pack(">I", len(octets) - short)
    read = FaceRecord.decode(bytes(octets))
    assert len(read.tolerated) == 1
    assert note in read.tolerated[0]
    assert read.images[0].image == JPEG + bytes(100)
    assert read.encode() == bytes(octets)


def test_a_few_octets_after_the_image_are_a_quirk_and_more_are_malformed() -> None:
    octets = FaceRecord((FacialImage(JPEG),)).encode()
    read = FaceRecord.decode(octets + b"\0\0")
    assert any("2 octets follow" in note for note in read.tolerated)
    assert read.encode() == octets + b"\0\0"
    with pytest.raises(MalformedError, match="declares"):
        FaceRecord.decode(octets + bytes(9))


def test_an_image_of_an_unknown_format_is_malformed() -> None:
    octets = FaceRecord((FacialImage(JPEG),)).encode()
    with pytest.raises(MalformedError, match=r"face image: begins with FED8FFE0.*neither JPEG"):
        FaceRecord.decode(octets.replace(b"\xff\xd8\xff", b"\xfe\xd8\xff"))


def test_no_image_and_too_many_images_are_refused() -> None:
    for number in (0, 10_000):
        octets = struct.pack(">4s4sIH", b"FAC\0", b"010\0", 14 + 33 * number, number)
        octets += struct.pack(">I28xs", 33, b"x") * number
        with pytest.raises(MalformedError, match=f"holds {number} images"):
            FaceRecord.decode(octets)
    with pytest.raises(MisuseError):
        FaceRecord(()).encode()
    with pytest.raises(MisuseError):
        FingerRecord(()).encode()
    view = FingerView(b"", 0, 0, 0)
    octets = FingerRecord((view,) * 255).encode()
    many = octets[:32] + octets[32:46] * 10_000
    with pytest.raises(MalformedError, match="more than 255 views"):
        FingerRecord.decode(many[:8] + len(many).to_bytes(6, "big") + many[14:])


def test_a_field_that_does_not_fit_is_refused() -> None:
    for record in (
        FaceRecord((FacialImage(JPEG, width=1 << 16),)),
        FingerRecord((FingerView(JPEG, 256, 1, 1),)),
        IrisRecord((RecordedEye(1, (RecordedIris(JPEG),)),), 1 << 16, 1, 1),
    ):
        with pytest.raises(MisuseError):
            record.encode()


def test_a_repr_shows_no_personal_data() -> None:
    face = FacialImage(JPEG, gender=77, feature_points=(RecordedPoint(1, 0xC1, 777, 778),))
    shown = repr(FaceRecord((face,)))
    assert "77" not in shown.replace(repr(len(JPEG)), "")


def _blocks(number: int, tag: int) -> list[bytes]:
    octets = shared(f"data/lds/bsi2008/Datagroup{number}.bin").read_bytes()
    group = tlv.read_expected(octets, tag, "sample")
    templates = group.children().one(0x7F61).children().all(0x7F60)
    return [each.children().one(0x5F2E).value for each in templates]


def test_the_bsi_samples_encode_to_the_same_octets() -> None:
    said = " ".join(facts("biometrics/iso19794_2005.json")["_verification"])
    (face,) = _blocks(2, 0x75)
    record = FaceRecord.decode(face)
    assert record.encode() == face
    (image,) = record.images
    assert f"{image.width}x{image.height}" in said
    assert len(face) == 15045
    fingers = [FingerRecord.decode(block) for block in _blocks(3, 0x63)]
    assert [record.encode() for record in fingers] == _blocks(3, 0x63)
    assert [record.views[0].position for record in fingers] == [2, 7]
    assert {record.compression for record in fingers} == {Compression.WSQ}
    irises = [IrisRecord.decode(block) for block in _blocks(4, 0x76)]
    assert [record.encode() for record in irises] == _blocks(4, 0x76)
    assert [record.eyes[0].eye for record in irises] == [1, 2]
