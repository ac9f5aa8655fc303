"""The settings of an issuing PKI, `pki.json`: the issuer, its algorithms and its keys in use."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final, Literal

import msgspec

from emrtd.crypto.curves import CURVES
from emrtd.crypto.hashes import Hash
from emrtd.crypto.key_kinds import fitting_hash
from emrtd.crypto.signatures import SignatureFamily, SignatureScheme
from emrtd.mrz.countries import (
    SPECIMEN_STATE,
    is_issuing_authority,
    probably_meant,
    two_letter_code,
)
from emrtd.pki.cvc.issuing import CURVE, CvValidity
from emrtd.pki.x509.issuing import CscaProfile, Validity, pkd_crl_url
from support.errors import MisuseError
from support.records import Record, from_json, reject

_SMALLEST_CURVE: Final = 224  # bits: the shortest hash of Doc 9303-12, 4.1.6.4
_LONGEST_NAME: Final = 64  # characters: RFC 5280, A.1, ub-common-name and ub-organization-name
_EMAIL: Final = re.compile(r"[!-?A-~]{1,64}@[A-Za-z0-9.-]{1,190}", re.ASCII)
_URL: Final = re.compile(r"(https?|ldaps?)://[!-~]{1,500}", re.ASCII)
_PERSON: Final = re.compile(r"(user|officer):[^\s:]{1,64}")
_SERIAL: Final = re.compile(r"[0-9A-Fa-f]{1,40}")


class Revocation(Record, frozen=True):
    """A revoked certificate: its serial number (hexadecimal), and when it was revoked."""

    serial: str
    at: datetime

    def __post_init__(self) -> None:
        if not _SERIAL.fullmatch(self.serial):
            reject("serial", "is not a serial number in hexadecimal")
        if self.at.tzinfo is None:
            reject("at", "is not in UTC")


class HsmAddress(Record, frozen=True):
    """The address of an HSM: the PKCS#11 library's path, and the token's label."""

    module: str
    token: str


class AcceptedClock(Record, frozen=True):
    """An officer's acceptance of a clock, and the latest instant that was known then."""

    at: datetime
    seen: datetime

    def __post_init__(self) -> None:
        if self.at.tzinfo is None or self.seen.tzinfo is None:
            reject("at", "is not in UTC")


class LedgerSettings(Record, frozen=True):
    """How the ledger of the personalisation line is used.

    `lease_seconds` is how long a station's claim holds unless it is renewed.  With `only_stock` a
    station writes only to cards that were received into stock, with `print_first` only to cards
    that were printed for their application.  `uncounted` is what `prepare` and
    `write` do, which no ledger counts: "say" so, or "refuse".  `hsm` is where the keys of retention
    periods are made; without it they are files in the PKI's folder.
    """

    lease_seconds: int = 60
    only_stock: bool = False
    print_first: bool = False
    uncounted: Literal["say", "refuse"] = "say"
    hsm: HsmAddress | None = None

    def __post_init__(self) -> None:
        if not 10 <= self.lease_seconds <= 3600:
            reject("lease_seconds", "is not between 10 and 3600")


class KeyKinds(Record, frozen=True):
    """The kinds of keys that are not as the CSCA's: a curve's name, or RSA-3072; "" is as it.

    `cvca` is the kind of the EAC PKI's first keys; "" is brainpoolP256r1.
    """

    document_signer: str = ""
    list_signer: str = ""
    cvca: str = ""

    def named(self) -> Iterator[tuple[str, str]]:
        """Yield the field and the kind of each that is named."""
        for name in ("document_signer", "list_signer", "cvca"):
            kind = getattr(self, name)
            if kind:
                yield f"keys.{name}", kind


class PeopleSettings(Record, frozen=True):
    """The operators and supervisors of the personalisation line.

    Each is `user:NAME` or `user:NUMBER` of the operating system, or `officer:NAME` of the PKI.
    """

    operators: tuple[str, ...] = ()
    supervisors: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for field in ("operators", "supervisors"):
            for each in getattr(self, field):
                if not _PERSON.fullmatch(each):
                    reject(field, f"{each!r} is not user:NAME or officer:NAME")


