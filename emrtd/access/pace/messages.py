"""The data fields of PACE's commands and responses (Doc 9303-11, 4.4.4 and 4.4.5)."""

from enum import IntEnum, unique
from typing import Final

import msgspec

from emrtd import tlv
from emrtd.access.passwords import PasswordType
from emrtd.asn1 import der
from emrtd.tlv import DataObjects
from support.errors import MalformedError
from support.reasons import Reason

_PROTOCOL, _PASSWORD, _PARAMETERS, _CHAT = 0x80, 0x83, 0x84, 0x7F4C
_DYNAMIC_AUTHENTICATION_DATA: Final = 0x7C
_WHAT: Final = "dynamic authentication data"


@unique
class Tag(IntEnum):
    """The data objects in 7C (table 4)."""

    ENCRYPTED_NONCE = 0x80
    TERMINAL_MAPPING_DATA = 0x81
    CHIP_MAPPING_DATA = 0x82
    TERMINAL_PUBLIC_KEY = 0x83
    CHIP_PUBLIC_KEY = 0x84
    TERMINAL_TOKEN = 0x85
    CHIP_TOKEN = 0x86
    CERTIFICATION_AUTHORITY_REFERENCE = 0x87
    PREVIOUS_CERTIFICATION_AUTHORITY_REFERENCE = 0x88
    ENCRYPTED_CHIP_AUTHENTICATION_DATA = 0x8A


class AuthenticationTemplate(msgspec.Struct, frozen=True):
    """The data field of MSE:Set AT (4.4.4.1).

    `chat` is the whole data object 7F4C.  `parameter_id` selects the domain parameters if the chip
    offers more than one set.
    """

    protocol: str
    password: int
    parameter_id: int | None = None
    chat: bytes | None = None

    def encode(self) -> bytes:
        """Encode the data field."""
        parameters = b""
        if self.parameter_id is not None:
            size = max(1, (self.parameter_id.bit_length() + 7) // 8)
            parameters = tlv.encode(_PARAMETERS, self.parameter_id.to_bytes(size, "big"))
        return b"".join(
            (
                tlv.encode(_PROTOCOL, der.oid_value(self.protocol)),
                tlv.encode(_PASSWORD, bytes((self.password,))),
                parameters,
                self.chat or b"",
            )
        )

    @classmethod
    def decode(cls, octets: bytes) -> "AuthenticationTemplate":
        """Decode the data field; other data objects are ignored (note 2)."""
        fields = tlv.read_all(octets, "MSE:Set AT")
        protocol, password = fields.one(_PROTOCOL), fields.one(_PASSWORD)
        if len(password.value) != 1:
            raise password.malformed("the reference of a password must be one octet")
        parameters, chat = fields.get(_PARAMETERS), fields.get(_CHAT)
        return cls(
            der.read_oid_value(protocol.value, protocol.what),
            password.value[0],
            None if parameters is None else int.from_bytes(parameters.value, "big"),
            None if chat is None else tlv.encode(_CHAT, chat.value),
        )

    @property
    def password_type(self) -> PasswordType | None:
        """The kind of password; None for a reference that PACE does not define."""
        return next((each for each in PasswordType if each == self.password), None)


def encode(*objects: tuple[int, bytes]) -> bytes:
    """Encode dynamic authentication data: 7C with these tags and values."""
    return tlv.encode(_DYNAMIC_AUTHENTICATION_DATA, *(tlv.encode(*each) for each in objects))


def decode(octets: bytes) -> DataObjects:
    """Decode dynamic authentication data."""
    return tlv.read_expected(octets, _DYNAMIC_AUTHENTICATION_DATA, _WHAT).children()


def decode_answer(octets: bytes, tag: Tag) -> tuple[bytes, DataObjects]:
    """Return the value of a response's mandatory data object, and all of its data objects."""
    objects = decode(octets)
    found = objects.get(tag)
    if found is None:
        raise MalformedError(
            "PACE", Reason("the chip's answer has no data object {tag}", tag=f"{tag:02X}")
        )
    return found.value, objects
