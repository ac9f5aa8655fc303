"""The answer to reset of a contactless chip in a PC/SC reader (PC/SC part 3, 3.1.3).

Its historical bytes contain the card capabilities, including extended length, as Doc 9303-10,
3.6.4.1 requires.
"""

from functools import reduce
from operator import xor

from emrtd.lds.atr_info import Capability
from vsmartcard.chip.session import Core

_CATEGORY_WITHOUT_STATUS = 0x80
_CARD_CAPABILITIES = 0x73


def answer_to_reset(core: Core) -> bytes:
    """Return TS, T0, TD1 and TD2 (T=1), historical bytes and TCK."""
    capabilities = (
        Capability.DF_BY_FULL_NAME
        | Capability.SHORT_EF_IDENTIFIER
        | Capability.ONE_OCTET_DATA_UNIT
        | Capability.COMMAND_CHAINING
    )
    if core.limits.extended_length:
        capabilities |= Capability.EXTENDED_LENGTH
    historical = bytes((_CATEGORY_WITHOUT_STATUS, _CARD_CAPABILITIES)) + capabilities.to_bytes(
        3, "big"
    )
    checked = bytes((0x80 | len(historical), 0x80, 0x01)) + historical
    return b"\x3b" + checked + bytes((reduce(xor, checked),))
