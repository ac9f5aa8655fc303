"""The secrets and trust points of a chip, which it never returns, and their encoding.

Data preparation seals the encoding for the station (`chip_keys.p7m`).  The station writes it to
the chip with one PUT DATA for each data object, and the chip stores it.  The encoding is BER-TLV.
Objects marked * may occur more than once; a later one replaces one with the same reference:

    E0  chip keys
        E1* password             80 type (1: MRZ 01, CAN 02, PIN 03, PUK 04)  81 secret
                                 [82 failures that block it (1)]
        C2  options (1)          bit 1: Basic Access Control; bit 2: no chip access control
        E3* key for Chip Authentication or the Chip Authentication Mapping
                                 [80 key identifier]  81 SubjectPublicKeyInfo (DER)
                                 82 private number, big-endian  06* protocol (OID value)
        E4  key for Active Authentication
                                 81 PKCS#8 PrivateKeyInfo (DER)  82 hash (ASCII: SHA-256)
        E5* trust point          7F21 card-verifiable certificate of a CVCA
        C6  current date (6)     YYMMDD, one digit an octet, as in card-verifiable certificates
        C7  document identifier  document number and check digit as in the MRZ: ID_IC after BAC
"""

from collections.abc import Callable
from datetime import date
from typing import Final

import msgspec
from msgspec.structs import replace

from emrtd import tlv
from emrtd.access.passwords import Password, PasswordType
from emrtd.asn1 import der
from emrtd.crypto.hashes import Hash
from emrtd.pki.cvc.certificates import date_octets, read_date
from emrtd.tlv import DataObject
from support.errors import MisuseError
from support.secret import Secret

_WHAT: Final = "chip keys"
_KEYS: Final = 0xE0
_PASSWORD: Final = 0xE1
_OPTIONS: Final = 0xC2
_CHIP_AUTHENTICATION: Final = 0xE3
_ACTIVE_AUTHENTICATION: Final = 0xE4
_TRUST_POINT: Final = 0xE5
_CURRENT_DATE: Final = 0xC6
_DOCUMENT_IDENTIFIER: Final = 0xC7

_CERTIFICATE: Final = 0x7F21
_BAC: Final = 0x01
_OPEN: Final = 0x02

_PASSWORD_TYPES: Final = frozenset(map(int, PasswordType))
_HASHES: Final = frozenset(map(str, Hash))
_DEFAULT_RETRY_LIMITS: Final = {PasswordType.PIN: 3, PasswordType.PUK: 10}


class ChipPassword(msgspec.Struct, frozen=True):
    """A password of a chip, and how many failures in a row block it; None: it never blocks."""

    password: Password
    retry_limit: int | None = None

    def __post_init__(self) -> None:
        never = self.password.type in {PasswordType.MRZ, PasswordType.CAN}
        if never and self.retry_limit is not None:  # Doc 9303-11, A.3: neither may block
            raise MisuseError(f"the {self.password.type.name} never blocks; give it no retry limit")
        if self.retry_limit is not None and not 1 <= self.retry_limit <= 15:
            raise MisuseError("a retry limit is 1 to 15, the range of the status word 63CX")

    @classmethod
    def of(cls, password: Password) -> "ChipPassword":
        """Make it with the usual limit: 3 for a PIN, 10 for a PUK, none for MRZ and CAN."""
        return cls(password, _DEFAULT_RETRY_LIMITS.get(password.type))

    def encode(self) -> bytes:
        """Encode the value of E1."""
        limit = b"" if self.retry_limit is None else tlv.encode(0x82, bytes((self.retry_limit,)))
        secret = tlv.encode(0x81, self.password.secret.reveal())
        return tlv.encode(0x80, bytes((self.password.type,))) + secret + limit

    @classmethod
    def decode(cls, value: DataObject) -> "ChipPassword":
        """Decode the value of E1; raises `MalformedError`."""
        fields = value.children()
        number = _octet(fields.one(0x80))
        limit = fields.get(0x82)
        if number not in _PASSWORD_TYPES or not fields.one(0x81).value:
            raise value.malformed("the password is empty, or its type is not 1 to 4")
        password = Password(PasswordType(number), Secret(fields.one(0x81).value))
        try:
            return cls(password, None if limit is None else _octet(limit))
        except MisuseError as error:
            raise value.malformed(str(error)) from None


