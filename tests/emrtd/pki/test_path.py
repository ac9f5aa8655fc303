"""The path from one certificate to its CSCA: instants at the limits, and who can be the issuer."""

from datetime import datetime, timedelta

import pytest

from emrtd.asn1 import der
from emrtd.pki.findings import Check, Outcome, Shows
from emrtd.pki.path import differ_in_one_octet, objection_to_issuer, validate
from emrtd.pki.quirks import Quirk
from emrtd.pki.signer_profile import Purpose, Use
from emrtd.pki.trust import TrustSet
from emrtd.pki.x509 import extension_writer as writer
from emrtd.pki.x509 import extensions as ext
from emrtd.pki.x509.certificates import Certificate
from emrtd.pki.x509.free_writer import document_types
from tests.certificates import (
    DAY,
    NOW,
    Authority,
    basic_constraints,
    extended_key_usage,
    extension,
    key_usage,
    make_certificate,
    name,
    usage_period,
)

CSCA = Authority()
OTHER = Authority(label="other", common_name="CSCA Other")
SECOND = timedelta(seconds=1)
PASSED, FAILED, WARNING = Outcome.PASSED, Outcome.FAILED, Outcome.WARNING
UNDETERMINED = Outcome.UNDETERMINED


def check(
    check_id: str,
    certificate: Certificate,
    *anchors: Certificate,
    at: datetime = NOW,
    purpose: Purpose = Purpose.DOCUMENT_SIGNER,
    use: Use | None = None,
) -> Check:
    """Return one check of a certificate; without anchors, the trust store has CSCA's root."""
    trust = TrustSet(anchors or [CSCA.certificate()])
    path = validate(certificate, trust, at=at, purpose=purpose, use=use or Use())
    (found,) = [each for each in path.checks if each.id == check_id]
    return found


def root(*own: bytes, **fields: object) -> Certificate:
    """Return a root of CSCA's key with these extensions."""
    return make_certificate(
        CSCA.name,
        CSCA.name,
        CSCA.key.public_key,
        CSCA.key,
        own,
        **fields,  # type: ignore[arg-type]
    )


# --- validity ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("at", "outcome"),
    [
        (NOW - 5 * DAY - SECOND, FAILED),
        (NOW - 5 * DAY, PASSED),
        (NOW + 5 * DAY, PASSED),
        (NOW + 5 * DAY + SECOND, FAILED),
    ],
)
def test_the_limits_of_the_validity_belong_to_it(at: datetime, outcome: Outcome) -> None:
    """RFC 5280, 4.1.2.5: from notBefore through notAfter, inclusive."""
    limits = {"not_before": NOW - 5 * DAY, "not_after": NOW + 5 * DAY}
    assert check("ds.validity", CSCA.issue(**limits), at=at).outcome is outcome
    warned = WARNING if outcome is FAILED else PASSED
    assert check("ds.validity", CSCA.issue(), CSCA.certificate(**limits), at=at).outcome is warned


@pytest.mark.parametrize("limit", ["not_before", "not_after"])
def test_a_root_at_the_limit_of_its_validity_is_preferred_to_a_link(limit: str) -> None:
    old = CSCA.renewed("CSCA 0", common_name="CSCA of Before")
    own, link = CSCA.certificate(**{limit: NOW}), old.link(CSCA)
    path = validate(CSCA.issue(), TrustSet([link, own]), at=NOW)
    assert path.anchor is not None
    assert path.anchor.certificate == own
    beyond = NOW - SECOND if limit == "not_before" else NOW + SECOND
    path = validate(CSCA.issue(), TrustSet([own, link]), at=beyond)
    assert path.anchor is not None
    assert path.anchor.certificate == link


# --- who can be the issuer -----------------------------------------------------------------------


def without_keys(authority: Authority) -> Certificate:
    """Return a root without key identifiers."""
    own = [key_usage(ext.KeyUsage.KEY_CERT_SIGN), basic_constraints()]
    return make_certificate(
        authority.name, authority.name, authority.key.public_key, authority.key, own
    )


NO_COUNTRY = der.sequence(
    der.set_of(der.sequence(der.oid("2.5.4.3"), der.printable_string("CSCA Utopia")))
)


