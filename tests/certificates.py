"""A small CSCA for tests: makes certificates and CRLs, with any chosen flaw."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import sha512

from emrtd.asn1 import der
from emrtd.crypto.curves import CURVES
from emrtd.crypto.hashes import Hash
from emrtd.crypto.private_keys import EcPrivateKey, PrivateKey, RsaPrivateKey
from emrtd.crypto.signatures import PublicKey, RsaPublicKey, SignatureFamily, SignatureScheme
from emrtd.pki.cms.signed_data_writer import build_signed_data
from emrtd.pki.lists.master_list import ID_MASTER_LIST, encode_master_list
from emrtd.pki.x509 import extension_writer as writer
from emrtd.pki.x509 import extensions as ext
from emrtd.pki.x509.certificate_writer import key_identifier
from emrtd.pki.x509.certificates import Certificate
from emrtd.pki.x509.free_writer import (
    crl_entry,
    extension,
    write_certificate,
    write_crl,
)
from emrtd.pki.x509.issuing import CscaProfile, pkd_crl_url
from emrtd.pki.x509.names import COMMON_NAME, COUNTRY, encode_name
from tests.helpers import replace

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)


UTOPIA = CscaProfile(
    "UTO",
    "UT",
    "Utopia",
    SignatureScheme(SignatureFamily.ECDSA, Hash.SHA256),
    (pkd_crl_url("UTO"),),
    email="csca@ut.example",
)
"""What all certificates of a conforming CSCA have in common."""


@cache
def key(label: str = "", kind: str = "brainpoolP256r1") -> PrivateKey:
    """Return the private key with this label, which is made once per test run."""
    return RsaPrivateKey.generate(int(kind[4:])) if kind[:3] == "RSA" else ec_key(label, kind)


def ec_key(label: str, curve: str) -> EcPrivateKey:
    """Return a key that is the same in every run; so are its signatures."""
    made = EcPrivateKey.generate(CURVES[curve], random=lambda n: (label.encode() * n)[:n])
    nonce = sha512(label.encode() + b" nonce").digest() * 2
    return EcPrivateKey(CURVES[curve], made.private, random=lambda n: nonce[:n])


@dataclass(frozen=True)
class WithoutNull:
    """An RSA key that signs a DigestInfo without NULL, as UN's Master List Signer did."""

    key: RsaPrivateKey

    @property
    def public_key(self) -> RsaPublicKey:
        return self.key.public_key

    def sign(self, scheme: SignatureScheme, message: bytes) -> bytes:
        digest = der.octet_string(scheme.hash.digest(message))
        info = der.sequence(der.sequence(der.oid(scheme.hash.oid)), digest)
        size = self.public_key.size
        padded = b"\x00\x01" + b"\xff" * (size - len(info) - 3) + b"\x00" + info
        return self.key.apply(int.from_bytes(padded, "big")).to_bytes(size, "big")


def name(country: str, common_name: str) -> bytes:
    return encode_name((COUNTRY, country), (COMMON_NAME, common_name))


def key_usage(*bits: int) -> bytes:
    return writer.key_usage(map(ext.KeyUsage, bits))


basic_constraints = writer.basic_constraints
extended_key_usage = writer.extended_key_usage
usage_period = writer.private_key_usage_period


def make_certificate(
    issuer: bytes,
    subject: bytes,
    public: PublicKey,
    signing: PrivateKey,
    extensions: Iterable[bytes],
    *,
    serial: int = 1,
    not_before: datetime = NOW - 30 * DAY,
    not_after: datetime = NOW + 3650 * DAY,
    scheme: SignatureScheme | None = None,
) -> Certificate:
    """Sign a certificate without any check of its contents."""
    return Certificate.parse(
        write_certificate(
            issuer,
            subject,
            public,
            signing,
            extensions,
            serial=serial,
            not_before=not_before,
            not_after=not_after,
            scheme=scheme,
        )
    )


