"""Certificate revocation lists of CSCAs (Doc 9303-12, 7.1.4; RFC 5280, 5), read leniently."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from functools import lru_cache
from typing import Final

import msgspec

from emrtd.asn1 import ber, der
from emrtd.asn1.structures import read_integer, read_octets_of_bits, read_time
from emrtd.crypto.signatures import SignatureScheme, VerifyingKey
from emrtd.crypto.signatures import verify as verify_signature
from emrtd.errors import ProtocolError
from emrtd.pki.quirks import Quirk
from emrtd.pki.x509.algorithms import read_scheme
from emrtd.pki.x509.extensions import (
    AUTHORITY_KEY_IDENTIFIER,
    CRL_NUMBER,
    ISSUER_ALT_NAME,
    Extension,
    read_extension,
)
from emrtd.pki.x509.names import Name
from support.errors import MalformedError
from support.reasons import Reason, joined
from support.values import Hidden, Value

MAX_CRL: Final = 96 * 1024 * 1024
"""The longest list, in octets: enough for `MAX_ENTRIES` with serial numbers of 20 octets."""

MAX_ENTRIES: Final = 2_000_000
"""The most entries of a list; a CSCA signs a few hundred Document Signers a year."""

_MOST_FIELDS: Final = 16
_MOST_REASONS: Final = 3
_WHAT: Final = "CRL"
_UNDERSTOOD: Final = frozenset({AUTHORITY_KEY_IDENTIFIER, CRL_NUMBER, ISSUER_ALT_NAME})
_REASON_CODE: Final = "2.5.29.21"
_PARTS: Final = frozenset({"2.5.29.27", "2.5.29.28"})
"""Delta CRL indicator and issuing distribution point: the list is, or may be, a part of a list."""

_INVALIDITY_DATE: Final = "2.5.29.24"
_CERTIFICATE_ISSUER: Final = "2.5.29.29"
_UNDERSTOOD_OF_ENTRIES: Final = frozenset({_REASON_CODE, _INVALIDITY_DATE})
"""Extensions of an entry that change nothing: the certificate is revoked, for whatever reason."""


class Crl(Value, frozen=True, eq=False):
    """A revocation list.  `revoked` maps serial numbers to instants of revocation.

    `unknown_critical` names unknown critical extensions, also of entries, and those of parts of
    lists, critical or not.  A list with any may be of a kind that Doc 9303-12 forbids (indirect,
    partitioned, delta).  `unreadable` says what else could not be read.  In either case `revoked`
    holds what was read, and the absence of a certificate from it shows nothing.  If the time in an
    entry cannot be read, `revoked` has the time of the list.
    """

    der: Hidden[bytes]
    tbs: Hidden[bytes]
    issuer: Name
    this_update: datetime
    next_update: datetime | None
    revoked: Hidden[Mapping[int, datetime]]
    authority_key_identifier: bytes | None
    number: int | None
    issuer_alternative_names: tuple[Name, ...]
    unknown_critical: frozenset[str]
    unreadable: tuple[str, ...]
    scheme: SignatureScheme | None
    signature: Hidden[bytes]
    tolerated: frozenset[Quirk]

    @classmethod
    def parse(cls, octets: bytes) -> "Crl":
        """Read a DER CertificateList with nothing behind it.

        Raises `MalformedError` if its issuer, the beginning of its validity or its signature cannot
        be read.  Whatever else cannot be read is named in `unreadable`.
        """
        if len(octets) > MAX_CRL:
            raise MalformedError(
                _WHAT, Reason("has {octets} octets, which is too many", octets=len(octets))
            )
        whole = ber.read(octets, _WHAT)
        fields = whole.expect(der.SEQUENCE).children
        if len(fields) != 3:
            raise whole.malformed("a list has a body, an algorithm and a signature")
        return _read_body(octets, *fields)

    @property
    def country(self) -> str | None:
        """The issuer's country in upper case."""
        return self.issuer.country

    @property
    def objection(self) -> str | None:
        """Why the list does not tell which certificates are not revoked; None if it does."""
        reasons = list(self.unreadable)
        if self.unknown_critical:
            unknown = joined(", ", sorted(self.unknown_critical))
            reasons.insert(
                0, Reason("it has unknown critical extensions: {unknown}", unknown=unknown)
            )
        return joined("; ", reasons[:_MOST_REASONS]) or None

    @property
    def age(self) -> tuple[datetime, int]:
        """A sort key: of two lists of one CSCA, the newer one has the greater."""
        return self.this_update, self.number or 0

    def is_signed_by(self, key: VerifyingKey | None) -> bool:
        """Whether this key signed the list; no key that cannot be read did."""
        if key is None:
            return False
        try:
            self.verify_signed_by(key)
        except ProtocolError:
            return False
        return True

    def verify_signed_by(self, key: VerifyingKey) -> None:
        """Verify the signature with its issuer's key; raises `ProtocolError`.

        A success is cached for the life of the process.
        """
        _verify(self, key)