@pytest.mark.parametrize(
    ("issuer", "certificate", "objects"),
    [
        (CSCA.certificate(), CSCA.issue(), False),
        (CSCA.certificate(), CSCA.issue(issuer=OTHER.name), False),
        (CSCA.certificate(), CSCA.issue(issuer=OTHER.name, authority=bytes(20)), True),
        (CSCA.certificate(), CSCA.issue(issuer=name("XX", "CSCA Utopia")), True),
        (CSCA.certificate(), CSCA.issue(issuer=NO_COUNTRY), True),
        (without_keys(CSCA), CSCA.issue(extensions=[]), False),
        (without_keys(CSCA), CSCA.issue(issuer=OTHER.name, extensions=[]), True),
    ],
    ids=["name", "key", "another key", "another State", "no State", "no key", "neither"],
)
def test_an_issuer_has_the_name_or_the_key_that_the_certificate_names(
    issuer: Certificate, certificate: Certificate, objects: bool
) -> None:
    assert (objection_to_issuer(issuer, certificate) is not None) is objects


def test_a_key_without_a_state_issues_only_under_its_name() -> None:
    issuer = make_certificate(
        NO_COUNTRY, NO_COUNTRY, CSCA.key.public_key, CSCA.key, CSCA.extensions()
    )
    other = der.sequence(
        der.set_of(der.sequence(der.oid("2.5.4.3"), der.printable_string("CSCA Other")))
    )
    assert objection_to_issuer(issuer, CSCA.issue(issuer=NO_COUNTRY)) is None
    assert objection_to_issuer(issuer, CSCA.issue(issuer=other)) is not None


def test_a_csca_with_basic_constraints_twice_issues_nothing() -> None:
    twice = root(*CSCA.extensions(), basic_constraints())
    found = check("ds.chain", CSCA.issue(), twice)
    assert (found.outcome, found.reason) == (FAILED, "its issuer is not marked as a CA")


def test_a_csca_without_key_usage_issues() -> None:
    plain = root(writer.subject_key_identifier(CSCA.key_identifier), basic_constraints())
    assert check("ds.chain", CSCA.issue(), plain).outcome is PASSED


def test_a_signer_without_document_types_is_for_documents_of_every_type() -> None:
    assert check("ds.profile", CSCA.issue(), use=Use("IR")).outcome is PASSED


def test_a_conforming_chain_has_no_quirks() -> None:
    ds = CSCA.issue(more=[usage_period(NOW - DAY, NOW + DAY), document_types("IR")])
    assert check("ds.chain", ds).tolerated == ()
    assert check("ds.profile", ds, use=Use("IR", NOW)).tolerated == ()


@pytest.mark.parametrize(
    ("issuer", "anchors", "says"),
    [
        (name("XX", "CSCA"), [CSCA], "the trust store has no CSCA of XX"),
        (name("UT", "CSCA of Before"), [CSCA], "not among the CSCAs of its country"),
        (NO_COUNTRY, [CSCA], "a name without a country"),
        (CSCA.name, [CSCA.renewed("CSCA 2")], "but not the key that the certificate names"),
    ],
)
def test_a_missing_csca_is_named(issuer: bytes, anchors: list[Authority], says: str) -> None:
    ds = OTHER.renewed("stranger").issue(issuer=issuer)
    found = check("ds.chain", ds, *(each.certificate() for each in anchors))
    assert (found.outcome, found.shows) == (UNDETERMINED, None)
    assert says in found.reason


def test_a_certificate_with_an_unknown_algorithm_is_no_forgery() -> None:
    """Its signature cannot be verified: that is evidence neither for it nor against it."""
    known = der.oid("1.2.840.10045.4.3.2")
    octets = CSCA.issue().der.replace(known, der.oid("1.2.840.10045.4.3.9"))
    found = check("ds.chain", Certificate.parse(octets))
    assert (found.outcome, found.shows) == (UNDETERMINED, None)
    assert "unknown algorithm" in found.reason


@pytest.mark.parametrize("changed", [0, 19])
def test_one_changed_octet_of_the_key_identifier_shows_forgery(changed: int) -> None:
    """The key that is named is not known, but one of this name that differs in an octet is."""
    identifier = bytearray(CSCA.key_identifier)
    identifier[changed] ^= 0x10
    ds = OTHER.issue(issuer=CSCA.name, authority=bytes(identifier))
    found = check("ds.chain", ds, CSCA.renewed("CSCA 2").certificate(), CSCA.certificate())
    assert (found.outcome, found.shows) == (FAILED, Shows.FORGERY)
    identifier[changed - 1] ^= 0x10
    ds = OTHER.issue(issuer=CSCA.name, authority=bytes(identifier))
    assert check("ds.chain", ds).outcome is UNDETERMINED


@pytest.mark.parametrize(
    ("left", "right", "one"),
    [
        (b"abc", b"abd", True),
        (b"abc", b"abc", False),
        (b"abc", b"xbd", False),
        (b"abc", b"abcd", False),
        (b"abc", b"abd!", False),
        (b"abc", None, False),
        (b"", b"", False),
    ],
)
def test_strings_that_differ_in_one_octet(left: bytes, right: bytes | None, one: bool) -> None:
    assert differ_in_one_octet(left, right) is one