class Settings(Record, frozen=True):
    """The settings of a PKI; none of them is secret.

    `state` is the issuing State's code in the MRZ, `country` its two letters in certificates.
    `key` is the kind of the CSCA's key, and of the others' where `keys` names none.  `email` and
    `url` are for contact: every certificate's alternative names.
    `document_types` are the document codes that a Document Signer signs; one letter stands for
    every code that begins with it.  `csca` and `document_signer` are the labels of the keys in use;
    `csca_name` is the CSCA's common name, if it is not "CSCA" and the State's code.
    """

    state: str
    country: str
    organisation: str
    key: str = "brainpoolP256r1"
    signature: Literal["ECDSA", "RSA", "RSA-PSS"] = "ECDSA"
    hash: Literal["SHA-224", "SHA-256", "SHA-384", "SHA-512"] = "SHA-256"
    curve_parameters: Literal["explicit", "named"] = "explicit"
    keys: KeyKinds = KeyKinds()
    email: str = ""
    url: str = ""
    crl_urls: tuple[str, ...] = ()
    document_types: tuple[str, ...] = ("A", "C", "I", "P")
    csca: str = "csca-1"
    csca_name: str = ""
    document_signer: str = "ds-1"
    document_signer_name: str = "Document Signer"
    validity: Validity = Validity()
    cv_validity: CvValidity = CvValidity()
    documents_per_signer: int = 100_000
    crl_number: int = 1
    revoked: tuple[Revocation, ...] = ()
    hsm: HsmAddress | None = None
    accepted_clock: AcceptedClock | None = None
    ledger: LedgerSettings = LedgerSettings()
    people: PeopleSettings = PeopleSettings()

    def __post_init__(self) -> None:
        if (self.signature == "ECDSA") == self.key.startswith("RSA"):
            reject("signature", f"{self.signature} cannot be made by a key of kind {self.key}")
        for field, kind in (("key", self.key), *self.keys.named()):
            _check_kind(field, kind)
        _check_contact(self.email, self.url)
        for number, url in enumerate(self.crl_urls):
            _check_url(f"crl_urls[{number}]", url)
        for name, text in (
            ("organisation", self.organisation),
            ("csca_name", self.csca_name),
            ("document_signer_name", self.document_signer_name),
        ):
            if len(text) > _LONGEST_NAME or not text.isprintable():
                reject(name, f"is more than {_LONGEST_NAME} characters, or not printable ones")
        if not self.organisation.strip():
            reject("organisation", "is empty")
        if self.documents_per_signer < 1:
            reject("documents_per_signer", "is less than 1")
        if not 0 < self.crl_number < 1 << 128:
            reject("crl_number", "is not between 1 and 2^128 - 1")

    @property
    def scheme(self) -> SignatureScheme:
        """The signature scheme of the CSCA."""
        return SignatureScheme(SignatureFamily(self.signature), Hash(self.hash))

    def kind_of_key(self, label: str) -> str:
        """Return the kind of key for a label: that of the CSCA, if no other one is named.

        For the EAC PKI it is that of the first keys: `renew_cvca` may change it.
        """
        named = {"ds": self.keys.document_signer, "mls": self.keys.list_signer}
        named["dls"] = named["sls"] = named["mls"]
        named["cvca"] = named["dv"] = self.keys.cvca or CURVE
        return named.get(label.partition("-")[0]) or self.key

    def scheme_for(self, kind: str) -> SignatureScheme:
        """Return the signature scheme of a kind of key; `MisuseError` if it is unknown."""
        if kind == self.key:
            return self.scheme
        family = SignatureFamily.ECDSA
        if kind.startswith("RSA"):
            family = self.scheme.family
            family = SignatureFamily.RSA_PSS if family is SignatureFamily.ECDSA else family
        return SignatureScheme(family, fitting_hash(kind))

    def with_csca_key(self, kind: str) -> "Settings":
        """Return the settings after the CSCA changes to another kind of key.

        Raises `MisuseError` or `FieldError` if it is unknown or too small.
        """
        scheme = self.scheme_for(kind)
        return changed(self, key=kind, signature=scheme.family.value, hash=scheme.hash.value)

    @property
    def profile(self) -> CscaProfile:
        """What all certificates of this PKI have in common."""
        return CscaProfile(
            self.state,
            self.country,
            self.organisation,
            self.scheme,
            self.crl_urls,
            common_name=self.csca_name,
            email=self.email,
            uri=self.url,
            document_types=frozenset(self.document_types),
            explicit_parameters=self.curve_parameters == "explicit",
            document_signer_name=self.document_signer_name,
            validity=self.validity,
        )


