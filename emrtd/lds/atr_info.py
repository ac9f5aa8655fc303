"""EF.ATR/INFO: the capabilities of the chip, and its buffer sizes (Doc 9303-10, 3.11.1)."""

from enum import IntFlag
from typing import Final

import msgspec

from emrtd import tlv
from emrtd.tlv import DataObject, DataObjects
from support.errors import MisuseError

CARD_CAPABILITIES: Final = 0x47
EXTENDED_LENGTH_INFORMATION: Final = 0x7F66
_INTEGER: Final = 0x02
_WHAT: Final = "EF.ATR/INFO"


class Capability(IntFlag):
    """The card capabilities that Doc 9303-10, Table 29 names: bits of three octets."""

    DF_BY_FULL_NAME = 0x800000
    SHORT_EF_IDENTIFIER = 0x040000
    RECORD_NUMBER = 0x020000
    ONE_OCTET_DATA_UNIT = 0x000100  # b4 to b1 of the second octet are 0001
    COMMAND_CHAINING = 0x000080
    EXTENDED_LENGTH = 0x000040
    EXTENDED_LENGTH_INFORMATION = 0x000020


class AtrInfo(msgspec.Struct, frozen=True):
    """EF.ATR/INFO, kept byte for byte: data objects, of which this class reads two."""

    encoded: bytes

    @classmethod
    def of(
        cls, capabilities: Capability, max_command: int | None, max_response: int | None
    ) -> "AtrInfo":
        """Make the file.  The sizes are those of whole APDUs, in octets.

        Raises `MisuseError` for one size without the other, or one that three octets cannot hold.
        """
        objects = tlv.encode(CARD_CAPABILITIES, capabilities.to_bytes(3, "big"))
        if (max_command is None) != (max_response is None):
            raise MisuseError(
                "EF.ATR/INFO states the sizes of commands and of responses, or neither"
            )
        if max_command is not None and max_response is not None:
            objects += tlv.encode(
                EXTENDED_LENGTH_INFORMATION, _encode_size(max_command), _encode_size(max_response)
            )
        return cls(objects)

    @classmethod
    def decode(cls, octets: bytes) -> "AtrInfo":
        """Decode the file; other data objects, and zeros after the last one, are kept.

        Raises `MalformedError`.
        """
        info = cls(octets)
        _ = info.capabilities, info.max_command, info.max_response
        return info

    def encode(self) -> bytes:
        """Encode the file."""
        return self.encoded

    @property
    def capabilities(self) -> Capability | None:
        """The card capabilities; None if the file does not state them."""
        found = self._objects().get(CARD_CAPABILITIES)
        if found is None:
            return None
        if len(found.value) != 3:
            raise found.malformed("card capabilities are 3 octets")
        return Capability(int.from_bytes(found.value, "big"))

    @property
    def max_command(self) -> int | None:
        """The largest command APDU in octets; None if the file does not state it."""
        return self._size(0)

    @property
    def max_response(self) -> int | None:
        """The largest response APDU in octets; None if the file does not state it."""
        return self._size(1)

    def _objects(self) -> DataObjects:
        return tlv.read_padded(self.encoded, _WHAT)

    def _size(self, index: int) -> int | None:
        found = self._objects().get(EXTENDED_LENGTH_INFORMATION)
        if found is None:
            return None
        sizes = found.children()
        if len(sizes) != 2:
            raise found.malformed("expected two sizes, of commands and of responses")
        return _decode_size(sizes[index])


def _encode_size(size: int) -> bytes:
    if not 1 <= size <= 0xFFFFFF:
        raise MisuseError(f"EF.ATR/INFO: a buffer size is 1 to {0xFFFFFF} octets, not {size}")
    return tlv.encode(_INTEGER, size.to_bytes(size.bit_length() // 8 + 1, "big"))


def _decode_size(data_object: DataObject) -> int:
    """Return a positive integer, even if its leading zero octet is missing."""
    if data_object.tag != _INTEGER or not 1 <= len(data_object.value) <= 4:
        raise data_object.malformed("a size is an INTEGER of 1 to 4 octets")
    return int.from_bytes(data_object.value, "big")