# --- the purpose ---------------------------------------------------------------------------------


@pytest.mark.parametrize("oid", [ext.KEY_USAGE, ext.BASIC_CONSTRAINTS, ext.EXTENDED_KEY_USAGE])
def test_a_signer_whose_purpose_cannot_be_read_may_not_sign(oid: str) -> None:
    own = [] if oid == ext.KEY_USAGE else [key_usage(ext.KeyUsage.DIGITAL_SIGNATURE)]
    ds = CSCA.issue(extensions=[*own, extension(oid, der.null()), document_types("I")])
    found = check("ds.profile", ds)
    assert (found.outcome, found.shows) == (FAILED, Shows.FORGERY)
    assert "cannot be read" in found.reason


@pytest.mark.parametrize("oid", [ext.DOCUMENT_TYPE_LIST, ext.OLD_DOCUMENT_TYPE_LIST])
@pytest.mark.parametrize(
    "unreadable",
    [der.null(), der.sequence(der.integer(0), der.set_of()), b"\x30\x05", b"", None],
    ids=["null", "no type", "cut short", "empty", "twice"],
)
def test_document_types_that_cannot_be_read_are_not_absent(
    oid: str, unreadable: bytes | None
) -> None:
    """A signer with such a list is for some documents only, and nobody knows for which."""
    good = der.sequence(der.integer(0), der.set_of(der.printable_string("P")))
    lists = [extension(oid, good)] * 2 if unreadable is None else [extension(oid, unreadable)]
    for use in (Use(), Use(document_type="P")):
        found = check("ds.profile", CSCA.issue(more=lists), use=use)
        assert found.outcome is Outcome.UNDETERMINED
        assert found.reason == "the signer's list of document types cannot be read"
        assert Quirk.NO_DOCUMENT_TYPES not in found.tolerated
        assert {Quirk.EXTENSION_MALFORMED, Quirk.EXTENSION_TWICE} & {*found.tolerated}
    server = CSCA.issue(more=[*lists, extended_key_usage("1.3.6.1.5.5.7.3.1")])
    found = check("ds.profile", server)
    assert found.outcome is FAILED
    assert "document types that cannot be read" in found.reason


def test_a_usage_period_that_cannot_be_read_is_not_absent() -> None:
    unreadable = extension(ext.PRIVATE_KEY_USAGE_PERIOD, der.null())
    found = check("ds.profile", CSCA.issue(more=[unreadable, document_types("P")]))
    assert found.outcome is Outcome.WARNING
    assert found.reason == "the signer's private-key usage period cannot be read"
    assert Quirk.NO_USAGE_PERIOD not in found.tolerated


MASTER, DEVIATION = ext.MASTER_LIST_SIGNER, ext.DEVIATION_LIST_SIGNER


@pytest.mark.parametrize(
    ("usage", "purpose", "outcome"),
    [
        (None, Purpose.DOCUMENT_SIGNER, PASSED),
        (MASTER, Purpose.DOCUMENT_SIGNER, FAILED),
        (DEVIATION, Purpose.DOCUMENT_SIGNER, FAILED),
        (MASTER, Purpose.MASTER_LIST_SIGNER, PASSED),
        (DEVIATION, Purpose.MASTER_LIST_SIGNER, FAILED),
        (None, Purpose.MASTER_LIST_SIGNER, FAILED),
        (DEVIATION, Purpose.DEVIATION_LIST_SIGNER, PASSED),
        (MASTER, Purpose.DEVIATION_LIST_SIGNER, FAILED),
        (None, Purpose.DEVIATION_LIST_SIGNER, FAILED),
        ("1.2.3", Purpose.DEFECT_LIST_SIGNER, PASSED),
        (None, Purpose.DEFECT_LIST_SIGNER, FAILED),
    ],
)
def test_each_purpose_has_its_extended_key_usage(
    usage: str | None, purpose: Purpose, outcome: Outcome
) -> None:
    signer = CSCA.issue(more=[] if usage is None else [extended_key_usage(usage)])
    assert check("ds.profile", signer, purpose=purpose).outcome is outcome


def test_what_document_signers_lack_is_no_quirk_of_a_list_signer() -> None:
    found = check("ds.profile", CSCA.list_signer(MASTER), purpose=Purpose.MASTER_LIST_SIGNER)
    assert found.tolerated == ()


