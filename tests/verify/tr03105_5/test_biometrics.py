"""TR-03105-5.1, units LDS_C, D and E: the coding of DG2, DG3 and DG4.

What a header does not say, or says otherwise, is named, and refused by a strict policy: the record
itself tells what it is, and the State has signed it so.  A record that cannot be read is refused by
every policy.
"""

from collections.abc import Callable
from functools import cache

import pytest

from emrtd import tlv
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
from tests.emrtd.biometrics.images.pictures import ridges, written
from tests.helpers import shared
from tests.verify.documents import face, issue
from tests.verify.tr03105_5.simulator import BAC, CASES, Inspected
from tests.verify.tr03105_5.test_files_of_access import TAG_AND_LENGTH

TAGS = {2: 0x75, 3: 0x63, 4: 0x76}
Objects = list[tuple[int, bytes]]
Edit = Callable[[Objects], Objects]


def judged(number: int, content: bytes, policy: str = "default") -> Inspected:
    made = issue(**(BAC | {"more": {number: content}}))
    evidence = made.evidence()
    return Inspected(evidence, made.judged(evidence, policy=policy))


@cache
def good(number: int) -> bytes:
    """A face; two fingers, or two irises."""
    jp2 = written(ridges(64, 80), "JPEG2000")
    if number == 2:
        return DataGroup2.of([FaceImage.of(face())]).encode()
    if number == 3:
        positions = (FingerPosition.LEFT_INDEX, FingerPosition.RIGHT_INDEX)
        return DataGroup3.of(FingerImage.of(jp2, each) for each in positions).encode()
    return DataGroup4.of(IrisImage.of(jp2, each) for each in (Eye.LEFT, Eye.RIGHT)).encode()


def edited(content: bytes, path: tuple[int, ...], edit: Edit) -> bytes:
    """Return the file with the data objects at a path of tags edited, and lengths corrected."""
    objects = [(each.tag, each.value) for each in tlv.read_all(content, "file")]
    if not path:
        return b"".join(tlv.encode(*each) for each in edit(objects))
    at = max(index for index, each in enumerate(objects) if each[0] == path[0])
    objects[at] = (path[0], edited(objects[at][1], path[1:], edit))
    return b"".join(tlv.encode(*each) for each in objects)


def without(tag: int) -> Edit:
    return lambda objects: [each for each in objects if each[0] != tag]


def replaced(tag: int, change: Callable[[bytes], bytes]) -> Edit:
    return lambda objects: [(at, change(value) if at == tag else value) for at, value in objects]


@CASES.case("LDS_C_01", "LDS_C_02", "LDS_C_03")
@pytest.mark.parametrize(
    "portrait",
    [
        FaceImage.of(written(ridges(64, 80).convert("RGB"), "JPEG2000")),
        FaceImage.of(face()),
        FaceImage.of(
            written(ridges(64, 80).convert("RGB"), "JPEG2000"),
            feature_points=(FeaturePoint(3, 1, 20, 30), FeaturePoint(3, 2, 40, 30)),
        ),
    ],
    ids=["JPEG 2000", "JPEG", "feature points"],
)
def test_portraits_are_read(portrait: FaceImage) -> None:
    judged(2, DataGroup2.of([portrait]).encode()).succeeded()


@CASES.case("LDS_D_01", "LDS_E_01")
@pytest.mark.parametrize("number", [3, 4])
def test_fingers_and_irises_are_read(number: int) -> None:
    for policy in ("default", "strict"):
        structure = judged(number, good(number), policy).report.check("lds.structure")
        assert structure.outcome.value == "passed"
    judged(number, good(number)).succeeded()


@CASES.case("LDS_D_02", "LDS_D_03", "LDS_D_16", "LDS_E_02")
@pytest.mark.parametrize("number", [3, 4])
def test_wsq_fingers_and_raw_irises_of_the_bsi_are_read(number: int) -> None:
    judged(number, shared(f"data/lds/bsi2008/Datagroup{number}.bin").read_bytes()).succeeded()


GROUP, HEADER = (0x7F61,), (0x7F61, 0x7F60, 0xA1)
TEMPLATE = HEADER[:2]


