"""Every decoder takes less than 1 s and 64 MB for up to a megabyte of input."""

import struct
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest

from emrtd import tlv
from emrtd.biometrics.cbeff import MAX_INSTANCES, BiometricGroup
from emrtd.biometrics.iso19794.face import FaceRecord
from emrtd.biometrics.iso19794.finger import FingerRecord
from emrtd.biometrics.iso19794.iris import IrisRecord
from emrtd.biometrics.iso39794.face import FaceImageDataBlock
from emrtd.lds.data_groups.dg2 import DataGroup2
from emrtd.lds.data_groups.dg3 import DataGroup3
from emrtd.lds.data_groups.dg4 import DataGroup4
from support.errors import MalformedError

MEGABYTE = 1_000_000
JPEG = bytes.fromhex("FFD8FFE000104A46494600010101012C012C0000FFC0000B0800100010010111003F")
WSQ = bytes.fromhex("FFA0FFA2000F00FF00200010000000000000000000")
SLOW_JPEG = JPEG[:20] + b"\xff\xe1\x00\x02" * 190 + JPEG[20:]


def face_record(images: int, points: int, image: bytes = JPEG) -> bytes:
    length = 32 + 8 * points + len(image)
    block = struct.pack(">IH14x", length, points) + bytes(8 * points) + bytes(12) + image
    return struct.pack(">4s4sIH", b"FAC\0", b"010\0", 14 + images * length, images) + block * images


def finger_record(views: int, image: bytes = WSQ) -> bytes:
    view = struct.pack(">I10x", 14 + len(image)) + image
    length = (32 + len(view) * views).to_bytes(6, "big")
    return b"FIR\x00010\0" + length + bytes(15) + b"\x02\0\0" + view * views


def iris_record(images: int, image: bytes = JPEG) -> bytes:
    one = struct.pack(">7xI", len(image)) + image
    eye = struct.pack(">BH", 1, images) + one * images
    head = struct.pack(">4s4sI2xB30x", b"IIR\0", b"010\0", 45 + len(eye), 1)
    return head + eye


def face_block(landmarks: int, image: bytes = JPEG) -> bytes:
    landmark = bytes.fromhex("3017A009A007A005A10380010AA10AA008A006") + bytes.fromhex(
        "80015A810116"
    )
    representation = tlv.encode(
        0x30,
        bytes.fromhex("800100"),
        tlv.encode(
            0xA1,
            tlv.encode(
                0xA0,
                tlv.encode(0xA0, tlv.encode(0x80, image), bytes.fromhex("A105A003800102")),
            ),
        ),
        tlv.encode(0xA9, landmark * landmarks) if landmarks else b"",
    )
    inner = tlv.encode(0x65, bytes.fromhex("A007800103810207E3"), tlv.encode(0xA1, representation))
    return tlv.encode(0xA1, inner)


def group(tag: int, block_tag: int, *blocks: bytes) -> bytes:
    templates = b"".join(
        tlv.encode(0x7F60, bytes.fromhex("A1088702010188020008"), tlv.encode(block_tag, block))
        for block in blocks
    )
    return tlv.encode(tag, tlv.encode(0x7F61, b"\x02\x01", bytes((len(blocks) & 255,)), templates))


