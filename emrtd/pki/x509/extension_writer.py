"""Writing the extensions of certificates and CRLs (Doc 9303-12, Tables 6 and 10).

Each function returns one encoded Extension.  `PROFILES` holds what Table 6 prescribes for each kind
of certificate.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import Enum, unique
from typing import Final

import msgspec

from emrtd.asn1 import der
from emrtd.pki.x509 import extensions as oids
from emrtd.pki.x509.extensions import KeyUsage
from emrtd.tlv import encode
from support.errors import MisuseError

ID_LOCALITY_NAME: Final = "2.5.4.7"
ID_STATE_OR_PROVINCE_NAME: Final = "2.5.4.8"


@unique
class CertificateKind(Enum):
    """The columns of Table 6, with one member for each kind of list signer."""

    CSCA_ROOT = "CSCA"
    CSCA_LINK = "CSCA link certificate"
    DOCUMENT_SIGNER = "Document Signer"
    MASTER_LIST_SIGNER = "Master List Signer"
    DEVIATION_LIST_SIGNER = "Deviation List Signer"
    COMMUNICATION = "communication certificate"

    @property
    def noun(self) -> str:
        """The kind for messages, "Document Signer certificate"."""
        return f"{self.value.removesuffix(' certificate')} certificate"


class Profile(msgspec.Struct, frozen=True):
    """What Table 6 prescribes for one kind of certificate."""

    is_authority: bool
    key_usage: frozenset[KeyUsage]
    needs_usage_period: bool = True
    needs_document_types: bool = False
    extended_key_usage: str | None = None


_CA_USAGE: Final = frozenset({KeyUsage.KEY_CERT_SIGN, KeyUsage.CRL_SIGN})
_SIGNING: Final = frozenset({KeyUsage.DIGITAL_SIGNATURE})

PROFILES: Final = {
    CertificateKind.CSCA_ROOT: Profile(is_authority=True, key_usage=_CA_USAGE),
    CertificateKind.CSCA_LINK: Profile(is_authority=True, key_usage=_CA_USAGE),
    CertificateKind.DOCUMENT_SIGNER: Profile(
        is_authority=False, key_usage=_SIGNING, needs_document_types=True
    ),
    CertificateKind.MASTER_LIST_SIGNER: Profile(
        is_authority=False,
        key_usage=_SIGNING,
        needs_usage_period=False,
        extended_key_usage=oids.MASTER_LIST_SIGNER,
    ),
    CertificateKind.DEVIATION_LIST_SIGNER: Profile(
        is_authority=False,
        key_usage=_SIGNING,
        needs_usage_period=False,
        extended_key_usage=oids.DEVIATION_LIST_SIGNER,
    ),
    # The caller chooses the bits of a communication certificate, by its protocol.
    CertificateKind.COMMUNICATION: Profile(
        is_authority=False, key_usage=frozenset(), needs_usage_period=False
    ),
}


class AlternativeName(msgspec.Struct, frozen=True):
    """Issuer and subject alternative name (Doc 9303-12, 7.1.1.2).

    `state` is the ICAO code as in the MRZ; `three_letter_state` is added if that code alone does
    not identify the State.  `email` and `uri` are for contact; at least one should be set.
    `host` is the dNSName of a server.
    """

    state: str
    three_letter_state: str = ""
    email: str = ""
    uri: str = ""
    host: str = ""

    def encode(self) -> bytes:
        """Encode as GeneralNames."""
        attributes = [(ID_LOCALITY_NAME, self.state)]
        if self.three_letter_state:
            attributes.append((ID_STATE_OR_PROVINCE_NAME, self.three_letter_state))
        directory_name = der.sequence(
            *(
                der.set_of(der.sequence(der.oid(oid), der.printable_string(value)))
                for oid, value in attributes
            )
        )
        names = [der.tagged_primitive(1, self.email.encode("ascii"))] if self.email else []
        if self.host:
            names.append(der.tagged_primitive(2, self.host.encode("ascii")))
        names.append(der.tagged(4, directory_name))
        if self.uri:
            names.append(der.tagged_primitive(6, self.uri.encode("ascii")))
        return der.sequence(*names)


def authority_key_identifier(identifier: bytes) -> bytes:
    """AuthorityKeyIdentifier: the keyIdentifier alone."""
    return _extension(
        oids.AUTHORITY_KEY_IDENTIFIER, der.sequence(der.tagged_primitive(0, identifier))
    )


def subject_key_identifier(identifier: bytes) -> bytes:
    """SubjectKeyIdentifier."""
    return _extension(oids.SUBJECT_KEY_IDENTIFIER, der.octet_string(identifier))


def key_usage(usage: Iterable[KeyUsage]) -> bytes:
    """KeyUsage, critical; a named bit list without trailing zeros (X.690, 11.2.2)."""
    bits = sorted(use.value for use in usage)
    if not bits:
        raise MisuseError("a certificate requires a key usage")
    octet = sum(0x80 >> bit for bit in bits)
    return _extension(oids.KEY_USAGE, der.bit_string(bytes((octet,)), 7 - bits[-1]), critical=True)


def private_key_usage_period(not_before: datetime, not_after: datetime) -> bytes:
    """PrivateKeyUsagePeriod: GeneralizedTime even before 2050 (Table 6)."""
    times = (der.generalized_time(each) for each in (not_before, not_after))
    period = (der.tagged_primitive(number, time[2:]) for number, time in enumerate(times))
    return _extension(oids.PRIVATE_KEY_USAGE_PERIOD, der.sequence(*period))


def subject_alternative_name(name: AlternativeName) -> bytes:
    """SubjectAltName."""
    return _extension(oids.SUBJECT_ALT_NAME, name.encode())


def issuer_alternative_name(name: AlternativeName) -> bytes:
    """IssuerAltName."""
    return _extension(oids.ISSUER_ALT_NAME, name.encode())


def former_issuer_names(names: Iterable[bytes]) -> bytes:
    """IssuerAltName of a CRL: the encoded names of the CSCA before its name changed (Table 10)."""
    return _extension(oids.ISSUER_ALT_NAME, der.sequence(*(der.tagged(4, name) for name in names)))


def basic_constraints() -> bytes:
    """BasicConstraints of a CSCA, critical: cA TRUE, pathLenConstraint always 0."""
    content = der.sequence(der.boolean(value=True), der.integer(0))
    return _extension(oids.BASIC_CONSTRAINTS, content, critical=True)


def extended_key_usage(*purposes: str) -> bytes:
    """ExtKeyUsage, critical."""
    return _extension(oids.EXTENDED_KEY_USAGE, der.sequence(*map(der.oid, purposes)), critical=True)


def crl_distribution_points(urls: Sequence[str]) -> bytes:
    """CRLDistributionPoints: one distribution point, whose fullName is each of the URLs."""
    if not urls or not all(url.startswith(("ldap:", "http:", "https:")) for url in urls):
        raise MisuseError("a certificate requires the CRL's URL (ldap, http or https)")
    names = (der.tagged_primitive(6, url.encode("ascii")) for url in urls)
    point = der.sequence(der.tagged(0, der.tagged(0, *names)))
    return _extension(oids.CRL_DISTRIBUTION_POINTS, der.sequence(point))


def document_types(codes: Iterable[str]) -> bytes:
    """DocumentType: the document codes that a Document Signer signs (Doc 9303-12, 7.1.1.6)."""
    wanted = sorted(set(codes))
    if not wanted or not all(1 <= len(code) <= 2 for code in wanted):
        raise MisuseError("a Document Signer requires document codes of 1 or 2 letters")
    types = der.set_of(*map(der.printable_string, wanted))
    return _extension(oids.DOCUMENT_TYPE_LIST, der.sequence(der.integer(0), types))


def name_change() -> bytes:
    """NameChange: the link certificate also changes the CSCA's name (Doc 9303-12, 7.1.1.5)."""
    return _extension(oids.NAME_CHANGE, der.null())


def crl_number(number: int) -> bytes:
    """CRLNumber: non-negative, at most 20 octets (Table 10)."""
    if not 0 <= number < 1 << 159:
        raise MisuseError("a CRL number must not be negative and must have at most 20 octets")
    return _extension(oids.CRL_NUMBER, der.integer(number))


def _extension(oid: str, content: bytes, *, critical: bool = False) -> bytes:
    flag = der.boolean(value=True) if critical else b""  # DEFAULT FALSE must not be encoded
    return encode(der.SEQUENCE, der.oid(oid), flag, der.octet_string(content))
