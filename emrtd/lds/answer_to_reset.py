"""The historical bytes of an answer to reset (ISO/IEC 7816-3, 8.2; ISO/IEC 7816-4, 12.1.1)."""

from typing import Final

from emrtd.lds.atr_info import Capability

_COMPACT_TLV: Final = frozenset({0x00, 0x80})
_CARD_CAPABILITIES: Final = 0x7


def historical_bytes(atr: bytes) -> bytes:
    """Return the historical bytes of an answer to reset; empty if it is cut short."""
    if len(atr) < 2:
        return b""
    size, interface = atr[1] & 0x0F, atr[1] >> 4
    position = 2
    while interface:
        position += interface.bit_count()  # those of TA, TB, TC and TD that are present
        if not interface & 0x8 or position > len(atr):
            break
        interface = atr[position - 1] >> 4  # TD states which of the next four are present
    return atr[position : position + size]


def card_capabilities(atr: bytes) -> Capability | None:
    """Return the card capabilities of the historical bytes; None if they are absent."""
    octets = historical_bytes(atr)
    if not octets or octets[0] not in _COMPACT_TLV:
        return None
    position = 1
    while position < len(octets):
        tag, size = divmod(octets[position], 16)
        value = octets[position + 1 : position + 1 + size]
        if tag == _CARD_CAPABILITIES and 1 <= size <= 3:
            return Capability(int.from_bytes(value.ljust(3, b"\0"), "big"))
        position += 1 + size
    return None
