"""DG14: the signed SecurityInfos of the application (Doc 9303-10, 4.7.14; Doc 9303-11, 9.2.11)."""

from dataclasses import dataclass
from typing import Final

from emrtd import tlv
from emrtd.lds.security.security_infos import SecurityInfos

TAG: Final = 0x6E
_WHAT: Final = "DG14"


@dataclass(frozen=True, slots=True)
class DataGroup14:
    """The whole of DG14."""

    security_infos: SecurityInfos

    def encode(self) -> bytes:
        """Encode the file."""
        return tlv.encode(TAG, self.security_infos.encode())

    @classmethod
    def decode(cls, octets: bytes) -> "DataGroup14":
        """Decode the file; raises `MalformedError`.

        A length field longer than necessary is not kept: hash the file, not what `encode` returns.
        """
        value = tlv.read_expected(octets, TAG, _WHAT).value
        return cls(SecurityInfos.decode(value, _WHAT))