class ChipAuthenticationKey(msgspec.Struct, frozen=True):
    """A static key pair for Chip Authentication, or for the Chip Authentication Mapping of PACE.

    `public_key` is the DER SubjectPublicKeyInfo with the domain parameters; `private` the private
    number, big-endian.  `protocols` are the dotted OIDs (id-CA-…) that the key may be used with;
    empty if the key is for the mapping alone.  For the mapping, `key_id` is the parameterId of the
    PACEInfo (Doc 9303-11, 9.2.1).
    """

    public_key: bytes
    private: Secret
    key_id: int | None = None
    protocols: tuple[str, ...] = ()

    def encode(self) -> bytes:
        """Encode the value of E3."""
        key_id = b""
        if self.key_id is not None:
            key_id = tlv.encode(0x80, _unsigned(self.key_id))
        return b"".join(
            (
                key_id,
                tlv.encode(0x81, self.public_key),
                tlv.encode(0x82, self.private.reveal()),
                *(der.oid(protocol) for protocol in self.protocols),
            )
        )

    @classmethod
    def decode(cls, value: DataObject) -> "ChipAuthenticationKey":
        """Decode the value of E3; raises `MalformedError`."""
        fields = value.children()
        key_id = fields.get(0x80)
        if key_id is not None and not 1 <= len(key_id.value) <= 8:
            raise key_id.malformed("a key identifier is 1 to 8 octets")
        return cls(
            public_key=fields.one(0x81).value,
            private=Secret(fields.one(0x82).value),
            key_id=None if key_id is None else int.from_bytes(key_id.value, "big"),
            protocols=tuple(der.read_oid(each) for each in fields.all(der.OID)),
        )


class ActiveAuthenticationKey(msgspec.Struct, frozen=True):
    """The key of Active Authentication (PKCS#8, RSA or EC), and the hash it signs with."""

    private: Secret
    hash: Hash

    def encode(self) -> bytes:
        """Encode the value of E4."""
        private = tlv.encode(0x81, self.private.reveal())
        return private + tlv.encode(0x82, self.hash.encode("ascii"))

    @classmethod
    def decode(cls, value: DataObject) -> "ActiveAuthenticationKey":
        """Decode the value of E4; raises `MalformedError`."""
        fields = value.children()
        name = fields.one(0x82)
        text = name.value.decode("latin-1")
        if text not in _HASHES:
            raise name.malformed("names no hash function that Active Authentication uses")
        return cls(Secret(fields.one(0x81).value), Hash(text))


