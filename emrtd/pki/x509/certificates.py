"""X.509 certificates of States (Doc 9303-12, 7), read leniently; every quirk read past is named.

`Certificate.parse` reads every certificate in the known Master Lists.  It does not check signature,
validity or profile; `emrtd.pki.path` does.
"""

import hashlib
from datetime import datetime
from functools import cached_property, lru_cache
from typing import Final

import msgspec

from emrtd.asn1 import ber, der
from emrtd.asn1.structures import (
    is_canonical_time,
    is_early_generalized_time,
    read_integer,
    read_octets_of_bits,
    read_time,
    read_utc_time,
)
from emrtd.crypto.algorithm_identifiers import UnknownAlgorithmError
from emrtd.crypto.public_keys import UnusableKeyError, verifying_key_from
from emrtd.crypto.signatures import SignatureFamily, SignatureScheme, VerifyingKey
from emrtd.crypto.signatures import verify as verify_signature
from emrtd.errors import ProtocolError
from emrtd.pki.pem import encode_pem
from emrtd.pki.quirks import Quirk
from emrtd.pki.x509.algorithms import read_scheme, surplus_zeros
from emrtd.pki.x509.extensions import Extensions, read_extensions
from emrtd.pki.x509.names import Name
from support.errors import MalformedError
from support.reasons import Reason
from support.values import Hidden, Value

MAX_CERTIFICATE: Final = 64 * 1024
"""The longest certificate, in octets; the largest in the known lists has under 3,000."""

_WHAT: Final = "certificate"


class Certificate(Value, frozen=True, eq=False, dict=True):
    """A certificate.  Two are equal if their octets are.

    `public_key` is None if the kind of key or its curve is not supported; `key` describes it.
    `scheme` is None if the signature's algorithm is unknown.  `tolerated` holds the quirks that
    were read past.
    """

    der: Hidden[bytes]
    tbs: Hidden[bytes]
    serial: int
    serial_encoded: Hidden[bytes]
    issuer: Name
    subject: Name
    not_before: datetime
    not_after: datetime
    public_key: Hidden[VerifyingKey | None]
    key: str
    scheme: SignatureScheme | None
    signature: Hidden[bytes]
    extensions: Hidden[Extensions]
    tolerated: frozenset[Quirk]

    @classmethod
    def parse(cls, octets: bytes) -> "Certificate":
        """Read a DER certificate with nothing behind it; raises `MalformedError`."""
        if len(octets) > MAX_CERTIFICATE:
            raise MalformedError(
                _WHAT, Reason("has {octets} octets, which is too many", octets=len(octets))
            )
        return _parse(bytes(octets))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Certificate):
            return NotImplemented
        return self.der == other.der

    def __hash__(self) -> int:
        return hash(self.der)

    def to_pem(self) -> str:
        """Return the certificate as PEM text (RFC 7468, 5)."""
        return encode_pem(self.der, "CERTIFICATE")

    @cached_property
    def fingerprint(self) -> bytes:
        """SHA-256 of the certificate, 32 octets."""
        return hashlib.sha256(self.der).digest()

    @property
    def country(self) -> str | None:
        """The subject's country in upper case, or the issuer's if the subject has none."""
        return self.subject.country or self.issuer.country

    @property
    def is_self_issued(self) -> bool:
        """Whether subject and issuer are the same name (Doc 9303-12, 7.1: a CSCA root)."""
        return self.subject.matches(self.issuer)

    @property
    def is_ca(self) -> bool:
        """Whether basic constraints mark it as a CA; False if they are absent."""
        constraints = self.extensions.basic_constraints
        return constraints is not None and constraints.ca

    @property
    def signing_period(self) -> tuple[datetime, datetime]:
        """Begin and end of the time in which its private key may sign.

        An end that privateKeyUsagePeriod leaves out is that of the validity (Doc 9303-12, 7.1.1,
        Table 6).
        """
        usage = self.extensions.private_key_usage_period
        return (
            (usage and usage.not_before) or self.not_before,
            (usage and usage.not_after) or self.not_after,
        )

    def verify_signed_by(self, key: VerifyingKey) -> None:
        """Verify the signature with its issuer's key; raises `ProtocolError`.

        A success is cached for the life of the process.
        """
        _verify(self, key)

    def is_signed_by(self, issuer: "Certificate") -> bool:
        """Whether another certificate's key signed it; False for an unsupported kind of key."""
        if issuer.public_key is None:
            return False
        try:
            self.verify_signed_by(issuer.public_key)
        except ProtocolError:
            return False
        return True


