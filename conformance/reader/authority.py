"""The State of the suite: a CSCA of Utopia, its certificates and CRLs, with any chosen flaw.

Keys are made once in a process.  Those on curves are the same in every run, so that a failed case
can be repeated; RSA and DSA keys come from the random generator of the operating system.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from typing import Final, Protocol

from conformance.reader.dsa import dsa_key
from emrtd.asn1 import der
from emrtd.crypto.curves import CURVES
from emrtd.crypto.hashes import Hash
from emrtd.crypto.private_keys import EcPrivateKey, PrivateKey, RsaPrivateKey
from emrtd.crypto.public_keys import encode_public_key
from emrtd.crypto.signatures import (
    EcPublicKey,
    SignatureScheme,
    VerifyingKey,
    ecdsa_to_plain,
)
from emrtd.pki.x509 import extension_writer as writer
from emrtd.pki.x509 import extensions as ext
from emrtd.pki.x509.algorithms import encode_scheme, scheme_for
from emrtd.pki.x509.certificate_writer import key_identifier
from emrtd.pki.x509.certificates import Certificate
from emrtd.pki.x509.issuing import pkd_crl_url
from emrtd.pki.x509.names import COMMON_NAME, COUNTRY, encode_name

DAY: Final = timedelta(days=1)


@cache
def key(label: str = "", kind: str = "brainpoolP256r1") -> PrivateKey:
    """Return the private key with this label: of a curve, or RSA with its bits ("RSA-2048")."""
    return RsaPrivateKey.generate(int(kind[4:])) if kind[:3] == "RSA" else ec_key(label, kind)


class SigningKey(Protocol):
    """A key of any kind that signs, DSA too."""

    @property
    def public_key(self) -> VerifyingKey:
        """The public half."""
        ...

    def sign(self, scheme: SignatureScheme, message: bytes) -> bytes:
        """Sign a message; DSA and ECDSA signatures are DER."""
        ...


def signing_key(label: str, kind: str) -> SigningKey:
    """Return the private key with this label, of one of the kinds of `key` or "DSA"."""
    return dsa_key(label) if kind == "DSA" else key(label, kind)


def sign(signer: SigningKey, scheme: SignatureScheme, message: bytes) -> bytes:
    """Sign a message; the signature is as the scheme has it."""
    signature = signer.sign(scheme, message)
    public = signer.public_key
    if scheme.plain and isinstance(public, EcPublicKey):
        return ecdsa_to_plain(signature, public.curve)
    return signature


def ec_key(label: str, curve: str) -> EcPrivateKey:
    """Return a key that is the same in every run."""
    seed = label.encode() or b"key"
    made = EcPrivateKey.generate(CURVES[curve], random=lambda n: (seed * n)[:n])
    return EcPrivateKey(CURVES[curve], made.private)


def name(country: str, common_name: str) -> bytes:
    """Return an encoded distinguished name."""
    return encode_name((COUNTRY, country), (COMMON_NAME, common_name))


def extension(oid: str, value: bytes, *, critical: bool = False) -> bytes:
    """Encode an extension with any content."""
    fields = [der.oid(oid), *([der.boolean(True)] if critical else []), der.octet_string(value)]
    return der.sequence(*fields)


def key_usage(*bits: int) -> bytes:
    """Encode the key usage, critical."""
    return writer.key_usage(map(ext.KeyUsage, bits))


Fields = dict[str, bytes]
"""The encoded fields of a structure, by their names in the standard, in order."""


def signed(fields: Fields, signer: SigningKey, scheme: SignatureScheme) -> bytes:
    """Sign the fields of a certificate or a CRL; return it in DER."""
    body = der.sequence(*fields.values())
    signature = der.bit_string(sign(signer, scheme, body))
    return der.sequence(body, encode_scheme(scheme), signature)


@dataclass(frozen=True)
class Authority:
    """A CSCA as of an instant: its key and name, with methods that issue certificates and CRLs."""

    at: datetime
    country: str = "UT"
    label: str = "CSCA 1"
    kind: str = "brainpoolP256r1"
    common_name: str = "CSCA Utopia"
    scheme: SignatureScheme | None = None

    @property
    def key(self) -> SigningKey:
        """The private key."""
        return signing_key(self.label, self.kind)

    @property
    def signing(self) -> SignatureScheme:
        """The scheme of its signatures; by default ECDSA or RSA-PSS with SHA-256."""
        return self.scheme or scheme_for(self.key.public_key, Hash.SHA256)

    @property
    def name(self) -> bytes:
        """The encoded distinguished name."""
        return name(self.country, self.common_name)

    @property
    def key_identifier(self) -> bytes:
        """The identifier of its key (20 octets)."""
        return key_identifier(self.key.public_key)

    def renewed(self, label: str, **changes: str) -> "Authority":
        """Return the CSCA with another key."""
        return replace(self, label=label, **changes)  # type: ignore[arg-type]

    def certificate(self) -> Certificate:
        """Issue the self-signed root."""
        return self.issue(self.root_fields())

    def root_fields(self) -> Fields:
        """Return the fields of the self-signed root."""
        extensions = [
            writer.subject_key_identifier(self.key_identifier),
            writer.authority_key_identifier(self.key_identifier),
            key_usage(ext.KeyUsage.KEY_CERT_SIGN, ext.KeyUsage.CRL_SIGN),
            writer.basic_constraints(),
            *self._of_all,
            writer.private_key_usage_period(self.at - 30 * DAY, self.at + 1000 * DAY),
        ]
        return self._fields(self.name, self.key.public_key, extensions, 1)

    def signer(
        self, label: str = "DS 1", kind: str = "brainpoolP256r1", *, serial: int = 100
    ) -> Certificate:
        """Issue a Document Signer's certificate."""
        return self.issue(self.signer_fields(label, kind, serial=serial))

    def signer_fields(
        self,
        label: str = "DS 1",
        kind: str = "brainpoolP256r1",
        *,
        serial: int = 100,
        extensions: Iterable[bytes] | None = None,
    ) -> Fields:
        """Return the fields of a Document Signer's certificate (RFC 5280, 4.1), to be changed."""
        public = signing_key(label, kind).public_key
        if extensions is None:
            extensions = self.signer_extensions(public).values()
        return self._fields(name(self.country, label), public, extensions, serial)

    def signer_extensions(self, public: VerifyingKey) -> Fields:
        """Return the extensions of a Document Signer's certificate (Doc 9303-12, Table 6)."""
        return {
            "authorityKeyIdentifier": writer.authority_key_identifier(self.key_identifier),
            "subjectKeyIdentifier": writer.subject_key_identifier(key_identifier(public)),
            "keyUsage": key_usage(ext.KeyUsage.DIGITAL_SIGNATURE),
            "others": b"".join(self._of_all),
            "privateKeyUsagePeriod": writer.private_key_usage_period(
                self.at - 30 * DAY, self.at + 60 * DAY
            ),
            "documentTypeList": writer.document_types({"P", "I"}),
        }

    @property
    def _of_all(self) -> list[bytes]:
        """The extensions that every certificate of it has."""
        alternative = writer.AlternativeName(f"{self.country}O", email="csca@ut.example")
        return [
            writer.subject_alternative_name(alternative),
            writer.issuer_alternative_name(alternative),
            writer.crl_distribution_points([pkd_crl_url(f"{self.country}O")]),
        ]

    def _fields(
        self, subject: bytes, public: VerifyingKey, extensions: Iterable[bytes], serial: int
    ) -> Fields:
        return {
            "version": der.tagged(0, der.integer(2)),
            "serialNumber": der.integer(serial),
            "signature": encode_scheme(self.signing),
            "issuer": self.name,
            "validity": der.sequence(der.time(self.at - 30 * DAY), der.time(self.at + 3650 * DAY)),
            "subject": subject,
            "subjectPublicKeyInfo": encode_public_key(public),
            "extensions": der.tagged(3, der.sequence(*extensions)),
        }

    def issue(self, fields: Fields) -> Certificate:
        """Sign the fields of a certificate, without any check of them."""
        return Certificate.parse(signed(fields, self.key, self.signing))

    def crl(self, revoked: Iterable[int] = ()) -> bytes:
        """Return a signed revocation list in DER: of yesterday, for 30 days."""
        issued = self.at - DAY
        entries = [der.sequence(der.integer(serial), der.time(issued)) for serial in revoked]
        identifier = writer.authority_key_identifier(self.key_identifier)
        fields = {
            "version": der.integer(1),
            "signature": encode_scheme(self.signing),
            "issuer": self.name,
            "thisUpdate": der.time(issued),
            "nextUpdate": der.time(self.at + 30 * DAY),
            "revokedCertificates": der.sequence(*entries) if entries else b"",
            "crlExtensions": der.tagged(0, der.sequence(identifier, writer.crl_number(1))),
        }
        return signed(fields, self.key, self.signing)
