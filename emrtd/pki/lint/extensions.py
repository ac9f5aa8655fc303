"""Lint of the content of each certificate extension (Doc 9303-12, 7.1.1, Table 6).

`emrtd.pki.lint.certificates` checks which extensions are required or forbidden.
"""

from collections.abc import Callable, Iterator
from typing import Final

from emrtd.asn1 import ber, der
from emrtd.asn1.structures import read_bits
from emrtd.pki.lint.findings import EXTENSIONS, LintFinding
from emrtd.pki.x509 import extensions as oids
from emrtd.pki.x509.certificates import Certificate
from emrtd.pki.x509.extension_writer import (
    ID_LOCALITY_NAME,
    ID_STATE_OR_PROVINCE_NAME,
    PROFILES,
    CertificateKind,
)
from emrtd.pki.x509.extensions import KeyUsage
from emrtd.pki.x509.names import Name
from support.errors import MalformedError

_ALTERNATIVE: Final = "Doc 9303-12, 7.1.1.2"
_DISTRIBUTION: Final = "Doc 9303-12, 7.1.1.4"
_NAME_CHANGE: Final = "Doc 9303-12, 7.1.1.5"
_DOCUMENT_TYPE: Final = "Doc 9303-12, 7.1.1.6"

_FOR_COMMUNICATION: Final = frozenset(
    {KeyUsage.DIGITAL_SIGNATURE, KeyUsage.KEY_ENCIPHERMENT, KeyUsage.KEY_AGREEMENT}
)
_SCHEMES: Final = ("http:", "https:", "ldap:")
_FULL_NAME: Final = 0xA0
_STATE_CODE: Final = 3  # letters at most, as in the MRZ


def lint_extensions(certificate: Certificate, kind: CertificateKind) -> Iterator[LintFinding]:
    """Yield a finding for each deviation in the content of the extensions."""
    extensions = certificate.extensions
    unreadable = set(extensions.malformed)
    for found in extensions.all:
        look = _CONTENTS.get(found.oid)
        if look is None or found.oid in unreadable:
            continue
        try:
            yield from look(ber.read(found.value, "extension"))
        except (MalformedError, IndexError):
            unreadable.add(found.oid)
    for oid in sorted(unreadable):
        yield LintFinding(f"the extension {oid} cannot be read", EXTENSIONS)
    yield from _key_usage(certificate, kind)
    constraints = extensions.basic_constraints
    if PROFILES[kind].is_authority and constraints is not None and constraints.path_length != 0:
        yield LintFinding("pathLenConstraint must be 0", EXTENSIONS)
    alternatives = [extensions.get(oids.SUBJECT_ALT_NAME), extensions.get(oids.ISSUER_ALT_NAME)]
    if kind is CertificateKind.CSCA_ROOT:
        values = {each.value for each in alternatives if each is not None}
        if len(values) > 1:
            yield LintFinding("subject and issuer alternative name differ in a root", _ALTERNATIVE)
        own, authority = extensions.subject_key_identifier, extensions.authority_key_identifier
        if authority is not None and authority != own:
            reason = "the authority key identifier of a root is not its subject key identifier"
            yield LintFinding(reason, EXTENSIONS)
    changes_name = not certificate.is_self_issued and not extensions.name_change
    if kind is CertificateKind.CSCA_LINK and changes_name:
        yield LintFinding("a link that changes the name must have nameChange", _NAME_CHANGE)


def _key_usage(certificate: Certificate, kind: CertificateKind) -> Iterator[LintFinding]:
    found, profile = certificate.extensions.key_usage, PROFILES[kind]
    if found is None:
        return
    if kind is CertificateKind.COMMUNICATION:
        if not found or not found <= frozenset(map(int, _FOR_COMMUNICATION)):
            names = ", ".join(sorted(use.name for use in _FOR_COMMUNICATION))
            yield LintFinding(f"keyUsage must consist of bits of {names}", EXTENSIONS)
    elif found != frozenset(map(int, profile.key_usage)):
        names = ", ".join(sorted(use.name for use in profile.key_usage))
        yield LintFinding(f"keyUsage must be exactly {names}", EXTENSIONS)


def _named_bits(value: ber.Value) -> Iterator[LintFinding]:
    """Yield a finding if there are trailing zeros (X.690, 11.2.2)."""
    bits = read_bits(value)
    unused, octets = value.contents[0], value.contents[1:]
    if bits and max(bits) != 8 * len(octets) - unused - 1:
        yield LintFinding("keyUsage is written with trailing zeros", EXTENSIONS)


def _subject_key(value: ber.Value) -> Iterator[LintFinding]:
    if not value.expect(der.OCTET_STRING).contents:
        yield LintFinding("subjectKeyIdentifier is empty", EXTENSIONS)


def _authority_key(value: ber.Value) -> Iterator[LintFinding]:
    identifiers = [each for each in value.expect(der.SEQUENCE).children if each.tag == 0x80]
    if not identifiers or not identifiers[0].contents:
        yield LintFinding("authorityKeyIdentifier has no keyIdentifier", EXTENSIONS)


