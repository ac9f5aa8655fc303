"""Offsets from 32,768: READ and UPDATE BINARY with odd INS (Doc 9303-10, 3.6.5; ISO/IEC 7816-4).

With even INS, bit 8 of P1 means a short EF identifier, so P1-P2 cannot hold such offsets.  With odd
INS, DO 54 of the command holds the offset, and DO 53 of command or response the file's octets.
"""

from typing import Final

from emrtd import tlv
from support.reasons import Reason

FIRST_OFFSET: Final = 0x8000
"""The first offset that P1-P2 of an even INS cannot hold."""

OVERHEAD: Final = 4
"""The most octets of tag and length field of DO 53, with up to 65,535 octets of a file."""

_OFFSET, _DATA = 0x54, 0x53
_LONGEST_OFFSET: Final = 4


def encode_offset(offset: int) -> bytes:
    """Encode DO 54: the offset, in as few octets as possible."""
    return tlv.encode(_OFFSET, offset.to_bytes(max(1, (offset.bit_length() + 7) // 8), "big"))


def decode_offset(data: bytes) -> int:
    """Return the offset in a command's data field: up to 4 octets; an empty one means offset 0.

    Raises `MalformedError` if DO 54 is missing or longer.
    """
    found = tlv.read_all(data, "data field").one(_OFFSET)
    if len(found.value) > _LONGEST_OFFSET:
        raise found.malformed(
            Reason(
                "an offset must have at most {longest_offset} octets",
                longest_offset=_LONGEST_OFFSET,
            )
        )
    return int.from_bytes(found.value, "big")


def encode_data(data: bytes) -> bytes:
    """Encode DO 53: octets of the file."""
    return tlv.encode(_DATA, data)


def decode_data(command_data: bytes) -> bytes:
    """Return the octets in DO 53 of UPDATE BINARY; raises `MalformedError` if it is missing."""
    return tlv.read_all(command_data, "data field").one(_DATA).value


def decode_answer(response_data: bytes, what: str) -> bytes:
    """Return the octets in DO 53, the response to READ BINARY; empty at the end of a file."""
    return tlv.read_expected(response_data, _DATA, what).value if response_data else b""


def capacity(room: int) -> int | None:
    """Return how many octets of a file fit in a DO 53 of `room` octets; None if none can."""
    for length_field in (1, 2, 3, 4):
        size = room - 1 - length_field
        if size >= 0 and len(tlv.encode_length(size)) <= length_field:
            return size
    return None
