"""A certification authority of the forger's own, which issues anything under any name."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from emrtd.asn1 import ber
from emrtd.crypto.hashes import Hash
from emrtd.crypto.private_keys import EcPrivateKey, PrivateKey
from emrtd.crypto.signatures import PublicKey, SignatureScheme
from emrtd.pki.cms.signed_data_writer import build_signed_data
from emrtd.pki.lists.master_list import ID_MASTER_LIST, encode_master_list
from emrtd.pki.x509 import extension_writer as writer
from emrtd.pki.x509 import extensions as ext
from emrtd.pki.x509.certificate_writer import key_identifier
from emrtd.pki.x509.certificates import Certificate
from emrtd.pki.x509.free_writer import crl_entry, write_certificate, write_crl
from emrtd.pki.x509.names import COMMON_NAME, COUNTRY, Name, encode_name
from vsmartcard.forging.forger import Forger

DAY: Final = timedelta(days=1)
CA_USAGE: Final = (ext.KeyUsage.KEY_CERT_SIGN, ext.KeyUsage.CRL_SIGN)
SIGNING: Final = (ext.KeyUsage.DIGITAL_SIGNATURE,)


def name(country: str, common_name: str) -> bytes:
    """Encode a name."""
    return encode_name((COUNTRY, country), (COMMON_NAME, common_name))


def country_of(encoded: bytes) -> str:
    """Return the country in an encoded name; empty if it has none."""
    return Name.read(ber.read(encoded, "name")).country or ""


@dataclass(frozen=True)
class Signer:
    """A key and its certificate."""

    key: PrivateKey = field(repr=False)
    certificate: Certificate


@dataclass(frozen=True)
class Authority:
    """A CSCA, or somebody who calls himself one.

    `name` is its encoded name.  `key_identifier` is the one that it writes, by default that of its
    key.
    """

    forger: Forger
    name: bytes
    key: EcPrivateKey = field(repr=False)
    key_identifier: bytes

    @classmethod
    def of(
        cls,
        forger: Forger,
        name: bytes,
        *,
        key: EcPrivateKey | None = None,
        key_identifier_: bytes | None = None,
    ) -> "Authority":
        """Make an authority with this name, and a new key."""
        key = key or forger.key()
        return cls(forger, name, key, key_identifier_ or key_identifier(key.public_key))

    @property
    def began(self) -> datetime:
        """When its certificates begin."""
        return self.forger.at - 30 * DAY

    @property
    def ends(self) -> datetime:
        """When its certificates end."""
        return self.forger.at + 3650 * DAY

    def ca_extensions(self, *, usage: Iterable[ext.KeyUsage] = CA_USAGE) -> list[bytes]:
        """Return the extensions of its own certificate."""
        return [
            writer.subject_key_identifier(self.key_identifier),
            writer.authority_key_identifier(self.key_identifier),
            writer.key_usage(usage),
            writer.basic_constraints(),
        ]

    def sign(
        self,
        subject: bytes,
        public: PublicKey,
        extensions: Iterable[bytes],
        *,
        serial: int | None = None,
        issuer: bytes | None = None,
        not_before: datetime | None = None,
        not_after: datetime | None = None,
        scheme: SignatureScheme | None = None,
    ) -> Certificate:
        """Sign a certificate of anybody, with any extensions."""
        return Certificate.parse(
            write_certificate(
                issuer or self.name,
                subject,
                public,
                self.key,
                extensions,
                serial=self.forger.chance.getrandbits(63) | 1 << 62 if serial is None else serial,
                not_before=not_before or self.began,
                not_after=not_after or self.ends,
                scheme=scheme,
            )
        )

    def root(self, extensions: Iterable[bytes] | None = None) -> Certificate:
        """Return its self-signed certificate."""
        extensions = self.ca_extensions() if extensions is None else extensions
        return self.sign(self.name, self.key.public_key, extensions, serial=1)

    def link(self, to: "Authority", extensions: Iterable[bytes] | None = None) -> Certificate:
        """Return a certificate of another authority, signed as a link from this one."""
        if extensions is None:
            extensions = [
                writer.subject_key_identifier(to.key_identifier),
                writer.authority_key_identifier(self.key_identifier),
                writer.key_usage(CA_USAGE),
                writer.basic_constraints(),
            ]
        return self.sign(to.name, to.key.public_key, extensions)

    def signer(
        self,
        common_name: str = "DS 1",
        *,
        key: PrivateKey | None = None,
        usage: Iterable[ext.KeyUsage] = SIGNING,
        more: Iterable[bytes] = (),
        subject: bytes | None = None,
        issuer: bytes | None = None,
        serial: int | None = None,
        not_before: datetime | None = None,
        not_after: datetime | None = None,
    ) -> Signer:
        """Issue a Document Signer, or another signer by `usage` and `more` extensions."""
        key = key or self.forger.key()
        certificate = self.sign(
            subject or name(country_of(self.name), common_name),
            key.public_key,
            [
                writer.authority_key_identifier(self.key_identifier),
                writer.subject_key_identifier(key_identifier(key.public_key)),
                writer.key_usage(usage),
                *more,
            ],
            serial=serial,
            issuer=issuer,
            not_before=not_before,
            not_after=not_after,
        )
        return Signer(key, certificate)

    def crl(
        self,
        *revoked: int,
        issued: datetime | None = None,
        next_update: datetime | None = None,
        number: int = 1,
        key: EcPrivateKey | None = None,
        more: Iterable[bytes] = (),
    ) -> bytes:
        """Return a CRL: of yesterday, valid for a month, unless told otherwise."""
        issued = issued or self.forger.at - DAY
        return write_crl(
            self.name,
            key or self.key,
            [crl_entry(serial, issued) for serial in revoked],
            [
                writer.authority_key_identifier(self.key_identifier),
                writer.crl_number(number),
                *more,
            ],
            issued=issued,
            next_update=next_update or self.forger.at + 30 * DAY,
        )

    def master_list(self, *certificates: Certificate, signer: Signer | None = None) -> bytes:
        """Return a Master List with these certificates."""
        signer = signer or self.signer(
            "ML", more=[writer.extended_key_usage(ext.MASTER_LIST_SIGNER)]
        )
        return self.signed_list(ID_MASTER_LIST, encode_master_list(certificates), signer)

    def signed_list(self, content_type: str, content: bytes, signer: Signer) -> bytes:
        """Return a list of any type, with any content."""
        return build_signed_data(
            content_type,
            content,
            signer.key,
            signer.certificate,
            Hash.SHA256,
            self.forger.at - DAY,
            by_key_identifier=True,
        )
