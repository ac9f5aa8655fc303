"""Certificate revocation lists of CSCAs (Doc 9303-12, 7.1.4; RFC 5280, 5), read leniently."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Final

from emrtd.asn1 import ber, der
from emrtd.asn1.structures import read_integer, read_octets_of_bits, read_time
from emrtd.crypto.signatures import PublicKey, SignatureScheme
from emrtd.crypto.signatures import verify as verify_signature
from emrtd.errors import ProtocolError
from emrtd.pki.quirks import Quirk
from emrtd.pki.x509.algorithms import UnknownAlgorithmError, read_scheme
from emrtd.pki.x509.extensions import (
    AUTHORITY_KEY_IDENTIFIER,
    CRL_NUMBER,
    ISSUER_ALT_NAME,
    Extension,
    read_extension,
)
from emrtd.pki.x509.names import Name
from support.errors import MalformedError

MAX_CRL: Final = 96 * 1024 * 1024
"""The longest list, in octets: enough for `MAX_ENTRIES` with serial numbers of 20 octets."""

MAX_ENTRIES: Final = 2_000_000
"""The most entries of a list; a CSCA signs a few hundred Document Signers a year."""

_WHAT: Final = "CRL"
_UNDERSTOOD: Final = frozenset({AUTHORITY_KEY_IDENTIFIER, CRL_NUMBER, ISSUER_ALT_NAME})


@dataclass(frozen=True, eq=False)
class Crl:
    """A revocation list.  `revoked` maps serial numbers to instants of revocation.

    `unknown_critical` names unknown critical extensions, also of entries.  A list with any is of a
    kind that Doc 9303-12 forbids (indirect, partitioned, delta), and must not be used.
    """

    der: bytes = field(repr=False)
    tbs: bytes = field(repr=False)
    issuer: Name
    this_update: datetime
    next_update: datetime | None
    revoked: Mapping[int, datetime] = field(repr=False)
    authority_key_identifier: bytes | None
    number: int | None
    issuer_alternative_names: tuple[Name, ...]
    unknown_critical: frozenset[str]
    scheme: SignatureScheme | None
    signature: bytes = field(repr=False)
    tolerated: frozenset[Quirk]

    @classmethod
    def parse(cls, octets: bytes) -> "Crl":
        """Read a DER CertificateList with nothing behind it; raises `MalformedError`."""
        if len(octets) > MAX_CRL:
            raise MalformedError(_WHAT, f"has {len(octets)} octets, which is too many")
        whole = ber.read(octets, _WHAT)
        fields = whole.expect(der.SEQUENCE).children
        if len(fields) != 3:
            raise whole.malformed("a list has a body, an algorithm and a signature")
        return _read_body(octets, *fields)

    @property
    def country(self) -> str | None:
        """The issuer's country in upper case."""
        return self.issuer.country

    def verify_signed_by(self, key: PublicKey) -> None:
        """Verify the signature with its issuer's key; raises `ProtocolError`.

        A success is cached for the life of the process.
        """
        _verify(self, key)


@lru_cache(maxsize=64)
def _verify(crl: Crl, key: PublicKey) -> None:
    """Verify a signature; only a success is cached, since `lru_cache` stores no exceptions."""
    if crl.scheme is None:
        raise ProtocolError("the CRL is signed with an unknown algorithm")
    verify_signature(key, crl.scheme, crl.signature, crl.tbs)


