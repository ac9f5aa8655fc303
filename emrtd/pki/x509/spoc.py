"""The certificates of a Single Point of Contact, and a CA of its own for them (9303-12, 7.2.1).

The CA is separate from the CSCA, which the clause allows: it names its curve, where a CSCA writes
explicit parameters, and a TLS library that refuses these could not verify a chain to it.
"""

import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import Enum, unique
from typing import Final

import msgspec

from emrtd.crypto.hashes import Hash
from emrtd.crypto.signatures import PublicKey, SignatureFamily, SignatureScheme, Signer
from emrtd.iso7816.procedure import Random
from emrtd.pki.x509.certificate_writer import (
    Issuer,
    Period,
    RevokedCertificate,
    Subject,
    build_certificate,
    build_crl,
    key_identifier,
    new_serial_number,
)
from emrtd.pki.x509.certificates import Certificate
from emrtd.pki.x509.extension_writer import AlternativeName, CertificateKind
from emrtd.pki.x509.extensions import SPOC_CLIENT, SPOC_SERVER, KeyUsage
from emrtd.pki.x509.names import COMMON_NAME, COUNTRY, ORGANISATION, encode_name

CURVE: Final = "secp256r1"
"""The curve of the CA and of both TLS keys: one that every TLS library has."""

SCHEME: Final = SignatureScheme(SignatureFamily.ECDSA, Hash.SHA256)
CA_VALIDITY: Final = timedelta(days=5 * 365)
TLS_VALIDITY: Final = timedelta(days=365)
CRL_VALIDITY: Final = timedelta(days=90)


@unique
class SpocRole(Enum):
    """The two ends of a connection: the common name, and the purposes in the certificate.

    The first purpose is what Doc 9303-12 requires, the second what TLS libraries look for.
    """

    CLIENT = ("SPOC TLS client", (SPOC_CLIENT, "1.3.6.1.5.5.7.3.2"))
    SERVER = ("SPOC TLS server", (SPOC_SERVER, "1.3.6.1.5.5.7.3.1"))

    @property
    def common_name(self) -> str:
        """The common name in the subject."""
        return self.value[0]

    @property
    def purposes(self) -> tuple[str, ...]:
        """The extended key usage, that of Doc 9303-12 first."""
        return self.value[1]


class SpocCa(msgspec.Struct, frozen=True):
    """The CA of one State's SPOC, with its key; `crl_urls` are where its list is published."""

    state: str
    country: str
    organisation: str
    crl_urls: tuple[str, ...]
    signer: Signer
    email: str = ""
    uri: str = ""
    random: Random = secrets.token_bytes

    def issue_root(self, at: datetime) -> Certificate:
        """Issue the self-signed certificate."""
        period = Period(at, at + CA_VALIDITY)
        return self._issue(
            Subject(
                CertificateKind.CSCA_ROOT,
                self._name,
                self._alternative_name(),
                self.signer.public_key,
                period,
                private_key_usage=Period(at, at + CA_VALIDITY - TLS_VALIDITY),
                crl_urls=self.crl_urls,
            )
        )

    def issue(self, role: SpocRole, key: PublicKey, host: str, at: datetime) -> Certificate:
        """Issue the certificate of a TLS client, or of the server with this host name."""
        return self._issue(
            Subject(
                CertificateKind.COMMUNICATION,
                self._named(role.common_name),
                self._alternative_name(host if role is SpocRole.SERVER else ""),
                key,
                Period(at, at + TLS_VALIDITY),
                crl_urls=self.crl_urls,
                key_usage=frozenset({KeyUsage.DIGITAL_SIGNATURE}),
                extended_key_usage=role.purposes,
            )
        )

    def issue_crl(
        self, number: int, at: datetime, revoked: Iterable[RevokedCertificate] = ()
    ) -> bytes:
        """Issue a revocation list for 90 days; return DER."""
        return build_crl(self._issuer, Period(at, at + CRL_VALIDITY), number, revoked)

    def _issue(self, subject: Subject) -> Certificate:
        serial = new_serial_number(self.random)
        return Certificate.parse(build_certificate(subject, self._issuer, serial))

    @property
    def _name(self) -> bytes:
        return self._named(f"SPOC CA {self.state}")

    def _named(self, common_name: str) -> bytes:
        return encode_name(
            (COUNTRY, self.country), (ORGANISATION, self.organisation), (COMMON_NAME, common_name)
        )

    def _alternative_name(self, host: str = "") -> AlternativeName:
        return AlternativeName(self.state, email=self.email, uri=self.uri, host=host)

    @property
    def _issuer(self) -> Issuer:
        return Issuer(
            self._name,
            self._alternative_name(),
            key_identifier(self.signer.public_key),
            self.signer,
            SCHEME,
            explicit_parameters=False,
        )
