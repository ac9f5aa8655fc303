"""INSTALL [for personalization] and STORE DATA with data groupings, both sides.

GPCS, 11.5.2.3.6 and 11.11.  A data grouping (DGI) is an identifier (2 octets), a length (1 octet up
to FE, else FF and 2 octets) and a value.  STORE DATA sends blocks that are numbered from 00 and
hold whole data groupings; the last block is marked.
"""

from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from emrtd.globalplatform.scp03 import CLA
from emrtd.iso7816.apdu import CommandAPDU
from support.errors import MalformedError, MisuseError

INSTALL: Final = 0xE6
STORE_DATA: Final = 0xE2
FOR_PERSONALISATION: Final = 0x20
"""P1 of INSTALL [for personalization]."""

LAST_BLOCK_NUMBER: Final = 0xFF

_LAST: Final = 0x80
_ENCRYPTED: Final = 0x60
_DGI: Final = 0x08
_LONG_LENGTH: Final = 0xFF
_MAX_LENGTH: Final = 0xFFFF
_WHAT: Final = "data groupings"


class DataGrouping(msgspec.Struct, frozen=True):
    """One data grouping: its identifier (0 to FFFF) and its value (at most 65,535 octets)."""

    identifier: int
    value: bytes

    def encode(self) -> bytes:
        """Encode it; raises `MisuseError` for a value that is too long."""
        size = len(self.value)
        if size > _MAX_LENGTH:
            raise MisuseError(f"a data grouping holds at most {_MAX_LENGTH} octets, not {size}")
        length = bytes((size,)) if size < _LONG_LENGTH else b"\xff" + size.to_bytes(2, "big")
        return self.identifier.to_bytes(2, "big") + length + self.value


def overhead(size: int) -> int:
    """Return the octets of identifier and length before a value of `size` octets."""
    return 3 if size < _LONG_LENGTH else 5


def read_groupings(octets: bytes) -> Iterator[DataGrouping]:
    """Read data groupings; raises `MalformedError` unless they fill the octets exactly."""
    position = 0
    while position < len(octets):
        head = octets[position : position + 3]
        start, size = position + 3, head[-1]
        if size == _LONG_LENGTH:
            start, size = position + 5, int.from_bytes(octets[position + 3 : position + 5], "big")
        value = octets[start : start + size]
        if len(head) != 3 or start > len(octets) or len(value) != size:
            raise MalformedError(_WHAT, "a data grouping is cut off", position)
        yield DataGrouping(int.from_bytes(head[:2], "big"), value)
        position = start + size


def install_for_personalisation(application: bytes) -> CommandAPDU:
    """Return the command after which the security domain passes STORE DATA to the application."""
    data = b"\x00\x00" + bytes((len(application),)) + application + b"\x00\x00\x00"
    return CommandAPDU(CLA, INSTALL, FOR_PERSONALISATION, 0x00, data, 256)


def read_install(data: bytes) -> bytes:
    """Return the AID in the data of INSTALL [for personalization]; raises `MalformedError`."""
    size = data[2] if len(data) > 2 else 0
    if not 5 <= size <= 16 or data != b"\x00\x00" + data[2 : 3 + size] + b"\x00\x00\x00":
        raise MalformedError("data of INSTALL [for personalization]", "is not one AID alone")
    return data[3 : 3 + size]


class StoreData(msgspec.Struct, frozen=True):
    """A block of STORE DATA.

    `encrypted` means that the values of its data groupings are encrypted under Key-DEK.
    """

    number: int
    groupings: tuple[DataGrouping, ...]
    last: bool = False
    encrypted: bool = False

    def command(self) -> CommandAPDU:
        """Return the command."""
        p1 = _DGI | _LAST * self.last | _ENCRYPTED * self.encrypted
        return CommandAPDU(CLA, STORE_DATA, p1, self.number, encode_groupings(self.groupings))

    @classmethod
    def read(cls, command: CommandAPDU) -> "StoreData":
        """Read a command; raises `MalformedError` for another format, or none of its groupings."""
        if command.p1 & ~(_LAST | _ENCRYPTED) != _DGI or command.p1 & _ENCRYPTED not in {
            0,
            _ENCRYPTED,
        }:
            raise MalformedError("STORE DATA", f"P1 is {command.p1:02X}, not that of groupings")
        groupings = tuple(read_groupings(command.data))
        return cls(command.p2, groupings, bool(command.p1 & _LAST), bool(command.p1 & _ENCRYPTED))


def encode_groupings(groupings: Iterable[DataGrouping]) -> bytes:
    """Encode data groupings, one after the other."""
    return b"".join(each.encode() for each in groupings)
