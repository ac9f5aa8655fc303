"""Which keys a security domain has: the Key Information Template (GPCS, 11.3.3.1.1)."""

from typing import Final

import msgspec

from emrtd import tlv
from emrtd.globalplatform.scp03 import CLA
from emrtd.iso7816.apdu import INS, SHORT_MAX_LE, CommandAPDU
from emrtd.iso7816.procedure import Procedure

TEMPLATE: Final = 0xE0
_ENTRY: Final = 0xC0
_WHAT: Final = "Key Information Template"
_EXTENDED: Final = 0xFF


class KeyComponent(msgspec.Struct, frozen=True):
    """The type of a key component (88 is AES, 80 is 3DES; GPCS, 11.1.8), and its size in octets.

    A size of 0 means 256 octets or more.
    """

    type: int
    size: int


class KeyInformation(msgspec.Struct, frozen=True):
    """One key: its identifier (01 ENC, 02 MAC, 03 DEK in SCP03), version, and components.

    `usage` and `access` (GPCS, 11.1.9 and 11.1.10) are None where the card does not say.
    """

    identifier: int
    version: int
    components: tuple[KeyComponent, ...]
    usage: int | None = None
    access: int | None = None


def key_information() -> Procedure[tuple[KeyInformation, ...]]:
    """Ask the selected security domain for its keys (GET DATA 00E0), in a session or outside.

    Raises `ChipRefusalError` if the card does not say, `MalformedError` for a bad answer.
    """
    response = yield CommandAPDU(CLA, INS.GET_DATA, 0x00, TEMPLATE, ne=SHORT_MAX_LE)
    return read_key_information(response.require("GET DATA of the key information"))


def read_key_information(octets: bytes) -> tuple[KeyInformation, ...]:
    """Read the template, in the basic and the extended form (tables 11-28 and 11-29)."""
    template = tlv.read_expected(octets, TEMPLATE, _WHAT)
    return tuple(_entry(each) for each in template.children().all(_ENTRY))


def _entry(entry: tlv.DataObject) -> KeyInformation:
    value = entry.value
    if len(value) < 4:
        raise entry.malformed("shorter than one key component")
    if value[2] == _EXTENDED:
        return _extended_entry(entry)
    pairs = value[2:]
    if len(pairs) % 2:
        raise entry.malformed("a key component is cut off")
    components = (KeyComponent(*pairs[i : i + 2]) for i in range(0, len(pairs), 2))
    return KeyInformation(value[0], value[1], tuple(components))


def _extended_entry(entry: tlv.DataObject) -> KeyInformation:
    value, position = entry.value, 2
    components: list[KeyComponent] = []
    while value[position : position + 1] == b"\xff":  # a length of usage is 00 or 01
        field = value[position : position + 4]
        if len(field) != 4:
            raise entry.malformed("a key component is cut off")
        components.append(KeyComponent(field[1], int.from_bytes(field[2:], "big")))
        position += 4
    usage, position = _optional_octet(entry, position)
    access, position = _optional_octet(entry, position)
    if position != len(value):
        raise entry.malformed("octets after the key access")
    return KeyInformation(value[0], value[1], tuple(components), usage, access)


def _optional_octet(entry: tlv.DataObject, position: int) -> tuple[int | None, int]:
    """Return the octet behind a length of 0 or 1, and the position after it."""
    size = entry.value[position : position + 1]
    field = entry.value[position + 1 : position + 1 + size[0]] if size else b""
    if not size or size[0] > 1 or len(field) != size[0]:
        raise entry.malformed("key usage or key access is cut off, or has more than one octet")
    return (field[0] if field else None), position + 1 + size[0]
