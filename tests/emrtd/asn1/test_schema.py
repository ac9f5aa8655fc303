"""asn1tools gets one element of bounded size, and all of its errors become Chipseal errors."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emrtd import tlv
from emrtd.asn1.schema import MAX_DEPTH, MAX_ELEMENTS, Schema, check_elements
from support.errors import MalformedError, MisuseError

TEXT = """Test DEFINITIONS IMPLICIT TAGS ::= BEGIN
Thing ::= SEQUENCE {
    number [0] INTEGER (1..300),
    names  [1] SEQUENCE OF VisibleString OPTIONAL,
    choice [2] CHOICE { flag [0] BOOLEAN, octets [1] OCTET STRING } OPTIONAL,
    ...
}
END
"""


@pytest.fixture(scope="module")
def schema(tmp_path_factory: pytest.TempPathFactory) -> Schema:
    path = Path(tmp_path_factory.mktemp("asn1")) / "test.asn1"
    path.write_text(TEXT, encoding="utf-8")
    return Schema("thing", "Thing", (path,))


things = st.fixed_dictionaries(
    {"number": st.integers(1, 300)},
    optional={
        "names": st.lists(st.text(st.characters(min_codepoint=32, max_codepoint=126)), max_size=3),
        "choice": st.one_of(
            st.tuples(st.just("flag"), st.booleans()),
            st.tuples(st.just("octets"), st.binary(max_size=200)),
        ),
    },
)


@given(thing=things)
def test_round_trip(schema: Schema, thing: Any) -> None:
    octets = schema.encode(thing)
    assert schema.decode(octets) == thing
    with pytest.raises(MalformedError, match="octets follow"):
        schema.decode(octets + b"\0")
    for end in range(len(octets)):
        with pytest.raises(MalformedError):
            schema.decode(octets[:end])


@given(octets=st.binary(max_size=40))
def test_any_octets_decode_or_are_malformed(schema: Schema, octets: bytes) -> None:
    for each in (octets, tlv.encode(0x30, octets), tlv.encode(0x30, b"\x80\x01\x05", octets)):
        try:
            schema.decode(each)
        except MalformedError:
            continue


@pytest.mark.parametrize(
    "thing", [{}, {"number": 0}, {"number": "one"}, {"number": 1, "choice": ("none", 1)}]
)
def test_a_value_that_the_type_does_not_allow_is_misuse(schema: Schema, thing: Any) -> None:
    with pytest.raises(MisuseError, match="thing"):
        schema.encode(thing)


def test_an_error_does_not_quote_the_value(schema: Schema) -> None:
    for value in ({"names": ["Erika"]}, {"number": 1871}, {"number": 1, "names": "Erika"}):
        with pytest.raises(MisuseError) as caught:
            schema.encode(value)
        assert "Erika" not in str(caught.value)
        assert "1871" not in str(caught.value)
    with pytest.raises(MalformedError, match=r"Thing\.number: Expected an integer") as malformed:
        schema.decode(bytes.fromhex("30048002074F"))
    assert "1871" not in str(malformed.value)


@given(st.binary(max_size=60))
def test_accepted_octets_are_one_element(octets: bytes) -> None:
    try:
        check_elements(octets, "octets")
    except MalformedError:
        return
    _walk(tlv.read(octets, "octets"))


def _walk(element: tlv.DataObject) -> None:
    if element.constructed:
        for child in element.children():
            _walk(child)


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"\x30",
        b"\x30\x80\0\0",
        b"\x30\x85\0\0\0\0\0",
        b"\x30\x81",
        b"\x1f\x81\x01\0",
        b"\x30\x03\x04\x05\0",
        b"\x30\x00\x00",
        tlv.encode(0x30, b"\x05\0" * (MAX_ELEMENTS + 1)),
    ],
)
def test_octets_that_are_not_one_element_are_refused(octets: bytes) -> None:
    with pytest.raises(MalformedError):
        check_elements(octets, "octets")


def test_depth_is_bounded() -> None:
    octets = b"\x30\0"
    for _ in range(MAX_DEPTH):
        octets = tlv.encode(0x30, octets)
    with pytest.raises(MalformedError, match="nested deeper"):
        check_elements(octets, "octets")
