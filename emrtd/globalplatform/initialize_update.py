"""What a card answers to INITIALIZE UPDATE (Amendment D, 7.1.1)."""

import msgspec

from emrtd.globalplatform.keys import DIVERSIFICATION_DATA_SIZE
from emrtd.globalplatform.parameters import Variant
from support.errors import MalformedError

_WHAT = "answer to INITIALIZE UPDATE"
_PROTOCOL = 0x03
_HEAD = DIVERSIFICATION_DATA_SIZE + 3
_COUNTER_SIZE = 3


class InitializeUpdateAnswer(msgspec.Struct, frozen=True):
    """The answer: who the card is, which keys it uses, and its challenge and cryptogram.

    `diversification_data` has 10 octets; challenge and cryptogram have those of the variant's mode.
    `sequence_counter` is present if, and only if, the card challenge is pseudo-random.
    """

    diversification_data: bytes
    key_version: int
    variant: Variant
    card_challenge: bytes
    card_cryptogram: bytes
    sequence_counter: int | None = None

    @classmethod
    def decode(cls, octets: bytes) -> "InitializeUpdateAnswer":
        """Read 29, 32, 45 or 48 octets; raises `MalformedError`, also for another SCP than 03."""
        if len(octets) < _HEAD:
            raise MalformedError(_WHAT, f"{len(octets)} octets, shorter than its first fields")
        version, protocol, i = octets[DIVERSIFICATION_DATA_SIZE:_HEAD]
        if protocol != _PROTOCOL:
            raise MalformedError(
                _WHAT,
                f"the card uses SCP{protocol:02X}, not SCP03",
                DIVERSIFICATION_DATA_SIZE + 1,
            )
        variant = Variant.of(i)
        end = _HEAD + 2 * variant.mode
        size = end + _COUNTER_SIZE * variant.pseudo_random
        if len(octets) != size:
            raise MalformedError(_WHAT, f"{len(octets)} octets, but {size} with i = {i:02X}")
        return cls(
            octets[:DIVERSIFICATION_DATA_SIZE],
            version,
            variant,
            octets[_HEAD : _HEAD + variant.mode],
            octets[_HEAD + variant.mode : end],
            int.from_bytes(octets[end:], "big") if variant.pseudo_random else None,
        )

    def encode(self) -> bytes:
        """Encode the answer."""
        counter = b""
        if self.sequence_counter is not None:
            counter = self.sequence_counter.to_bytes(_COUNTER_SIZE, "big")
        information = bytes((self.key_version, _PROTOCOL, self.variant.i))
        return b"".join(
            (
                self.diversification_data,
                information,
                self.card_challenge,
                self.card_cryptogram,
                counter,
            )
        )
