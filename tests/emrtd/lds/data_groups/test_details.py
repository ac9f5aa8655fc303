"""DG11 and DG12."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emrtd import tlv
from emrtd.lds.data_groups.details import Details, ElementCoding
from emrtd.lds.data_groups.dg11 import DataGroup11
from emrtd.lds.data_groups.dg12 import DataGroup12
from emrtd.lds.values import coded_name
from support.errors import MalformedError, MisuseError
from tests.helpers import facts, replace

VALUES: dict[ElementCoding, st.SearchStrategy[Any]] = {
    ElementCoding.TEXT: st.none() | st.text(min_size=1, max_size=99),
    ElementCoding.DIGITS: st.none(),
    ElementCoding.OCTETS: st.none() | st.binary(max_size=300),
    ElementCoding.SEVERAL_TEXTS: st.lists(st.text(min_size=1, max_size=99), max_size=12).map(tuple),
}


@st.composite
def details(draw: st.DrawFn, kind: type[Details]) -> Details:
    fields = {element.field: draw(VALUES[element.coding]) for element in kind.ELEMENTS}
    for element in kind.ELEMENTS:
        if element.coding is ElementCoding.DIGITS:
            size = element.limit
            fields[element.field] = draw(
                st.none() | st.text("0123456789", min_size=size, max_size=size)
            )
    other = draw(
        st.lists(st.tuples(st.sampled_from([0x5F70, 0xC0]), st.binary(max_size=5)), max_size=1)
    )
    return kind(other=tuple(other), **fields)


@given(st.one_of(details(DataGroup11), details(DataGroup12)))
def test_encoded_content_decodes_to_the_same(made: Details) -> None:
    again = type(made).decode(made.encode())
    assert again == made
    assert again.tolerated == ()
    assert replace(again).encode() == made.encode()


@pytest.mark.parametrize("kind", [DataGroup11, DataGroup12])
@given(octets=st.binary(max_size=120), tag=st.sampled_from([0x5F0E, 0x5F2B, 0xA0, 0x5F26, 0x5F55]))
def test_any_octets_decode_or_are_malformed(kind: type[Details], octets: bytes, tag: int) -> None:
    for candidate in (
        octets,
        tlv.encode(kind.TAG, octets),
        tlv.encode(kind.TAG, tlv.encode(tag, octets)),
    ):
        try:
            made = kind.decode(candidate)
        except MalformedError:
            continue
        assert made.encode() == candidate


def test_the_published_example_encodes_to_the_same_octets() -> None:
    (example,) = [
        e for e in facts("lds/lds_encoding_examples.json")["examples"] if "DG11" in e["id"]
    ]
    octets = bytes.fromhex(example["hex_recomputed"])
    made = DataGroup11.decode(octets)
    assert made == DataGroup11(
        name_in_full="SMITH<<JOHN<J",
        place_of_birth="ANYTOWN<MN",
        permanent_address="123 MAPLE RD<ANYTOWN<MN",
        telephone="16125551212",
        profession="TRAVEL<AGENT",
    )
    assert replace(made).encode() == octets


def dg11(*objects: bytes, tags: str | None = None) -> bytes:
    listed = b"" if tags is None else tlv.encode(0x5C, bytes.fromhex(tags))
    return tlv.encode(0x6B, listed, *objects)


QUIRKS = {
    "BCD": (
        dg11(tlv.encode(0x5F2B, bytes.fromhex("19740812")), tags="5F2B"),
        {"date_of_birth": "19740812"},
        "DG11: data object 5F2B is in BCD",
    ),
    "an empty date": (
        dg11(tlv.encode(0x5F2B), tags="5F2B"),
        {"date_of_birth": ""},
        "DG11: data object 5F2B is empty",
    ),
    "a date with fillers": (
        dg11(tlv.encode(0x5F2B, b"1974<<<<"), tags="5F2B"),
        {"date_of_birth": "1974<<<<"},
        "DG11: data object 5F2B is not 8 digits",
    ),
    "an empty string": (
        dg11(tlv.encode(0x5F12), tags="5F12"),
        {"telephone": ""},
        "DG11: data object 5F12 is empty",
    ),
    "a bare 5F0F": (
        dg11(tlv.encode(0x5F0F, b"ALIAS"), tags="5F0F"),
        {"other_names": ("ALIAS",)},
        "DG11: data object 5F0F is outside its template",
    ),
    "a wrong count": (
        dg11(tlv.encode(0xA0, b"\x02\x01\x03", tlv.encode(0x5F0F, b"ALIAS")), tags="A0"),
        {"other_names": ("ALIAS",)},
        "DG11: the declared number of instances is wrong",
    ),
    "Latin-1": (
        dg11(tlv.encode(0x5F0E, b"M\xfcLLER"), tags="5F0E"),
        {"name_in_full": "MüLLER"},
        "DG11: data object 5F0E is not UTF-8, read as Latin-1",
    ),
    "no tag list": (
        dg11(tlv.encode(0x5F0E, b"A")),
        {"name_in_full": "A"},
        "DG11: has no tag list",
    ),
    "a wrong tag list": (
        dg11(tlv.encode(0x5F0E, b"A"), tags="5F0E5F11"),
        {"name_in_full": "A"},
        "DG11: the tag list does not match the data objects",
    ),
}


@pytest.mark.parametrize("quirk", QUIRKS)
def test_a_quirk_is_named_and_written_back(quirk: str) -> None:
    octets, fields, says = QUIRKS[quirk]
    made = DataGroup11.decode(octets)
    assert made == DataGroup11(**fields)
    assert made.tolerated == (says,)
    assert made.encode() == octets


def test_a_personalisation_time_in_bcd_is_read() -> None:
    octets = tlv.encode(
        0x6C, bytes.fromhex("5C025F55"), tlv.encode(0x5F55, bytes.fromhex("20261122101530"))
    )
    assert DataGroup12.decode(octets).personalised_at == "20261122101530"


def test_order_and_surplus_length_octets_are_written_back() -> None:
    octets = bytes.fromhex("6B8200105C045F0E5F115F1181014E5F0E820001") + b"A"
    octets = octets.replace(b"\x82\x00\x10", b"\x82\x00" + bytes((len(octets) - 4,)))
    made = DataGroup11.decode(octets)
    assert (made.name_in_full, made.place_of_birth) == ("A", "N")
    assert made.encode() == octets
    assert replace(made, telephone="1").encode() != octets


@pytest.mark.parametrize(
    ("octets", "says"),
    [
        (dg11(tlv.encode(0x5F2B, b"\x19\x74\xff\xff")), "BCD"),
        (dg11(tlv.encode(0x5F0E, b"A"), tlv.encode(0x5F0E, b"B")), "twice"),
        (dg11(tlv.encode(0xA0, b"\x5f")), "ends inside"),
        (tlv.encode(0x6C), "tag 6C instead of 6B"),
        (dg11() + b"\x00", "follow"),
    ],
)
def test_a_broken_element_is_malformed(octets: bytes, says: str) -> None:
    with pytest.raises(MalformedError, match=says):
        DataGroup11.decode(octets)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"name_in_full": "A" * 100}, "100 characters; 99 are allowed"),
        ({"date_of_birth": "1974-08-12"}, "not 8 digits"),
        ({"date_of_birth": "١٩٧٤٠٨١٢"}, "not 8 digits"),
        ({"other_names": ("A",) * 256}, "more than 255"),
    ],
)
def test_a_field_that_does_not_fit_is_refused(fields: dict[str, Any], says: str) -> None:
    with pytest.raises(MisuseError, match=says):
        DataGroup11(**fields).encode()


@pytest.mark.parametrize(
    ("name", "coded"),
    [
        ("Smith, John J", "Smith<<John<J"),
        ("Arkfreith", "Arkfreith"),
        ("محمد بن سالم", "محمد<بن<سالم"),
        ("Соловьёва,  Ольга ", "Соловьёва<<Ольга"),
        ("Single, ", "Single"),
    ],
)
def test_a_name_is_coded_with_fillers(name: str, coded: str) -> None:
    assert coded_name(name) == coded


def test_the_repr_shows_no_personal_data() -> None:
    assert "SECRET" not in repr(DataGroup11(name_in_full="SECRET"))