def forget() -> None:
    """Clear the caches of certificates and verified signatures."""
    _parse.cache_clear()
    _verify.cache_clear()


@lru_cache(maxsize=4096)
def _verify(certificate: Certificate, key: VerifyingKey) -> None:
    """Verify a signature; only a success is cached, since `lru_cache` stores no exceptions."""
    if certificate.scheme is None:
        raise ProtocolError("the certificate is signed with an unknown algorithm")
    verify_signature(key, certificate.scheme, certificate.signature, certificate.tbs)


@lru_cache(maxsize=1024)
def _parse(octets: bytes) -> Certificate:
    """Read a certificate; cached, since a certificate is immutable."""
    whole = ber.read(octets, _WHAT)
    fields = whole.expect(der.SEQUENCE).children
    if len(fields) != 3:
        raise whole.malformed("a certificate has a body, an algorithm and a signature")
    body, outer, signature_value = fields
    tolerated: set[Quirk] = set()
    parts = _Body.read(body, tolerated)
    if outer.encoded != parts.algorithm.encoded:
        ber.is_der(outer)
        _compare_algorithms(outer, parts.algorithm)
        tolerated.add(Quirk.ALGORITHMS_DIFFER)
    scheme, quirks, is_der = _read_scheme(parts.algorithm)
    tolerated |= quirks
    signature = read_octets_of_bits(signature_value)
    if scheme is not None and scheme.family is SignatureFamily.ECDSA:
        tolerated |= surplus_zeros(signature)
    public_key, key = _read_key(parts.key)
    is_der &= _is_der(parts.key.children[0].encoded)
    extensions = (
        Extensions() if parts.extensions is None else read_extensions(parts.extensions, _WHAT)
    )
    issuer, subject = Name.read(parts.issuer), Name.read(parts.subject)
    if not (is_der and whole.source.is_der):  # which covers all that was not read from a cache
        tolerated.add(Quirk.LONG_LENGTH)
    for name in (issuer, subject):
        if name.country_as_written != name.country:
            tolerated.add(Quirk.COUNTRY_CASE)
    return Certificate(
        der=octets,
        tbs=body.encoded,
        serial=_read_serial(parts.serial, tolerated),
        serial_encoded=parts.serial.encoded,
        issuer=issuer,
        subject=subject,
        not_before=parts.not_before,
        not_after=parts.not_after,
        public_key=public_key,
        key=key,
        scheme=scheme,
        signature=signature,
        extensions=extensions,
        tolerated=frozenset(tolerated | extensions.tolerated),
    )