@dataclass(frozen=True)
class Authority:
    """A CSCA: its key and name, with methods that issue certificates, lists and CRLs."""

    country: str = "UT"
    label: str = "CSCA 1"
    kind: str = "brainpoolP256r1"
    common_name: str = "CSCA Utopia"

    @property
    def key(self) -> PrivateKey:
        return key(self.label, self.kind)

    @property
    def name(self) -> bytes:
        return name(self.country, self.common_name)

    @property
    def key_identifier(self) -> bytes:
        return key_identifier(self.key.public_key)

    def extensions(self, *, ca: bool = True, authority: bytes | None = None) -> list[bytes]:
        identifier = authority or self.key_identifier
        return [
            writer.subject_key_identifier(self.key_identifier),
            writer.authority_key_identifier(identifier),
            key_usage(ext.KeyUsage.KEY_CERT_SIGN, ext.KeyUsage.CRL_SIGN),
            *([basic_constraints()] if ca else []),
        ]

    def certificate(self, *, ca: bool = True, serial: int = 1, **fields: object) -> Certificate:
        """Issue the self-signed root."""
        return make_certificate(
            self.name,
            self.name,
            self.key.public_key,
            self.key,
            self.extensions(ca=ca),
            serial=serial,
            **fields,  # type: ignore[arg-type]
        )

    def link(self, to: "Authority", serial: int = 2) -> Certificate:
        """Issue the link certificate for a new key, which may have a new name."""
        changed = self.name != to.name
        return make_certificate(
            self.name,
            to.name,
            to.key.public_key,
            self.key,
            [
                *to.extensions(authority=self.key_identifier),
                *([extension(ext.NAME_CHANGE, der.null())] if changed else []),
            ],
            serial=serial,
        )

    def renewed(self, label: str, **changes: str) -> "Authority":
        """Return the CSCA with another key."""
        return replace(self, label=label, **changes)  # type: ignore[arg-type]

    def issue(
        self,
        label: str = "DS 1",
        kind: str = "brainpoolP256r1",
        *,
        serial: int = 100,
        subject: bytes | None = None,
        issuer: bytes | None = None,
        extensions: Iterable[bytes] | None = None,
        more: Iterable[bytes] = (),
        authority: bytes | None = None,
        **fields: object,
    ) -> Certificate:
        """Issue a Document Signer's certificate, or another kind by its `extensions`."""
        if extensions is None:
            extensions = [
                writer.authority_key_identifier(authority or self.key_identifier),
                writer.subject_key_identifier(key_identifier(key(label, kind).public_key)),
                key_usage(ext.KeyUsage.DIGITAL_SIGNATURE),
            ]
        return make_certificate(
            issuer or self.name,
            subject or name(self.country, label),
            key(label, kind).public_key,
            self.key,
            [*extensions, *more],
            serial=serial,
            **fields,  # type: ignore[arg-type]
        )

    def list_signer(
        self, purpose: str, label: str = "list signer", **fields: object
    ) -> Certificate:
        """Issue the certificate of a Master or Deviation List Signer."""
        own = key(label).public_key
        extensions = [
            writer.authority_key_identifier(self.key_identifier),
            writer.subject_key_identifier(key_identifier(own)),
            key_usage(ext.KeyUsage.DIGITAL_SIGNATURE),
            extended_key_usage(purpose),
        ]
        return self.issue(label, extensions=extensions, **{"serial": 200, **fields})

    def master_list(
        self,
        *certificates: Certificate,
        signer: Certificate | None = None,
        signed: datetime = NOW - DAY,
        **options: object,
    ) -> bytes:
        """Return a signed Master List in DER."""
        return build_signed_data(
            ID_MASTER_LIST,
            encode_master_list(certificates),
            key("list signer"),
            signer or self.list_signer(ext.MASTER_LIST_SIGNER),
            Hash.SHA256,
            signed,
            by_key_identifier=True,
            **options,  # type: ignore[arg-type]
        )

    def crl(
        self,
        revoked: Iterable[int] = (),
        *,
        issued: datetime = NOW - DAY,
        next_update: datetime | None = NOW + 30 * DAY,
        signing: PrivateKey | None = None,
        issuer: bytes | None = None,
        number: int = 1,
    ) -> bytes:
        """Return a signed revocation list in DER."""
        signing = signing or self.key
        return write_crl(
            issuer or self.name,
            signing,
            [crl_entry(serial, issued) for serial in revoked],
            [
                writer.authority_key_identifier(key_identifier(signing.public_key)),
                writer.crl_number(number),
            ],
            issued=issued,
            next_update=next_update,
        )
