"""Units LDS_C, D and E: the coding of DG2, DG3 and DG4.

DG3 and DG4 are read after Terminal Authentication.
"""

import io
from functools import cache
from typing import Final

from msgspec.structs import replace as change

from conformance.reader.case import Make, Presented, Unit, Workshop
from conformance.reader.cases.terminal_authentication import protected, usual
from conformance.reader.chips import Octets
from conformance.reader.documents import face, portrait
from conformance.reader.edits import TAG_AND_LENGTH, Edit, edited, replaced, without
from emrtd.biometrics.iso19794.finger import Compression, FingerRecord
from emrtd.biometrics.iso19794.iris import IrisImageFormat, IrisRecord, RecordedEye, RecordedIris
from emrtd.biometrics.samples import (
    Eye,
    FaceImage,
    FeaturePoint,
    FingerImage,
    FingerPosition,
    IrisImage,
)
from emrtd.lds.data_groups.dg2 import DataGroup2
from emrtd.lds.data_groups.dg3 import DataGroup3
from emrtd.lds.data_groups.dg4 import DataGroup4

UNIT: Final = Unit()
FINGERS: Final = Unit(needs_terminal=True)
"""The units LDS_D and LDS_E."""

WIDTH, HEIGHT = 64, 80
BLOCK: Final = 0x5F2E
GROUP, HEADER = (0x7F61,), (0x7F61, 0x7F60, 0xA1)
TEMPLATE = HEADER[:2]
TAGS: Final = {2: 0x75, 3: 0x63, 4: 0x76}
POSITIONS: Final = (
    FingerPosition.LEFT_INDEX, FingerPosition.RIGHT_INDEX, FingerPosition.LEFT_THUMB
)  # fmt: skip


