"""SecurityInfos: which protocols a chip supports, and with which keys (Doc 9303-11, 9.2).

They stand in EF.CardAccess, EF.CardSecurity and DG14.  What is not known here, or known by its
identifier but not of its form, is kept byte for byte and in its place.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final, TypeVar

from emrtd import tlv
from emrtd.asn1 import der
from emrtd.crypto import protocols
from emrtd.crypto.ciphers import Cipher
from emrtd.crypto.protocols import KeyAgreement, Mapping
from emrtd.errors import MalformedError, MisuseError
from emrtd.tlv import DataObject, DataObjects

WHAT: Final = "SecurityInfos"


@dataclass(frozen=True, slots=True)
class PaceInfo:
    """PACEInfo (9.2.1): one variant of PACE; `parameter_id` is also the key of the CAM mapping."""

    protocol: str
    parameter_id: int | None = None
    version: int = 2

    def __post_init__(self) -> None:
        if self.protocol not in protocols.PACE_PROTOCOLS:
            raise MisuseError(f"{self.protocol} is not a protocol of PACE")

    @classmethod
    def of(
        cls,
        key_agreement: KeyAgreement,
        mapping: Mapping,
        cipher: Cipher,
        parameter_id: int | None = None,
    ) -> "PaceInfo":
        """Make the entry for a variant; `MisuseError` where the standard has no such one."""
        oid = protocols.pace_oid(key_agreement, mapping, cipher)
        if oid is None:
            raise MisuseError(f"PACE has no {key_agreement}-{mapping} with {cipher.value}")
        return cls(oid, parameter_id)

    @property
    def mapping(self) -> Mapping:
        """How the nonce is mapped."""
        return protocols.PACE_PROTOCOLS[self.protocol].mapping

    @property
    def key_agreement(self) -> KeyAgreement:
        """DH or ECDH."""
        return protocols.PACE_PROTOCOLS[self.protocol].key_agreement

    @property
    def cipher(self) -> Cipher:
        """The cipher of the nonce and of secure messaging."""
        cipher = protocols.PACE_PROTOCOLS[self.protocol].cipher
        if cipher is None:
            raise MisuseError(f"{self.protocol} names no cipher")
        return cipher

    def encode(self) -> bytes:
        """Encode the SEQUENCE."""
        return _encode(self.protocol, der.integer(self.version), _optional(self.parameter_id))


@dataclass(frozen=True, slots=True)
class PaceDomainParameterInfo:
    """PACEDomainParameterInfo (9.2.2): explicit domain parameters, as a DER AlgorithmIdentifier."""

    protocol: str
    domain_parameter: bytes
    parameter_id: int | None = None

    @property
    def key_agreement(self) -> KeyAgreement:
        """DH or ECDH."""
        return protocols.PACE_DOMAIN_PARAMETERS[self.protocol].key_agreement

    @property
    def mapping(self) -> Mapping:
        """The mapping that the parameters are for."""
        return protocols.PACE_DOMAIN_PARAMETERS[self.protocol].mapping

    def encode(self) -> bytes:
        """Encode the SEQUENCE."""
        return _encode(self.protocol, self.domain_parameter, _optional(self.parameter_id))


@dataclass(frozen=True, slots=True)
class ChipAuthenticationInfo:
    """ChipAuthenticationInfo (9.2.5): one variant; version 1, or 2 and 3 of TR-03110."""

    protocol: str
    key_id: int | None = None
    version: int = 1

    @property
    def key_agreement(self) -> KeyAgreement:
        """DH or ECDH."""
        return protocols.CHIP_AUTHENTICATION_PROTOCOLS[self.protocol].key_agreement

    @property
    def cipher(self) -> Cipher:
        """The cipher of secure messaging after it."""
        return protocols.CHIP_AUTHENTICATION_PROTOCOLS[self.protocol].cipher

    def encode(self) -> bytes:
        """Encode the SEQUENCE."""
        return _encode(self.protocol, der.integer(self.version), _optional(self.key_id))


@dataclass(frozen=True, slots=True)
class ChipAuthenticationPublicKeyInfo:
    """ChipAuthenticationPublicKeyInfo (9.2.6): a static key, as a DER SubjectPublicKeyInfo."""

    protocol: str
    public_key: bytes
    key_id: int | None = None

    @property
    def key_agreement(self) -> KeyAgreement:
        """DH or ECDH."""
        return protocols.PUBLIC_KEY_PROTOCOLS[self.protocol]

    def encode(self) -> bytes:
        """Encode the SEQUENCE."""
        return _encode(self.protocol, self.public_key, _optional(self.key_id))


@dataclass(frozen=True, slots=True)
class ChipAuthenticationDomainParameterInfo:
    """ChipAuthenticationDomainParameterInfo (TR-03110-3, A.1.1.2), for versions 2 and 3."""

    protocol: str
    domain_parameter: bytes
    key_id: int | None = None

    @property
    def key_agreement(self) -> KeyAgreement:
        """DH or ECDH."""
        return protocols.CHIP_AUTHENTICATION_DOMAIN_PARAMETERS[self.protocol]

    def encode(self) -> bytes:
        """Encode the SEQUENCE."""
        return _encode(self.protocol, self.domain_parameter, _optional(self.key_id))


@dataclass(frozen=True, slots=True)
class TerminalAuthenticationInfo:
    """TerminalAuthenticationInfo (9.2.8; Appendix K.2).

    `ef_cvca` is the file identifier of EF.CVCA and `ef_cvca_short` its SFI (0 to 31), where they
    are not 011C and 1C; only version 1 has them.
    """

    version: int = 1
    ef_cvca: int | None = None
    ef_cvca_short: int | None = None

    def encode(self) -> bytes:
        """Encode the SEQUENCE."""
        file_id = b""
        if self.ef_cvca is not None:
            file_id = der.sequence(
                der.octet_string(self.ef_cvca.to_bytes(2, "big")),
                b""
                if self.ef_cvca_short is None
                else der.octet_string(bytes((self.ef_cvca_short,))),
            )
        return _encode(protocols.ID_TA, der.integer(self.version), file_id)


@dataclass(frozen=True, slots=True)
class ActiveAuthenticationInfo:
    """ActiveAuthenticationInfo (9.2.4): present where Active Authentication is by ECDSA."""

    signature_algorithm: str
    version: int = 1

    def encode(self) -> bytes:
        """Encode the SEQUENCE."""
        return _encode(
            protocols.ID_ACTIVE_AUTHENTICATION,
            der.integer(self.version),
            der.oid(self.signature_algorithm),
        )


@dataclass(frozen=True, slots=True)
class EfDirInfo:
    """EFDIRInfo (9.2.10): the signed copy of the whole of EF.DIR."""

    ef_dir: bytes

    def encode(self) -> bytes:
        """Encode the SEQUENCE."""
        return _encode(protocols.ID_EF_DIR, der.octet_string(self.ef_dir))


@dataclass(frozen=True, slots=True)
class PrivilegedTerminalInfo:
    """PrivilegedTerminalInfo (TR-03110-3, A.1.1.9): what only privileged terminals may use."""

    infos: "SecurityInfos"

    def encode(self) -> bytes:
        """Encode the SEQUENCE."""
        return _encode(protocols.ID_PRIVILEGED_TERMINAL, self.infos.encode())


@dataclass(frozen=True, slots=True)
class UnknownSecurityInfo:
    """Any other entry, kept as it stands; `reason` says why a known protocol could not be read."""

    protocol: str
    encoded: bytes
    reason: str | None = field(default=None, compare=False)

    def encode(self) -> bytes:
        """The SEQUENCE as it stood."""
        return self.encoded


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
    """A set of SecurityInfo, in the order in which it was written.

    Made from entries it is DER (sorted); decoded, it encodes to the very octets it came from.
    """

    __slots__ = ("_encoded", "entries")

    def __init__(self, *entries: SecurityInfo) -> None:
        self.entries: tuple[SecurityInfo, ...] = tuple(sorted(entries, key=_encoding))
        self._encoded = der.set_of(*map(_encoding, entries))

    @classmethod
    def decode(cls, octets: bytes, what: str = WHAT) -> "SecurityInfos":
        """Decode a DER SET of SecurityInfo; what is no such set raises `MalformedError`."""
        return cls._decode(tlv.read_expected(octets, der.SET, what), octets)

    @classmethod
    def _decode(cls, data_object: DataObject, octets: bytes) -> "SecurityInfos":
        infos = cls()
        infos.entries = tuple(
            _decode_info(entry, encoded) for entry, encoded in _with_encoding(data_object)
        )
        infos._encoded = octets
        return infos

    def encode(self) -> bytes:
        """Encode the SET."""
        return self._encoded

    def of(self, kind: type[Info]) -> tuple[Info, ...]:
        """The entries of one kind, in order."""
        return tuple(entry for entry in self.entries if isinstance(entry, kind))

    @property
    def tolerated(self) -> tuple[str, ...]:
        """What is wrong with entries that were read past, a sentence for each."""
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


def _encode(protocol: str, *data: bytes) -> bytes:
    return der.sequence(der.oid(protocol), *data)


def _optional(number: int | None) -> bytes:
    return b"" if number is None else der.integer(number)


def _with_encoding(parent: DataObject) -> Iterator[tuple[DataObject, bytes]]:
    """Each child of a data object, with its octets as they were written."""
    begin = 0
    for child in parent.children():
        end = child.offset - parent.offset + len(child.value)
        yield child, parent.value[begin:end]
        begin = end


def _decode_info(entry: DataObject, encoded: bytes) -> SecurityInfo:
    if entry.tag != der.SEQUENCE:
        raise entry.malformed("a SecurityInfo is a SEQUENCE")
    fields = entry.children()
    if not fields:
        raise entry.malformed("a SecurityInfo without protocol")
    protocol = der.read_oid(fields[0])
    decode = _DECODERS.get(protocol)
    if decode is None:
        return UnknownSecurityInfo(protocol, encoded)
    try:
        info = decode(protocol, _Fields(entry, fields))
    except MalformedError as error:
        return UnknownSecurityInfo(protocol, encoded, str(error))
    if info.encode() != encoded:
        reason = f"{entry.what}: the entry {protocol} is not DER, or has more fields than it may"
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
            raise self._entry.malformed(f"field {index} is missing")
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
