"""The data groupings that personalise an eMRTD of the kind `globalplatform`, both sides.

This layout is Chipseal's own; `docs/card-kinds.md` has the table.  A card carries out a block of
STORE DATA completely or not at all.

    E001  create a file    directory (1)  identifier (2)  short identifier (1; 00: none)  size (3)
    E002  write a file     directory (1)  identifier (2)  offset (3)  octets
    E003  chip keys        part (1, from 01)  parts (1)  octets of the keys, encrypted
    E004  lock             empty; in the last block

A directory is 00 for the master file, 01 for the eMRTD application.  The chip keys are the data
object E0 of `emrtd.access.chip_keys`, padded and encrypted as a whole under Key-DEK (AES in CBC
mode, ICV of zeros), so that they are secret at every security level.  They replace all keys that
the card had, once the last part has come.
"""

from collections.abc import Iterator
from enum import IntEnum, unique
from typing import Final

import msgspec

from emrtd.crypto.ciphers import pad, unpad
from emrtd.globalplatform.keys import cipher_of
from emrtd.globalplatform.personalisation import DataGrouping, overhead
from emrtd.iso7816.directories import Directory
from support.errors import MalformedError, MisuseError
from support.secret import Secret

WRITE_OVERHEAD: Final = 6
"""Octets of the value of E002 before the octets of the file."""

_PART_OVERHEAD: Final = 2
_MAX_PARTS: Final = 0xFF
_BLOCK: Final = 16
_MAX_VALUE: Final = 0xFFFF
_DIRECTORIES: Final = {int(each): each for each in (Directory.MASTER_FILE, Directory.EMRTD)}


@unique
class Grouping(IntEnum):
    """The identifiers of the data groupings."""

    CREATE = 0xE001
    WRITE = 0xE002
    KEYS = 0xE003
    LOCK = 0xE004


class NewFile(msgspec.Struct, frozen=True):
    """A file to be created, of zeros; `short_identifier` 0 is none."""

    directory: Directory
    identifier: int
    short_identifier: int
    size: int

    def grouping(self) -> DataGrouping:
        """Encode it."""
        value = bytes((self.directory,)) + self.identifier.to_bytes(2, "big")
        value += bytes((self.short_identifier,)) + self.size.to_bytes(3, "big")
        return DataGrouping(Grouping.CREATE, value)

    @classmethod
    def read(cls, value: bytes) -> "NewFile":
        """Read the value of E001; raises `MalformedError`."""
        if len(value) != 7 or value[0] not in _DIRECTORIES or value[3] > 30:
            raise MalformedError("data grouping E001", "is not a file to be created")
        numbers = int.from_bytes(value[1:3], "big"), value[3], int.from_bytes(value[4:], "big")
        return cls(_DIRECTORIES[value[0]], *numbers)


class FilePart(msgspec.Struct, frozen=True):
    """Octets of a file, from an offset on."""

    directory: Directory
    identifier: int
    offset: int
    octets: bytes

    def grouping(self) -> DataGrouping:
        """Encode it."""
        value = bytes((self.directory,)) + self.identifier.to_bytes(2, "big")
        return DataGrouping(Grouping.WRITE, value + self.offset.to_bytes(3, "big") + self.octets)

    def piece(self, done: int, room: int) -> "FilePart | None":
        """Return the octets from `done` on that a grouping of at most `room` octets holds."""
        size = min(room, _MAX_VALUE) - overhead(room) - WRITE_OVERHEAD
        if size <= 0:
            return None
        octets = self.octets[done : done + size]
        return FilePart(self.directory, self.identifier, self.offset + done, octets)

    @classmethod
    def read(cls, value: bytes) -> "FilePart":
        """Read the value of E002; raises `MalformedError`."""
        if len(value) <= WRITE_OVERHEAD or value[0] not in _DIRECTORIES:
            raise MalformedError("data grouping E002", "holds no octets of a file")
        identifier = int.from_bytes(value[1:3], "big")
        offset = int.from_bytes(value[3:6], "big")
        return cls(_DIRECTORIES[value[0]], identifier, offset, value[6:])


def key_groupings(keys: Secret, dek: Secret, room: int) -> Iterator[DataGrouping]:
    """Encrypt the chip's keys, and yield them in groupings of at most `room` octets each.

    `keys` is the encoded data object E0.  Raises `MisuseError` if that takes more than 255 of them.
    """
    encrypted = cipher_of(dek).encrypt_cbc(dek, bytes(_BLOCK), pad(keys.reveal(), _BLOCK))
    size = min(room, _MAX_VALUE) - overhead(room) - _PART_OVERHEAD
    parts = -(-len(encrypted) // size)
    if parts > _MAX_PARTS:
        raise MisuseError("the chip's keys are too long for a card of this kind")
    for number in range(parts):
        part = encrypted[number * size : (number + 1) * size]
        yield DataGrouping(Grouping.KEYS, bytes((number + 1, parts)) + part)


class KeyParts(msgspec.Struct, frozen=True):
    """The parts of the chip's keys that a card has received so far, in order."""

    parts: tuple[bytes, ...] = ()
    count: int = 0

    def with_part(self, value: bytes) -> "KeyParts":
        """Return them with one more; a first part begins anew.  Raises `MalformedError`."""
        if len(value) <= _PART_OVERHEAD or not 1 <= value[0] <= value[1]:
            raise MalformedError("data grouping E003", "is not a part of the chip's keys")
        number, count, octets = value[0], value[1], value[2:]
        if number == 1:
            return KeyParts((octets,), count)
        if number != len(self.parts) + 1 or count != self.count:
            raise MalformedError("data grouping E003", "is not the next part of the chip's keys")
        return KeyParts((*self.parts, octets), count)

    def whole(self, dek: Secret) -> Secret | None:
        """Return the data object E0 if all parts have come; raises `MalformedError`."""
        if not self.parts or len(self.parts) < self.count:
            return None
        encrypted = b"".join(self.parts)
        if len(encrypted) % _BLOCK:
            raise MalformedError("data grouping E003", "is not a number of whole blocks")
        padded = cipher_of(dek).decrypt_cbc(dek, bytes(_BLOCK), encrypted)
        return Secret(unpad(padded, _BLOCK))
