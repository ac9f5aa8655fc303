"""The linter finds each departure from Tables 5, 6, 9 and 10: certificates written octet by octet.

Table 6 stands here a second time, as Doc 9303-12 prints it, so that a slip in the linter shows.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from emrtd.asn1 import ber, der
from emrtd.crypto.curves import CURVES
from emrtd.crypto.hashes import Hash
from emrtd.crypto.private_keys import EcPrivateKey
from emrtd.crypto.public_keys import encode_public_key
from emrtd.pki.lint.certificates import kind_of, lint_certificate
from emrtd.pki.lint.crl import lint_crl
from emrtd.pki.lint.findings import LintFinding
from emrtd.pki.x509.algorithms import encode_scheme, scheme_for
from emrtd.pki.x509.certificates import Certificate
from emrtd.pki.x509.crl import Crl
from emrtd.pki.x509.extension_writer import CertificateKind as Kind
from emrtd.pki.x509.issuing import CountrySigningCa
from emrtd.pki.x509.names import COMMON_NAME, COUNTRY, encode_name
from tests.certificates import UTOPIA

AT = datetime(2026, 11, 22, 10, tzinfo=UTC)
KEY = EcPrivateKey.generate(CURVES["brainpoolP256r1"])
CSCA = CountrySigningCa(UTOPIA, KEY)
NEXT = CountrySigningCa(UTOPIA, EcPrivateKey.generate(CURVES["secp384r1"]))
ALGORITHM = encode_scheme(scheme_for(KEY.public_key, Hash.SHA256))
TABLE_5, TABLE_6 = "Doc 9303-12, 7.1.1, Table 5", "Doc 9303-12, 7.1.1, Table 6"
TABLE_9, TABLE_10 = "Doc 9303-12, 7.1.4, Table 9", "Doc 9303-12, 7.1.4, Table 10"

ISSUED = {
    Kind.CSCA_ROOT: CSCA.issue_root(AT),
    Kind.CSCA_LINK: CSCA.issue_link(NEXT, AT),
    Kind.DOCUMENT_SIGNER: CSCA.issue_document_signer(NEXT.signer.public_key, 1, AT),
    Kind.MASTER_LIST_SIGNER: CSCA.issue_list_signer(
        Kind.MASTER_LIST_SIGNER, NEXT.signer.public_key, AT
    ),
    Kind.DEVIATION_LIST_SIGNER: CSCA.issue_list_signer(
        Kind.DEVIATION_LIST_SIGNER, NEXT.signer.public_key, AT
    ),
    Kind.COMMUNICATION: CSCA.issue_encryption(NEXT.signer.public_key, "Station", AT),
}

AKI, SKI, USAGE, PERIOD = "2.5.29.35", "2.5.29.14", "2.5.29.15", "2.5.29.16"
POLICIES, SUBJECT_NAME, ISSUER_NAME, CONSTRAINTS = (
    "2.5.29.32",
    "2.5.29.17",
    "2.5.29.18",
    "2.5.29.19",
)
PURPOSES, POINTS = "2.5.29.37", "2.5.29.31"
NAME_CHANGE, DOCUMENT_TYPE = "2.23.136.1.1.6.1", "2.23.136.1.1.6.2"

ROWS = {  # root, link, Document Signer, list signers, communication; criticality
    AKI: "o m m m m nc",
    SKI: "m m o o o nc",
    USAGE: "m m m m m c",
    PERIOD: "m m m o o nc",
    POLICIES: "o o o o o nc",
    "2.5.29.33": "x x x x x -",
    SUBJECT_NAME: "m m m m m nc",
    ISSUER_NAME: "m m m m m nc",
    "2.5.29.9": "x x x x x -",
    CONSTRAINTS: "m m x x x c",
    "2.5.29.30": "x x x x x -",
    "2.5.29.36": "x x x x x -",
    PURPOSES: "x x x m m c",
    POINTS: "m m m m o nc",
    "2.5.29.54": "x x x x x -",
    "2.5.29.46": "x x x x x -",
    "1.3.6.1.5.5.7.1.1": "o o o o o nc",
    NAME_CHANGE: "o o x x x nc",
    DOCUMENT_TYPE: "x x m x x nc",
    "2.16.840.1.113730.1.1": "x x x x x -",
    "1.2.3.4.5": "o o o o o nc",
}
COLUMNS = [
    Kind.CSCA_ROOT, Kind.CSCA_LINK, Kind.DOCUMENT_SIGNER, Kind.MASTER_LIST_SIGNER,
    Kind.COMMUNICATION,
]  # fmt: skip
VALUES: Mapping[str, bytes] = {  # for what the certificates issued here do not have
    POLICIES: der.sequence(der.sequence(der.oid("1.2.3"))),
    CONSTRAINTS: der.sequence(),
    PURPOSES: der.sequence(der.oid("1.3.6.1.5.5.7.3.1")),
    POINTS: der.sequence(
        der.sequence(der.tagged(0, der.tagged(0, der.tagged_primitive(6, b"http://x"))))
    ),
    NAME_CHANGE: der.null(),
    DOCUMENT_TYPE: der.sequence(der.integer(0), der.set_of(der.printable_string("P"))),
    PERIOD: der.sequence(
        *(
            der.tagged_primitive(number, der.generalized_time(AT + timedelta(days=30 * number))[2:])
            for number in (0, 1)
        )
    ),
}


def written(kind: Kind, *, fields: dict[int, bytes] | None = None, **changes: Any) -> Certificate:
    """One of those that are issued, with fields (by place) or extensions changed, signed again.

    `extensions` maps an object identifier to None, or to its critical flag and its value.
    """
    original = ISSUED[kind]
    parts = [each.encoded for each in ber.read(original.tbs, "certificate").children]
    extensions = {each.oid: (each.critical, each.value) for each in original.extensions.all}
    for oid, value in changes.get("extensions", {}).items():
        if value is None:
            extensions.pop(oid, None)
        else:
            extensions[oid] = value
    parts[7] = der.tagged(
        3, der.sequence(*(extension(oid, *each) for oid, each in extensions.items()))
    )
    for place, octets in (fields or {}).items():
        parts[place] = octets
    body = der.sequence(*parts)
    return Certificate.parse(
        der.sequence(body, changes.get("outer", ALGORITHM), der.bit_string(KEY.sign(SCHEME, body)))
    )


SCHEME = scheme_for(KEY.public_key, Hash.SHA256)


def extension(oid: str, critical: bool, value: bytes) -> bytes:
    flag = [der.boolean(value=True)] if critical else []
    return der.sequence(der.oid(oid), *flag, der.octet_string(value))


def said(findings: list[LintFinding], reason: str, clause: str) -> bool:
    return any(reason in each.reason and each.clause == clause for each in findings)


@pytest.mark.parametrize("kind", list(Kind))
def test_an_unchanged_certificate_conforms(kind: Kind) -> None:
    certificate = written(kind)
    assert kind_of(certificate) is kind
    assert lint_certificate(certificate) == []


@pytest.mark.parametrize("oid", list(ROWS))
@pytest.mark.parametrize("column", range(5))
def test_every_cell_of_table_6(oid: str, column: int) -> None:
    *presence, criticality = ROWS[oid].split()
    kind, presence_here = COLUMNS[column], presence[column]
    found = ISSUED[kind].extensions.get(oid)
    value = found.value if found is not None else VALUES.get(oid, der.sequence())
    critical = criticality == "c"
    there = written(kind, extensions={oid: (critical, value)})
    if presence_here == "x":
        assert lint_certificate(there)
        assert {each.clause for each in lint_certificate(there)} <= {TABLE_6}
        return
    if oid != AKI or kind is not Kind.CSCA_ROOT:
        assert lint_certificate(there) == []
    absent = lint_certificate(written(kind, extensions={oid: None}))
    assert bool(absent) == (presence_here == "m")
    flipped = written(kind, extensions={oid: (not critical, value)})
    assert said(lint_certificate(flipped), "critical", TABLE_6)


def name_of(**attributes: bytes) -> bytes:
    """Encode a directory name; C, CN and other attributes are given as encoded strings."""
    oids = {"c": COUNTRY, "cn": COMMON_NAME, "serial": "2.5.4.5", "o": "2.5.4.10"}
    return der.sequence(
        *(
            der.set_of(der.sequence(der.oid(oids[each]), value))
            for each, value in attributes.items()
        )
    )


def alternative(*attributes: tuple[str, bytes]) -> bytes:
    names = (der.set_of(der.sequence(der.oid(oid), value)) for oid, value in attributes)
    return der.sequence(der.tagged(4, der.sequence(*names)))


UT, CN = der.printable_string("UT"), der.utf8_string("Signer")
STATE = ("2.5.4.7", der.printable_string("UTO"))
DS, ROOT, LIST, COM = (
    Kind.DOCUMENT_SIGNER, Kind.CSCA_ROOT, Kind.MASTER_LIST_SIGNER, Kind.COMMUNICATION,
)  # fmt: skip


def times(begin: bytes, end: bytes) -> dict[int, bytes]:
    return {4: der.sequence(begin, end)}


BEGIN, END = der.time(AT), der.time(AT + timedelta(days=3700))
UTC_TIME = 0x17


def utc(text: bytes) -> bytes:
    return bytes((UTC_TIME, len(text))) + text


FIELDS: list[tuple[Kind, dict[int, bytes], str, str]] = [
    (DS, {0: der.tagged(0, der.integer(1))}, "not of version 3", TABLE_5),
    (DS, {1: der.integer(0)}, "not positive", TABLE_5),
    (DS, {1: b"\x02\x01\xff"}, "not positive", TABLE_5),
    (DS, {1: der.integer(1 << 160)}, "more than 20 octets", TABLE_5),
    (DS, {1: b"\x02\x02\x00\x01"}, "superfluous leading octets", TABLE_5),
    (DS, {3: name_of(c=UT)}, "the issuer's name has no common name", TABLE_5),
    (DS, {5: name_of(c=UT)}, "the subject's name has no common name", TABLE_5),
    (DS, {5: name_of(cn=CN)}, "has no country", TABLE_5),
    (DS, {5: name_of(c=der.printable_string("ut"), cn=CN)}, "two upper-case letters", TABLE_5),
    (DS, {5: name_of(c=der.printable_string("UTO"), cn=CN)}, "two upper-case letters", TABLE_5),
    (DS, {5: name_of(c=der.printable_string("XX"), cn=CN)}, "of different countries", TABLE_5),
    (DS, {5: name_of(c=der.utf8_string("UT"), cn=CN)}, "2.5.4.6 that is not a Printable", TABLE_5),
    (DS, {5: name_of(c=UT, cn=CN, serial=der.utf8_string("1"))}, "2.5.4.5 that is not", TABLE_5),
    (DS, {5: name_of(c=UT, cn=b"\x16\x01A")}, "neither PrintableString nor UTF8", TABLE_5),
    (DS, {5: name_of(c=UT, cn=CN, o=b"\x14\x01A")}, "neither PrintableString nor UTF8", TABLE_5),
    (DS, times(utc(b"2611221000Z"), END), "to the second in UTC", TABLE_5),
    (DS, times(utc(b"261122100000+0100"), END), "to the second in UTC", TABLE_5),
    (DS, times(der.generalized_time(AT), END), "is not a UTCTime", TABLE_5),
    (DS, times(BEGIN, b"\x18\x1120370101000000.5Z"), "to the second in UTC", TABLE_5),
    (DS, times(END, BEGIN), "ends before it begins", TABLE_5),
    (
        DS,
        {6: encode_public_key(KEY.public_key, explicit=False)},
        "is named instead of explicit",
        "Doc 9303-12, 4.1.6.3",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "fields", "reason", "clause"), FIELDS)
def test_every_field_of_table_5(
    kind: Kind, fields: dict[int, bytes], reason: str, clause: str
) -> None:
    assert said(lint_certificate(written(kind, fields=fields)), reason, clause)


def test_unique_identifiers_and_default_values() -> None:
    original = ISSUED[DS]
    parts = [each.encoded for each in ber.read(original.tbs, "certificate").children]
    extensions = ber.read(original.tbs, "certificate").children[7].children[0].children
    false = der.sequence(der.oid("1.2.3"), der.boolean(value=False), der.octet_string(b""))
    listed = der.tagged(3, der.sequence(*(each.encoded for each in extensions), false))
    for body, reason in (
        (der.sequence(*parts[:7], der.tagged_primitive(1, b"\0\1"), parts[7]), "unique identifier"),
        (der.sequence(*parts[:7], listed), "default value"),
        (der.sequence(parts[0], *parts[1:7], parts[7], der.null()), "X.509 does not define"),
    ):
        octets = der.sequence(body, ALGORITHM, der.bit_string(b"signature"))
        assert said(lint_certificate(Certificate.parse(octets)), reason, TABLE_5)


def test_a_certificate_of_version_1() -> None:
    parts = [each.encoded for each in ber.read(ISSUED[DS].tbs, "certificate").children]
    body = der.sequence(*parts[1:7])
    octets = der.sequence(body, ALGORITHM, der.bit_string(b"signature"))
    findings = lint_certificate(Certificate.parse(octets))
    assert said(findings, "the version is not v3", TABLE_5)


def test_an_outer_algorithm_in_another_encoding_is_a_finding() -> None:
    outer = der.sequence(der.oid("1.2.840.10045.4.3.2"), der.null())
    assert said(lint_certificate(written(DS, outer=outer)), "encoded differently", TABLE_5)


def point(*fields: bytes) -> bytes:
    return der.sequence(der.sequence(*fields))


def url(text: bytes) -> bytes:
    return der.tagged(0, der.tagged(0, der.tagged_primitive(6, text)))


def period(*ends: tuple[int, int]) -> bytes:
    return der.sequence(
        *(
            der.tagged_primitive(tag, der.generalized_time(AT + timedelta(days=days))[2:])
            for tag, days in ends
        )
    )


ALTERNATIVE = "Doc 9303-12, 7.1.1.2"
CONTENTS: list[tuple[Kind, str, bool, bytes, str, str]] = [
    (DS, AKI, False, der.sequence(), "no keyIdentifier", TABLE_6),
    (ROOT, AKI, False, der.sequence(der.tagged_primitive(0, b"other")), "of a root", TABLE_6),
    (DS, SKI, False, der.octet_string(b""), "is empty", TABLE_6),
    (DS, SKI, False, der.null(), "cannot be read", TABLE_6),
    (DS, USAGE, True, der.bit_string(b"\xc0", 6), "must be exactly DIGITAL_SIGNATURE", TABLE_6),
    (ROOT, USAGE, True, der.bit_string(b"\x04", 2), "must be exactly", TABLE_6),
    (LIST, USAGE, True, der.bit_string(b"\x20", 5), "must be exactly", TABLE_6),
    (COM, USAGE, True, der.bit_string(b"\x10", 4), "must consist of bits of", TABLE_6),
    (DS, USAGE, True, der.bit_string(b"\x80", 0), "trailing zeros", TABLE_6),
    (DS, PERIOD, False, der.sequence(), "neither notBefore nor notAfter", TABLE_6),
    (LIST, PERIOD, False, der.sequence(), "neither notBefore nor notAfter", TABLE_6),
    (DS, PERIOD, False, period((1, 400)), "for 400 days", "Doc 9303-12, 4.1.1.2"),
    (DS, PERIOD, False, period((0, 0)), "the private key may be used", "Doc 9303-12, 4.1.1.2"),
    (DS, PERIOD, False, period((0, 9), (1, 3)), "ends before it begins", TABLE_6),
    (ROOT, PERIOD, False, period((0, 0), (1, 2000)), "2000 days", "Doc 9303-12, 4.1.4.2"),
    (LIST, PERIOD, False, period((1, 4000)), "outlives", "Doc 9303-12, 4.1.4.2"),
    (DS, PERIOD, False, der.sequence(b"\x81\x0d261122100000Z"), "cannot be read", TABLE_6),
    (DS, POLICIES, False, der.sequence(), "no PolicyInformation", TABLE_6),
    (DS, POLICIES, False, der.sequence(der.sequence(der.null())), "policyIdentifier", TABLE_6),
    (DS, SUBJECT_NAME, False, der.sequence(), "subjectAltName lacks the State's code", ALTERNATIVE),
    (DS, ISSUER_NAME, False, alternative(), "issuerAltName lacks the State's code", ALTERNATIVE),
    (DS, SUBJECT_NAME, False, alternative((STATE[0], der.utf8_string("uto"))), "code", ALTERNATIVE),
    (DS, SUBJECT_NAME, False, alternative(STATE, ("2.5.4.3", CN)), "2.5.4.3 beside", ALTERNATIVE),
    (ROOT, ISSUER_NAME, False, alternative(STATE), "differ in a root", ALTERNATIVE),
    (ROOT, CONSTRAINTS, True, der.sequence(der.boolean(value=True)), "must be 0", TABLE_6),
    (
        ROOT, CONSTRAINTS, True, der.sequence(der.boolean(value=True), der.integer(1)), "must be 0",
        TABLE_6,
    ),
    (DS, POINTS, False, der.sequence(), "cRLDistributionPoints is empty", "Doc 9303-12, 7.1.1.4"),
    (DS, POINTS, False, point(), "no fullName", "Doc 9303-12, 7.1.1.4"),
    (DS, POINTS, False, point(url(b"ftp://x")), "is not http, https or ldap", TABLE_6),
    (DS, POINTS, False, point(url(b"http://x"), b"\x81\x02\x00\x80"), "have reasons", TABLE_6),
    (DS, POINTS, False, point(url(b"http://x"), der.tagged(2)), "have cRLIssuer", TABLE_6),
    (ROOT, NAME_CHANGE, False, der.integer(1), "not NULL", "Doc 9303-12, 7.1.1.5"),
    (COM, PURPOSES, True, der.sequence(), "", TABLE_6),
    *(
        (DS, DOCUMENT_TYPE, False, value, reason, "Doc 9303-12, 7.1.1.6")
        for value, reason in (
            (der.sequence(der.integer(1), der.set_of(UT)), "not of version 0"),
            (der.sequence(der.integer(0), der.set_of(b"\x0c\x01P")), "not a PrintableString"),
            (der.set_of(UT), "not a version and a set"),
            (
                der.sequence(der.integer(0), b"\x31\x06\x13\x01P\x13\x01A"),
                "not in DER order",
            ),
        )
    ),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "oid", "critical", "value", "reason", "clause"), CONTENTS)
def test_the_content_of_each_extension(
    kind: Kind, oid: str, critical: bool, value: bytes, reason: str, clause: str
) -> None:
    findings = lint_certificate(written(kind, extensions={oid: (critical, value)}))
    assert said(findings, reason, clause), findings


def test_a_link_to_a_new_name_requires_name_change() -> None:
    fields = {5: encode_name((COUNTRY, "UT"), (COMMON_NAME, "Another name"))}
    findings = lint_certificate(written(Kind.CSCA_LINK, fields=fields))
    assert said(findings, "must have nameChange", "Doc 9303-12, 7.1.1.5")


# --- CRLs ----------------------------------------------------------------------------------------

CRL_PARTS = [each.encoded for each in ber.read(Crl.parse(CSCA.issue_crl(1, AT)).tbs, "x").children]
ENTRY = (der.integer(5), der.time(AT))


def crl(change: Callable[[list[bytes]], None]) -> Crl:
    parts = list(CRL_PARTS)
    change(parts)
    return Crl.parse(der.sequence(der.sequence(*parts), parts[1], der.bit_string(b"signature")))


def crl_extensions(**changes: tuple[str, bool, bytes] | None) -> bytes:
    found = {
        "aki": (AKI, False, der.sequence(der.tagged_primitive(0, b"identifier"))),
        "number": ("2.5.29.20", False, der.integer(1)),
        **changes,
    }
    return der.tagged(0, der.sequence(*(extension(*each) for each in found.values() if each)))


def entries(*extensions: bytes, time: bytes = ENTRY[1]) -> bytes:
    rest = [der.sequence(*extensions)] if extensions else []
    return der.sequence(der.sequence(ENTRY[0], time, *rest))


SHA1 = der.sequence(der.oid("1.2.840.10045.4.1"))
AKI_EMPTY, AKI_VALUE = der.sequence(), der.sequence(der.tagged_primitive(0, b"identifier"))
CRLS: list[tuple[dict[int, bytes], str, str]] = [
    ({0: b""}, "version is not v2", TABLE_9),
    ({1: SHA1}, "hash is not", "Doc 9303-12, 4.1.6.4"),
    ({2: name_of(c=der.printable_string("ut"), cn=CN)}, "two upper-case letters", TABLE_9),
    ({3: utc(b"2611221000Z")}, "to the second in UTC", TABLE_9),
    ({4: der.generalized_time(AT + timedelta(days=9))}, "is not a UTCTime", TABLE_9),
    ({4: b""}, "nextUpdate is missing", TABLE_9),
    ({4: der.time(AT - timedelta(days=1))}, "not after thisUpdate", TABLE_9),
    ({4: der.time(AT + timedelta(days=91))}, "more than 90 days", "Doc 9303-12, 4.1.5"),
    ({5: der.sequence() + CRL_PARTS[5]}, "present but empty", TABLE_9),
    ({5: entries(time=utc(b"2611221000Z")) + CRL_PARTS[5]}, "a time of revocation", TABLE_9),
    *(
        ({5: entries(extension(oid, False, der.null())) + CRL_PARTS[5]}, name, TABLE_10)
        for oid, name in (
            ("2.5.29.21", "reasonCode"), ("2.5.29.23", "holdInstructionCode"),
            ("2.5.29.24", "invalidityDate"), ("2.5.29.29", "certificateIssuer"),
        )
    ),
    ({5: entries(extension("1.2.3", True, b"")) + CRL_PARTS[5]}, "of an entry is crit", TABLE_10),
    ({5: crl_extensions(aki=None)}, "authorityKeyIdentifier, or the key", TABLE_10),
    ({5: crl_extensions(aki=(AKI, False, AKI_EMPTY))}, "keyIdentifier in it", TABLE_10),
    ({5: crl_extensions(aki=(AKI, True, AKI_VALUE))}, "must not be critical", TABLE_10),
    ({5: crl_extensions(number=None)}, "cRLNumber is missing", TABLE_10),
    ({5: crl_extensions(number=("2.5.29.20", False, der.integer(-1)))}, "negative", TABLE_10),
    ({5: crl_extensions(number=("2.5.29.20", False, der.integer(1 << 160)))}, "long", TABLE_10),
    ({5: crl_extensions(number=("2.5.29.20", False, b"\x02\x02\0\x01"))}, "fewest", TABLE_10),
    ({5: crl_extensions(number=("2.5.29.20", True, der.integer(1)))}, "be critical", TABLE_10),
    *(
        ({5: crl_extensions(more=(oid, False, der.null()))}, name, TABLE_10)
        for oid, name in (
            ("2.5.29.27", "deltaCRLIndicator"), ("2.5.29.28", "issuingDistributionPoint"),
            ("2.5.29.46", "freshestCRL"),
        )
    ),
    ({5: crl_extensions(more=("1.2.3", True, b""))}, "must not be critical", TABLE_10),
    ({5: crl_extensions(more=("2.5.29.18", False, b"\x30"))}, "cannot be read", TABLE_10),
]  # fmt: skip


@pytest.mark.parametrize(("parts", "reason", "clause"), CRLS)
def test_every_field_and_extension_of_a_crl(
    parts: dict[int, bytes], reason: str, clause: str
) -> None:
    def change(found: list[bytes]) -> None:
        for place, octets in parts.items():
            found[place] = octets

    findings = lint_crl(crl(change))
    assert said(findings, reason, clause), findings


def test_an_unchanged_crl_conforms() -> None:
    assert lint_crl(crl(lambda parts: None)) == []
    assert lint_crl(Crl.parse(CSCA.issue_crl(1, AT))) == []
