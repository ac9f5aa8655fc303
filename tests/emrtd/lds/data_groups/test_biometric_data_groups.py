"""DG2, DG3 and DG4: published files byte for byte, round trips, CBEFF as in Doc 9303-10."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emrtd import tlv
from emrtd.biometrics.cbeff import BiometricGroup, BiometricHeader, BiometricTemplate
from emrtd.biometrics.images import ImageFormat
from emrtd.biometrics.samples import (
    Eye,
    FaceImage,
    FeaturePoint,
    FingerImage,
    FingerPosition,
    Gender,
    Generation,
    IrisImage,
)
from emrtd.lds.data_groups.dg2 import DataGroup2
from emrtd.lds.data_groups.dg3 import DataGroup3
from emrtd.lds.data_groups.dg4 import DataGroup4
from support.errors import MalformedError, MisuseError
from tests.helpers import facts, shared

JPEG = bytes.fromhex("FFD8FFE000104A46494600010101012C012C0000FFC0000B0800100020010111003F")
WSQ = bytes.fromhex("FFA0FFA2000F00FF00200010000000000000000000")
CAPTURED = datetime(2026, 11, 22, 10, 30, 5, tzinfo=UTC)

GROUPS: list[Any] = [DataGroup2, DataGroup3, DataGroup4]


def bsi(number: int) -> bytes:
    return shared(f"data/lds/bsi2008/Datagroup{number}.bin").read_bytes()


@pytest.mark.parametrize("group", GROUPS)
def test_the_bsi_sample_encodes_to_the_same_octets(group: Any) -> None:
    octets = bsi(int(group.file_id[2:]))
    assert group.decode(octets).encode() == octets


def test_the_bsi_sample_holds_one_face_two_fingers_and_two_irises() -> None:
    group = DataGroup2.decode(bsi(2))
    (face,) = group.faces()
    assert (face.format, face.width, face.height) == (ImageFormat.JPEG2000, 413, 531)
    assert group.tolerated == ("the face record states 337 x 449 pixels; the image is 413 x 531",)
    fingers = DataGroup3.decode(bsi(3)).fingers()
    assert [finger.position for finger in fingers] == [
        FingerPosition.RIGHT_INDEX,
        FingerPosition.LEFT_INDEX,
    ]
    assert {(each.format, each.width, each.height, each.resolution) for each in fingers} == {
        (ImageFormat.WSQ, 620, 620, 500)
    }
    assert [iris.eye for iris in DataGroup4.decode(bsi(4)).irises()] == [Eye.RIGHT, Eye.LEFT]


def test_a_face_reads_back() -> None:
    face = FaceImage.of(
        JPEG,
        gender=Gender.FEMALE,
        feature_points=(FeaturePoint(12, 1, 20, 6), FeaturePoint(12, 2, 10, 6)),
        captured=CAPTURED,
    )
    group = DataGroup2.decode(DataGroup2.of([face]).encode())
    assert group.faces() == (face,)
    assert group.tolerated == ()


def test_fingers_read_back() -> None:
    fingers = tuple(FingerImage.of(WSQ, position, captured=CAPTURED) for position in FingerPosition)
    group = DataGroup3.decode(DataGroup3.of(fingers).encode())
    assert group.fingers() == fingers
    assert group.tolerated == ()


def test_irises_read_back() -> None:
    irises = tuple(IrisImage.of(JPEG, eye) for eye in Eye)
    assert DataGroup4.decode(DataGroup4.of(irises).encode()).irises() == irises


def test_the_sub_types_are_those_of_doc_9303_10() -> None:
    table = facts("lds/lds_files_and_tags.json")["biometric_header_template"]["82_fingers"]
    for code, name in table.items():
        label = name.replace("pointer", "index").replace(" ", "-")
        if label == "no-information":
            continue
        position = next(each for each in FingerPosition if each.label == label)
        octets = DataGroup3.of([FingerImage.of(WSQ, position)]).encode()
        assert bytes.fromhex("8201" + code) in octets


def test_a_face_has_the_header_that_doc_9303_10_prints() -> None:
    (instance,) = DataGroup2.of([FaceImage.of(JPEG, captured=CAPTURED)]).instances
    assert instance.header.encode().hex() == (
        "a118" "80020101" "810102" "830720261122103005" "87020101" "88020008"
    )  # fmt: skip


def test_an_empty_template_is_as_doc_9303_10_prints_it() -> None:
    bare = facts("lds/lds_files_and_tags.json")["zero_instances"]
    assert DataGroup3.decode(bytes.fromhex(bare["DG3"]["without_53"])).fingers() == ()
    assert DataGroup4.decode(bytes.fromhex(bare["DG4"]["without_53"])).irises() == ()
    empty = DataGroup3.empty(lambda size: bytes(range(size)))
    assert empty.encode().hex() == "63107f610302010053080001020304050607"
    assert DataGroup3.decode(empty.encode()) == empty
    assert DataGroup4.empty(bytes).encode().hex() == "76107f61030201005308" + "00" * 8
    with pytest.raises(MalformedError, match="holds no face"):
        DataGroup2.decode(bytes.fromhex("75067F6103020100"))
    with pytest.raises(MisuseError):
        DataGroup2.of([])


def test_a_wrong_count_is_a_quirk() -> None:
    octets = bytearray(DataGroup3.of([FingerImage.of(WSQ, FingerPosition.LEFT_RING)]).encode())
    octets[octets.index(b"\x02\x01\x01") + 2] = 2
    group = DataGroup3.decode(bytes(octets))
    assert group.tolerated == ("DG3 declares 2 instances and holds 1",)
    assert group.encode() == bytes(octets)


def test_a_position_that_the_header_contradicts_is_named() -> None:
    octets = DataGroup3.of([FingerImage.of(WSQ, FingerPosition.LEFT_RING)]).encode()
    group = DataGroup3.decode(octets.replace(b"\x82\x01\x12", b"\x82\x01\x09"))
    assert group.tolerated == ("DG3's header states right-index, its record left-ring",)


def test_a_position_in_the_header_alone_is_read() -> None:
    octets = DataGroup3.of([FingerImage.of(WSQ, FingerPosition.UNKNOWN)]).encode()
    (finger,) = DataGroup3.decode(octets.replace(b"\x82\x01\x00", b"\x82\x01\x09")).fingers()
    assert finger.position is FingerPosition.RIGHT_INDEX


def test_a_record_of_19794_under_7f2e_is_a_quirk() -> None:
    octets = bsi(2).replace(b"\x5f\x2e", b"\x7f\x2e", 1)
    group = DataGroup2.decode(octets)
    assert "DG2 holds ISO/IEC 19794 data under 7F2E" in group.tolerated
    assert group.encode() == octets
    assert {face.generation for face in group.faces()} == {Generation.ISO_19794}


def test_an_image_type_that_contradicts_the_image_is_a_quirk() -> None:
    octets = DataGroup2.of([FaceImage.of(JPEG)]).encode()
    position = octets.index(JPEG) - 11
    group = DataGroup2.decode(octets[:position] + b"\x01" + octets[position + 1 :])
    assert group.tolerated == ("the face record states that its image is JPEG 2000; it is JPEG",)
    assert group.faces()[0].format is ImageFormat.JPEG


def test_unknown_data_objects_are_kept_and_written_back() -> None:
    (template,) = DataGroup2.of([FaceImage.of(JPEG)]).instances
    inner = template.header.encode() + tlv.encode(0x5F2E, template.record.encode())
    unknown = tlv.encode(0x5F7F, b"unknown")
    octets = tlv.encode(
        0x75,
        tlv.encode(0x7F61, b"\x02\x01\x01", tlv.encode(0x7F60, inner, unknown)),
        tlv.encode(0x53, b"issuer"),
    )
    assert DataGroup2.decode(octets).encode() == octets


def test_a_header_tag_a2_and_unknown_objects_in_the_group_are_quirks() -> None:
    fingers = [FingerImage.of(WSQ, position) for position in (FingerPosition(2), FingerPosition(7))]
    templates = [
        tlv.encode(
            0x7F60,
            bytes((0xA1 + number,)) + instance.header.encode()[1:],
            tlv.encode(0x5F2E, instance.record.encode()),
        )
        for number, instance in enumerate(DataGroup3.of(fingers).instances)
    ]
    inner = (b"\x02\x01\x02", *templates, tlv.encode(0x53, b"issuer"))
    octets = tlv.encode(0x63, tlv.encode(0x7F61, *inner))
    group = DataGroup3.decode(octets)
    assert group.tolerated == (
        "DG3 holds other data objects than a count and templates in its 7F61",
        "DG3 holds a header whose tag is not A1",
    )
    assert group.fingers() == tuple(fingers)
    assert group.encode() == octets


def test_a_header_that_contradicts_its_data_is_named() -> None:
    octets = (
        DataGroup2.of([FaceImage.of(JPEG)]).encode().replace(b"\x88\x02\0\x08", b"\x88\x02\0\x2a")
    )
    group = DataGroup2.decode(octets)
    assert group.tolerated == ("DG2's header does not state that its data are in ISO/IEC 19794",)
    assert group.encode() == octets


def test_ten_thousand_instances_are_refused() -> None:
    inner = DataGroup3.of([FingerImage.of(WSQ, FingerPosition.LEFT_RING)]).encode()
    start = inner.index(b"\x7f\x60")
    octets = tlv.encode(0x63, tlv.encode(0x7F61, b"\x02\x01\xff", inner[start:] * 10_000))
    with pytest.raises(MalformedError, match="holds 10000 templates"):
        DataGroup3.decode(octets)


tags = st.integers(0x80, 0x88)
headers = st.builds(
    BiometricHeader,
    st.lists(st.tuples(tags, st.binary(max_size=9)), max_size=4).map(tuple),
    st.integers(0xA1, 0xAF),
)
objects = st.lists(
    st.binary(max_size=200).map(lambda value: tlv.encode(0x53, value)), max_size=2
).map(tuple)
templates = st.builds(
    BiometricTemplate, headers, st.sampled_from((0x5F2E, 0x7F2E)), st.binary(max_size=300), objects
)


@given(
    st.builds(
        BiometricGroup,
        st.lists(templates, max_size=3).map(tuple),
        objects,
        st.none(),
        objects,
    )
)
def test_a_cbeff_structure_reads_back(group: BiometricGroup) -> None:
    octets = group.encode(0x63)
    assert BiometricGroup.decode(octets, 0x63, "DG3") == group
    for end in range(0, len(octets), 7):
        with pytest.raises(MalformedError):
            BiometricGroup.decode(octets[:end], 0x63, "DG3")


@pytest.mark.parametrize("group", GROUPS)
@given(data=st.data())
def test_damaged_octets_decode_or_are_malformed(group: Any, data: st.DataObject) -> None:
    good = {
        DataGroup2: DataGroup2.of([FaceImage.of(JPEG)]).encode(),
        DataGroup3: DataGroup3.of([FingerImage.of(WSQ, FingerPosition.LEFT_RING)]).encode(),
        DataGroup4: DataGroup4.of([IrisImage.of(JPEG, Eye.LEFT)]).encode(),
    }[group]
    octets = bytearray(good)
    for _ in range(data.draw(st.integers(1, 3))):
        octets[data.draw(st.integers(0, len(octets) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(octets)) | st.just(len(octets)))
    try:
        read = group.decode(bytes(octets[:cut]))
    except MalformedError:
        return
    if not any("unusual length fields or an unusual order" in note for note in read.tolerated):
        assert read.encode() == bytes(octets[:cut])


@given(st.binary(max_size=100))
def test_any_octets_decode_or_are_malformed(octets: bytes) -> None:
    for group in GROUPS:
        try:
            group.decode(octets)
        except MalformedError:
            continue
        assert octets[0] in {0x63, 0x76}