@lru_cache(maxsize=64)
def _verify(crl: Crl, key: VerifyingKey) -> None:
    """Verify a signature; only a success is cached, since `lru_cache` stores no exceptions."""
    if crl.scheme is None:
        raise ProtocolError("the CRL is signed with an unknown algorithm")
    verify_signature(key, crl.scheme, crl.signature, crl.tbs)


def _read_body(octets: bytes, body: ber.Value, outer: ber.Value, signature: ber.Value) -> Crl:
    reading, fields = _Reading(), list[ber.Value]()
    with reading.part("the end of its body"):
        for each in body.expect(der.SEQUENCE).each(_MOST_FIELDS):
            fields.append(each)
    if fields and fields[0].tag == der.INTEGER:
        with reading.part("its version"):
            version = fields.pop(0)
            if read_integer(version) != 1:
                raise version.malformed("the version is not 2")
    if len(fields) < 3:
        raise body.malformed("the body lacks fields")
    algorithm, name, issued = fields[:3]
    rest = fields[3:]
    issuer, this_update = Name.read(name), read_time(issued)
    next_update = None
    if rest and rest[0].tag in (der.UTC_TIME, der.GENERALIZED_TIME):
        with reading.part("its next update"):
            next_update = read_time(rest.pop(0))
    entries = rest.pop(0) if rest and rest[0].tag == der.SEQUENCE else None
    found = _Extensions()
    if rest and rest[0].tag == 0xA0:
        with reading.part("its extensions"):
            found.read(rest.pop(0), reading)
    if rest:
        reading.unreadable.append("the body has too many fields")
    revoked = {} if entries is None else _read_entries(entries, issuer, this_update, reading)
    scheme = _read_scheme(algorithm, outer, reading)
    if not body.source.is_der:
        reading.tolerated.add(Quirk.LONG_LENGTH)
    return Crl(
        der=octets,
        tbs=body.encoded,
        issuer=issuer,
        this_update=this_update,
        next_update=next_update,
        revoked=revoked,
        authority_key_identifier=found.authority_key_identifier,
        number=found.number,
        issuer_alternative_names=found.issuer_alternative_names,
        unknown_critical=frozenset(reading.critical),
        unreadable=tuple(reading.unreadable),
        scheme=scheme,
        signature=read_octets_of_bits(signature),
        tolerated=frozenset(reading.tolerated),
    )