def test_a_signer_for_another_purpose_is_not_asked_for_its_types() -> None:
    """The forgery stays, whatever the type of the document."""
    ds = CSCA.issue(more=[extended_key_usage(MASTER), document_types("P")])
    assert check("ds.profile", ds, use=Use("IR")).shows is Shows.FORGERY


# --- the private-key usage period ----------------------------------------------------------------


def half_open(*, begins: datetime | None = None, ends: datetime | None = None) -> bytes:
    """Return a PrivateKeyUsagePeriod without its beginning or its end."""
    times = [
        der.tagged_primitive(number, der.generalized_time(each)[2:])
        for number, each in enumerate((begins, ends))
        if each is not None
    ]
    return extension(ext.PRIVATE_KEY_USAGE_PERIOD, der.sequence(*times))


SHIFTED = (Quirk.USAGE_PERIOD_SHIFTED,)
BEGIN, END = NOW - 10 * DAY, NOW + 10 * DAY
SIGNED = [
    (BEGIN - DAY - SECOND, WARNING, (), "before"),
    (BEGIN - DAY, PASSED, SHIFTED, ""),
    (BEGIN - SECOND, PASSED, SHIFTED, ""),
    (BEGIN, PASSED, (), ""),
    (END, PASSED, (), ""),
    (END + SECOND, PASSED, SHIFTED, ""),
    (END + DAY, PASSED, SHIFTED, ""),
    (END + DAY + SECOND, WARNING, (), "after"),
]


@pytest.mark.parametrize(("signed", "outcome", "tolerated", "says"), SIGNED)
def test_the_limits_of_the_private_key_usage_period(
    signed: datetime, outcome: Outcome, tolerated: tuple[Quirk, ...], says: str
) -> None:
    """Within a day, it is a quirk: a date of issue has no time of day."""
    ds = CSCA.issue(more=[usage_period(BEGIN, END), document_types("I")])
    found = check("ds.profile", ds, use=Use("I", signed))
    assert (found.outcome, found.tolerated) == (outcome, tolerated)
    assert says in found.reason
    whole_day = check("ds.profile", ds, use=Use("I", signed, whole_day=True))
    assert (whole_day.outcome, whole_day.tolerated) == (outcome, ())


@pytest.mark.parametrize(("issued", "outcome", "tolerated", "says"), SIGNED)
def test_a_signer_is_issued_in_the_private_key_usage_period_of_its_csca(
    issued: datetime, outcome: Outcome, tolerated: tuple[Quirk, ...], says: str
) -> None:
    csca = root(*CSCA.extensions(), usage_period(BEGIN, END))
    own = [usage_period(BEGIN - 20 * DAY, END), document_types("I")]
    ds = CSCA.issue(more=own, not_before=issued)
    found = check("ds.profile", ds, csca, use=Use("I", NOW))
    assert (found.outcome, found.tolerated) == (outcome, tolerated)
    assert not says or f"the certificate was issued {says}" in found.reason


@pytest.mark.parametrize(
    ("period", "signed", "outcome"),
    [
        (half_open(begins=BEGIN), BEGIN - 2 * DAY, WARNING),
        (half_open(begins=BEGIN), END + 2 * DAY, PASSED),
        (half_open(ends=END), BEGIN - 2 * DAY, PASSED),
        (half_open(ends=END), END + 2 * DAY, WARNING),
        (usage_period(BEGIN, END), None, PASSED),
    ],
)
def test_a_period_without_a_limit_or_a_document_without_a_time(
    period: bytes, signed: datetime | None, outcome: Outcome
) -> None:
    ds = CSCA.issue(more=[period, document_types("I")])
    found = check("ds.profile", ds, use=Use("I", signed))
    assert (found.outcome, found.tolerated) == (outcome, ())


def test_a_quirk_is_named_beside_a_signature_outside_the_period() -> None:
    """The document was signed within a day of the period, the certificate issued far outside."""
    csca = root(*CSCA.extensions(), usage_period(NOW - 5 * DAY, END))
    ds = CSCA.issue(more=[usage_period(BEGIN, END), document_types("I")])
    found = check("ds.profile", ds, csca, use=Use("I", END + SECOND))
    assert (found.outcome, found.tolerated) == (WARNING, SHIFTED)


def test_a_signer_without_key_identifiers_has_named_quirks() -> None:
    ds = CSCA.issue(extensions=[writer.authority_key_identifier(CSCA.key_identifier)])
    assert set(check("ds.profile", ds).tolerated) == {
        Quirk.NO_KEY_USAGE,
        Quirk.NO_USAGE_PERIOD,
        Quirk.NO_DOCUMENT_TYPES,
    }
