"""The Country Signing CA: what it issues, to the profiles and periods of Doc 9303-12."""

import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

import msgspec

from emrtd.crypto.curves import CURVES
from emrtd.crypto.hashes import Hash
from emrtd.crypto.signatures import PublicKey, SignatureFamily, SignatureScheme, Signer
from emrtd.iso7816.procedure import Random
from emrtd.mrz.countries import two_letter_code
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
from support.errors import MisuseError
from support.records import Record, from_json, reject

# Doc 9303-12, Table 2: a CSCA key signs for 3 to 5 years, a DS key for 3 months at most; each
# certificate outlives the last document that rests on it.
CSCA_USAGE: Final = timedelta(days=5 * 365)
DOCUMENT_SIGNER_USAGE: Final = timedelta(days=90)
DOCUMENT_VALIDITY: Final = timedelta(days=3653)
CRL_VALIDITY: Final = timedelta(days=90)
ENCRYPTION_VALIDITY: Final = timedelta(days=5 * 365)

LIST_SIGNER_VALIDITY: Final = timedelta(days=2 * 365)
"""Table 2 leaves the period of list signers to the issuer."""

EMAIL_PROTECTION: Final = "1.3.6.1.5.5.7.3.4"
"""The purpose in a certificate for encryption: the nearest there is to opening a CMS envelope."""

_SMALLEST_CURVE: Final = 224  # bits: nothing smaller fits the hashes of 4.1.6.4
_LONGEST_NAME: Final = 64  # characters: RFC 5280, A.1, ub-common-name and ub-organization-name
_SERIAL: Final = re.compile(r"[0-9A-Fa-f]{1,40}")

_HASHES_BY_FIELD_SIZE: Final = ((28, Hash.SHA224), (40, Hash.SHA256), (48, Hash.SHA384))


class Revocation(Record, frozen=True):
    """A certificate that is revoked: its serial number (hexadecimal), and since when."""

    serial: str
    at: datetime

    def __post_init__(self) -> None:
        if not _SERIAL.fullmatch(self.serial):
            reject("serial", "is not a serial number in hexadecimal")
        if self.at.tzinfo is None:
            reject("at", "is not in UTC")


class HsmAddress(Record, frozen=True):
    """Where an HSM is: the PKCS#11 library's path, and the token's label."""

    module: str
    token: str


class Settings(Record, frozen=True):
    """Who issues, and how; nothing of it is secret.

    `state` is the issuing State's code in the MRZ, `country` its two letters in certificates.
    `document_types` are the document codes that a Document Signer signs; one letter stands for
    every code that begins with it.  `csca` and `document_signer` label the keys in use;
    `csca_name` is the CSCA's common name, where it is not "CSCA" and the State's code.
    """

    state: str
    country: str
    organisation: str
    key: str = "brainpoolP256r1"
    signature: Literal["ECDSA", "RSA", "RSA-PSS"] = "ECDSA"
    hash: Literal["SHA-224", "SHA-256", "SHA-384", "SHA-512"] = "SHA-256"
    curve_parameters: Literal["explicit", "named"] = "explicit"
    email: str = ""
    crl_urls: tuple[str, ...] = ()
    document_types: tuple[str, ...] = ("A", "C", "I", "P")
    csca: str = "csca-1"
    csca_name: str = ""
    document_signer: str = "ds-1"
    documents_per_signer: int = 100_000
    crl_number: int = 1
    revoked: tuple[Revocation, ...] = ()
    hsm: HsmAddress | None = None

    def __post_init__(self) -> None:
        if (self.signature == "ECDSA") == self.key.startswith("RSA"):
            reject("signature", f"{self.signature} cannot be made by a key of kind {self.key}")
        curve = CURVES.get(self.key)
        if curve is not None and curve.n.bit_length() < _SMALLEST_CURVE:
            reject("key", f"{self.key} is too small to sign with: give brainpoolP256r1 or larger")
        for name, text in (("organisation", self.organisation), ("csca_name", self.csca_name)):
            if len(text) > _LONGEST_NAME or not text.isprintable():
                reject(name, f"is more than {_LONGEST_NAME} characters, or not printable ones")
        if not self.organisation.strip():
            reject("organisation", "is empty")
        if self.documents_per_signer < 1:
            reject("documents_per_signer", "is less than 1")
        if not 0 < self.crl_number < 1 << 128:
            reject("crl_number", "is no number of a CRL")

    @property
    def scheme(self) -> SignatureScheme:
        """How the CSCA and the Document Signers sign."""
        return SignatureScheme(SignatureFamily(self.signature), Hash(self.hash))


def settings_for(
    state: str,
    organisation: str,
    key: str = "brainpoolP256r1",
    *,
    pss: bool = True,
    named_curves: bool = False,
) -> Settings:
    """Settings for a new PKI; `state` is its code in the MRZ, the hash fits the key."""
    state = state.upper().rstrip("<")
    country = two_letter_code(state)
    if country is None:
        raise MisuseError(f"{state!r} is not the code of a State in the MRZ, such as UTO or D")
    if key.startswith("RSA-"):
        signature, fitting = ("RSA-PSS" if pss else "RSA"), Hash.SHA256
    else:
        signature, fitting = "ECDSA", _fitting_hash(key)
    fields = {
        "state": state,
        "country": country,
        "organisation": organisation,
        "key": key,
        "signature": signature,
        "hash": fitting.value,
        "curve_parameters": "named" if named_curves else "explicit",
        "email": f"csca@{country.lower()}.example",
        "crl_urls": [f"https://pkddownload1.icao.int/CRLs/{state}.crl"],
    }
    return _settings(fields)


