import pytest
from hypothesis import given
from hypothesis import strategies as st

from emrtd.lds.com import LDS_1_8, Com
from support.errors import MalformedError, MisuseError
from tests.helpers import facts, shared


def test_published_examples_encode_to_the_same_octets() -> None:
    examples = [
        e for e in facts("lds/lds_encoding_examples.json")["examples"] if "EF.COM" in e["id"]
    ]
    assert len(examples) == 3
    for example in examples:
        octets = bytes.fromhex(example["hex"])
        com = Com.decode(octets)
        assert com.encode() == octets
        assert Com(com.lds_version, com.unicode_version, com.tags).encode() == octets
        assert com.data_groups[:2] == (1, 2)


def test_the_bsi_sample_is_that_of_its_data_groups() -> None:
    octets = shared("data/lds/bsi2008/EF_COM.bin").read_bytes()
    com = Com.decode(octets)
    assert com == Com.for_data_groups(1, 2, 3, 14)
    assert Com.for_data_groups(14, 3, 2, 1).encode() == octets


@given(
    st.sampled_from(["0107", LDS_1_8, "1599"]),
    st.sets(st.integers(1, 16)),
    st.lists(st.tuples(st.sampled_from([0x5F70, 0x80, 0x04]), st.binary(max_size=9)), max_size=3),
)
def test_encoded_content_decodes_to_the_same(
    version: str, numbers: set[int], other: list[tuple[int, bytes]]
) -> None:
    com = Com(version, "040000", Com.for_data_groups(*numbers).tags, tuple(other))
    again = Com.decode(com.encode())
    assert again == com
    assert again.data_groups == tuple(sorted(numbers))
    assert again.tolerated == ()


@given(
    st.binary(max_size=200) | st.binary(max_size=60).map(lambda b: b"\x60" + bytes((len(b),)) + b)
)
def test_any_octets_decode_or_are_malformed(octets: bytes) -> None:
    try:
        com = Com.decode(octets)
    except MalformedError:
        return
    assert com.encode() == octets


def test_quirks_are_named_and_written_back() -> None:
    octets = bytes.fromhex("60811A5F360630343030303080010A5C05617543FF6E5F010430313037")
    com = Com.decode(octets)
    assert com.data_groups == (1, 2, 14)
    assert com.other == ((0x80, b"\x0a"),)
    assert com.tolerated == ("EF.COM: lists tags that no data group has (43, FF)",)
    assert com.encode() == octets


def test_a_version_with_a_point_is_refused() -> None:
    with pytest.raises(MisuseError, match="4 digits"):
        Com("1.7", "040000", (0x61,)).encode()
