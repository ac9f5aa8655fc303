"""A linter for certificates: compares every octet with Tables 5 and 6 of Doc 9303-12.

A verifier reads past many of these errors, but an issuer should not make them.  Each finding cites
its clause.  Older certificates too are judged by the 8th edition.
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Final

import msgspec

from emrtd.asn1 import ber, der
from emrtd.crypto.public_keys import ID_EC_PUBLIC_KEY
from emrtd.crypto.signatures import EcPublicKey, RsaPublicKey
from emrtd.pki.lint.extensions import lint_extensions
from emrtd.pki.lint.findings import (
    EXTENSIONS,
    FIELDS,
    LintFinding,
    lint_form,
    lint_scheme,
    lint_times,
    problems_of_name,
)
from emrtd.pki.lint.spoc import is_spoc, lint_spoc
from emrtd.pki.quirks import Quirk
from emrtd.pki.x509 import extensions as oids
from emrtd.pki.x509.certificates import Certificate
from emrtd.pki.x509.extension_writer import PROFILES, CertificateKind

_ROOT, _LINK = CertificateKind.CSCA_ROOT, CertificateKind.CSCA_LINK
_DS, _COM = CertificateKind.DOCUMENT_SIGNER, CertificateKind.COMMUNICATION
_LISTS: Final = (CertificateKind.MASTER_LIST_SIGNER, CertificateKind.DEVIATION_LIST_SIGNER)
_ALL: Final = frozenset(CertificateKind)


class _ExtensionRule(msgspec.Struct, frozen=True):
    """A row of Table 6: which kinds require or forbid the extension, and whether it is critical."""

    name: str
    required: frozenset[CertificateKind]
    forbidden: frozenset[CertificateKind]
    critical: bool | None


def _row(
    name: str,
    required: frozenset[CertificateKind] = frozenset(),
    forbidden: frozenset[CertificateKind] = frozenset(),
    *,
    critical: bool | None = False,
) -> _ExtensionRule:
    return _ExtensionRule(name, required, forbidden, critical)


_TABLE_6: Final = {
    oids.AUTHORITY_KEY_IDENTIFIER: _row("authorityKeyIdentifier", _ALL - {_ROOT}),
    oids.SUBJECT_KEY_IDENTIFIER: _row("subjectKeyIdentifier", frozenset({_ROOT, _LINK})),
    oids.KEY_USAGE: _row("keyUsage", _ALL, critical=True),
    oids.PRIVATE_KEY_USAGE_PERIOD: _row("privateKeyUsagePeriod", frozenset({_ROOT, _LINK, _DS})),
    oids.CERTIFICATE_POLICIES: _row("certificatePolicies"),
    "2.5.29.33": _row("policyMappings", forbidden=_ALL),
    oids.SUBJECT_ALT_NAME: _row("subjectAltName", _ALL),
    oids.ISSUER_ALT_NAME: _row("issuerAltName", _ALL),
    "2.5.29.9": _row("subjectDirectoryAttributes", forbidden=_ALL),
    oids.BASIC_CONSTRAINTS: _row(
        "basicConstraints", frozenset({_ROOT, _LINK}), _ALL - {_ROOT, _LINK}, critical=True
    ),
    "2.5.29.30": _row("nameConstraints", forbidden=_ALL),
    "2.5.29.36": _row("policyConstraints", forbidden=_ALL),
    oids.EXTENDED_KEY_USAGE: _row(
        "extKeyUsage", frozenset({*_LISTS, _COM}), frozenset({_ROOT, _LINK, _DS}), critical=True
    ),
    oids.CRL_DISTRIBUTION_POINTS: _row("cRLDistributionPoints", _ALL - {_COM}),
    "2.5.29.54": _row("inhibitAnyPolicy", forbidden=_ALL),
    "2.5.29.46": _row("freshestCRL", forbidden=_ALL),
    oids.NAME_CHANGE: _row("nameChange", forbidden=_ALL - {_ROOT, _LINK}),
    oids.DOCUMENT_TYPE_LIST: _row("documentType", frozenset({_DS}), _ALL - {_DS}),
    "2.16.840.1.113730.1.1": _row("Netscape certificate type", forbidden=_ALL, critical=None),
}


def kind_of(certificate: Certificate) -> CertificateKind:
    """Return the column of Table 6 that a certificate belongs to, by its extensions."""
    usage = certificate.extensions.extended_key_usage or frozenset()
    if certificate.is_ca:
        return _ROOT if certificate.is_self_issued and _is_self_signed(certificate) else _LINK
    for kind in _LISTS:
        if PROFILES[kind].extended_key_usage in usage:
            return kind
    for_documents = certificate.extensions.get(oids.DOCUMENT_TYPE_LIST) is not None
    return _COM if usage and not for_documents else _DS


def lint_certificate(certificate: Certificate) -> list[LintFinding]:
    """Return a finding for each deviation of a certificate from its profile."""
    kind = kind_of(certificate)
    return [
        *lint_form(certificate.tolerated, FIELDS),
        *_version(certificate),
        *_names(certificate),
        *_key(certificate),
        *lint_scheme(certificate.scheme),
        *_presence(certificate, kind),
        *lint_extensions(certificate, kind),
        *_periods(certificate, kind),
        *lint_spoc(certificate),
    ]


def _is_self_signed(certificate: Certificate) -> bool:
    cannot_be_verified = certificate.public_key is None  # its name decides
    return cannot_be_verified or certificate.is_signed_by(certificate)


def _version(certificate: Certificate) -> Iterator[LintFinding]:
    """Yield a finding if the version is not v3; extensions without v3 are a quirk of the reader."""
    first = ber.read(certificate.tbs, "certificate").children[0]
    is_v3 = first.tag == 0xA0 and first.children[0].contents == b"\x02"
    if not is_v3 and Quirk.VERSION not in certificate.tolerated:
        yield LintFinding("the version is not v3", FIELDS)


def _names(certificate: Certificate) -> Iterator[LintFinding]:
    for what, name in (("issuer", certificate.issuer), ("subject", certificate.subject)):
        for problem in problems_of_name(name):
            yield LintFinding(f"the {what}'s name {problem}", FIELDS)
    if certificate.issuer.country != certificate.subject.country:
        yield LintFinding("issuer and subject are of different countries", FIELDS)


def _key(certificate: Certificate) -> Iterator[LintFinding]:
    key = certificate.public_key
    if key is None:
        yield LintFinding(
            f"the key ({certificate.key}) is not of an allowed kind", "Doc 9303-12, 4.1.6"
        )
    elif isinstance(key, RsaPublicKey):
        if key.n.bit_length() < 2048:
            yield LintFinding(f"{key.description} is too short", "Doc 9303-12, 4.1.6.1")
    elif isinstance(key, EcPublicKey):
        yield from _curve(certificate, key)
    elif key.p.bit_length() < 2048:
        yield LintFinding(f"{key.description} is too short", "Doc 9303-12, 4.1.6.2")


def _curve(certificate: Certificate, key: EcPublicKey) -> Iterator[LintFinding]:
    info = _fields(certificate)[5]
    parameters = info.children[0].children[1]
    clause = "Doc 9303-12, 4.1.6.3"
    if parameters.tag != der.SEQUENCE:
        if not is_spoc(certificate):  # TLS has named curves only (RFC 8422, 5.4)
            yield LintFinding(f"the curve {key.curve.name} is named instead of explicit", clause)
    elif len(parameters.children) < 6:
        yield LintFinding("the curve's parameters lack the cofactor", clause)
    if info.children[1].contents[1:2] != b"\x04":
        yield LintFinding("the public point is not uncompressed", clause)
    if der.read_oid_value(info.children[0].children[0].contents, "key") != ID_EC_PUBLIC_KEY:
        yield LintFinding("the key's algorithm is not id-ecPublicKey", clause)
    if key.curve.n.bit_length() < 224:
        yield LintFinding(f"the curve {key.curve.name} is too small", clause)


def _fields(certificate: Certificate) -> Sequence[ber.Value]:
    """Return the fields after the version (RFC 5280, 4.1), from the serial number to the key."""
    fields = ber.read(certificate.tbs, "certificate").children
    return fields[1:] if fields[0].tag == 0xA0 else fields


def _presence(certificate: Certificate, kind: CertificateKind) -> Iterator[LintFinding]:
    extensions = certificate.extensions
    for oid, rule in _TABLE_6.items():
        found = extensions.get(oid)
        if found is None:
            if kind in rule.required:
                yield LintFinding(f"a {kind.noun} must have {rule.name}", EXTENSIONS)
        elif kind in rule.forbidden:
            yield LintFinding(f"a {kind.noun} must not have {rule.name}", EXTENSIONS)
        elif rule.critical is not None and found.critical != rule.critical:
            must = "must" if rule.critical else "must not"
            yield LintFinding(f"{rule.name} {must} be critical", EXTENSIONS)
    for found in extensions.all:
        if found.critical and found.oid not in _TABLE_6:
            yield LintFinding(f"the private extension {found.oid} is critical", EXTENSIONS)


_LONGEST_USAGE: Final = {
    _ROOT: timedelta(days=5 * 366 + 1),
    _LINK: timedelta(days=5 * 366 + 1),
    _DS: timedelta(days=100),  # 3 months; the extension may be slightly longer
}


def _periods(certificate: Certificate, kind: CertificateKind) -> Iterator[LintFinding]:
    yield from lint_times(_fields(certificate)[3].children, FIELDS)
    if certificate.not_after <= certificate.not_before:
        yield LintFinding("the validity ends before it begins", FIELDS)
    usage = certificate.extensions.private_key_usage_period
    if usage is None:
        return
    if usage.not_before is None and usage.not_after is None:
        yield LintFinding("privateKeyUsagePeriod has neither notBefore nor notAfter", EXTENSIONS)
    begin, end = certificate.signing_period
    clause = "Doc 9303-12, 4.1.1.2" if kind is _DS else "Doc 9303-12, 4.1.4.2"
    if end <= begin:
        yield LintFinding("the private-key usage period ends before it begins", EXTENSIONS)
    elif end - begin > _LONGEST_USAGE.get(kind, timedelta.max):
        yield LintFinding(f"the private key may be used for {(end - begin).days} days", clause)
    if end > certificate.not_after:
        yield LintFinding("the private key outlives its certificate", clause)