@cache
def pixels() -> bytes:
    """Return grey pixels: rings around the middle, like ridges."""
    rows = (
        ((x - WIDTH // 2) ** 2 + (y - HEIGHT // 2) ** 2) * 3 % 256
        for y in range(HEIGHT)
        for x in range(WIDTH)
    )
    return bytes(rows)


@cache
def jpeg2000(mode: str = "L") -> bytes:
    """Return the picture as JPEG 2000."""
    from PIL import Image

    stream = io.BytesIO()
    Image.frombytes("L", (WIDTH, HEIGHT), pixels()).convert(mode).save(stream, "JPEG2000")
    return stream.getvalue()


@cache
def wsq() -> bytes:
    """Return the picture as WSQ."""
    from emrtd.biometrics.images.wsq_library import compress

    return compress(pixels(), WIDTH, HEIGHT)


def fingers(image: bytes, count: int = 2) -> bytes:
    """Return a DG3 of fingers with this image."""
    return DataGroup3.of(FingerImage.of(image, each) for each in POSITIONS[:count]).encode()


def irises(image: bytes) -> bytes:
    """Return a DG4 of both irises with this image."""
    return DataGroup4.of(IrisImage.of(image, each) for each in (Eye.LEFT, Eye.RIGHT)).encode()


def raw_fingers() -> bytes:
    """Return a DG3 of two fingers whose pixels are not compressed."""
    group = DataGroup3.of(FingerImage.of(wsq(), each) for each in POSITIONS[:2])

    def raw(record: FingerRecord) -> FingerRecord:
        views = tuple(change(view, image=pixels()) for view in record.views)
        return change(record, views=views, compression=int(Compression.UNCOMPRESSED))

    instances = tuple(
        change(each, record=raw(each.record))
        for each in group.instances
        if isinstance(each.record, FingerRecord)
    )
    return change(group, instances=instances).encode()


def raw_irises() -> bytes:
    """Return a DG4 of two irises whose pixels are not compressed."""
    group = DataGroup4.of(IrisImage.of(jpeg2000(), each) for each in (Eye.LEFT, Eye.RIGHT))

    def raw(record: IrisRecord) -> IrisRecord:
        eyes = tuple(RecordedEye(each.eye, (RecordedIris(pixels()),)) for each in record.eyes)
        return change(record, eyes=eyes, image_format=int(IrisImageFormat.MONO_RAW))

    instances = tuple(
        change(each, record=raw(each.record))
        for each in group.instances
        if isinstance(each.record, IrisRecord)
    )
    return change(group, instances=instances).encode()


def good(number: int) -> bytes:
    """Return a DG2 with a face, or a DG3 or DG4 with two images in JPEG 2000."""
    if number == 2:
        return portrait()
    return fingers(jpeg2000()) if number == 3 else irises(jpeg2000())


def _faces(*, image: bytes | None = None, points: tuple[FeaturePoint, ...] = ()) -> Make:
    def make(at: Workshop) -> Presented:
        own = FaceImage.of(image or jpeg2000("RGB"), feature_points=points)
        return at.presented(more={2: DataGroup2.of([own]).encode()})

    return make


UNIT.good("LDS_C_01")(_faces())
UNIT.good("LDS_C_02")(lambda at: _faces(image=face())(at))  # noqa: PLW0108 - drawn when used
UNIT.good("LDS_C_03")(_faces(points=(FeaturePoint(3, 1, 20, 30), FeaturePoint(3, 2, 40, 30))))


def _sensitive(number: int, content: Octets) -> Make:
    """A document with this DG3 or DG4, before a terminal that may read it."""

    def make(at: Workshop) -> Presented:
        more = {number: content(b"")}
        return Presented(protected(at, usual(at).root, more=more), terminal=usual(at).credentials())

    return make


for _id, _number, _content in (
    ("LDS_D_01", 3, lambda _: fingers(jpeg2000())),
    ("LDS_D_02", 3, lambda _: fingers(wsq())),
    ("LDS_D_03", 3, lambda _: fingers(wsq(), 3)),
    ("LDS_D_16", 3, lambda _: raw_fingers()),
    ("LDS_E_01", 4, lambda _: irises(jpeg2000())),
    ("LDS_E_02", 4, lambda _: raw_irises()),
):
    FINGERS.good(_id)(_sensitive(_number, _content))


def _bad(number: int, change_content: Octets) -> Make:
    if number == 2:
        return lambda at: at.presented(more={2: change_content(good(2))})
    return _sensitive(number, lambda _: change_content(good(number)))


def _edit(id_: str, number: int, path: tuple[int, ...], edit: Edit, *, label: str = "") -> None:
    unit = UNIT if number == 2 else FINGERS
    whole = (TAGS[number], *path)
    unit.bad(id_, "lds.structure", label=label)(
        _bad(number, lambda content: edited(content, whole, edit))
    )


def record(position: int, *octets: int) -> Edit:
    """Change octets of the record of biometric data."""

    def put(block: bytes) -> bytes:
        return block[:position] + bytes(octets) + block[position + len(octets) :]

    return replaced(BLOCK, put)


def stated(tag: int, octets: bytes) -> Edit:
    """State something else in the biometric header."""
    return replaced(tag, lambda _: octets)


for _unit, _number, _first in (("C", 2, 4), ("D", 3, 4), ("E", 4, 3)):
    for _place, _octets in enumerate(TAG_AND_LENGTH, _first):
        (UNIT if _number == 2 else FINGERS).bad(
            f"LDS_{_unit}_{_place:02}", "lds.structure", f"dg.hash.DG{_number}"
        )(_bad(_number, _octets))

_edit("LDS_C_07", 2, GROUP, without(0x02))
_edit("LDS_C_08", 2, HEADER, stated(0x87, b"\x00\x00"))
_edit("LDS_C_09", 2, HEADER, without(0x87))
_edit("LDS_C_10", 2, HEADER, stated(0x88, b"\xff\xff"))
_edit("LDS_C_11", 2, HEADER, without(0x88))
_edit("LDS_C_12", 2, HEADER, stated(0x81, b"\x00\x00\x02"))
_edit("LDS_C_13", 2, HEADER, stated(0x81, b"\x08"))
# the facial record header of 14 octets; then the facial information and the image information
_edit("LDS_C_14", 2, TEMPLATE, record(0, *b"XXX"))
_edit("LDS_C_15", 2, TEMPLATE, record(4, *b"999\x00"))
_edit("LDS_C_16", 2, TEMPLATE, record(17, 0xFF))
_edit("LDS_C_17", 2, TEMPLATE, record(20, 0x77))
_edit("LDS_C_18", 2, TEMPLATE, record(21, 0x77))
_edit("LDS_C_19", 2, TEMPLATE, record(22, 0x77))
for _axis, (_angle, _uncertainty) in enumerate(((20, 23), (21, 24), (22, 25))):
    _edit(f"LDS_C_{_angle}", 2, TEMPLATE, record(28 + _axis, 0xFF))
    _edit(f"LDS_C_{_uncertainty}", 2, TEMPLATE, record(31 + _axis, 0xFF))
_edit("LDS_C_26", 2, TEMPLATE, record(34, 0x77))
_edit("LDS_C_27", 2, TEMPLATE, record(35, 0x77))
_edit("LDS_C_28", 2, TEMPLATE, without(BLOCK))

for _unit, _number, _first in (("D", 3, 7), ("E", 4, 6)):
    for _place, (_path, _change) in enumerate(
        (
            (GROUP, without(0x02)),
            (HEADER, stated(0x87, b"\x01\xff")),
            (HEADER, without(0x87)),
            (HEADER, stated(0x88, b"\xff\xff")),
            (HEADER, without(0x88)),
            (HEADER, stated(0x82, b"\xfe")),
            (HEADER, without(0x82)),
            (TEMPLATE, record(0, *b"PIR\x00")),
            (TEMPLATE, without(BLOCK)),
        ),
        _first,
    ):
        _edit(f"LDS_{_unit}_{_place:02}", _number, _path, _change)