def _read_body(octets: bytes, body: ber.Value, outer: ber.Value, signature: ber.Value) -> Crl:
    fields = list(body.expect(der.SEQUENCE).children)
    if fields and fields[0].tag == der.INTEGER and read_integer(fields.pop(0)) != 1:
        raise body.malformed("the version is not 2")
    if len(fields) < 3:
        raise body.malformed("the body lacks fields")
    algorithm, issuer, this_update = fields[:3]
    rest = fields[3:]
    next_update = None
    if rest and rest[0].tag in (der.UTC_TIME, der.GENERALIZED_TIME):
        next_update = read_time(rest.pop(0))
    entries = rest.pop(0) if rest and rest[0].tag == der.SEQUENCE else None
    extensions: tuple[ber.Value, ...] = ()
    if rest and rest[0].tag == 0xA0:
        wrapped = rest.pop(0).children
        if len(wrapped) != 1:
            raise body.malformed("extensions are one sequence")
        extensions = wrapped[0].expect(der.SEQUENCE).children
    if rest:
        raise rest[0].malformed("the body has too many fields")
    critical: set[str] = set()
    tolerated: set[Quirk] = set()
    found = _Extensions.read(extensions, critical, tolerated)
    revoked = {} if entries is None else _read_entries(entries, critical, tolerated)
    scheme = _read_scheme(algorithm, outer, tolerated)
    if not body.source.is_der:
        tolerated.add(Quirk.LONG_LENGTH)
    return Crl(
        der=octets,
        tbs=body.encoded,
        issuer=Name.read(issuer),
        this_update=read_time(this_update),
        next_update=next_update,
        revoked=revoked,
        authority_key_identifier=found.authority_key_identifier,
        number=found.number,
        issuer_alternative_names=found.issuer_alternative_names,
        unknown_critical=frozenset(critical),
        scheme=scheme,
        signature=read_octets_of_bits(signature),
        tolerated=frozenset(tolerated),
    )


def _read_scheme(
    inner: ber.Value, outer: ber.Value, tolerated: set[Quirk]
) -> SignatureScheme | None:
    try:
        scheme, quirks = read_scheme(inner)
        same = outer.encoded == inner.encoded or read_scheme(outer)[0] == scheme
    except UnknownAlgorithmError:
        return None
    if not same:
        raise outer.malformed("the algorithm beside the signature is not the one that is signed")
    if outer.encoded != inner.encoded:
        tolerated.add(Quirk.ALGORITHMS_DIFFER)
    tolerated.update(quirks)
    return scheme


def _read_entries(
    entries: ber.Value, critical: set[str], tolerated: set[Quirk]
) -> dict[int, datetime]:
    revoked = {}
    for entry in entries.each(MAX_ENTRIES):
        fields = entry.expect(der.SEQUENCE).children
        if not 2 <= len(fields) <= 3:
            raise entry.malformed("an entry has a serial number, a time and optional extensions")
        if len(fields) == 3:
            for value in fields[2].expect(der.SEQUENCE).children:
                extension = read_extension(value, tolerated)
                if extension.critical:
                    critical.add(extension.oid)
        revoked[read_integer(fields[0])] = read_time(fields[1])
    return revoked


@dataclass(slots=True)
class _Extensions:
    authority_key_identifier: bytes | None = None
    number: int | None = None
    issuer_alternative_names: tuple[Name, ...] = ()

    @classmethod
    def read(
        cls, values: tuple[ber.Value, ...], critical: set[str], tolerated: set[Quirk]
    ) -> "_Extensions":
        found = cls()
        for value in values:
            extension = read_extension(value, tolerated)
            if extension.critical and extension.oid not in _UNDERSTOOD:
                critical.add(extension.oid)
            try:
                found._take(extension)
            except MalformedError:
                tolerated.add(Quirk.EXTENSION_MALFORMED)
                if extension.critical:
                    critical.add(extension.oid)
        return found

    def _take(self, extension: Extension) -> None:
        if extension.oid not in _UNDERSTOOD:
            return
        value = ber.read(extension.value, _WHAT)
        if extension.oid == CRL_NUMBER:
            self.number = read_integer(value)
        elif extension.oid == AUTHORITY_KEY_IDENTIFIER:
            self.authority_key_identifier = next(
                (each.contents for each in value.children if each.tag == 0x80), None
            )
        else:
            self.issuer_alternative_names = tuple(
                Name.read(each.children[0])
                for each in value.expect(der.SEQUENCE).children
                if each.tag == 0xA4 and each.children  # directoryName
            )
