"""DG15: the public key of Active Authentication (Doc 9303-10, 4.7.15; Doc 9303-11, 6.1)."""

from typing import Final

import msgspec

from emrtd import tlv
from emrtd.asn1 import der
from emrtd.crypto.public_keys import decode_public_key, encode_public_key
from emrtd.crypto.signatures import PublicKey

TAG: Final = 0x6F
_WHAT: Final = "DG15"


class DataGroup15(msgspec.Struct, frozen=True):
    """The whole of DG15: a DER SubjectPublicKeyInfo, kept byte for byte."""

    public_key_info: bytes

    @classmethod
    def of(cls, key: PublicKey) -> "DataGroup15":
        """Make the file for a key, with explicit curve parameters (Doc 9303-12, 4.1.6.3)."""
        return cls(encode_public_key(key))

    @property
    def public_key(self) -> PublicKey:
        """The key; raises `MalformedError` if it cannot be read or its kind is not supported."""
        return decode_public_key(self.public_key_info)

    def encode(self) -> bytes:
        """Encode the file."""
        return tlv.encode(TAG, self.public_key_info)

    @classmethod
    def decode(cls, octets: bytes) -> "DataGroup15":
        """Decode the file; `public_key` checks whether the key is usable.

        Raises `MalformedError` if it does not hold a SEQUENCE.
        """
        value = tlv.read_expected(octets, TAG, _WHAT).value
        tlv.read_expected(value, der.SEQUENCE, _WHAT)
        return cls(value)
