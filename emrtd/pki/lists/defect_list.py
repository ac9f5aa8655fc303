"""Defect Lists of the BSI (TR-03129-2, 7; TR-03135-1, 5.8.2): known defects, by Document Signer."""

from enum import StrEnum, unique
from typing import Final

import msgspec

from emrtd.asn1 import ber, der
from emrtd.asn1.structures import read_integer, read_oid, read_small_integer
from emrtd.crypto.hashes import HASH_BY_OID, Hash
from emrtd.pki.cms.signed_data import SignedData
from emrtd.pki.x509.certificates import Certificate
from emrtd.pki.x509.encodings import has_digest
from emrtd.pki.x509.names import Name
from support.values import Hidden, Value

ID_DEFECT_LIST: Final = "0.4.0.127.0.7.3.1.5"
"""eContentType id-DefectList."""

_WHAT: Final = "Defect List"


@unique
class DefectKind(StrEnum):
    """A kind of defect; the value is its object identifier.  Unknown kinds have no member."""

    CERTIFICATE_REVOKED = "0.4.0.127.0.7.3.1.5.1.1"
    CERTIFICATE_REPLACED = "0.4.0.127.0.7.3.1.5.1.2"
    CHIP_AUTHENTICATION_KEY_REVOKED = "0.4.0.127.0.7.3.1.5.1.3"
    ACTIVE_AUTHENTICATION_KEY_REVOKED = "0.4.0.127.0.7.3.1.5.1.4"
    CARD_SECURITY_MALFORMED = "0.4.0.127.0.7.3.1.5.4.1"
    CHIP_SECURITY_MALFORMED = "0.4.0.127.0.7.3.1.5.4.2"
    POWER_DOWN_REQUIRED = "0.4.0.127.0.7.3.1.5.4.3"


class Defect(Value, frozen=True):
    """A defect of all documents that one signer signed.

    `kind` is None if `oid` is not a known kind.  `status` is the status code of a revocation
    (TR-03135-1, Table 5.54).
    """

    oid: str
    kind: DefectKind | None
    issuer: Name | None
    serial: int | None
    key_identifier: bytes | None
    certificate_hash: bytes | None
    hash_algorithm: Hash | None
    status: int | None = None
    parameters: Hidden[bytes | None] = None

    def covers(self, signer: Certificate) -> bool:
        """Whether the defect concerns the documents that this certificate's key signed."""
        if self.key_identifier is not None:
            named = signer.extensions.subject_key_identifier == self.key_identifier
        else:
            named = (
                self.issuer is not None
                and signer.serial == self.serial
                and self.issuer.matches(signer.issuer)
            )
        if self.certificate_hash is None or self.hash_algorithm is None:
            return named
        return named and has_digest(signer, self.hash_algorithm, self.certificate_hash)


class DefectList(msgspec.Struct, frozen=True):
    """A Defect List: its SignedData, and its defects."""

    signed_data: SignedData
    defects: tuple[Defect, ...]

    @classmethod
    def parse(cls, octets: bytes) -> "DefectList":
        """Read a whole list with nothing behind it; raises `MalformedError`."""
        return cls.read(SignedData.parse(octets, _WHAT))

    @classmethod
    def read(cls, signed_data: SignedData) -> "DefectList":
        """Read the list that a SignedData signs; raises `MalformedError`."""
        whole = signed_data.read_content(ID_DEFECT_LIST, _WHAT)
        fields = whole.expect(der.SEQUENCE).children
        if len(fields) != 3 or read_small_integer(fields[0]) != 0:
            raise whole.malformed("is not a version 0 list of defects")
        algorithm = HASH_BY_OID.get(read_oid(fields[1]))
        defects = [
            defect
            for each in fields[2].expect(der.SET).children
            for defect in _read_defects(each, algorithm)
        ]
        return cls(signed_data, tuple(defects))

    @property
    def country(self) -> str | None:
        """The country of the State that signed the list."""
        return self.signed_data.country


def _read_defects(value: ber.Value, algorithm: Hash | None) -> list[Defect]:
    fields = list(value.expect(der.SEQUENCE).children)
    if not 2 <= len(fields) <= 3:
        raise value.malformed("a defect consists of a signer and its known defects")
    signer = fields.pop(0)
    issuer, serial, key_identifier = None, None, None
    if signer.tag == 0x80:
        key_identifier = signer.contents
    else:
        parts = signer.expect(der.SEQUENCE).children
        if len(parts) != 2:
            raise signer.malformed("a signer is identified by its issuer and serial number")
        issuer, serial = Name.read(parts[0]), read_integer(parts[1])
    certificate_hash = None
    if len(fields) == 2:
        certificate_hash = fields.pop(0).expect(der.OCTET_STRING).contents
    defects = []
    for known in fields[0].expect(der.SET).children:
        parts = known.expect(der.SEQUENCE).children
        if not 1 <= len(parts) <= 2:
            raise known.malformed("a known defect consists of its kind and optional parameters")
        oid = read_oid(parts[0])
        parameters = parts[1] if len(parts) == 2 else None
        defects.append(
            Defect(
                oid=oid,
                kind=DefectKind(oid) if oid in set(DefectKind) else None,
                issuer=issuer,
                serial=serial,
                key_identifier=key_identifier,
                certificate_hash=certificate_hash,
                hash_algorithm=algorithm,
                status=_status(parameters),
                parameters=parameters.encoded if parameters else None,
            )
        )
    return defects


def _status(parameters: ber.Value | None) -> int | None:
    """Return the status code of a revocation: an INTEGER or ENUMERATED, or one in a SEQUENCE."""
    if parameters is not None and parameters.tag == der.SEQUENCE and parameters.children:
        parameters = parameters.children[0]
    if parameters is None or parameters.tag not in (der.INTEGER, 0x0A):
        return None
    return int.from_bytes(parameters.contents, "big")
