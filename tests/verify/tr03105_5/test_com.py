"""TR-03105-5.1, unit LDS_A: EF.COM, which is not signed."""

from collections.abc import Callable

import pytest

from emrtd import tlv
from emrtd.lds.files import FileID
from tests.verify.documents import issue
from tests.verify.tr03105_5.simulator import BAC, CASES, inspected
from tests.verify.tr03105_5.test_files_of_access import TAG_AND_LENGTH
from verify.judging.report import Verdict

LDS_VERSION, UNICODE_VERSION, LIST = 0x5F01, 0x5F36, 0x5C


def with_object(tag: int, change: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    """Return an EF.COM with another value in one of its data objects."""

    def changed(content: bytes) -> bytes:
        objects = ((each.tag, each.value) for each in tlv.read(content, "EF.COM").children())
        return tlv.encode(
            0x60, *(tlv.encode(at, change(value) if at == tag else value) for at, value in objects)
        )

    return changed


def without_object(tag: int) -> Callable[[bytes], bytes]:
    def changed(content: bytes) -> bytes:
        objects = tlv.read(content, "EF.COM").children()
        return tlv.encode(
            0x60, *(tlv.encode(each.tag, each.value) for each in objects if each.tag != tag)
        )

    return changed


@pytest.mark.parametrize(
    "change",
    CASES.cases(
        {
            "LDS_A_01": TAG_AND_LENGTH["01"],
            "LDS_A_02": TAG_AND_LENGTH["02"],
            "LDS_A_03": TAG_AND_LENGTH["03"],
            "LDS_A_04": with_object(LDS_VERSION, lambda _: b"0300"),
            "LDS_A_06": with_object(UNICODE_VERSION, lambda _: b"050000"),
            "LDS_A_08": with_object(LIST, lambda tags: tags.replace(b"\x61", b"")),
            "LDS_A_09": without_object(LIST),
        }
    ),
)
def test_an_ef_com_that_differs_from_ef_sod_is_rejected(change: Callable[[bytes], bytes]) -> None:
    """EF.COM must agree with EF.SOD; if not, it was changed."""
    made = issue(**BAC)
    made = made.with_file(FileID.COM, change(made.files[FileID.COM]))
    found = inspected(made).failed("EF.COM")
    assert FileID.DG1 in found.evidence.files  # it is the signed list that is read by


@pytest.mark.parametrize("tag", CASES.cases({"LDS_A_05": LDS_VERSION, "LDS_A_07": UNICODE_VERSION}))
def test_an_ef_com_without_a_version_is_a_quirk(tag: int) -> None:
    """A quirk, which a strict policy refuses: EF.SOD contains the signed versions."""
    made = issue(**BAC)
    made = made.with_file(FileID.COM, without_object(tag)(made.files[FileID.COM]))
    found = inspected(made)
    assert "lds.com" in str(found.report.check("lds.structure"))
    assert made.judged(found.evidence, policy="strict").verdict is not Verdict.ACCEPT


@CASES.case("LDS_A_10")
def test_an_ef_com_of_lds_1_8_is_accepted() -> None:
    made = issue(**BAC)
    assert b"0108" in made.files[FileID.COM]
    inspected(made).succeeded(made)