def changed(settings: Settings, **changes: object) -> Settings:
    """Settings with some fields changed to what a person said; raises `FieldError`."""
    return _settings(msgspec.structs.asdict(settings) | changes)


def _settings(fields: Mapping[str, object]) -> Settings:
    return from_json(msgspec.json.encode(fields), Settings, "the PKI's settings")


@dataclass(frozen=True)
class CountrySigningCa:
    """A CSCA with its key; `random` draws serial numbers."""

    settings: Settings
    signer: Signer
    random: Random = secrets.token_bytes

    def issue_root(self, at: datetime) -> Certificate:
        """The self-signed certificate."""
        return self._issue_authority(CertificateKind.CSCA_ROOT, self, at)

    def issue_link(self, successor: "CountrySigningCa", at: datetime) -> Certificate:
        """The link to the next CSCA: its key and name, signed by this one's (4.1.4.3)."""
        return self._issue_authority(CertificateKind.CSCA_LINK, successor, at)

    def _issue_authority(
        self, kind: CertificateKind, holder: "CountrySigningCa", at: datetime
    ) -> Certificate:
        end = at + CSCA_USAGE + DOCUMENT_SIGNER_USAGE + DOCUMENT_VALIDITY
        return self._issue(
            Subject(
                kind,
                holder._own_name,
                self._state,
                holder.signer.public_key,
                Period(at, end),
                private_key_usage=Period(at, at + CSCA_USAGE),
                crl_urls=self.settings.crl_urls,
                changes_name=holder._own_name != self._own_name,
            )
        )

    def issue_list_signer(self, kind: CertificateKind, key: PublicKey, at: datetime) -> Certificate:
        """A certificate for a Master List Signer or a Deviation List Signer."""
        return self._issue(
            Subject(
                kind,
                self._name(kind.value),
                self._state,
                key,
                Period(at, at + LIST_SIGNER_VALIDITY),
                crl_urls=self.settings.crl_urls,
            )
        )

    def issue_document_signer(self, key: PublicKey, number: int, at: datetime) -> Certificate:
        """A certificate for the Document Signer with this number."""
        return self._issue(
            Subject(
                CertificateKind.DOCUMENT_SIGNER,
                self._name(f"Document Signer {number}"),
                self._state,
                key,
                Period(at, at + DOCUMENT_SIGNER_USAGE + DOCUMENT_VALIDITY),
                private_key_usage=Period(at, at + DOCUMENT_SIGNER_USAGE),
                crl_urls=self.settings.crl_urls,
                document_types=frozenset(self.settings.document_types),
            )
        )

    def issue_encryption(self, key: PublicKey, name: str, at: datetime) -> Certificate:
        """A certificate for a key that envelopes are opened with: a station's, or the intake's."""
        return self._issue(
            Subject(
                CertificateKind.COMMUNICATION,
                self._name(name),
                self._state,
                key,
                Period(at, at + ENCRYPTION_VALIDITY),
                key_usage=frozenset({KeyUsage.KEY_AGREEMENT}),
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
        """A revocation list, good for 90 days (Doc 9303-12, 4.1.5); DER.

        `names` are those of all the roots of this CSCA, in their encoding.
        """
        former = sorted(set(names) - {self._own_name})
        return build_crl(self._issuer, Period(at, at + CRL_VALIDITY), number, revoked, former)

    def _issue(self, subject: Subject) -> Certificate:
        serial_number = new_serial_number(self.random)
        return Certificate.parse(build_certificate(subject, self._issuer, serial_number))

    @property
    def _issuer(self) -> Issuer:
        return Issuer(
            self._own_name,
            self._state,
            key_identifier(self.signer.public_key),
            self.signer,
            self.settings.scheme,
            explicit_parameters=self.settings.curve_parameters == "explicit",
        )

    @property
    def _own_name(self) -> bytes:
        return self._name(self.settings.csca_name or f"CSCA {self.settings.state}")

    @property
    def _state(self) -> AlternativeName:
        return AlternativeName(self.settings.state, email=self.settings.email)

    def _name(self, common_name: str) -> bytes:
        settings = self.settings
        return encode_name(
            (COUNTRY, settings.country),
            (ORGANISATION, settings.organisation),
            (COMMON_NAME, common_name),
        )


def _fitting_hash(curve: str) -> Hash:
    """The hash as long as the field, or the next longer one."""
    if curve not in CURVES:
        raise MisuseError(f"{curve!r} is no kind of key: give RSA-3072, or a curve's name")
    size = CURVES[curve].size
    return next((each for limit, each in _HASHES_BY_FIELD_SIZE if size <= limit), Hash.SHA512)
