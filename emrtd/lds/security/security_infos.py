"""SecurityInfos: which protocols a chip supports, and with which keys (Doc 9303-11, 9.2).

EF.CardAccess, EF.CardSecurity and DG14 contain them.  An entry of an unknown protocol, and a
malformed entry of a known one, are kept byte for byte and in their place.
"""

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Final, TypeVar

import msgspec

from emrtd import tlv
from emrtd.asn1 import der
from emrtd.crypto import protocols
from emrtd.lds.security.security_info import (
    ActiveAuthenticationInfo,
    ChipAuthenticationDomainParameterInfo,
    ChipAuthenticationInfo,
    ChipAuthenticationPublicKeyInfo,
    EfDirInfo,
    PaceDomainParameterInfo,
    PaceInfo,
    TerminalAuthenticationInfo,
    UnknownSecurityInfo,
    encode_info,
)
from emrtd.tlv import DataObject, DataObjects
from support.errors import MalformedError
from support.reasons import Reason

__all__ = [
    "ActiveAuthenticationInfo",
    "ChipAuthenticationDomainParameterInfo",
    "ChipAuthenticationInfo",
    "ChipAuthenticationPublicKeyInfo",
    "EfDirInfo",
    "PaceDomainParameterInfo",
    "PaceInfo",
    "PrivilegedTerminalInfo",
    "SecurityInfo",
    "SecurityInfos",
    "TerminalAuthenticationInfo",
    "UnknownSecurityInfo",
]

WHAT: Final = "SecurityInfos"

MAX_ENTRIES: Final = 256
"""Most entries of one set; a chip has about ten, and work grows faster than their number."""


class PrivilegedTerminalInfo(msgspec.Struct, frozen=True):
    """PrivilegedTerminalInfo (TR-03110-3, A.1.1.9): what only privileged terminals may use."""

    infos: "SecurityInfos"

    def encode(self) -> bytes:
        """Encode the SEQUENCE."""
        return encode_info(protocols.ID_PRIVILEGED_TERMINAL, self.infos.encode())


SecurityInfo = (
    PaceInfo
    | PaceDomainParameterInfo
    | ChipAuthenticationInfo
    | ChipAuthenticationPublicKeyInfo
    | ChipAuthenticationDomainParameterInfo
    | TerminalAuthenticationInfo
    | ActiveAuthenticationInfo
    | EfDirInfo
    | PrivilegedTerminalInfo
    | UnknownSecurityInfo
)

Info = TypeVar("Info", bound=SecurityInfo)


class SecurityInfos:
    """A set of SecurityInfo.

    Made from entries, it is sorted as DER requires.  Decoded, it keeps the order of the entries,
    and encodes to the octets it was decoded from.
    """

    __slots__ = ("_encoded", "entries")

    def __init__(self, *entries: SecurityInfo) -> None:
        self.entries: tuple[SecurityInfo, ...] = tuple(sorted(entries, key=_encoding))
        self._encoded = der.set_of(*map(_encoding, entries))

    @classmethod
    def decode(cls, octets: bytes, what: str = WHAT) -> "SecurityInfos":
        """Decode a DER SET of SecurityInfo; raises `MalformedError` for anything else."""
        return cls._decode(tlv.read_expected(octets, der.SET, what), octets)

    @classmethod
    def _decode(cls, data_object: DataObject, octets: bytes) -> "SecurityInfos":
        entries = list(_with_encoding(data_object))
        if len(entries) > MAX_ENTRIES:
            raise data_object.malformed(
                Reason("{count} SecurityInfos are too many", count=len(entries))
            )
        infos = cls()
        infos.entries = tuple(_decode_info(entry, encoded) for entry, encoded in entries)
        infos._encoded = octets
        return infos

    def encode(self) -> bytes:
        """Encode the SET."""
        return self._encoded

    def of(self, kind: type[Info]) -> tuple[Info, ...]:
        """Return the entries of one kind, in order."""
        return tuple(entry for entry in self.entries if isinstance(entry, kind))

    @property
    def tolerated(self) -> tuple[str, ...]:
        """Why entries of known protocols could not be read, a sentence for each."""
        return tuple(each.reason for each in self.of(UnknownSecurityInfo) if each.reason)

    def __iter__(self) -> Iterator[SecurityInfo]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SecurityInfos) and other._encoded == self._encoded

    def __hash__(self) -> int:
        return hash(self._encoded)

    def __repr__(self) -> str:
        return f"SecurityInfos({', '.join(map(repr, self.entries))})"


def _encoding(entry: SecurityInfo) -> bytes:
    return entry.encode()


def _with_encoding(parent: DataObject) -> Iterator[tuple[DataObject, bytes]]:
    """Yield each child of a data object, with its octets as encoded."""
    begin = 0
    for child in parent.children():
        end = child.offset - parent.offset + len(child.value)
        yield child, parent.value[begin:end]
        begin = end


def _decode_info(entry: DataObject, encoded: bytes) -> SecurityInfo:
    known = _decode_short(encoded) if len(encoded) <= _MAX_SHORT else None
    return _decode_anew(entry, encoded) if known is None else known


