"""Writing certificates and CRLs of the eMRTD PKI to the profiles of Doc 9303-12, 7.1.

They are signed by a `Signer`, whose key may be in memory, in a file or in an HSM.
"""

import hashlib
import secrets
from collections.abc import Iterable
from datetime import datetime
from typing import Final

import msgspec

from emrtd import tlv
from emrtd.asn1 import der
from emrtd.crypto.hashes import Hash
from emrtd.crypto.public_keys import encode_public_key
from emrtd.crypto.signatures import PublicKey, SignatureScheme, Signer, VerifyingKey
from emrtd.iso7816.procedure import Random
from emrtd.pki.x509 import extension_writer as extensions
from emrtd.pki.x509.algorithms import encode_scheme
from emrtd.pki.x509.extension_writer import PROFILES, AlternativeName, CertificateKind
from emrtd.pki.x509.extensions import KeyUsage
from support.errors import MisuseError

SERIAL_SIZE: Final = 16
"""Octets of a serial number; Table 5 allows 20."""

_V3: Final = 2
_V2: Final = 1


class Period(msgspec.Struct, frozen=True):
    """A period between two instants in UTC, both included."""

    begin: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.end <= self.begin:
            raise MisuseError("a period must end after it begins")


class Issuer(msgspec.Struct, frozen=True):
    """A CSCA that issues: its encoded name, its key identifier, and the key itself.

    `explicit_parameters` False names curves instead, against Doc 9303-12, 4.1.6.3: OpenSSL 3
    refuses any chain of certificates with explicit parameters.
    """

    name: bytes
    alternative_name: AlternativeName
    key_identifier: bytes
    signer: Signer
    scheme: SignatureScheme
    explicit_parameters: bool = True


class Subject(msgspec.Struct, frozen=True):
    """The contents of a certificate to be issued.

    `key_usage` and `extended_key_usage` are for communication certificates, `document_types` for a
    Document Signer, and `changes_name` for a link certificate to another name.
    """

    kind: CertificateKind
    name: bytes
    alternative_name: AlternativeName
    public_key: PublicKey
    validity: Period
    private_key_usage: Period | None = None
    crl_urls: tuple[str, ...] = ()
    document_types: frozenset[str] = frozenset()
    key_usage: frozenset[KeyUsage] = frozenset()
    extended_key_usage: tuple[str, ...] = ()
    changes_name: bool = False


class RevokedCertificate(msgspec.Struct, frozen=True):
    """An entry of a CRL."""

    serial_number: int
    revoked: datetime


def new_serial_number(random: Random = secrets.token_bytes) -> int:
    """Draw a random serial number: positive, and exactly 16 octets long."""
    octets = random(SERIAL_SIZE)
    return int.from_bytes(bytes((octets[0] & 0x3F | 0x40,)) + octets[1:], "big")


def key_identifier(key: VerifyingKey) -> bytes:
    """Return the identifier of a key: SHA-1 over its bits (RFC 5280, 4.2.1.2, method 1)."""
    info = tlv.read(encode_public_key(key), "public key")
    bits = der.read_bit_string(info.children()[1])
    return hashlib.sha1(bits, usedforsecurity=False).digest()


def build_certificate(subject: Subject, issuer: Issuer, serial_number: int) -> bytes:
    """Issue a certificate; return it in DER.

    Raises `MisuseError` if the subject lacks a field that its profile requires.
    """
    if not 0 < serial_number < 1 << 159:
        raise MisuseError("a serial number must be positive and have at most 20 octets")
    signature = encode_scheme(issuer.scheme)
    return _signed(
        issuer,
        der.tagged(0, der.integer(_V3)),
        der.integer(serial_number),
        signature,
        issuer.name,
        der.sequence(der.time(subject.validity.begin), der.time(subject.validity.end)),
        subject.name,
        encode_public_key(subject.public_key, explicit=issuer.explicit_parameters),
        der.tagged(3, der.sequence(*_extensions(subject, issuer))),
    )


def build_crl(
    issuer: Issuer,
    period: Period,
    number: int,
    revoked: Iterable[RevokedCertificate] = (),
    former_names: Iterable[bytes] = (),
) -> bytes:
    """Issue a CRL (Tables 9 and 10); return it in DER.  `period` is thisUpdate to nextUpdate.

    `former_names` are encoded earlier names of the CSCA; the list contains certificates that were
    issued under these names too (Table 10, note 1).
    """
    names = list(former_names)
    entries = [
        der.sequence(der.integer(each.serial_number), der.time(each.revoked)) for each in revoked
    ]
    return _signed(
        issuer,
        der.integer(_V2),
        encode_scheme(issuer.scheme),
        issuer.name,
        der.time(period.begin),
        der.time(period.end),
        der.sequence(*entries) if entries else b"",  # absent when nothing is revoked
        der.tagged(
            0,
            der.sequence(
                extensions.authority_key_identifier(issuer.key_identifier),
                *([extensions.former_issuer_names(names)] if names else []),
                extensions.crl_number(number),
            ),
        ),
    )


def _signed(issuer: Issuer, *fields: bytes) -> bytes:
    if issuer.scheme.hash is Hash.SHA1:
        raise MisuseError("SHA-1 is too weak for new signatures", advice="use SHA-256 or stronger")
    to_be_signed = der.sequence(*fields)
    signature = issuer.signer.sign(issuer.scheme, to_be_signed)
    algorithm = encode_scheme(issuer.scheme)
    return der.sequence(to_be_signed, algorithm, der.bit_string(signature))


def _extensions(subject: Subject, issuer: Issuer) -> list[bytes]:
    """Encode the extensions of one column of Table 6."""
    kind, profile = subject.kind, PROFILES[subject.kind]
    if profile.needs_usage_period and subject.private_key_usage is None:
        raise MisuseError(f"a {kind.value} requires a private-key usage period")
    if kind is CertificateKind.CSCA_ROOT and subject.alternative_name != issuer.alternative_name:
        raise MisuseError("subject and issuer of a CSCA root must have the same alternative name")
    identifier = key_identifier(subject.public_key)
    purposes = subject.extended_key_usage
    if profile.extended_key_usage is not None:
        purposes = (profile.extended_key_usage,)
    if kind is CertificateKind.COMMUNICATION and not purposes:
        raise MisuseError(f"a {kind.value} requires an extended key usage")
    found = [
        extensions.authority_key_identifier(issuer.key_identifier),
        extensions.subject_key_identifier(identifier),
        extensions.key_usage(profile.key_usage or subject.key_usage),
    ]
    if subject.private_key_usage is not None:
        usage = subject.private_key_usage
        found.append(extensions.private_key_usage_period(usage.begin, usage.end))
    found += [
        extensions.subject_alternative_name(subject.alternative_name),
        extensions.issuer_alternative_name(issuer.alternative_name),
    ]
    if profile.is_authority:
        found.append(extensions.basic_constraints())
    if purposes:
        found.append(extensions.extended_key_usage(*purposes))
    if subject.crl_urls or kind is not CertificateKind.COMMUNICATION:
        found.append(extensions.crl_distribution_points(subject.crl_urls))
    if profile.needs_document_types:
        found.append(extensions.document_types(subject.document_types))
    if subject.changes_name:
        found.append(extensions.name_change())
    return found
