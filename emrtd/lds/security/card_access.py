"""EF.CardAccess: the SecurityInfos that PACE needs, readable by all (Doc 9303-11, 9.2.11)."""

from typing import Final

import msgspec

from emrtd.lds.security.security_infos import SecurityInfos

_WHAT: Final = "EF.CardAccess"


class CardAccess(msgspec.Struct, frozen=True):
    """EF.CardAccess, a SET without an LDS tag.  It is not signed."""

    security_infos: SecurityInfos

    def encode(self) -> bytes:
        """Encode the file."""
        return self.security_infos.encode()

    @classmethod
    def decode(cls, octets: bytes) -> "CardAccess":
        """Decode the file; raises `MalformedError`."""
        return cls(SecurityInfos.decode(octets, _WHAT))