class _Body(msgspec.Struct, frozen=True):
    """The fields of TBSCertificate (RFC 5280, 4.1.2), most of them not yet decoded."""

    serial: ber.Value
    algorithm: ber.Value
    issuer: ber.Value
    subject: ber.Value
    not_before: datetime
    not_after: datetime
    key: ber.Value
    extensions: ber.Value | None

    @classmethod
    def read(cls, body: ber.Value, tolerated: set[Quirk]) -> "_Body":
        fields = list(body.expect(der.SEQUENCE).children)
        version = 0
        if fields and fields[0].tag == 0xA0:
            versions = fields.pop(0).children
            if len(versions) != 1:
                raise body.malformed("a version is one number")
            version = read_integer(versions[0])
        if len(fields) < 6:
            raise body.malformed("the body lacks fields")
        serial, algorithm, issuer, validity, subject, key = fields[:6]
        extensions = None
        for extra in fields[6:]:
            if extra.tag == 0xA3 and extensions is None and extra.children:
                extensions = extra.children[0]
                if len(extra.children) > 1:
                    tolerated.add(Quirk.EXTRA_DATA)
                    ber.is_der(extra)
            elif extra.tag in (0x81, 0x82, 0xA1, 0xA2):
                tolerated.add(Quirk.UNIQUE_ID)
                ber.is_der(extra)
            else:
                tolerated.add(Quirk.EXTRA_DATA)
                ber.is_der(extra)
        if (version != 2) if extensions is not None else version not in (0, 1, 2):
            tolerated.add(Quirk.VERSION)
        times = validity.expect(der.SEQUENCE).children
        if len(times) != 2:
            raise validity.malformed("a validity has two ends")
        begin, end = read_utc_time(times[0]), read_utc_time(times[1])
        if begin is None or end is None:
            begin, end = _read_times(times[0], times[1], tolerated)
        return cls(serial, algorithm, issuer, subject, begin, end, key, extensions)


def _read_times(
    begin: ber.Value, end: ber.Value, tolerated: set[Quirk]
) -> tuple[datetime, datetime]:
    """Read a validity that is not simply two UTCTimes."""
    if not (is_canonical_time(begin) and is_canonical_time(end)):
        tolerated.add(Quirk.TIME_FORM)
    if is_early_generalized_time(begin) or is_early_generalized_time(end):
        tolerated.add(Quirk.TIME_TYPE)
    return read_time(begin), read_time(end)


def _read_serial(value: ber.Value, tolerated: set[Quirk]) -> int:
    serial = read_integer(value)
    size = value.end - value.start
    if serial <= 0:
        tolerated.add(Quirk.SERIAL_NOT_POSITIVE)
    if size > 20:
        tolerated.add(Quirk.SERIAL_LONG)
    if size > max(1, (serial.bit_length() if serial >= 0 else (-serial - 1).bit_length()) // 8 + 1):
        tolerated.add(Quirk.SERIAL_PADDED)
    return serial


def _read_scheme(value: ber.Value) -> tuple[SignatureScheme | None, frozenset[Quirk], bool]:
    """Return the scheme, None if it is unknown; the quirks, and whether the encoding is DER."""
    shared = _read_shared(value.encoded)
    if shared is not None:
        return shared
    try:
        scheme, quirks = read_scheme(value)
    except UnknownAlgorithmError:
        return None, frozenset(), ber.is_der(value)
    return scheme, quirks, ber.is_der(value)


@lru_cache(maxsize=256)
def _read_shared(
    encoded: bytes,
) -> tuple[SignatureScheme | None, frozenset[Quirk], bool] | None:
    """Read an algorithm; None if it must be read where it stands, for the offset of an error."""
    try:
        value = ber.read(encoded, _WHAT)
        return *read_scheme(value), ber.is_der(value)
    except (MalformedError, UnknownAlgorithmError):
        return None


@lru_cache(maxsize=256)
def _is_der(algorithm: bytes) -> bool:
    """Whether the algorithm of a key is DER; cached, since most keys have the same few."""
    return ber.is_der(ber.read(algorithm, _WHAT))


def _compare_algorithms(outer: ber.Value, inner: ber.Value) -> None:
    """Raise `MalformedError` unless both algorithms are the same (RFC 5280, 4.1.1.2)."""
    try:
        same = read_scheme(outer)[0] == read_scheme(inner)[0]
    except UnknownAlgorithmError:
        same = False
    if not same:
        raise outer.malformed("the algorithm beside the signature is not the one that is signed")


def _read_key(value: ber.Value) -> tuple[VerifyingKey | None, str]:
    try:
        key = verifying_key_from(value)
    except UnusableKeyError as error:
        return None, error.description
    return key, key.description
