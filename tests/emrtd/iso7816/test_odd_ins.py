import pytest

from emrtd import tlv
from emrtd.iso7816 import odd_ins
from support.errors import MalformedError


@pytest.mark.parametrize(
    ("offset", "encoded"),
    [(0, "540100"), (0x7F, "54017F"), (0x8000, "54028000"), (0x12345, "5403012345")],
)
def test_an_offset_is_encoded_in_the_fewest_octets(offset: int, encoded: str) -> None:
    assert odd_ins.encode_offset(offset).hex().upper() == encoded
    assert odd_ins.decode_offset(bytes.fromhex(encoded) + b"\x53\x01\x00") == offset


def test_wrong_offsets_are_malformed() -> None:
    assert odd_ins.decode_offset(b"\x54\x00") == 0
    for octets in (b"", b"\x53\x01\x00", b"\x54\x05\x00\x00\x00\x00\x01", b"\x54\x02\x01"):
        with pytest.raises(MalformedError):
            odd_ins.decode_offset(octets)


def test_do_53_holds_the_octets_of_the_file() -> None:
    for size in (0, 1, 127, 128, 255, 256, 65_535):
        encoded = odd_ins.encode_data(bytes(size))
        assert len(encoded) - size <= odd_ins.OVERHEAD
        assert odd_ins.decode_data(b"\x54\x01\x00" + encoded) == bytes(size)
        assert odd_ins.decode_answer(encoded, "DG2") == bytes(size)
    assert odd_ins.decode_answer(b"", "DG2") == b""
    with pytest.raises(MalformedError, match="DG2"):
        odd_ins.decode_answer(b"\x54\x01\x00", "DG2")


def test_capacity_is_the_largest_size_that_fits() -> None:
    assert [odd_ins.capacity(room) for room in range(4)] == [None, None, 0, 1]
    for room in [*range(2, 300), *range(65_530, 65_560)]:
        size = odd_ins.capacity(room)
        assert size is not None
        assert len(tlv.encode(0x53, bytes(size))) <= room < len(tlv.encode(0x53, bytes(size + 1)))
