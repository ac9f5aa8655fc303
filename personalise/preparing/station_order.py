"""What data preparation tells the station beside the image, sealed for it (`chip_keys.p7m`).

The keys go onto the chip and the kind of card does not, so that both travel in the one envelope
that only the station opens and no captured image has.  The encoding is BER-TLV:

    E8  order      80 card profile (ASCII)  E0 chip keys, as in `emrtd.access.chip_keys`
"""

import re
from dataclasses import dataclass
from typing import Final

from emrtd import tlv
from emrtd.access.chip_keys import ChipKeys

_WHAT: Final = "order for the station"
_ORDER: Final = 0xE8
_CARD_PROFILE: Final = 0x80
_KEYS: Final = 0xE0
CARD_PROFILE: Final = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")
"""A name of a kind of card."""


@dataclass(frozen=True, slots=True)
class StationOrder:
    """The kind of card that the image is to be written to, and what the chip is to hold."""

    card_profile: str
    keys: ChipKeys

    def encode(self) -> bytes:
        """Encode the order; the octets are secret."""
        return tlv.encode(
            _ORDER, tlv.encode(_CARD_PROFILE, self.card_profile.encode()), self.keys.encode()
        )

    @classmethod
    def decode(cls, octets: bytes) -> "StationOrder":
        """Read what `encode` writes; anything else raises `MalformedError`."""
        fields = tlv.read_expected(octets, _ORDER, _WHAT).children()
        name = fields.one(_CARD_PROFILE)
        text = name.value.decode("latin-1")
        if CARD_PROFILE.fullmatch(text) is None:
            raise name.malformed("is no name of a kind of card")
        keys = ChipKeys.decode(tlv.encode(_KEYS, fields.one(_KEYS).value))
        return cls(text, keys)
