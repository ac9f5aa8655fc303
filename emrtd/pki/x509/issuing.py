"""A Country Signing CA that issues certificates and CRLs to the profiles of Doc 9303-12.

The CSCA's key may be in memory, in a file or in an HSM.
"""

import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Annotated, Final

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
from support.records import Record

CRL_VALIDITY: Final = timedelta(days=90)
"""The longest validity of a revocation list (Doc 9303-12, 4.1.5)."""

EMAIL_PROTECTION: Final = "1.3.6.1.5.5.7.3.4"
"""The purpose in a certificate for CMS: the closest standard one to decrypting or signing it."""


class Validity(Record, frozen=True):
    """How long keys sign and certificates are valid, in days.

    A CSCA's key signs for 3 to 5 years and a Document Signer's for 3 months at most (Doc 9303-12,
    Table 2).  Each certificate is valid until the last document that depends on it expires, so
    `documents` is the longest validity of a document (4.1.1.1, 4.1.4.1).  The period of list
    signers, and of the keys of the intake and the stations (`services`), is the issuer's choice.
    """

    csca_key: Annotated[int, msgspec.Meta(ge=1, le=5 * 366)] = 5 * 365
    document_signer_key: Annotated[int, msgspec.Meta(ge=1, le=92)] = 90
    documents: Annotated[int, msgspec.Meta(ge=1, le=20 * 366)] = 3653
    list_signers: Annotated[int, msgspec.Meta(ge=1, le=10 * 366)] = 2 * 365
    services: Annotated[int, msgspec.Meta(ge=1, le=10 * 366)] = 5 * 365
    revocation_list: Annotated[int, msgspec.Meta(ge=3, le=CRL_VALIDITY.days)] = CRL_VALIDITY.days

    def csca(self, at: datetime) -> Period:
        """Return the validity of a CSCA certificate that is issued now (4.1.4.1)."""
        days = self.csca_key + self.document_signer_key + self.documents
        return Period(at, at + timedelta(days=days))

    def document_signer(self, at: datetime) -> Period:
        """Return the validity of a Document Signer that is issued now (4.1.1.1)."""
        return Period(at, at + timedelta(days=self.document_signer_key + self.documents))


def pkd_crl_url(state: str) -> str:
    """Return the URL of a State's revocation list in the ICAO PKD."""
    return f"https://pkddownload1.icao.int/CRLs/{state}.crl"


class CscaProfile(msgspec.Struct, frozen=True):
    """What the certificates that one CSCA issues have in common.

    `state` is the issuing State's code in the MRZ, `country` its two letters in certificates.
    `common_name` is the CSCA's, if it is not "CSCA" and the State's code.
    `crl_urls` are the URLs of the revocation list; certificates require one (Table 6).
    `email` and `uri` are for contact.
    `document_types` are the document codes that a Document Signer signs; one letter stands for
    every code that begins with it.  `explicit_parameters` False names curves instead, against
    Doc 9303-12, 4.1.6.3.  A Document Signer's common name is `document_signer_name` and its number.
    """

    state: str
    country: str
    organisation: str
    scheme: SignatureScheme
    crl_urls: tuple[str, ...]
    common_name: str = ""
    email: str = ""
    uri: str = ""
    document_types: frozenset[str] = frozenset({"A", "C", "I", "P"})
    explicit_parameters: bool = True
    document_signer_name: str = "Document Signer"
    validity: Validity = Validity()

    @property
    def csca_name(self) -> bytes:
        """The CSCA's distinguished name, encoded."""
        return self.name(self.common_name or f"CSCA {self.state}")

    @property
    def alternative_name(self) -> AlternativeName:
        """The alternative name of every holder: the State, an e-mail address, a URI."""
        return AlternativeName(self.state, email=self.email, uri=self.uri)

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
        validity = self.profile.validity
        return self._issue(
            Subject(
                kind,
                holder.profile.csca_name,
                self.profile.alternative_name,
                holder.signer.public_key,
                validity.csca(at),
                private_key_usage=_days(at, validity.csca_key),
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
                _days(at, self.profile.validity.list_signers),
                crl_urls=self.profile.crl_urls,
            )
        )

    def issue_document_signer(self, key: PublicKey, number: int, at: datetime) -> Certificate:
        """Issue a certificate for the Document Signer with this number."""
        return self._issue(
            Subject(
                CertificateKind.DOCUMENT_SIGNER,
                self.profile.name(f"{self.profile.document_signer_name} {number}"),
                self.profile.alternative_name,
                key,
                self.profile.validity.document_signer(at),
                private_key_usage=_days(at, self.profile.validity.document_signer_key),
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
                _days(at, self.profile.validity.services),
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
        """Issue a revocation list, for 90 days at most (Doc 9303-12, 4.1.5); return DER.

        `names` are the encoded names of all roots of this CSCA.
        """
        former = sorted(set(names) - {self.profile.csca_name})
        period = _days(at, self.profile.validity.revocation_list)
        return build_crl(self._issuer, period, number, revoked, former)

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


def _days(at: datetime, days: int) -> Period:
    return Period(at, at + timedelta(days=days))
