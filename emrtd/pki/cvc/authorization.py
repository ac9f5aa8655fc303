"""The role and the rights of a certificate holder: the CHAT (Doc 9303-10, 5.4; TR-03110-4, 2)."""

from collections.abc import Iterable
from enum import IntEnum, IntFlag, unique
from typing import Final

import msgspec

from emrtd import tlv
from emrtd.asn1 import der
from emrtd.crypto.protocols import BSI_DE
from emrtd.errors import ProtocolError
from emrtd.tlv import DataObject
from support.errors import MisuseError
from support.reasons import Reason

CHAT: Final = 0x7F4C
_DISCRETIONARY_DATA: Final = 0x53

ID_INSPECTION_SYSTEM: Final = f"{BSI_DE}.3.1.2.1"
ID_AUTHENTICATION_TERMINAL: Final = f"{BSI_DE}.3.1.2.2"
ID_SIGNATURE_TERMINAL: Final = f"{BSI_DE}.3.1.2.3"

_SIZES: Final = {ID_INSPECTION_SYSTEM: 1, ID_AUTHENTICATION_TERMINAL: 5, ID_SIGNATURE_TERMINAL: 1}


@unique
class Role(IntEnum):
    """The role of a certificate holder, two bits."""

    TERMINAL = 0
    DV_FOREIGN = 1
    DV_DOMESTIC = 2
    CVCA = 3

    @property
    def is_dv(self) -> bool:
        """Whether this is a Document Verifier."""
        return self in {Role.DV_DOMESTIC, Role.DV_FOREIGN}


class Right(IntFlag):
    """The rights of an inspection system; other bits are ignored (Doc 9303-11, 7.1.4.3.6)."""

    READ_DG3 = 0x01
    READ_DG4 = 0x02
    READ_EID = 0x20  # TR-03110-4, 2.2: the eID application


ALL_RIGHTS: Final = Right.READ_DG3 | Right.READ_DG4

_BY_NAME: Final = {"dg3": Right.READ_DG3, "dg4": Right.READ_DG4}


def rights_named(names: Iterable[str]) -> Right:
    """Return the rights to read the data groups of these names, "dg3" and "dg4"."""
    total = Right(0)
    for each in names:
        total |= _BY_NAME[each]
    return total


class Chat(msgspec.Struct, frozen=True):
    """A certificate holder authorization template: a type of terminal, its role and its rights.

    `template` is the discretionary data: 1 octet for inspection systems, 5 for authentication
    terminals.  Its two highest bits are the role.
    """

    terminal_type: str
    template: bytes

    @classmethod
    def inspection_system(cls, role: Role, rights: Right) -> "Chat":
        """Return the CHAT of an inspection system, or of a DV or CVCA above it."""
        return cls(ID_INSPECTION_SYSTEM, bytes((role << 6 | rights,)))

    @property
    def role(self) -> Role:
        """The holder's role."""
        return Role(self.template[0] >> 6)

    @property
    def bits(self) -> bytes:
        """The template without the role: the rights, bit by bit."""
        return bytes((self.template[0] & 0x3F,)) + self.template[1:]

    @property
    def rights(self) -> Right:
        """The rights of an inspection system; none for another type of terminal."""
        if self.terminal_type != ID_INSPECTION_SYSTEM:
            return Right(0)
        return Right(self.template[0] & sum(Right))

    def restrict(self, other: "Chat") -> "Chat":
        """Return this role with the rights that both have: the bitwise 'and' (7.1.4.3.6).

        Raises `ProtocolError` for another type of terminal.
        """
        if self.terminal_type != other.terminal_type or len(self.template) != len(other.template):
            raise ProtocolError("the certificates of a chain are for different types of terminal")
        both = bytes(a & b for a, b in zip(self.template, other.template, strict=True))
        return Chat(self.terminal_type, bytes((self.role << 6 | both[0] & 0x3F,)) + both[1:])

    def encode(self) -> bytes:
        """Encode 7F4C."""
        return tlv.encode(
            CHAT, der.oid(self.terminal_type), tlv.encode(_DISCRETIONARY_DATA, self.template)
        )

    @classmethod
    def read(cls, data_object: DataObject) -> "Chat":
        """Read 7F4C; the template of an unknown type may have any size up to 64 octets."""
        fields = data_object.children()
        oid, template = der.read_oid(fields.one(der.OID)), fields.one(_DISCRETIONARY_DATA)
        size = _SIZES.get(oid, len(template.value))
        if len(template.value) != size or not 1 <= size <= 64:
            raise template.malformed(
                Reason("has {count} octets, not {size}", count=len(template.value), size=size)
            )
        return cls(oid, template.value)

    def __post_init__(self) -> None:
        if not self.template:
            raise MisuseError("an authorization has at least one octet")