def _policies(value: ber.Value) -> Iterator[LintFinding]:
    policies = value.expect(der.SEQUENCE).children
    if not policies:
        yield LintFinding("certificatePolicies has no PolicyInformation", EXTENSIONS)
    for each in policies:
        if each.expect(der.SEQUENCE).children[0].tag != der.OID:
            yield LintFinding("a PolicyInformation has no policyIdentifier", EXTENSIONS)


def _alternative_name(what: str) -> Callable[[ber.Value], Iterator[LintFinding]]:
    def look(value: ber.Value) -> Iterator[LintFinding]:
        directories = [each for each in value.expect(der.SEQUENCE).children if each.tag == 0xA4]
        attributes = [
            attribute
            for each in directories
            for attribute in Name.read(each.children[0]).attributes
        ]
        states = [text for oid, text in attributes if oid == ID_LOCALITY_NAME]
        if len(states) != 1 or not _is_state(states[0]):
            reason = f"{what} lacks the State's code as localityName"
            yield LintFinding(reason, _ALTERNATIVE)
        others = {oid for oid, _ in attributes} - {ID_LOCALITY_NAME, ID_STATE_OR_PROVINCE_NAME}
        for oid in sorted(others):
            yield LintFinding(
                f"{what} has an attribute {oid} beside the State's code", _ALTERNATIVE
            )

    return look


def _is_state(text: str) -> bool:
    return text.isascii() and text.isalpha() and text.isupper() and len(text) <= _STATE_CODE


def _distribution_points(value: ber.Value) -> Iterator[LintFinding]:
    points = value.expect(der.SEQUENCE).children
    if not points:
        yield LintFinding("cRLDistributionPoints is empty", _DISTRIBUTION)
    for point in points:
        fields = {each.tag: each for each in point.expect(der.SEQUENCE).children}
        for tag, name in ((0x81, "reasons"), (0xA2, "cRLIssuer")):
            if tag in fields:
                yield LintFinding(f"a distribution point must not have {name}", EXTENSIONS)
        names = [
            each
            for choice in (fields[_FULL_NAME].children if _FULL_NAME in fields else ())
            for each in (choice.children if choice.tag == _FULL_NAME else ())
        ]
        if not names:
            yield LintFinding("a distribution point has no fullName", _DISTRIBUTION)
        for each in names:
            url = each.contents.decode("latin-1") if each.tag == 0x86 else ""
            if not url.lower().startswith(_SCHEMES):
                reason = f"the distribution point {url!r} is not http, https or ldap"
                yield LintFinding(reason, EXTENSIONS)


def _name_change(value: ber.Value) -> Iterator[LintFinding]:
    if value.encoded != b"\x05\x00":
        yield LintFinding("nameChange is not NULL", _NAME_CHANGE)


def _document_types(value: ber.Value) -> Iterator[LintFinding]:
    fields = value.children if value.constructed else ()
    if [each.tag for each in fields] != [der.INTEGER, der.SET]:
        yield LintFinding("documentType is not a version and a set of codes", _DOCUMENT_TYPE)
        return
    if fields[0].contents != b"\x00":
        yield LintFinding("documentType is not of version 0", _DOCUMENT_TYPE)
    codes = fields[1].children
    if not codes:
        yield LintFinding("documentType has no document code", _DOCUMENT_TYPE)
    for each in codes:
        if each.tag != der.PRINTABLE_STRING or not 1 <= len(each.contents) <= 2:
            reason = "a document code is not a PrintableString of one or two characters"
            yield LintFinding(reason, _DOCUMENT_TYPE)
    if [each.encoded for each in codes] != sorted(each.encoded for each in codes):
        yield LintFinding("the document codes are not in DER order", _DOCUMENT_TYPE)


def _flags(value: ber.Value) -> Iterator[LintFinding]:
    if any(each.tag not in {der.BOOLEAN, der.INTEGER} for each in value.children):
        yield LintFinding("basicConstraints has an unknown field", EXTENSIONS)


def _purposes(value: ber.Value) -> Iterator[LintFinding]:
    if not value.expect(der.SEQUENCE).children:
        yield LintFinding("extKeyUsage is empty", EXTENSIONS)


_CONTENTS: Final[dict[str, Callable[[ber.Value], Iterator[LintFinding]]]] = {
    oids.SUBJECT_KEY_IDENTIFIER: _subject_key,
    oids.AUTHORITY_KEY_IDENTIFIER: _authority_key,
    oids.KEY_USAGE: _named_bits,
    oids.CERTIFICATE_POLICIES: _policies,
    oids.SUBJECT_ALT_NAME: _alternative_name("subjectAltName"),
    oids.ISSUER_ALT_NAME: _alternative_name("issuerAltName"),
    oids.BASIC_CONSTRAINTS: _flags,
    oids.EXTENDED_KEY_USAGE: _purposes,
    oids.CRL_DISTRIBUTION_POINTS: _distribution_points,
    oids.NAME_CHANGE: _name_change,
    oids.DOCUMENT_TYPE_LIST: _document_types,
}
