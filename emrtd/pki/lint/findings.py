"""Lint findings, and the checks common to certificates and CRLs: names, algorithms, encoding."""

from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from emrtd.asn1 import ber, der
from emrtd.asn1.structures import is_early_generalized_time
from emrtd.crypto.hashes import Hash
from emrtd.crypto.signatures import SignatureScheme
from emrtd.pki.quirks import Quirk
from emrtd.pki.x509.names import COMMON_NAME, COUNTRY, Name

FIELDS: Final = "Doc 9303-12, 7.1.1, Table 5"
EXTENSIONS: Final = "Doc 9303-12, 7.1.1, Table 6"
CRL_FIELDS: Final = "Doc 9303-12, 7.1.4, Table 9"
CRL_EXTENSIONS: Final = "Doc 9303-12, 7.1.4, Table 10"
HASHES: Final = "Doc 9303-12, 4.1.6.4"

_SERIAL_NUMBER: Final = "2.5.4.5"
_IN_IA5: Final = frozenset({"1.2.840.113549.1.9.1", "0.9.2342.19200300.100.1.25"})
"""emailAddress and domainComponent, which are IA5Strings and not DirectoryStrings."""

_ELSEWHERE: Final = {
    Quirk.NO_AUTHORITY_KEY, Quirk.NO_KEY_USAGE, Quirk.NO_USAGE_PERIOD,
    Quirk.NO_DOCUMENT_TYPES, Quirk.EXTENSION_MALFORMED, Quirk.DOCUMENT_TYPES, Quirk.TIME_TYPE,
}  # fmt: skip
"""Quirks that `lint_extensions` and `lint_times` check one by one."""


class LintFinding(msgspec.Struct, frozen=True):
    """A deviation from the profile, and the clause that it violates."""

    reason: str
    clause: str


def lint_form(tolerated: frozenset[Quirk], clause: str) -> Iterator[LintFinding]:
    """Yield a finding for each quirk that the reader has read past."""
    for each in sorted(tolerated - _ELSEWHERE):
        yield LintFinding(each.explanation, clause)


def lint_scheme(scheme: SignatureScheme | None) -> Iterator[LintFinding]:
    """Yield a finding if a signature's hash is not allowed."""
    if scheme is None or scheme.hash is Hash.SHA1:
        yield LintFinding(
            "the signature's hash is not SHA-224, SHA-256, SHA-384 or SHA-512", HASHES
        )


def lint_times(times: Iterable[ber.Value], clause: str) -> Iterator[LintFinding]:
    """Yield a finding for each time before 2050 that is not a UTCTime."""
    for each in times:
        if is_early_generalized_time(each):
            yield LintFinding("a time before 2050 is not a UTCTime", clause)


def problems_of_name(name: Name) -> Iterator[str]:
    """Yield what is wrong with a name (Table 5, countryName and serialNumber; 7.1.1.1.1)."""
    types = [oid for oid, _ in name.attributes]
    country = name.country_as_written
    if country is None:
        yield "has no country"
    elif len(country) != 2 or not (country.isascii() and country.isalpha() and country.isupper()):
        yield "has a country that is not two upper-case letters"
    if COMMON_NAME not in types:
        yield "has no common name"
    for attribute in _attributes(name):
        oid, value = attribute.children
        what = der.read_oid_value(oid.contents, "name")
        if what in {COUNTRY, _SERIAL_NUMBER}:
            if value.tag != der.PRINTABLE_STRING:
                yield f"has an attribute {what} that is not a PrintableString"
        elif what in _IN_IA5:
            if value.tag != der.IA5_STRING:
                yield f"has an attribute {what} that is not an IA5String"
        elif value.tag not in {der.PRINTABLE_STRING, der.UTF8_STRING}:
            yield f"has an attribute {what} that is neither PrintableString nor UTF8String"


def _attributes(name: Name) -> Iterator[ber.Value]:
    for relative in ber.read(name.encoded, "name").children:
        yield from relative.children
