"""A linter: certificates and CRLs beside the profiles of Doc 9303-12, to the last octet.

A verifier reads past much of what is found here; whoever issues should not.  Each complaint names
its clause.  Certificates of before the 8th edition are judged by the 8th all the same.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from emrtd.asn1 import ber, der
from emrtd.crypto.hashes import Hash
from emrtd.crypto.public_keys import ID_EC_PUBLIC_KEY
from emrtd.crypto.signatures import EcPublicKey, RsaPublicKey
from emrtd.errors import EmrtdError
from emrtd.pki import extensions as oids
from emrtd.pki.certificates import Certificate
from emrtd.pki.crl import Crl
from emrtd.pki.extension_writer import PROFILES, CertificateKind
from emrtd.pki.names import COMMON_NAME, COUNTRY, Name
from emrtd.pki.tolerances import Tolerance

_SERIAL_NUMBER: Final = "2.5.4.5"
_FIELDS, _EXTENSIONS = "Doc 9303-12, 7.1.1, Table 5", "Doc 9303-12, 7.1.1, Table 6"
_CRL_FIELDS, _CRL_EXTENSIONS = "Doc 9303-12, 7.1.4, Table 9", "Doc 9303-12, 7.1.4, Table 10"

_ROOT, _LINK = CertificateKind.CSCA_ROOT, CertificateKind.CSCA_LINK
_DS, _COM = CertificateKind.DOCUMENT_SIGNER, CertificateKind.COMMUNICATION
_LISTS: Final = (CertificateKind.MASTER_LIST_SIGNER, CertificateKind.DEVIATION_LIST_SIGNER)
_ALL: Final = frozenset(CertificateKind)


@dataclass(frozen=True, slots=True)
class Complaint:
    """One thing that the profile has otherwise, and the clause that says so."""

    reason: str
    clause: str


@dataclass(frozen=True, slots=True)
class _ExtensionRule:
    """A row of Table 6: who must have the extension, who must not, and how critical it is."""

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

_FORM: Final = {
    Tolerance.NO_AUTHORITY_KEY, Tolerance.NO_KEY_USAGE, Tolerance.NO_USAGE_PERIOD,
    Tolerance.NO_DOCUMENT_TYPES,
}  # fmt: skip
"""Tolerances that are about presence, which Table 6 is asked for here."""


def kind_of(certificate: Certificate) -> CertificateKind:
    """Which column of Table 6 a certificate belongs to, by what it says of itself."""
    usage = certificate.extensions.extended_key_usage or frozenset()
    if certificate.is_ca:
        return _ROOT if certificate.is_self_issued and _is_self_signed(certificate) else _LINK
    for kind in _LISTS:
        if PROFILES[kind].extended_key_usage in usage:
            return kind
    return _COM if usage else _DS


def lint_certificate(certificate: Certificate) -> list[Complaint]:
    """Everything in a certificate that its profile has otherwise; nothing when it conforms."""
    kind = kind_of(certificate)
    return [
        *_form(certificate.tolerated),
        *_names(certificate),
        *_key(certificate),
        *_presence(certificate, kind),
        *_contents(certificate, kind),
        *_periods(certificate, kind),
    ]


def lint_crl(crl: Crl) -> list[Complaint]:
    """Everything in a revocation list that the profile has otherwise."""
    complaints = list(_form(crl.tolerated))
    if crl.next_update is None:
        complaints.append(Complaint("nextUpdate is missing", _CRL_FIELDS))
    elif crl.next_update - crl.this_update > timedelta(days=90, hours=1):
        reason = "nextUpdate is more than 90 days after thisUpdate"
        complaints.append(Complaint(reason, "Doc 9303-12, 4.1.5"))
    if crl.number is None:
        complaints.append(Complaint("cRLNumber is missing", _CRL_EXTENSIONS))
    elif not 0 <= crl.number < 1 << 159:
        complaints.append(Complaint("cRLNumber is negative or too long", _CRL_EXTENSIONS))
    if crl.authority_key_identifier is None:
        complaints.append(Complaint("authorityKeyIdentifier is missing", _CRL_EXTENSIONS))
    complaints += [
        Complaint(f"the critical extension {oid} may not be there", _CRL_EXTENSIONS)
        for oid in sorted(crl.unknown_critical)
    ]
    complaints += [
        Complaint(f"the issuer's name {each}", _CRL_FIELDS) for each in _name(crl.issuer)
    ]
    return complaints


def _is_self_signed(certificate: Certificate) -> bool:
    if certificate.public_key is None:
        return True  # nobody can tell: its name decides
    try:
        certificate.verify_signed_by(certificate.public_key)
    except EmrtdError:
        return False
    return True


def _form(tolerated: frozenset[Tolerance]) -> Iterator[Complaint]:
    for each in sorted(tolerated - _FORM):
        yield Complaint(f"there is {each.explanation}", _FIELDS)


def _names(certificate: Certificate) -> Iterator[Complaint]:
    for what, name in (("issuer", certificate.issuer), ("subject", certificate.subject)):
        for problem in _name(name):
            yield Complaint(f"the {what}'s name {problem}", _FIELDS)
    if certificate.issuer.country != certificate.subject.country:
        yield Complaint("issuer and subject are of two countries", _FIELDS)


def _name(name: Name) -> Iterator[str]:
    """What is wrong with a name: Table 5, notes on countryName and serialNumber."""
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
        if what in {COUNTRY, _SERIAL_NUMBER} and value.tag != der.PRINTABLE_STRING:
            yield f"has an attribute {what} that is not a PrintableString"
        elif value.tag not in {der.PRINTABLE_STRING, der.UTF8_STRING, der.IA5_STRING}:
            yield f"has an attribute {what} that is neither PrintableString nor UTF8String"


def _attributes(name: Name) -> Iterator[ber.Value]:
    for relative in ber.read(name.encoded, "name").children:
        yield from relative.children


def _key(certificate: Certificate) -> Iterator[Complaint]:
    key, scheme = certificate.public_key, certificate.scheme
    if key is None:
        yield Complaint(
            f"the key ({certificate.key}) is of no kind that is allowed", "Doc 9303-12, 4.1.6"
        )
    elif isinstance(key, RsaPublicKey):
        if key.n.bit_length() < 2048:
            yield Complaint(f"{key.description} is too short", "Doc 9303-12, 4.1.6.1")
    else:
        yield from _curve(certificate, key)
    if scheme is None or scheme.hash is Hash.SHA1:
        reason = "the signature's hash is not SHA-224, SHA-256, SHA-384 or SHA-512"
        yield Complaint(reason, "Doc 9303-12, 4.1.6.4")


def _curve(certificate: Certificate, key: EcPublicKey) -> Iterator[Complaint]:
    info = _public_key_info(certificate)
    parameters = info.children[0].children[1]
    clause = "Doc 9303-12, 4.1.6.3"
    if parameters.tag != der.SEQUENCE:
        yield Complaint(f"the curve {key.curve.name} is named, and not given explicitly", clause)
    elif len(parameters.children) < 6:
        yield Complaint("the curve's parameters lack the cofactor", clause)
    if info.children[1].contents[1:2] != b"\x04":
        yield Complaint("the public point is not uncompressed", clause)
    if der.read_oid_value(info.children[0].children[0].contents, "key") != ID_EC_PUBLIC_KEY:
        yield Complaint("the key's algorithm is not id-ecPublicKey", clause)
    if key.curve.n.bit_length() < 224:
        yield Complaint(f"the curve {key.curve.name} is too small", clause)


def _public_key_info(certificate: Certificate) -> ber.Value:
    """SubjectPublicKeyInfo: the sixth field after the version (RFC 5280, 4.1)."""
    fields = ber.read(certificate.tbs, "certificate").children
    return fields[6] if fields[0].tag == 0xA0 else fields[5]


def _presence(certificate: Certificate, kind: CertificateKind) -> Iterator[Complaint]:
    extensions = certificate.extensions
    for oid, rule in _TABLE_6.items():
        found = extensions.get(oid)
        if found is None:
            if kind in rule.required:
                yield Complaint(f"a {kind.value} certificate needs {rule.name}", _EXTENSIONS)
        elif kind in rule.forbidden:
            yield Complaint(f"a {kind.value} certificate must not have {rule.name}", _EXTENSIONS)
        elif rule.critical is not None and found.critical != rule.critical:
            should = "is" if rule.critical else "is not"
            yield Complaint(f"{rule.name} {should} to be critical", _EXTENSIONS)
    for found in extensions.all:
        if found.critical and found.oid not in _TABLE_6:
            yield Complaint(f"the private extension {found.oid} is critical", _EXTENSIONS)


def _contents(certificate: Certificate, kind: CertificateKind) -> Iterator[Complaint]:
    extensions, profile = certificate.extensions, PROFILES[kind]
    wanted = frozenset(map(int, profile.key_usage))
    if wanted and extensions.key_usage not in {None, wanted}:
        names = ", ".join(sorted(use.name for use in profile.key_usage))
        yield Complaint(f"keyUsage is to be {names} and nothing else", _EXTENSIONS)
    constraints = extensions.basic_constraints
    if profile.is_authority and constraints is not None and constraints.path_length != 0:
        yield Complaint("pathLenConstraint is to be 0", _EXTENSIONS)
    for url in extensions.crl_distribution_points:
        if not url.startswith(("http://", "https://", "ldap://")):
            yield Complaint(
                f"the distribution point {url!r} is no http, https or ldap", _EXTENSIONS
            )
    alternatives = (extensions.get(oids.SUBJECT_ALT_NAME), extensions.get(oids.ISSUER_ALT_NAME))
    for found in alternatives:
        if found is not None and not _names_state(found.value):
            yield Complaint(
                f"{_TABLE_6[found.oid].name} does not give the State's code as localityName",
                "Doc 9303-12, 7.1.1.2",
            )
    if (
        kind is _ROOT
        and all(alternatives)
        and len({each.value for each in alternatives if each}) > 1
    ):
        yield Complaint("subject and issuer alternative name differ in a root", _EXTENSIONS)
    if kind is _LINK and not certificate.is_self_issued and not extensions.name_change:
        yield Complaint("a link that changes the name needs nameChange", "Doc 9303-12, 7.1.1.5")


def _names_state(value: bytes) -> bool:
    """Whether GeneralNames holds a directoryName with localityName (2.5.4.7)."""
    try:
        for each in ber.read(value, "alternative name").children:
            if each.tag == 0xA4:
                name = Name.read(each.children[0])
                return any(oid == "2.5.4.7" and text for oid, text in name.attributes)
    except (EmrtdError, IndexError):
        return False
    return False


_LONGEST_USAGE: Final = {
    _ROOT: timedelta(days=5 * 366 + 1),
    _LINK: timedelta(days=5 * 366 + 1),
    _DS: timedelta(days=100),  # 3 months; the extension may be slightly longer
}


def _periods(certificate: Certificate, kind: CertificateKind) -> Iterator[Complaint]:
    usage = certificate.extensions.private_key_usage_period
    longest = _LONGEST_USAGE.get(kind)
    if usage is None or longest is None:
        return
    clause = "Doc 9303-12, 4.1.1.2" if kind is _DS else "Doc 9303-12, 4.1.4.2"
    begin, end = usage.not_before or certificate.not_before, usage.not_after
    if end is None:
        yield Complaint("the private-key usage period has no end", clause)
    elif end - begin > longest:
        yield Complaint(f"the private key may be used for {(end - begin).days} days", clause)
    if end is not None and end > certificate.not_after:
        yield Complaint("the private key outlives its certificate", clause)
