"""A Country Signing CA that issues certificates and CRLs to the profiles of Doc 9303-12.

The CSCA's key may be in memory, in a file or in an HSM.
"""

import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

import msgspec

from emrtd.crypto.signatures import PublicKey, RsaPublicKey, SignatureScheme, Signer
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
from emrtd.pki.x509.extensions import KeyUsage
from emrtd.pki.x509.names import COMMON_NAME, COUNTRY, ORGANISATION, encode_name

# Doc 9303-12, Table 2: a CSCA key signs for 3 to 5 years, a DS key for 3 months at most; each
# certificate is valid until the last document that depends on it expires.
CSCA_USAGE: Final = timedelta(days=5 * 365)
DOCUMENT_SIGNER_USAGE: Final = timedelta(days=90)
DOCUMENT_VALIDITY: Final = timedelta(days=3653)
CRL_VALIDITY: Final = timedelta(days=90)
COMMUNICATION_VALIDITY: Final = timedelta(days=5 * 365)

LIST_SIGNER_VALIDITY: Final = timedelta(days=2 * 365)
"""Table 2 leaves the period of list signers to the issuer."""

EMAIL_PROTECTION: Final = "1.3.6.1.5.5.7.3.4"
"""The purpose in a certificate for CMS: the closest standard one to decrypting or signing it."""


def document_signer_period(at: datetime) -> Period:
    """Return the validity of a Document Signer that is issued now (Doc 9303-12, 4.1.1.1)."""
    return Period(at, at + DOCUMENT_SIGNER_USAGE + DOCUMENT_VALIDITY)


def pkd_crl_url(state: str) -> str:
    """Return the URL of a State's revocation list in the ICAO PKD."""
    return f"https://pkddownload1.icao.int/CRLs/{state}.crl"


class CscaProfile(msgspec.Struct, frozen=True):
    """What the certificates that one CSCA issues have in common.

    `state` is the issuing State's code in the MRZ, `country` its two letters in certificates.
    `common_name` is the CSCA's, if it is not "CSCA" and the State's code.
    `crl_urls` are the URLs of the revocation list; certificates require one (Table 6).
    `document_types` are the document codes that a Document Signer signs; one letter stands for
    every code that begins with it.  `explicit_parameters` False names curves instead, against
    Doc 9303-12, 4.1.6.3.
    """

    state: str
    country: str
    organisation: str
    scheme: SignatureScheme
    crl_urls: tuple[str, ...]
    common_name: str = ""
    email: str = ""
    document_types: frozenset[str] = frozenset({"A", "C", "I", "P"})
    explicit_parameters: bool = True

    @property
    def csca_name(self) -> bytes:
        """The CSCA's distinguished name, encoded."""
        return self.name(self.common_name or f"CSCA {self.state}")

    @property
    def alternative_name(self) -> AlternativeName:
        """The alternative name of every holder: the State and an e-mail address."""
        return AlternativeName(self.state, email=self.email)

    def name(self, common_name: str) -> bytes:
        """Return the encoded distinguished name of a holder with this common name."""
        return encode_name(
            (COUNTRY, self.country),
            (ORGANISATION, self.organisation),
            (COMMON_NAME, common_name),
        )


class CountrySigningCa(msgspec.Struct, frozen=True):
    """A CSCA with its key; `random` draws serial numbers."""

    profile: CscaProfile
    signer: Signer
    random: Random = secrets.token_bytes

    def issue_root(self, at: datetime) -> Certificate:
        """Issue the self-signed certificate."""
        return self._issue_csca(CertificateKind.CSCA_ROOT, self, at)

    def issue_link(self, successor: "CountrySigningCa", at: datetime) -> Certificate:
        """Issue the link certificate of the next CSCA, signed by this one's key (4.1.4.3)."""
        return self._issue_csca(CertificateKind.CSCA_LINK, successor, at)

    def _issue_csca(
        self, kind: CertificateKind, holder: "CountrySigningCa", at: datetime
    ) -> Certificate:
        end = at + CSCA_USAGE + DOCUMENT_SIGNER_USAGE + DOCUMENT_VALIDITY
        return self._issue(
            Subject(
                kind,
                holder.profile.csca_name,
                self.profile.alternative_name,
                holder.signer.public_key,
                Period(at, end),
                private_key_usage=Period(at, at + CSCA_USAGE),
                crl_urls=self.profile.crl_urls,
                changes_name=holder.profile.csca_name != self.profile.csca_name,
            )
        )

    def issue_list_signer(self, kind: CertificateKind, key: PublicKey, at: datetime) -> Certificate:
        """Issue a certificate for a Master List Signer or a Deviation List Signer."""
        return self._issue(
            Subject(
                kind,
                self.profile.name(kind.value),
                self.profile.alternative_name,
                key,
                Period(at, at + LIST_SIGNER_VALIDITY),
                crl_urls=self.profile.crl_urls,
            )
        )

    def issue_document_signer(self, key: PublicKey, number: int, at: datetime) -> Certificate:
        """Issue a certificate for the Document Signer with this number."""
        return self._issue(
            Subject(
                CertificateKind.DOCUMENT_SIGNER,
                self.profile.name(f"Document Signer {number}"),
                self.profile.alternative_name,
                key,
                document_signer_period(at),
                private_key_usage=Period(at, at + DOCUMENT_SIGNER_USAGE),
                crl_urls=self.profile.crl_urls,
                document_types=self.profile.document_types,
            )
        )

    def issue_encryption(self, key: PublicKey, name: str, at: datetime) -> Certificate:
        """Issue a certificate for a key that decrypts envelopes: a station's or the intake's."""
        transports = isinstance(key, RsaPublicKey)
        usage = KeyUsage.KEY_ENCIPHERMENT if transports else KeyUsage.KEY_AGREEMENT
        return self._issue_communication(key, name, at, usage)

    def issue_signing(self, key: PublicKey, name: str, at: datetime) -> Certificate:
        """Issue a certificate for a key that signs messages, such as the intake's receipts."""
        return self._issue_communication(key, name, at, KeyUsage.DIGITAL_SIGNATURE)

    def _issue_communication(
        self, key: PublicKey, name: str, at: datetime, usage: KeyUsage
    ) -> Certificate:
        return self._issue(
            Subject(
                CertificateKind.COMMUNICATION,
                self.profile.name(name),
                self.profile.alternative_name,
                key,
                Period(at, at + COMMUNICATION_VALIDITY),
                key_usage=frozenset({usage}),
                extended_key_usage=(EMAIL_PROTECTION,),
            )
        )

    def issue_crl(
        self,
        number: int,
        at: datetime,
        revoked: Iterable[RevokedCertificate] = (),
        names: Iterable[bytes] = (),
    ) -> bytes:
        """Issue a revocation list that is valid for 90 days (Doc 9303-12, 4.1.5); return DER.

        `names` are the encoded names of all roots of this CSCA.
        """
        former = sorted(set(names) - {self.profile.csca_name})
        return build_crl(self._issuer, Period(at, at + CRL_VALIDITY), number, revoked, former)

    def _issue(self, subject: Subject) -> Certificate:
        serial_number = new_serial_number(self.random)
        return Certificate.parse(build_certificate(subject, self._issuer, serial_number))

    @property
    def _issuer(self) -> Issuer:
        return Issuer(
            self.profile.csca_name,
            self.profile.alternative_name,
            key_identifier(self.signer.public_key),
            self.signer,
            self.profile.scheme,
            explicit_parameters=self.profile.explicit_parameters,
        )
