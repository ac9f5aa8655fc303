"""The order to the station that accompanies an image, encrypted for it (`chip_keys.p7m`).

It holds the chip's secret keys and the kind of card.  Both are in one envelope that only the
station can open; an image captured from a chip does not have it.  The encoding is BER-TLV:

    E8  order      80 card profile (ASCII)  81 empty: only a ledger's station may write it
                   E0 chip keys, as in `emrtd.access.chip_keys`
"""

import re
from dataclasses import dataclass
from typing import Final

from emrtd import tlv
from emrtd.access.chip_keys import ChipKeys
from support.errors import MalformedError

_WHAT: Final = "order for the station"
_ORDER: Final = 0xE8
_CARD_PROFILE: Final = 0x80
_COUNTED: Final = 0x81
_KEYS: Final = 0xE0
CARD_PROFILE: Final = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")
"""The form of a name of a kind of card."""


@dataclass(frozen=True, slots=True)
class StationOrder:
    """The kind of card that the image is written to, and the secrets that the chip stores.

    `counted`: the PKI's settings want every card counted, so that the image is written only by a
    station at its ledger.
    """

    card_profile: str
    keys: ChipKeys
    counted: bool = False

    def encode(self) -> bytes:
        """Encode the order; the octets are secret."""
        counted = tlv.encode(_COUNTED, b"") if self.counted else b""
        kind = tlv.encode(_CARD_PROFILE, self.card_profile.encode())
        return tlv.encode(_ORDER, kind, counted, self.keys.encode())

    @classmethod
    def decode(cls, octets: bytes) -> "StationOrder":
        """Decode an order; raises `MalformedError`, also for one of the first release."""
        if octets[:1] == bytes((_KEYS,)):
            raise MalformedError(
                _WHAT,
                "is one of the first release, without the kind of card",
                advice="run `personalise prepare` again for this application",
            )
        fields = tlv.read_expected(octets, _ORDER, _WHAT).children()
        name = fields.one(_CARD_PROFILE)
        text = name.value.decode("latin-1")
        if CARD_PROFILE.fullmatch(text) is None:
            raise name.malformed("is not a name of a kind of card")
        keys = ChipKeys.decode(tlv.encode(_KEYS, fields.one(_KEYS).value))
        return cls(text, keys, fields.get(_COUNTED) is not None)
