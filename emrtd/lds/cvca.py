"""EF.CVCA: the CVCA keys that the chip trusts in Terminal Authentication (Doc 9303-11, K.2)."""

from typing import Final

import msgspec

from emrtd import tlv
from support.errors import MalformedError, MisuseError
from support.reasons import Reason

SIZE: Final = 36
"""Size of the file in octets."""

CERTIFICATION_AUTHORITY_REFERENCE: Final = 0x42
_WHAT: Final = "EF.CVCA"


class Cvca(msgspec.Struct, frozen=True):
    """EF.CVCA: references to at most two CVCA keys, the most recent first.

    A reference has 1 to 16 octets of ISO 8859-1; `size` is that of the file, in octets.
    """

    references: tuple[str, ...]
    size: int = SIZE

    def __post_init__(self) -> None:
        if len(self.references) > 2 or not all(1 <= len(each) <= 16 for each in self.references):
            raise MisuseError("EF.CVCA holds at most two references of 1 to 16 characters")

    def encode(self) -> bytes:
        """Encode the file, padded with zeros."""
        objects = b"".join(
            tlv.encode(CERTIFICATION_AUTHORITY_REFERENCE, each.encode("latin-1"))
            for each in self.references
        )
        return objects.ljust(self.size, b"\x00")

    @classmethod
    def decode(cls, octets: bytes) -> "Cvca":
        """Decode the file, whatever its size; raises `MalformedError`."""
        if len(octets) > 0xFFFF:
            raise MalformedError(
                _WHAT,
                Reason("has {octets} octets instead of {size}", octets=len(octets), size=SIZE),
            )
        references = []
        for each in tlv.read_padded(octets, _WHAT):
            if each.tag != CERTIFICATION_AUTHORITY_REFERENCE or not 1 <= len(each.value) <= 16:
                raise each.malformed("expected a reference of 1 to 16 octets with tag 42")
            references.append(each.value.decode("latin-1"))
        if len(references) > 2:
            raise MalformedError(
                _WHAT,
                Reason("holds {count} references instead of at most two", count=len(references)),
            )
        file = cls(tuple(references), len(octets))
        if file.encode() != octets:
            raise MalformedError(_WHAT, "a length field is not in its shortest form")
        return file
