"""The lengths of commands and responses that a card supports, from its ATR and EF.ATR/INFO."""

from collections.abc import Mapping
from typing import Final

from emrtd.lds.answer_to_reset import card_capabilities
from emrtd.lds.atr_info import AtrInfo, Capability
from emrtd.lds.files import FileID
from personalise.station.cards.interface import Capabilities

_EXTENDED_OVERHEAD: Final = 9
"""Octets of an extended command that are not data: header, Lc and Le."""
_STATUS_WORD: Final = 2
_LEAST_EXTENDED: Final = 1000
"""Octets that every chip with extended length must accept (Doc 9303-10, 3.11.1)."""
_LARGEST: Final = 32_768


def capabilities_for(atr: bytes, files: Mapping[FileID, bytes]) -> Capabilities:
    """Return how much data one command to a card, and its response, can carry.

    Both are those of short APDUs unless the card's answer to reset announces extended length; then
    the image's EF.ATR/INFO, if any, states the limits.  Raises `MalformedError` for an answer to
    reset or an EF.ATR/INFO that cannot be decoded.
    """
    capabilities = card_capabilities(atr)
    if capabilities is None or Capability.EXTENDED_LENGTH not in capabilities:
        return Capabilities()
    command = response = _LEAST_EXTENDED
    if FileID.ATR_INFO in files:
        info = AtrInfo.decode(files[FileID.ATR_INFO])
        command, response = info.max_command or command, info.max_response or response
    return Capabilities(
        command=max(255, min(command, _LARGEST) - _EXTENDED_OVERHEAD),
        response=max(256, min(response, _LARGEST) - _STATUS_WORD),
    )