def of(case: str, number: int, path: tuple[int, ...], edit: Edit) -> tuple[str, tuple[int, bytes]]:
    return case, (number, edited(good(number), (TAGS[number], *path), edit))


MISSTATED = dict(
    (
        of("LDS_C_08", 2, HEADER, replaced(0x87, lambda _: b"\x00\x00")),
        of("LDS_C_09", 2, HEADER, without(0x87)),
        of("LDS_C_10", 2, HEADER, replaced(0x88, lambda _: b"\xff\xff")),
        of("LDS_C_11", 2, HEADER, without(0x88)),
        of("LDS_C_12", 2, HEADER, replaced(0x81, lambda _: b"\x00\x00\x02")),
        of("LDS_C_13", 2, HEADER, replaced(0x81, lambda _: b"\x08")),
        of("LDS_C_27", 2, TEMPLATE, replaced(0x5F2E, lambda r: r[:35] + b"\x77" + r[36:])),
        of("LDS_D_08", 3, HEADER, replaced(0x87, lambda _: b"\x00\x00")),
        of("LDS_D_09", 3, HEADER, without(0x87)),
        of("LDS_D_10", 3, HEADER, replaced(0x88, lambda _: b"\xff\xff")),
        of("LDS_D_11", 3, HEADER, without(0x88)),
        of("LDS_D_12", 3, HEADER, replaced(0x82, lambda _: b"\xff")),
        of("LDS_D_13", 3, HEADER, without(0x82)),
        of("LDS_E_07", 4, HEADER, replaced(0x87, lambda _: b"\x00\x00")),
        of("LDS_E_08", 4, HEADER, without(0x87)),
        of("LDS_E_09", 4, HEADER, replaced(0x88, lambda _: b"\xff\xff")),
        of("LDS_E_10", 4, HEADER, without(0x88)),
        of("LDS_E_11", 4, HEADER, replaced(0x82, lambda _: b"\xff")),
        of("LDS_E_12", 4, HEADER, without(0x82)),
    )
)


@pytest.mark.parametrize(("number", "content"), CASES.cases(MISSTATED))
def test_a_wrong_header_is_named(number: int, content: bytes) -> None:
    judged(number, content).succeeded()
    assert f"lds.dg{number}" in str(judged(number, content).report.check("lds.structure"))
    strict = judged(number, content, "strict").failed(f"does not tolerate lds.dg{number}")
    assert strict.report.check("lds.structure").outcome.value == "failed"


UNREADABLE = dict(
    (
        *(
            (f"LDS_{unit}_{first + int(name) - 1:02}", (number, change(good(number))))
            for unit, number, first in (("C", 2, 4), ("D", 3, 4), ("E", 4, 3))
            for name, change in TAG_AND_LENGTH.items()
        ),
        of("LDS_C_07", 2, GROUP, without(0x02)),
        of("LDS_C_14", 2, TEMPLATE, replaced(0x5F2E, lambda record: b"XXX\x00" + record[4:])),
        of("LDS_C_16", 2, TEMPLATE, replaced(0x5F2E, lambda r: r[:17] + b"\xff" + r[18:])),
        of("LDS_C_28", 2, TEMPLATE, without(0x5F2E)),
        of("LDS_D_07", 3, GROUP, without(0x02)),
        of("LDS_D_14", 3, TEMPLATE, replaced(0x5F2E, lambda record: b"XXX\x00" + record[4:])),
        of("LDS_D_15", 3, TEMPLATE, without(0x5F2E)),
        of("LDS_E_06", 4, GROUP, without(0x02)),
        of("LDS_E_13", 4, TEMPLATE, replaced(0x5F2E, lambda record: b"XXX\x00" + record[4:])),
        of("LDS_E_14", 4, TEMPLATE, without(0x5F2E)),
    )
)


@pytest.mark.parametrize(("number", "content"), CASES.cases(UNREADABLE))
def test_a_malformed_data_group_is_named(number: int, content: bytes) -> None:
    found = judged(number, content).failed()
    assert found.report.check("lds.structure").outcome.value == "failed"