_MAX_SHORT: Final = 32
"""Octets of an entry without a key, which is the same in many documents."""


@lru_cache(maxsize=512)
def _decode_short(encoded: bytes) -> SecurityInfo | None:
    """Decode an entry of a known protocol; None if it must be decoded where it stands."""
    try:
        info = _decode_anew(tlv.read(encoded, WHAT), encoded)
    except MalformedError:
        return None
    return None if isinstance(info, UnknownSecurityInfo) else info


def _decode_anew(entry: DataObject, encoded: bytes) -> SecurityInfo:
    if entry.tag != der.SEQUENCE:
        raise entry.malformed("a SecurityInfo is a SEQUENCE")
    fields = entry.children()
    if not fields:
        raise entry.malformed("a SecurityInfo has no protocol")
    protocol = der.read_oid(fields[0])
    decode = _DECODERS.get(protocol)
    if decode is None:
        return UnknownSecurityInfo(protocol, encoded)
    try:
        info = decode(protocol, _Fields(entry, fields))
    except MalformedError as error:
        return UnknownSecurityInfo(protocol, encoded, str(error))
    if info.encode() != encoded:
        reason = Reason(
            "{what}: the entry {protocol} is not DER, or has more fields than allowed",
            what=entry.what,
            protocol=protocol,
        )
        return UnknownSecurityInfo(protocol, encoded, reason)
    return info


class _Fields:
    """The fields of an entry that follow its protocol."""

    def __init__(self, entry: DataObject, fields: DataObjects) -> None:
        self._entry = entry
        self._fields = fields
        self._encodings = tuple(encoded for _, encoded in _with_encoding(entry))

    def has(self, index: int) -> bool:
        return index < len(self._fields)

    def at(self, index: int) -> DataObject:
        if not self.has(index):
            raise self._entry.malformed(Reason("field {index} is missing", index=index))
        return self._fields[index]

    def encoded(self, index: int) -> bytes:
        self.at(index)
        return self._encodings[index]

    def integer(self, index: int) -> int:
        return der.read_integer(self.at(index))

    def optional_integer(self, index: int) -> int | None:
        return self.integer(index) if self.has(index) else None

    def sequence(self, index: int) -> bytes:
        if self.at(index).tag != der.SEQUENCE:
            raise self.at(index).malformed("a SEQUENCE is expected")
        return self.encoded(index)


def _terminal_authentication(_: str, fields: _Fields) -> TerminalAuthenticationInfo:
    if not fields.has(2):
        return TerminalAuthenticationInfo(fields.integer(1))
    file_id = [der.read_octet_string(each) for each in fields.at(2).children()]
    if [len(each) for each in file_id] not in ([2], [2, 1]):
        raise fields.at(2).malformed("a FileID is 2 octets, and 1 for the short identifier")
    short = file_id[1][0] if len(file_id) == 2 else None
    return TerminalAuthenticationInfo(fields.integer(1), int.from_bytes(file_id[0], "big"), short)


def _privileged_terminal(_: str, fields: _Fields) -> PrivilegedTerminalInfo:
    inner = fields.at(1)
    if inner.tag != der.SET:
        raise inner.malformed("SecurityInfos are a SET")
    return PrivilegedTerminalInfo(SecurityInfos._decode(inner, fields.encoded(1)))


_DECODERS: Final[dict[str, Callable[[str, _Fields], SecurityInfo]]] = {
    **dict.fromkeys(
        protocols.PACE_PROTOCOLS,
        lambda oid, f: PaceInfo(oid, f.optional_integer(2), f.integer(1)),
    ),
    **dict.fromkeys(
        protocols.PACE_DOMAIN_PARAMETERS,
        lambda oid, f: PaceDomainParameterInfo(oid, f.sequence(1), f.optional_integer(2)),
    ),
    **dict.fromkeys(
        protocols.CHIP_AUTHENTICATION_PROTOCOLS,
        lambda oid, f: ChipAuthenticationInfo(oid, f.optional_integer(2), f.integer(1)),
    ),
    **dict.fromkeys(
        protocols.PUBLIC_KEY_PROTOCOLS,
        lambda oid, f: ChipAuthenticationPublicKeyInfo(oid, f.sequence(1), f.optional_integer(2)),
    ),
    **dict.fromkeys(
        protocols.CHIP_AUTHENTICATION_DOMAIN_PARAMETERS,
        lambda oid, f: ChipAuthenticationDomainParameterInfo(
            oid, f.sequence(1), f.optional_integer(2)
        ),
    ),
    protocols.ID_TA: _terminal_authentication,
    protocols.ID_ACTIVE_AUTHENTICATION: lambda _, f: ActiveAuthenticationInfo(
        der.read_oid(f.at(2)), f.integer(1)
    ),
    protocols.ID_EF_DIR: lambda _, f: EfDirInfo(der.read_octet_string(f.at(1))),
    protocols.ID_PRIVILEGED_TERMINAL: _privileged_terminal,
}