HOSTILE: list[tuple[str, Callable[[bytes], Any], Callable[[], bytes]]] = [
    ("most feature points", FaceRecord.decode, lambda: face_record(1, 65_535)),
    ("feature points twice", FaceRecord.decode, lambda: face_record(2, 62_000)),
    ("most faces", FaceRecord.decode, lambda: face_record(255, 480)),
    ("ten thousand faces", FaceRecord.decode, lambda: face_record(10_000, 0)),
    ("most fingers", FingerRecord.decode, lambda: finger_record(255, WSQ.ljust(3_800, b"\1"))),
    ("ten thousand fingers", FingerRecord.decode, lambda: finger_record(10_000)),
    ("ten thousand irises", IrisRecord.decode, lambda: iris_record(10_000)),
    ("most irises", IrisRecord.decode, lambda: iris_record(255, JPEG.ljust(3_800, b"\1"))),
    ("one large image", FaceRecord.decode, lambda: face_record(1, 0, JPEG.ljust(999_000, b"\1"))),
    (
        "an image of fill octets",
        DataGroup2.decode,
        lambda: group(0x75, 0x5F2E, face_record(1, 0, JPEG[:3].ljust(999_000, b"\xff"))),
    ),
    ("most landmarks", FaceImageDataBlock.decode, lambda: face_block(200)),
    ("landmarks without end", FaceImageDataBlock.decode, lambda: face_block(38_000)),
    ("zeros", FaceImageDataBlock.decode, lambda: b"\xa1\x83\x0f\x42\x35" + bytes(999_989)),
    (
        "DG2 of most landmarks",
        DataGroup2.decode,
        lambda: group(0x75, 0x7F2E, *[face_block(200)] * MAX_INSTANCES),
    ),
    (
        "DG2 of most feature points",
        DataGroup2.decode,
        lambda: group(0x75, 0x5F2E, *[face_record(1, 7_500)] * MAX_INSTANCES),
    ),
    (
        "DG2 of slow images",
        DataGroup2.decode,
        lambda: group(0x75, 0x5F2E, *[face_record(20, 0, SLOW_JPEG)] * MAX_INSTANCES),
    ),
    (
        "DG3 of most fingers",
        DataGroup3.decode,
        lambda: group(0x63, 0x5F2E, *[finger_record(255, WSQ.ljust(230))] * MAX_INSTANCES),
    ),
    (
        "DG4 of most irises",
        DataGroup4.decode,
        lambda: group(0x76, 0x5F2E, *[iris_record(255, JPEG.ljust(230))] * MAX_INSTANCES),
    ),
    (
        "DG3 of ten thousand instances",
        DataGroup3.decode,
        lambda: group(0x63, 0x5F2E, *[finger_record(1, b"")] * 10_000),
    ),
    (
        "headers without end",
        lambda octets: BiometricGroup.decode(octets, 0x63, "DG3"),
        lambda: tlv.encode(
            0x63,
            tlv.encode(
                0x7F61,
                b"\x02\x01\x10",
                tlv.encode(0x7F60, tlv.encode(0xA1, b"\x80\0" * 2_000), b"\x5f\x2e\0") * 16,
            ),
        ),
    ),
]


@pytest.mark.parametrize(
    ("decode", "make"), [case[1:] for case in HOSTILE], ids=[c[0] for c in HOSTILE]
)
def test_a_megabyte_takes_less_than_a_second_and_64_megabytes(
    decode: Callable[[bytes], Any], make: Callable[[], bytes]
) -> None:
    octets = make()
    assert len(octets) <= MEGABYTE * 1.1
    decode_or_refuse(decode, face_record(1, 0))  # so that imports and compiling are not measured
    decode_or_refuse(FaceImageDataBlock.decode, face_block(1))
    before = time.process_time()
    decode_or_refuse(decode, octets)
    assert time.process_time() - before < 1
    tracemalloc.start()
    try:
        decode_or_refuse(decode, octets)
        assert tracemalloc.get_traced_memory()[1] < 64 << 20
    finally:
        tracemalloc.stop()


def decode_or_refuse(decode: Callable[[bytes], Any], octets: bytes) -> None:
    try:
        decode(octets)
    except MalformedError:
        return


@pytest.mark.parametrize(
    ("group_of", "octets"),
    [
        (DataGroup2, group(0x75, 0x5F2E, face_record(3, 2))),
        (DataGroup2, group(0x75, 0x7F2E, face_block(3))),
        (DataGroup3, group(0x63, 0x5F2E, finger_record(3))),
        (DataGroup4, group(0x76, 0x5F2E, iris_record(3))),
    ],
)
def test_small_inputs_of_the_hostile_shapes_are_read(group_of: Any, octets: bytes) -> None:
    assert group_of.decode(octets).encode() == octets