class _Reading(msgspec.Struct):
    """What was found while a list was read."""

    critical: set[str] = msgspec.field(default_factory=set)
    tolerated: set[Quirk] = msgspec.field(default_factory=set)
    unreadable: list[str] = msgspec.field(default_factory=list)

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Name a part in `unreadable` instead of raising `MalformedError`."""
        try:
            yield
        except MalformedError as error:
            self.unreadable.append(
                Reason("{name} cannot be read: {reason}", name=name, reason=error.reason)
            )


def _read_scheme(inner: ber.Value, outer: ber.Value, reading: _Reading) -> SignatureScheme | None:
    """Return the signature scheme: the one that is signed, else the one beside the signature."""
    schemes: list[SignatureScheme] = []
    for value, name in ((inner, "its algorithm"), (outer, "the algorithm beside its signature")):
        with reading.part(name):
            scheme, quirks = read_scheme(value)
            schemes.append(scheme)
            if value is inner:
                reading.tolerated.update(quirks)
    if len(set(schemes)) > 1:
        reading.unreadable.append(
            "the algorithm beside the signature is not the one that is signed"
        )
    elif len(schemes) == 2 and outer.encoded != inner.encoded:
        reading.tolerated.add(Quirk.ALGORITHMS_DIFFER)
    return schemes[0] if schemes else None


def _read_entries(
    entries: ber.Value, issuer: Name, this_update: datetime, reading: _Reading
) -> dict[int, datetime]:
    revoked: dict[int, datetime] = {}
    faults = 0
    concerned = issuer  # of this entry's certificate and the next ones' (RFC 5280, 5.3.3)
    with reading.part("the list of its entries"):
        for entry in entries.each(MAX_ENTRIES):
            try:
                fields = entry.expect(der.SEQUENCE).children
                serial = read_integer(fields[0])
            except (MalformedError, IndexError):
                faults += 1
                continue
            when, is_whole = this_update, 2 <= len(fields) <= 3
            try:
                when = read_time(fields[1])
                if len(fields) > 2:
                    concerned = _read_entry_extensions(fields[2], concerned, reading)
            except (MalformedError, IndexError):
                is_whole = False
            if concerned is issuer or concerned.matches(issuer):
                revoked[serial] = when
            faults += not is_whole
    if faults:
        reading.unreadable.append(Reason("{faults} of its entries cannot be read", faults=faults))
    return revoked


def _read_entry_extensions(extensions: ber.Value, concerned: Name, reading: _Reading) -> Name:
    """Read the extensions of an entry; return the issuer of the certificate that it revokes."""
    for value in extensions.expect(der.SEQUENCE).children:
        extension = read_extension(value, reading.tolerated)
        if extension.oid == _CERTIFICATE_ISSUER:  # of an indirect list, critical or not
            reading.critical.add(extension.oid)
            try:
                concerned, *_ = _directory_names(extension.value) or (concerned,)
            except MalformedError:
                reading.tolerated.add(Quirk.EXTENSION_MALFORMED)
        elif extension.critical and extension.oid not in _UNDERSTOOD_OF_ENTRIES:
            reading.critical.add(extension.oid)
    return concerned


def _directory_names(general_names: bytes) -> tuple[Name, ...]:
    """Return the directory names among GeneralNames (RFC 5280, 4.2.1.6)."""
    return tuple(
        Name.read(each.children[0])
        for each in ber.read(general_names, _WHAT).expect(der.SEQUENCE).children
        if each.tag == 0xA4 and each.children
    )


class _Extensions(msgspec.Struct):
    authority_key_identifier: bytes | None = None
    number: int | None = None
    issuer_alternative_names: tuple[Name, ...] = ()

    def read(self, wrapped: ber.Value, reading: _Reading) -> None:
        if len(wrapped.children) != 1:
            raise wrapped.malformed("extensions are one sequence")
        for value in wrapped.children[0].expect(der.SEQUENCE).children:
            extension = read_extension(value, reading.tolerated)
            is_part = extension.oid in _PARTS  # RFC 5280 makes both critical; a CSCA may forget it
            if is_part or (extension.critical and extension.oid not in _UNDERSTOOD):
                reading.critical.add(extension.oid)
            try:
                self._take(extension)
            except MalformedError:
                reading.tolerated.add(Quirk.EXTENSION_MALFORMED)
                if extension.critical:
                    reading.critical.add(extension.oid)

    def _take(self, extension: Extension) -> None:
        if extension.oid == ISSUER_ALT_NAME:
            self.issuer_alternative_names = _directory_names(extension.value)
        elif extension.oid == CRL_NUMBER:
            self.number = read_integer(ber.read(extension.value, _WHAT))
        elif extension.oid == AUTHORITY_KEY_IDENTIFIER:
            children = ber.read(extension.value, _WHAT).children
            self.authority_key_identifier = next(
                (each.contents for each in children if each.tag == 0x80), None
            )