def _check_kind(field: str, kind: str) -> None:
    """Reject a kind of key that does not exist or is too small (Doc 9303-12, 4.1.6)."""
    curve = CURVES.get(kind)
    if curve is not None and curve.n.bit_length() < _SMALLEST_CURVE:
        reject(field, f"{kind} is too small", advice="use brainpoolP256r1 or a larger curve")
    try:
        fitting_hash(kind)
    except MisuseError as unknown:
        reject(field, str(unknown))


def _check_contact(email: str, url: str) -> None:
    if email and not _EMAIL.fullmatch(email):
        advice = "it is `contact` in a plan, and --contact"
        reject("email", "is not an e-mail address", advice=advice)
    if url:
        _check_url("url", url)


def _check_url(field: str, url: str) -> None:
    if not _URL.fullmatch(url):
        reject(field, "is not a URL in ASCII that begins with http, https or ldap")


def settings_for(
    state: str,
    organisation: str,
    key: str = "brainpoolP256r1",
    *,
    pss: bool = True,
    named_curves: bool = False,
    contact: str = "",
    url: str = "",
    crl_urls: Sequence[str] = (),
) -> Settings:
    """Return the settings for a new PKI; the hash is chosen to fit the key.

    `state` is the State's code in the MRZ.  `contact` is an e-mail address and `url` a page, at
    least one of which a real State gives (Doc 9303-12, 7.1.1.2); `crl_urls` default to the ICAO
    PKD's address.  Raises `MisuseError` or `FieldError`.
    """
    state = state.upper().rstrip("<")
    country = two_letter_code(state)
    if country is None or not is_issuing_authority(state):
        meant = probably_meant(state)
        raise MisuseError(
            f"{state!r} is not the code of a State in the MRZ, such as UTO or D",
            advice="" if meant is None else f"enter {meant}",
        )
    if not contact and not url:
        if state != SPECIMEN_STATE:
            raise MisuseError(
                "the certificates of a State name whom to ask about them (Doc 9303-12, 7.1.1.2)",
                advice="give --contact MAIL or --contact-url URL",
            )
        contact = f"csca@{country.lower()}.example"
    signature = ("RSA-PSS" if pss else "RSA") if key.startswith("RSA-") else "ECDSA"
    fields = {
        "state": state,
        "country": country,
        "organisation": organisation,
        "key": key,
        "signature": signature,
        "hash": fitting_hash(key).value,
        "curve_parameters": "named" if named_curves else "explicit",
        "email": contact,
        "url": url,
        "crl_urls": list(crl_urls) or [pkd_crl_url(state)],
    }
    return _settings(fields)


def changed(settings: Settings, **changes: object) -> Settings:
    """Return the settings with some fields changed; raises `FieldError` for a wrong value."""
    return _settings(msgspec.structs.asdict(settings) | changes)


def _settings(fields: Mapping[str, object]) -> Settings:
    return from_json(msgspec.json.encode(fields), Settings, "the PKI's settings")
