"""Offsets from 32,768: READ and UPDATE BINARY with odd INS (Doc 9303-10, 3.6.5; ISO/IEC 7816-4).

With even INS, bit 8 of P1 would mean a short EF identifier there.  With odd INS the data field has
the offset in DO 54, and the octets of the file stand in DO 53, of the command or of the response.
"""

from typing import Final

from emrtd import tlv

FIRST_OFFSET: Final = 0x8000
"""From this offset on, P1-P2 of an even INS cannot hold it."""

OVERHEAD: Final = 4
"""Octets that tag and length field of DO 53 take at most, with up to 65,535 octets of a file."""

_OFFSET, _DATA = 0x54, 0x53
_LONGEST_OFFSET: Final = 4


def encode_offset(offset: int) -> bytes:
    """DO 54: the offset, in as few octets as hold it."""
    return tlv.encode(_OFFSET, offset.to_bytes(max(1, (offset.bit_length() + 7) // 8), "big"))


def decode_offset(data: bytes) -> int:
    """The offset in a command's data field: up to 4 octets; none of them is offset 0.

    Raises `MalformedError` where there is no such data object, or a longer one.
    """
    found = tlv.read_all(data, "data field").one(_OFFSET)
    if len(found.value) > _LONGEST_OFFSET:
        raise found.malformed("no file has an offset of so many octets")
    return int.from_bytes(found.value, "big")


def encode_data(data: bytes) -> bytes:
    """DO 53: octets of the file."""
    return tlv.encode(_DATA, data)


def decode_data(command_data: bytes) -> bytes:
    """The octets in the data field of UPDATE BINARY; raises `MalformedError` where it has none."""
    return tlv.read_all(command_data, "data field").one(_DATA).value


def decode_answer(response_data: bytes, what: str) -> bytes:
    """The octets in the response to READ BINARY, DO 53 alone; nothing at the end of a file."""
    return tlv.read_expected(response_data, _DATA, what).value if response_data else b""


def capacity(room: int) -> int | None:
    """How many octets of a file DO 53 holds in `room` octets; None where it does not fit at all."""
    for length_field in (1, 2, 3, 4):
        size = room - 1 - length_field
        if size >= 0 and len(tlv.encode_length(size)) <= length_field:
            return size
    return None
