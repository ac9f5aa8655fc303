"""Certificate extensions of Doc 9303-12, 7.1.2, read as leniently as real certificates require.

An extension that cannot be read is listed in `malformed`; checks that depend on it must fail.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime
from enum import IntEnum, unique
from functools import lru_cache
from typing import Any, Final

import msgspec

from emrtd import tlv
from emrtd.asn1 import ber, der
from emrtd.asn1.structures import (
    read_bits,
    read_boolean,
    read_integer,
    read_oid,
    read_text,
    read_time,
)
from emrtd.pki.quirks import Quirk
from support.errors import MalformedError


@unique
class KeyUsage(IntEnum):
    """The bits of KeyUsage that Doc 9303-12 uses (RFC 5280, 4.2.1.3)."""

    DIGITAL_SIGNATURE = 0
    KEY_ENCIPHERMENT = 2
    KEY_AGREEMENT = 4
    KEY_CERT_SIGN = 5
    CRL_SIGN = 6


SUBJECT_KEY_IDENTIFIER: Final = "2.5.29.14"
KEY_USAGE: Final = "2.5.29.15"
PRIVATE_KEY_USAGE_PERIOD: Final = "2.5.29.16"
SUBJECT_ALT_NAME: Final = "2.5.29.17"
ISSUER_ALT_NAME: Final = "2.5.29.18"
BASIC_CONSTRAINTS: Final = "2.5.29.19"
CRL_NUMBER: Final = "2.5.29.20"
CRL_DISTRIBUTION_POINTS: Final = "2.5.29.31"
CERTIFICATE_POLICIES: Final = "2.5.29.32"
AUTHORITY_KEY_IDENTIFIER: Final = "2.5.29.35"
EXTENDED_KEY_USAGE: Final = "2.5.29.37"
NAME_CHANGE: Final = "2.23.136.1.1.6.1"
DOCUMENT_TYPE_LIST: Final = "2.23.136.1.1.6.2"
OLD_DOCUMENT_TYPE_LIST: Final = "2.23.136.1.1.4"
"""The identifier in a draft of the standard; FR has Document Signers with it."""

MASTER_LIST_SIGNER: Final = "2.23.136.1.1.3"
DEVIATION_LIST_SIGNER: Final = "2.23.136.1.1.8"
SPOC_CLIENT: Final = "2.23.136.1.1.10.1"
SPOC_SERVER: Final = "2.23.136.1.1.10.2"

_UNDERSTOOD: Final = frozenset(
    {
        SUBJECT_KEY_IDENTIFIER, KEY_USAGE, PRIVATE_KEY_USAGE_PERIOD, SUBJECT_ALT_NAME,
        ISSUER_ALT_NAME, BASIC_CONSTRAINTS, CRL_DISTRIBUTION_POINTS, CERTIFICATE_POLICIES,
        AUTHORITY_KEY_IDENTIFIER, EXTENDED_KEY_USAGE, NAME_CHANGE, DOCUMENT_TYPE_LIST,
        OLD_DOCUMENT_TYPE_LIST,
    }
)  # fmt: skip


class Extension(msgspec.Struct, frozen=True):
    """One extension, with its value not decoded."""

    oid: str
    critical: bool
    value: bytes


class BasicConstraints(msgspec.Struct, frozen=True):
    """Whether the subject is a CA, and how many CAs may follow it (None: no limit)."""

    ca: bool
    path_length: int | None


class PrivateKeyUsagePeriod(msgspec.Struct, frozen=True):
    """When the private key may sign; either end may be open."""

    not_before: datetime | None
    not_after: datetime | None


class Extensions(msgspec.Struct, frozen=True):
    """The decoded extensions of a certificate; None if one is absent or cannot be read.

    `malformed` holds the identifiers (dotted) of extensions that cannot be read,
    `unknown_critical` those of unknown critical extensions.
    """

    all: tuple[Extension, ...] = ()
    subject_key_identifier: bytes | None = None
    authority_key_identifier: bytes | None = None
    key_usage: frozenset[int] | None = None
    private_key_usage_period: PrivateKeyUsagePeriod | None = None
    basic_constraints: BasicConstraints | None = None
    extended_key_usage: frozenset[str] | None = None
    document_types: frozenset[str] | None = None
    crl_distribution_points: tuple[str, ...] = ()
    name_change: bool = False
    malformed: frozenset[str] = frozenset()
    unknown_critical: frozenset[str] = frozenset()
    tolerated: frozenset[Quirk] = frozenset()

    def get(self, oid: str) -> Extension | None:
        """Return the extension with this dotted object identifier, or None."""
        return next((each for each in self.all if each.oid == oid), None)


def read_extensions(value: ber.Value, what: str) -> Extensions:
    """Read a SEQUENCE OF Extension; raises `MalformedError` if it is not one."""
    parts = [_read_part(each, what) for each in value.expect(der.SEQUENCE).children]
    found = tuple([part.extension for part in parts])
    tolerated: set[Quirk] = set()
    malformed: set[str] = set()
    unknown: list[str] = []
    if len({each.oid for each in found}) != len(found):
        tolerated.add(Quirk.EXTENSION_TWICE)
        counts = Counter(each.oid for each in found)
        malformed = {oid for oid, count in counts.items() if count > 1}
    fields: dict[str, Any] = {}
    for part in parts:
        value.source.is_der &= part.is_der
        tolerated |= part.tolerated
        if part.is_unknown and part.extension.critical:
            unknown.append(part.extension.oid)
        if not part.field or part.extension.oid in malformed:
            continue
        tolerated |= part.tolerated_inside
        if part.is_malformed:
            malformed.add(part.extension.oid)
        else:
            fields[part.field] = part.content
    return Extensions(
        all=found,
        malformed=frozenset(malformed),
        unknown_critical=frozenset(unknown),
        tolerated=frozenset(tolerated),
        **fields,
    )


_NONE: Final[frozenset[Quirk]] = frozenset()


class _Part(msgspec.Struct, frozen=True):
    """An extension, and what its content is for a field of `Extensions`; empty for no field."""

    extension: Extension
    tolerated: frozenset[Quirk]
    is_unknown: bool
    field: str = ""
    content: Any = None
    is_malformed: bool = False
    tolerated_inside: frozenset[Quirk] = _NONE
    is_der: bool = True


_MAX_SHARED: Final = 128
"""Octets of an extension that is kept: most are the same in all certificates of a State."""

_SUBJECT_KEY: Final = der.sequence(
    der.oid(SUBJECT_KEY_IDENTIFIER), der.octet_string(der.octet_string(bytes(20)))
)[:-20]
"""What precedes the octets of a subject key identifier that is a SHA-1, which nearly all are."""


def _read_part(value: ber.Value, what: str) -> _Part:
    encoded = value.encoded
    if len(encoded) == len(_SUBJECT_KEY) + 20 and encoded.startswith(_SUBJECT_KEY):
        extension = Extension(SUBJECT_KEY_IDENTIFIER, False, encoded[-22:])
        return _Part(extension, _NONE, False, "subject_key_identifier", encoded[-20:])
    if len(encoded) <= _MAX_SHARED:
        shared = _read_shared(encoded, what)
        if shared is not None:
            return shared
    return _read_anew(value, what)


@lru_cache(maxsize=2048)
def _read_shared(encoded: bytes, what: str) -> _Part | None:
    """Read an extension; None for one that must be read where it stands, for the offset."""
    try:
        value = ber.read(encoded, what)
        return msgspec.structs.replace(_read_anew(value, what), is_der=value.source.is_der)
    except MalformedError:
        return None


def _read_anew(value: ber.Value, what: str) -> _Part:
    tolerated: set[Quirk] = set()
    extension = read_extension(value, tolerated)
    outside = frozenset(tolerated)
    reader = _READERS.get(extension.oid)
    if reader is None:
        return _Part(extension, outside, extension.oid not in _UNDERSTOOD)
    name, read = reader
    inside: set[Quirk] = set()
    try:
        content = read(ber.read(extension.value, what), inside)
    except MalformedError:
        inside.add(Quirk.EXTENSION_MALFORMED)
        return _Part(extension, outside, False, name, None, True, frozenset(inside))
    return _Part(extension, outside, False, name, content, False, frozenset(inside))


def read_extension(value: ber.Value, tolerated: set[Quirk]) -> Extension:
    """Read one Extension; raises `MalformedError`."""
    fields = value.expect(der.SEQUENCE).children
    if not 2 <= len(fields) <= 3:
        raise value.malformed("an extension has two or three fields")
    critical = False
    if len(fields) == 3:
        critical = _read_flag(fields[1], tolerated)
        if not critical:
            tolerated.add(Quirk.DEFAULT_ENCODED)
    return Extension(read_oid(fields[0]), critical, fields[-1].expect(der.OCTET_STRING).contents)


def _read_flag(value: ber.Value, tolerated: set[Quirk]) -> bool:
    if value.contents not in (b"\x00", b"\xff"):
        tolerated.add(Quirk.BOOLEAN_FORM)
    return read_boolean(value)


def _read_octets(value: ber.Value, _: set[Quirk]) -> bytes:
    return value.expect(der.OCTET_STRING).contents


def _read_authority(value: ber.Value, _: set[Quirk]) -> bytes | None:
    for each in value.expect(der.SEQUENCE).children:
        if each.tag == 0x80:
            return each.contents
    return None


def _read_key_usage(value: ber.Value, _: set[Quirk]) -> frozenset[int]:
    return read_bits(value)


def _read_basic_constraints(value: ber.Value, tolerated: set[Quirk]) -> BasicConstraints:
    fields = list(value.expect(der.SEQUENCE).children)
    ca = False
    if fields and fields[0].tag == der.BOOLEAN:
        ca = _read_flag(fields.pop(0), tolerated)
        if not ca:
            tolerated.add(Quirk.DEFAULT_ENCODED)
    path_length = read_integer(fields.pop(0)) if fields else None
    if fields or (path_length is not None and path_length < 0):
        raise value.malformed("is not BasicConstraints")
    if path_length is not None and not ca:
        tolerated.add(Quirk.PATH_LENGTH_NO_CA)
    return BasicConstraints(ca, path_length)


def _read_usage_period(value: ber.Value, tolerated: set[Quirk]) -> PrivateKeyUsagePeriod:
    ends: dict[int, datetime] = {}
    for each in value.expect(der.SEQUENCE).children:
        tag = each.tag
        if tag not in (0x80, 0x81) or tag in ends:
            raise each.malformed("is not an end of the period")
        implicit = tlv.encode(der.GENERALIZED_TIME, each.contents)
        ends[tag] = read_time(ber.read(implicit, value.what))
        if len(each.contents) != 15:
            tolerated.add(Quirk.TIME_FORM)
    return PrivateKeyUsagePeriod(ends.get(0x80), ends.get(0x81))


def _read_oids(value: ber.Value, _: set[Quirk]) -> frozenset[str]:
    return frozenset(read_oid(each) for each in value.expect(der.SEQUENCE).children)


def _read_distribution_points(value: ber.Value, _: set[Quirk]) -> tuple[str, ...]:
    return tuple(
        each.contents.decode("latin-1")
        for each in _leaves(value.expect(der.SEQUENCE))
        if each.tag == 0x86
    )


def _read_name_change(value: ber.Value, _: set[Quirk]) -> bool:
    return value.tag == der.NULL


def _read_document_types(value: ber.Value, tolerated: set[Quirk]) -> frozenset[str]:
    """Read DocumentTypeListSyntax (Doc 9303-12, 7.1.2.6), also as MD, CN, TZ and PH encode it."""
    fields = value.children if value.tag == der.SEQUENCE else ()
    if len(fields) == 2 and fields[0].tag == der.INTEGER and fields[1].tag == der.SET:
        leaves = fields[1].children
        regular = all(each.tag == der.PRINTABLE_STRING for each in leaves)
    else:
        leaves, regular = tuple(_leaves(value)), False
    if not regular:
        tolerated.add(Quirk.DOCUMENT_TYPES)
        leaves = tuple(each for each in leaves if each.tag not in (der.INTEGER, der.NULL))
    types = frozenset(read_text(each).strip("< ").upper() for each in leaves)
    if not types or not all(1 <= len(each) <= 2 for each in types):
        raise value.malformed("names no document types")
    return types


def _read_old_document_types(value: ber.Value, tolerated: set[Quirk]) -> frozenset[str]:
    tolerated.add(Quirk.DOCUMENT_TYPES_OID)
    return _read_document_types(value, tolerated)


def _leaves(value: ber.Value) -> Iterator[ber.Value]:
    """Yield the primitive values in a value, at any depth."""
    pending = [value]
    while pending:  # no recursion, since the certificate determines the depth
        each = pending.pop()
        if each.constructed:
            pending.extend(reversed(each.children))
        else:
            yield each


_READERS: Final[dict[str, tuple[str, Callable[[ber.Value, set[Quirk]], Any]]]] = {
    SUBJECT_KEY_IDENTIFIER: ("subject_key_identifier", _read_octets),
    AUTHORITY_KEY_IDENTIFIER: ("authority_key_identifier", _read_authority),
    KEY_USAGE: ("key_usage", _read_key_usage),
    PRIVATE_KEY_USAGE_PERIOD: ("private_key_usage_period", _read_usage_period),
    BASIC_CONSTRAINTS: ("basic_constraints", _read_basic_constraints),
    EXTENDED_KEY_USAGE: ("extended_key_usage", _read_oids),
    DOCUMENT_TYPE_LIST: ("document_types", _read_document_types),
    OLD_DOCUMENT_TYPE_LIST: ("document_types", _read_old_document_types),
    CRL_DISTRIBUTION_POINTS: ("crl_distribution_points", _read_distribution_points),
    NAME_CHANGE: ("name_change", _read_name_change),
}
