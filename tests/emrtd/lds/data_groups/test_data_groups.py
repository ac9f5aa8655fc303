"""DG1, DG5 to DG10, DG13 and DG16: round trips, quirks, bad input."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emrtd import tlv
from emrtd.lds.content import FileContent
from emrtd.lds.data_groups.dg1 import DataGroup1
from emrtd.lds.data_groups.dg5 import DataGroup5
from emrtd.lds.data_groups.dg7 import DataGroup7
from emrtd.lds.data_groups.dg13 import DataGroup13
from emrtd.lds.data_groups.dg16 import DataGroup16, PersonToNotify
from emrtd.lds.data_groups.permit import IDENTIFIER, Permit
from emrtd.lds.data_groups.undefined import DataGroup6, DataGroup8, DataGroup9, DataGroup10
from emrtd.mrz import Mrz
from support.errors import MalformedError, MisuseError
from tests.helpers import REPOSITORY, facts, replace, shared

TEXT = st.text(min_size=1, max_size=40)
OTHER = st.lists(st.tuples(st.sampled_from([0x5F70, 0xC0]), st.binary(max_size=5)), max_size=2)


def a_permit(**changes: Any) -> Permit:
    made = Permit(
        category="SKILLED WORKER",
        valid_from=date(2026, 11, 22),
        valid_until=date(2031, 11, 21),
        stay=True,
        work="restricted",
        study=True,
        public_funds=False,
        remarks=("No work as a professional sportsperson",),
    )
    return replace(made, **changes)


PERMITS = st.builds(
    Permit,
    category=TEXT.filter(str.strip),
    valid_from=st.dates(max_value=date(2050, 1, 1)),
    valid_until=st.none() | st.dates(min_value=date(2050, 1, 1)),
    stay=st.booleans(),
    work=TEXT.filter(str.strip),
    study=st.booleans(),
    public_funds=st.booleans(),
    remarks=st.lists(TEXT.filter(str.strip), max_size=4).map(tuple),
    other=st.lists(st.tuples(st.sampled_from([0x90, 0xB0]), st.just(b"")), max_size=2).map(tuple),
)
PERSONS = st.builds(
    PersonToNotify,
    st.none() | st.text("0123456789", min_size=8, max_size=8),
    *(st.none() | st.text(max_size=30) for _ in range(3)),
    OTHER.map(tuple),
)
MADE: st.SearchStrategy[FileContent] = st.one_of(
    st.builds(DataGroup6, st.binary(max_size=50)),
    st.builds(DataGroup8, st.binary(max_size=50)),
    st.builds(DataGroup9, st.binary(max_size=50)),
    st.builds(DataGroup10, st.binary(max_size=50)),
    st.builds(DataGroup13.for_permit, PERMITS),
    st.builds(DataGroup13, st.binary(max_size=50).map(lambda octets: tlv.encode(0x04, octets))),
    st.builds(
        DataGroup5,
        st.lists(st.binary(min_size=1), min_size=1, max_size=9).map(tuple),
        OTHER.map(tuple),
    ),
    st.builds(DataGroup7, st.lists(st.binary(min_size=1), min_size=1, max_size=9).map(tuple)),
    st.builds(DataGroup16, st.lists(PERSONS, min_size=1, max_size=15).map(tuple), OTHER.map(tuple)),
)
KINDS: dict[type[FileContent], int] = {
    DataGroup1: 0x61,
    DataGroup5: 0x65,
    DataGroup6: 0x66,
    DataGroup7: 0x67,
    DataGroup8: 0x68,
    DataGroup9: 0x69,
    DataGroup10: 0x6A,
    DataGroup13: 0x6D,
    DataGroup16: 0x70,
}


@given(MADE)
def test_encoded_content_decodes_to_the_same(made: FileContent) -> None:
    again = type(made).decode(made.encode())
    assert again == made
    assert replace(again).encode() == made.encode()
    assert again.tolerated == ()


@pytest.mark.parametrize("kind", KINDS)
@given(octets=st.binary(max_size=100), inner=st.sampled_from([0x5F1F, 0x5F40, 0x5F43, 0xA1, 0x02]))
def test_any_octets_decode_or_are_malformed(
    kind: type[FileContent], octets: bytes, inner: int
) -> None:
    tag = KINDS[kind]
    for candidate in (
        octets,
        tlv.encode(tag, octets),
        tlv.encode(tag, b"\x02\x01\x01", tlv.encode(inner, octets)),
    ):
        try:
            made = kind.decode(candidate)
        except MalformedError:
            continue
        assert made.encode() == candidate


# --- DG1 -------------------------------------------------------------------------------------


def test_dg1_of_the_bsi_sample_is_decoded() -> None:
    octets = shared("data/lds/bsi2008/Datagroup1.bin").read_bytes()
    made = DataGroup1.decode(octets)
    assert replace(made).encode() == octets
    assert made.tolerated == ()
    assert (made.mrz.surname, made.mrz.given_names) == ("MUSTERMANN", "ERIKA")
    assert made.mrz.issuing_state == "D"
    assert all(each.correct for each in made.mrz.check_digits())


def test_dg1_of_the_published_example_is_decoded() -> None:
    (example,) = [
        e for e in facts("lds/lds_encoding_examples.json")["examples"] if "DG1 TD1" in e["id"]
    ]
    octets = bytes.fromhex(example["hex"])
    made = DataGroup1.decode(octets)
    assert made.mrz.lines == tuple(example["mrz"])
    assert made.mrz.document_number == "XI85935F8"
    wrong = [each for each in made.mrz.check_digits() if not each.correct]
    assert [(each.name, each.printed, each.computed) for each in wrong] == [("composite", "4", "8")]
    assert replace(made).encode() == octets


def test_dg1_with_line_breaks_is_named_and_written_back() -> None:
    mrz = Mrz.build(
        "TD1",
        document_code="IR",
        issuing_state="UTO",
        document_number="1",
        nationality="UTO",
        date_of_birth="<<<<<<",
        sex="X",
        date_of_expiry="300101",
        surname="A",
    )
    octets = tlv.encode(0x61, tlv.encode(0x5F1F, "\n".join(mrz.lines).encode()), b"\x53\x01\x07")
    made = DataGroup1.decode(octets)
    assert made.mrz == mrz
    assert made.other == ((0x53, b"\x07"),)
    assert made.tolerated == ("DG1: the MRZ has line breaks or lower-case letters",)
    assert made.encode() == octets


@pytest.mark.parametrize(
    ("octets", "says"),
    [
        (tlv.encode(0x61, tlv.encode(0x5F1F, b"A" * 81)), "has 81 characters instead of 90"),
        (tlv.encode(0x61, tlv.encode(0x5F1F, b"\xc4" * 90)), "not in ASCII"),
        (tlv.encode(0x61, tlv.encode(0x5F1F, b"$" * 90)), "other than A to Z"),
        (tlv.encode(0x61), "5F1F is missing"),
        (tlv.encode(0x61, tlv.encode(0x5F1F, b"A" * 90)) + b"\x00", "follow"),
    ],
)
def test_a_broken_dg1_is_malformed(octets: bytes, says: str) -> None:
    with pytest.raises(MalformedError, match=says) as failure:
        DataGroup1.decode(octets)
    assert "AAA" not in str(failure.value)


# --- DG5 and DG7 -------------------------------------------------------------------------------


def test_dg5_has_the_published_layout() -> None:
    octets = DataGroup5((b"\xff" * 2000,)).encode()
    assert octets[:13].hex().upper() == "658207D80201015F408207D0FF"[:26]


@pytest.mark.parametrize("count", [0, 10, 10_000])
def test_too_few_or_too_many_images_are_refused(count: int) -> None:
    octets = tlv.encode(0x65, b"\x02\x01\x01", tlv.encode(0x5F40, b"\xff") * count)
    with pytest.raises(MalformedError, match=f"has {count} images"):
        DataGroup5.decode(octets)
    with pytest.raises(MisuseError, match="1 to 9"):
        DataGroup5((b"\xff",) * count).encode()


@pytest.mark.parametrize("content", [b"\x04SGP of its own", b"\x1f", b"\x30\x05\x00"])
def test_a_dg13_without_data_objects_is_kept_and_named(content: bytes) -> None:
    octets = tlv.encode(0x6D, content)
    made = DataGroup13.decode(octets)
    assert (made.content, made.permit) == (content, None)
    assert made.tolerated == ("DG13: the content is not data objects",)
    assert made.encode() == octets


def test_a_wrong_number_of_images_is_a_quirk() -> None:
    octets = tlv.encode(0x67, b"\x02\x01\x05", tlv.encode(0x5F43, b"\xff"))
    made = DataGroup7.decode(octets)
    assert made.images == (b"\xff",)
    assert made.tolerated == ("DG7: the declared number of instances is wrong",)
    assert made.encode() == octets


# --- DG8 to DG10 -------------------------------------------------------------------------------


def test_features_are_templates_or_any_octets() -> None:
    made = DataGroup9.of((0xA1, b"\x80\x00"), (0xA2, b""))
    assert made.encode().hex() == "6909020102a1028000a200"
    assert made.templates == ((0xA1, b"\x80\x00"), (0xA2, b""))
    assert DataGroup9(b"\xff\xff").templates is None


# --- DG13 --------------------------------------------------------------------------------------


def test_the_permit_is_coded_as_documented() -> None:
    octets = DataGroup13.for_permit(a_permit(remarks=("A", "B"))).encode()
    objects = tlv.read_expected(octets, 0x6D, "DG13").children()
    assert [each.tag for each in objects] == [
        0x06, 0x02, 0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0xA7,
    ]  # fmt: skip
    values = [each.value for each in objects][1:]
    assert values == [
        b"\x01", b"SKILLED WORKER", b"20261122", b"20311121", b"\x01", b"restricted",
        b"\x01", b"\x00", b"\x0c\x01A\x0c\x01B",
    ]  # fmt: skip


def test_the_documented_permit_is_decoded() -> None:
    page = (REPOSITORY / "docs" / "permit-in-dg13.md").read_text(encoding="utf-8")
    octets = bytes.fromhex("".join(page.split("## Example")[1].split(":", 1)[1].split()))
    permit = a_permit(remarks=("Only for the sponsor",))
    assert DataGroup13.for_permit(permit).encode() == octets
    assert DataGroup13.decode(octets).permit == permit
    assert f"| {IDENTIFIER} |" in page.replace("object identifier ", "")


def test_a_permit_without_end_or_remarks_reads_back() -> None:
    permit = a_permit(valid_until=None, remarks=())
    assert DataGroup13.decode(DataGroup13.for_permit(permit).encode()).permit == permit


@pytest.mark.parametrize("content", ["", "00", "DFFF0102", "536563726574", "8001FF"])
def test_a_foreign_dg13_is_kept_as_it_is(content: str) -> None:
    octets = tlv.encode(0x6D, bytes.fromhex(content))
    made = DataGroup13.decode(octets)
    assert made.permit is None
    assert made.content.hex().upper() == content
    assert made.encode() == octets


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ("81083230323631313232", "81083230323631333232", "calendar"),
        ("81083230323631313232", "81083230323641313232", "YYYYMMDD"),
        ("830101", "830102", "neither 00 nor 01"),
        ("830101", "930101", "83 is missing"),
        ("020101", "020100", "version"),
        ("0C26", "0D26", "other data objects than remarks"),
    ],
)
def test_a_damaged_permit_is_malformed(before: str, after: str, says: str) -> None:
    text = DataGroup13.for_permit(a_permit()).encode().hex().upper()
    assert before in text
    with pytest.raises(MalformedError, match=says):
        DataGroup13.decode(bytes.fromhex(text.replace(before, after)))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"valid_until": date(2020, 1, 1)}, "ends before it begins"),
        ({"category": " "}, "category is empty"),
        ({"work": "A" * 201}, "work is empty or longer"),
        ({"remarks": ("A",) * 21}, "more than 20"),
    ],
)
def test_an_invalid_permit_is_refused(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(MisuseError, match=says):
        DataGroup13.for_permit(a_permit(**changes))


# --- DG16 --------------------------------------------------------------------------------------


def test_the_published_example_of_dg16_is_decoded() -> None:
    (example,) = [
        e for e in facts("lds/lds_encoding_examples.json")["examples"] if "DG16" in e["id"]
    ]
    octets = bytes.fromhex(example["hex_recomputed"])
    made = DataGroup16.decode(octets)
    assert replace(made).encode() == octets
    assert made.tolerated == ()
    assert made.persons[1] == PersonToNotify(
        "20020315", "BROWN<<MARY<J", "14155551212", "49 REDWOOD LN<OCEAN BREEZE<CA<94000"
    )


def test_persons_all_tagged_a1_are_a_quirk_and_written_back() -> None:
    person = tlv.encode(0xA1, tlv.encode(0x5F50, bytes.fromhex("20020101")))
    octets = tlv.encode(0x70, b"\x02\x01\x02", person, person)
    made = DataGroup16.decode(octets)
    assert [each.recorded_on for each in made.persons] == ["20020101"] * 2
    assert made.tolerated == (
        "DG16: the templates are not tagged A1, A2, ... in order",
        "DG16: data object 5F50 is in BCD",
        "DG16: data object 5F50 is in BCD",
    )
    assert made.encode() == octets


@pytest.mark.parametrize("count", [16, 10_000])
def test_too_many_persons_are_refused(count: int) -> None:
    with pytest.raises(MalformedError, match="at most 15 are allowed"):
        DataGroup16.decode(tlv.encode(0x70, b"\xa1\x00" * count))
    person = PersonToNotify(None, None, None, None)
    with pytest.raises(MisuseError, match="1 to 15"):
        DataGroup16((person,) * count).encode()
