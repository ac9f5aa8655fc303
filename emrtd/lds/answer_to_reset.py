"""What an answer to reset says about a chip (ISO/IEC 7816-3, 8.2; ISO/IEC 7816-4, 12.1.1)."""

from typing import Final

from emrtd.lds.atr_info import Capability

_COMPACT_TLV: Final = frozenset({0x00, 0x80})
_CARD_CAPABILITIES: Final = 0x7


def historical_bytes(atr: bytes) -> bytes:
    """The historical bytes of an answer to reset; empty where it is cut short."""
    if len(atr) < 2:
        return b""
    size, interface = atr[1] & 0x0F, atr[1] >> 4
    position = 2
    while interface:
        position += interface.bit_count()  # TA, TB, TC and TD, as far as they are announced
        if not interface & 0x8 or position > len(atr):
            break
        interface = atr[position - 1] >> 4  # TD announces the next round
    return atr[position : position + size]


def card_capabilities(atr: bytes) -> Capability | None:
    """The card capabilities among the historical bytes; None where they do not say."""
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
