"""EF.DIR: the list of the applications on the chip (Doc 9303-10, 3.11.2)."""

from collections.abc import Iterable
from typing import Final

import msgspec

from emrtd import tlv
from support.errors import MisuseError

APPLICATION_TEMPLATE: Final = 0x61
APPLICATION_IDENTIFIER: Final = 0x4F
_WHAT: Final = "EF.DIR"


class ApplicationDirectory(msgspec.Struct, frozen=True):
    """EF.DIR, kept byte for byte: application templates and other data objects, in any order."""

    encoded: bytes

    @classmethod
    def of(cls, applications: Iterable[bytes]) -> "ApplicationDirectory":
        """Make the file from application identifiers (AID, 5 to 16 octets each)."""
        templates = []
        for aid in applications:
            if not 5 <= len(aid) <= 16:
                raise MisuseError("an application identifier has 5 to 16 octets")
            templates.append(
                tlv.encode(APPLICATION_TEMPLATE, tlv.encode(APPLICATION_IDENTIFIER, aid))
            )
        return cls(b"".join(templates))

    @classmethod
    def decode(cls, octets: bytes) -> "ApplicationDirectory":
        """Decode the file; zeros after the last template are kept.  Raises `MalformedError`."""
        directory = cls(octets)
        _ = directory.applications
        return directory

    def encode(self) -> bytes:
        """Encode the file."""
        return self.encoded

    @property
    def applications(self) -> tuple[bytes, ...]:
        """The application identifiers (AID), in order."""
        templates = tlv.read_padded(self.encoded, _WHAT).all(APPLICATION_TEMPLATE)
        return tuple(each.children().one(APPLICATION_IDENTIFIER).value for each in templates)
