"""EF.CardSecurity: SecurityInfos that the State has signed (Doc 9303-10, 3.11.4)."""

from emrtd.crypto.protocols import ID_SECURITY_OBJECT
from emrtd.lds.files import FileID
from emrtd.lds.security.security_infos import SecurityInfos
from emrtd.pki.cms.signed_data import MAX_ON_CHIP, SignedData
from support.errors import MalformedError
from support.reasons import Reason
from support.values import Hidden, Value

_WHAT = FileID.CARD_SECURITY.value


class CardSecurity(Value, frozen=True):
    """EF.CardSecurity as it was read; decoding does not verify the signature.

    `emrtd.pki.passive.examine` verifies `signed_data`.
    """

    encoded: Hidden[bytes]
    signed_data: SignedData
    security_infos: SecurityInfos

    @classmethod
    def decode(cls, octets: bytes) -> "CardSecurity":
        """Decode the file, a ContentInfo without an LDS tag; raises `MalformedError`."""
        signed_data = SignedData.parse(octets, _WHAT, MAX_ON_CHIP)
        if signed_data.content_type != ID_SECURITY_OBJECT:
            raise MalformedError(
                _WHAT,
                Reason(
                    "signs content of type {content_type}", content_type=signed_data.content_type
                ),
            )
        return cls(octets, signed_data, SecurityInfos.decode(signed_data.content, _WHAT))

    def encode(self) -> bytes:
        """Return the file, octet for octet as it was read."""
        return self.encoded

    @property
    def tolerated(self) -> tuple[str, ...]:
        """The quirks of the SecurityInfos, a sentence each."""
        return self.security_infos.tolerated