class ChipKeys(msgspec.Struct, frozen=True):
    """Everything secret that one chip holds, with its trust points.

    `basic_access_control` is true if the MRZ also opens the chip by BAC, `open` if the chip has no
    access control.  `trust_points` are card-verifiable certificates (7F21), the most recent first;
    at most two are enabled.  With any of them, DG3 and DG4 require Terminal Authentication.
    `document_identifier` is personal data: document number and check digit.
    """

    passwords: tuple[ChipPassword, ...] = ()
    basic_access_control: bool = False
    open: bool = False
    chip_authentication: tuple[ChipAuthenticationKey, ...] = ()
    active_authentication: ActiveAuthenticationKey | None = None
    trust_points: tuple[bytes, ...] = ()
    current_date: date | None = None
    document_identifier: Secret | None = None

    def password(self, kind: PasswordType) -> ChipPassword | None:
        """Return the password of a kind; None if the chip has no such password."""
        return next((each for each in self.passwords if each.password.type is kind), None)

    def data_objects(self) -> tuple[tuple[int, Secret], ...]:
        """Return tag and value of each PUT DATA, in the order in which they are written."""
        objects: list[tuple[int, bytes]] = [
            (_PASSWORD, password.encode()) for password in self.passwords
        ]
        options = _BAC * self.basic_access_control | _OPEN * self.open
        objects.append((_OPTIONS, bytes((options,))))
        objects += [(_CHIP_AUTHENTICATION, key.encode()) for key in self.chip_authentication]
        if self.active_authentication is not None:
            objects.append((_ACTIVE_AUTHENTICATION, self.active_authentication.encode()))
        objects += [(_TRUST_POINT, certificate) for certificate in self.trust_points]
        if self.current_date is not None:
            objects.append((_CURRENT_DATE, date_octets(self.current_date)))
        if self.document_identifier is not None:
            objects.append((_DOCUMENT_IDENTIFIER, self.document_identifier.reveal()))
        return tuple((tag, Secret(value)) for tag, value in objects)

    def encode(self) -> bytes:
        """Encode everything as one data object E0; the octets are secret."""
        return tlv.encode(
            _KEYS, *(tlv.encode(tag, value.reveal()) for tag, value in self.data_objects())
        )

    @classmethod
    def decode(cls, octets: bytes) -> "ChipKeys":
        """Read the data object E0; raises `MalformedError` for anything else."""
        keys = cls()
        for each in tlv.read_expected(octets, _KEYS, _WHAT).children():
            keys = keys.with_data_object(each.tag, each.value)
        return keys

    def with_password(self, new: ChipPassword) -> "ChipKeys":
        """Return these keys with one more password; it replaces one of the same kind."""
        kind = new.password.type
        others = (each for each in self.passwords if each.password.type is not kind)
        return replace(self, passwords=(*others, new))

    @staticmethod
    def is_known(tag: int) -> bool:
        """Whether a data object with this tag belongs to the keys of a chip."""
        return tag in _ADD

    def with_data_object(self, tag: int, value: bytes) -> "ChipKeys":
        """Return these keys with one more data object; it replaces one with the same reference.

        Raises `MalformedError` for an unknown tag or a malformed value.
        """
        data_object = DataObject(tag, value, 0, _WHAT)
        add = _ADD.get(tag)
        if add is None:
            raise data_object.malformed("has an unknown tag")
        return add(self, data_object)


def _add_password(keys: ChipKeys, value: DataObject) -> ChipKeys:
    return keys.with_password(ChipPassword.decode(value))


def _add_options(keys: ChipKeys, value: DataObject) -> ChipKeys:
    options = _octet(value)
    return replace(keys, basic_access_control=bool(options & _BAC), open=bool(options & _OPEN))


def _add_chip_authentication(keys: ChipKeys, value: DataObject) -> ChipKeys:
    new = ChipAuthenticationKey.decode(value)
    others = (each for each in keys.chip_authentication if each.key_id != new.key_id)
    return replace(keys, chip_authentication=(*others, new))


def _add_active_authentication(keys: ChipKeys, value: DataObject) -> ChipKeys:
    return replace(keys, active_authentication=ActiveAuthenticationKey.decode(value))


def _add_trust_point(keys: ChipKeys, value: DataObject) -> ChipKeys:
    tlv.read_expected(value.value, _CERTIFICATE, _WHAT)
    others = (each for each in keys.trust_points if each != value.value)
    return replace(keys, trust_points=(*others, value.value))


def _add_current_date(keys: ChipKeys, value: DataObject) -> ChipKeys:
    return replace(keys, current_date=read_date(value))


def _add_document_identifier(keys: ChipKeys, value: DataObject) -> ChipKeys:
    return replace(keys, document_identifier=Secret(value.value))


_ADD: Final[dict[int, Callable[[ChipKeys, DataObject], ChipKeys]]] = {
    _PASSWORD: _add_password,
    _OPTIONS: _add_options,
    _CHIP_AUTHENTICATION: _add_chip_authentication,
    _ACTIVE_AUTHENTICATION: _add_active_authentication,
    _TRUST_POINT: _add_trust_point,
    _CURRENT_DATE: _add_current_date,
    _DOCUMENT_IDENTIFIER: _add_document_identifier,
}


def _unsigned(number: int) -> bytes:
    if number < 0:
        raise MisuseError("a key identifier is not negative")
    return number.to_bytes(max(1, (number.bit_length() + 7) // 8), "big")


def _octet(data_object: DataObject) -> int:
    if len(data_object.value) != 1:
        raise data_object.malformed("must be one octet")
    return data_object.value[0]
