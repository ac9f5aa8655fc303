import pytest
from hypothesis import given
from hypothesis import strategies as st

from emrtd import tlv
from support.errors import MalformedError


@pytest.mark.parametrize(
    ("length", "field"),
    [
        (0, "00"),
        (0x7F, "7F"),
        (0x80, "8180"),
        (0xFF, "81FF"),
        (0x100, "820100"),
        (0x10000, "83010000"),
    ],
)
def test_length_fields_are_the_shortest(length: int, field: str) -> None:
    assert tlv.encode_length(length).hex().upper() == field


@given(st.binary(max_size=2000))
def test_any_octets_decode_or_are_malformed(octets: bytes) -> None:
    def walk(objects: tlv.DataObjects) -> None:
        for each in objects:
            if each.constructed:
                walk(each.children())

    try:
        walk(tlv.read_all(octets, "octets"))
    except MalformedError:
        return


@given(st.sampled_from([0x04, 0x61, 0x5F1F, 0x7F61, 0x5F8101]), st.binary(max_size=70_000))
def test_encoded_values_decode_to_themselves(tag: int, value: bytes) -> None:
    found = tlv.read(tlv.encode(tag, value), "object")
    assert (found.tag, found.value) == (tag, value)


def test_nesting_is_bounded() -> None:
    octets = b""
    for _ in range(200):
        octets = tlv.encode(0x30, octets)

    def descend() -> None:
        data_object = tlv.read(octets, "nest")
        for _ in range(200):
            data_object = data_object.children()[0]

    with pytest.raises(MalformedError, match="nested deeper"):
        descend()


@pytest.mark.parametrize("octets", ["", "61", "6105", "610500", "6180", "61850000000001", "5F"])
def test_truncated_or_indefinite_lengths_are_malformed(octets: str) -> None:
    with pytest.raises(MalformedError):
        tlv.read(bytes.fromhex(octets), "object")


def test_declared_size_needs_only_the_header() -> None:
    assert tlv.declared_size(bytes.fromhex("7582012A"), "DG2") == 4 + 0x12A
