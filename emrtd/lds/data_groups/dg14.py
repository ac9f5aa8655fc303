"""DG14: the signed SecurityInfos of the application (Doc 9303-10, 4.7.14; Doc 9303-11, 9.2.11)."""

from typing import Final

from emrtd import tlv
from emrtd.asn1 import der
from emrtd.lds.security.security_infos import SecurityInfos
from support.reasons import Reason
from support.values import PartlyCompared, Uncompared

TAG: Final = 0x6E
_WHAT: Final = "DG14"


class DataGroup14(PartlyCompared, frozen=True):
    """The whole of DG14.

    `zeros` counts the octets 00 that follow the SecurityInfos inside the data group, or the last
    entry inside the SecurityInfos.
    """

    security_infos: SecurityInfos
    zeros: Uncompared[int] = 0

    @property
    def tolerated(self) -> tuple[str, ...]:
        """The quirks, a sentence each."""
        padding = (
            Reason("DG14: {zeros} octets 00 inside the data group", zeros=self.zeros)
            if self.zeros
            else ""
        )
        return (*((padding,) if padding else ()), *self.security_infos.tolerated)

    def encode(self) -> bytes:
        """Encode the file, without zeros."""
        return tlv.encode(TAG, self.security_infos.encode())

    @classmethod
    def decode(cls, octets: bytes) -> "DataGroup14":
        """Decode the file; raises `MalformedError`.

        Zeros, and a length field longer than necessary, are not kept: hash the file, not what
        `encode` returns.
        """
        value = tlv.read_expected(octets, TAG, _WHAT).value
        infos = _without_zeros(value)
        entries = tlv.read_expected(infos, der.SET, _WHAT).value
        trimmed = _without_zeros(entries)
        zeros = len(value) - len(infos) + len(entries) - len(trimmed)
        if trimmed != entries:
            infos = tlv.encode(der.SET, trimmed)
        return cls(SecurityInfos.decode(infos, _WHAT), zeros)


def _without_zeros(octets: bytes) -> bytes:
    """Return data objects without the zeros after the last one."""
    found = tlv.read_padded(octets, _WHAT)
    return octets[: found[-1].offset + len(found[-1].value)] if len(found) else b""
