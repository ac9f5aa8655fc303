"""Lists that cannot be used whole: they revoke what they name, and show nothing of the rest."""

import subprocess
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from emrtd import tlv
from emrtd.asn1 import der
from emrtd.crypto.hashes import Hash
from emrtd.crypto.signatures import SignatureFamily, SignatureScheme
from emrtd.pki.findings import Check, Outcome, Shows
from emrtd.pki.path import find_anchor
from emrtd.pki.revocation import examine_revocation, find_crl_issuer
from emrtd.pki.trust import TrustSet
from emrtd.pki.x509 import extension_writer as writer
from emrtd.pki.x509 import extensions as ext
from emrtd.pki.x509.algorithms import encode_scheme
from emrtd.pki.x509.certificates import Certificate
from emrtd.pki.x509.crl import Crl
from tests.certificates import (
    DAY,
    NOW,
    Authority,
    basic_constraints,
    extension,
    key,
    key_usage,
    make_certificate,
    name,
)
from tests.helpers import shared

CSCA = Authority()
SIGNER = CSCA.issue()
OLDER = Crl.parse(CSCA.crl())
SCHEME = SignatureScheme(SignatureFamily.ECDSA, Hash.SHA256)
ALGORITHM = encode_scheme(SCHEME)
REASON_CODE, INVALIDITY_DATE, CERTIFICATE_ISSUER = "2.5.29.21", "2.5.29.24", "2.5.29.29"
DELTA, PARTITION = "2.5.29.27", "2.5.29.28"
FOREIGN = der.sequence(der.tagged(4, name("UT", "CSCA Other")))


def entry(serial: int, *extensions: bytes, time: bytes = der.time(NOW)) -> bytes:
    return der.sequence(
        der.integer(serial), time, *([der.sequence(*extensions)] if extensions else [])
    )


def newer(
    *entries: bytes,
    more: tuple[bytes, ...] = (),
    version: bytes = der.integer(1),
    inner: bytes = ALGORITHM,
    outer: bytes | None = None,
    until: bytes = der.time(NOW + 30 * DAY),
    listed: bytes | None = None,
    behind: bytes = b"",
    signing: str = "CSCA 1",
    issued: datetime = NOW,
) -> Crl:
    """A list of `CSCA`, newer than `OLDER`, with a correct signature over whatever it holds."""
    own = der.tagged(
        0,
        der.sequence(
            writer.authority_key_identifier(CSCA.key_identifier), writer.crl_number(2), *more
        ),
    )
    if listed is None:
        listed = der.sequence(*entries) if entries else b""
    body = der.sequence(
        version, inner, CSCA.name, der.time(issued), until, listed, own, behind
    )  # fmt: skip
    signature = key(signing).sign(SCHEME, body)
    return Crl.parse(der.sequence(body, outer or inner, der.bit_string(signature)))


def look_up(*crls: Crl, at: datetime = NOW) -> Check:
    trust = TrustSet([CSCA.certificate()], crls)
    return examine_revocation(SIGNER, find_anchor(SIGNER, trust, at)[0], trust, at)[1]


NAMED = entry(SIGNER.serial)
UNKNOWN = encode_scheme(SignatureScheme(SignatureFamily.ECDSA, Hash.SHA512)).replace(
    der.oid("1.2.840.10045.4.3.4"), der.oid("1.2.840.10045.4.3.9")
)
CANNOT_BE_USED_WHOLE: dict[str, dict[str, object]] = {
    "an unknown critical extension": {"more": (extension("1.2.3.4.5", b"\5\0", critical=True),)},
    "a delta list": {"more": (extension(DELTA, der.integer(1), critical=True),)},
    "a delta list that is not marked critical": {"more": (extension(DELTA, der.integer(1)),)},
    "a partition": {"more": (extension(PARTITION, der.sequence(), critical=True),)},
    "a partition that is not marked critical": {"more": (extension(PARTITION, der.sequence()),)},
    "a malformed critical extension": {"more": (extension("2.5.29.18", b"\x30", critical=True),)},
    "an extension that is not one": {"more": (der.integer(7),)},
    "another version": {"version": der.integer(7)},
    "a version that is none": {"version": b"\x02\x00"},
    "a time that is none": {"until": b"\x17\x01Z"},
    "no next update": {"until": b""},
    "a field too many": {"behind": der.null()},
    "a body that is cut short": {"behind": b"\x30\x7f"},
    "an algorithm that is not known beside the signature": {"outer": UNKNOWN},
    "an algorithm that is not known, and one that is": {"inner": UNKNOWN, "outer": ALGORITHM},
    "another algorithm beside the signature": {
        "outer": encode_scheme(SignatureScheme(SignatureFamily.ECDSA, Hash.SHA384))
    },
}
ENTRIES_WITH_A_FAULT = {
    "an unknown critical extension": entry(7, extension("1.2.3.4.5", b"\5\0", critical=True)),
    "extensions that are none": entry(7, b"\x30\x7f"),
    "a time that is none": entry(7, time=der.null()),
    "no time": der.sequence(der.integer(7)),
    "a field too many": der.sequence(der.integer(7), der.time(NOW), der.sequence(), der.null()),
    "no serial number": der.sequence(der.null(), der.time(NOW)),
    "nothing": der.sequence(),
    "an entry that is none": der.null(),
}


@pytest.mark.parametrize("fault", CANNOT_BE_USED_WHOLE.values(), ids=CANNOT_BE_USED_WHOLE)
def test_a_newer_list_that_is_not_understood_is_not_passed_over(fault: dict[str, object]) -> None:
    silent, naming = newer(**fault), newer(NAMED, **fault)  # type: ignore[arg-type]
    assert look_up(OLDER).outcome is Outcome.PASSED
    assert look_up(OLDER, silent).outcome is Outcome.UNDETERMINED
    assert look_up(silent).outcome is Outcome.UNDETERMINED
    found = look_up(OLDER, naming)
    assert (found.outcome, found.shows) == (Outcome.FAILED, Shows.REVOCATION)


@pytest.mark.parametrize("fault", ENTRIES_WITH_A_FAULT.values(), ids=ENTRIES_WITH_A_FAULT)
def test_an_entry_that_is_not_understood_hides_no_other(fault: bytes) -> None:
    assert look_up(OLDER, newer(fault)).outcome is Outcome.UNDETERMINED
    for listed in ((NAMED, fault), (fault, NAMED)):
        assert look_up(OLDER, newer(*listed)).shows is Shows.REVOCATION


@pytest.mark.parametrize(
    "named",
    [
        entry(SIGNER.serial, extension("1.2.3.4.5", b"\5\0", critical=True)),
        entry(SIGNER.serial, b"\x30\x7f"),
        entry(SIGNER.serial, time=der.null()),
        der.sequence(der.integer(SIGNER.serial)),
    ],
)
def test_an_entry_with_a_fault_revokes_the_certificate_that_it_names(named: bytes) -> None:
    found = look_up(OLDER, newer(named))
    assert found.shows is Shows.REVOCATION
    assert str(NOW.date()) in found.reason


def test_a_body_that_ends_inside_its_entries_revokes_what_was_read() -> None:
    cut = der.sequence(NAMED, b"\x30\x7f")
    assert look_up(OLDER, newer(listed=cut)).shows is Shows.REVOCATION
    assert look_up(OLDER, newer(listed=der.sequence(b"\x30\x7f"))).outcome is Outcome.UNDETERMINED


@pytest.mark.parametrize(
    "known",
    [
        extension(REASON_CODE, tlv.encode(0x0A, b"\1"), critical=True),
        extension(INVALIDITY_DATE, der.generalized_time(NOW), critical=True),
    ],
    ids=["reasonCode", "invalidityDate"],
)
def test_what_rfc_5280_defines_for_an_entry_is_known_though_critical(known: bytes) -> None:
    crl = newer(entry(7, known))
    assert crl.objection is None
    assert look_up(OLDER, crl).outcome is Outcome.PASSED
    assert look_up(OLDER, newer(entry(SIGNER.serial, known))).shows is Shows.REVOCATION


def test_an_entry_of_another_issuer_does_not_name_the_signer() -> None:
    """RFC 5280, 5.3.3: the entry and those after it are of the certificate issuer that it names."""
    foreign = entry(7, extension(CERTIFICATE_ISSUER, FOREIGN, critical=True))
    own = der.sequence(der.tagged(4, CSCA.name))
    back = entry(8, extension(CERTIFICATE_ISSUER, own, critical=True))
    assert look_up(OLDER, newer(foreign, NAMED)).outcome is Outcome.UNDETERMINED
    assert look_up(OLDER, newer(foreign, back, NAMED)).shows is Shows.REVOCATION


@pytest.mark.parametrize("fault", CANNOT_BE_USED_WHOLE.values(), ids=CANNOT_BE_USED_WHOLE)
def test_a_list_that_does_not_verify_changes_no_verdict(fault: dict[str, object]) -> None:
    forged = newer(NAMED, **fault, signing="forged")  # type: ignore[arg-type]
    assert look_up(OLDER, forged) == look_up(OLDER)


def test_a_list_with_an_unknown_algorithm_alone_cannot_verify() -> None:
    crl = newer(NAMED, inner=UNKNOWN)
    assert crl.scheme is None
    assert look_up(OLDER, crl) == look_up(OLDER)


def test_an_outdated_list_is_not_made_up_for_by_an_older_one() -> None:
    outdated = newer(until=der.time(NOW + DAY))
    at = NOW + 2 * DAY
    assert look_up(OLDER, at=at).outcome is Outcome.PASSED
    assert look_up(OLDER, outdated, at=at).outcome is Outcome.UNDETERMINED


def test_a_newer_list_that_is_understood_answers_again() -> None:
    strange = newer(more=(extension("1.2.3.4.5", b"\5\0", critical=True),))
    newest = Crl.parse(CSCA.crl(issued=NOW + DAY, number=3))
    at = NOW + DAY
    assert look_up(OLDER, strange, at=at).outcome is Outcome.UNDETERMINED
    assert look_up(OLDER, strange, newest, at=at).outcome is Outcome.PASSED


def test_a_list_of_the_future_is_not_yet_the_newest() -> None:
    strange = newer(more=(extension("1.2.3.4.5", b"\5\0", critical=True),), issued=NOW + 5 * DAY)
    assert look_up(OLDER, strange).outcome is Outcome.PASSED


def test_an_octet_that_is_not_signed_does_not_shut_a_list_out() -> None:
    """Anyone can change the algorithm beside the signature in a copy of a list."""
    good, changed = newer(), newer(outer=UNKNOWN)
    for crls in ((good, changed), (changed, good)):
        assert look_up(OLDER, *crls).outcome is Outcome.PASSED


def test_two_lists_of_one_age_are_judged_by_the_one_that_is_not_understood() -> None:
    strange = newer(more=(extension("1.2.3.4.5", b"\5\0", critical=True),))
    for crls in ((newer(), strange), (strange, newer())):
        assert look_up(*crls).outcome is Outcome.UNDETERMINED


def test_openssl_verifies_a_list_made_here(tmp_path: Path) -> None:
    strange = newer(NAMED, more=(extension("1.2.3.4.5", b"\5\0", critical=True),))
    (tmp_path / "newer.crl").write_bytes(strange.der)
    (tmp_path / "csca.pem").write_text(CSCA.certificate().to_pem(), encoding="ascii")
    command = ["openssl", "crl", "-inform", "DER", "-noout", "-CAfile", "csca.pem"]
    shown = subprocess.run(
        [*command, "-in", "newer.crl"], cwd=tmp_path, capture_output=True, check=True
    )
    assert b"verify OK" in shown.stderr


@pytest.mark.parametrize(
    "file", ["newer-revokes-ds-unknown-critical.crl", "newer-revokes-ds-reason-critical.crl"]
)
def test_the_shared_cases(file: str) -> None:
    folder = shared("data/cases/lists")
    csca, signer = (
        Certificate.parse((folder / each).read_bytes()) for each in ("csca.cer", "ds.cer")
    )
    crls = [Crl.parse((folder / each).read_bytes()) for each in ("older.crl", file)]
    trust = TrustSet([csca], crls)
    found = examine_revocation(signer, find_anchor(signer, trust, NOW)[0], trust, NOW)[1]
    assert found.shows is Shows.REVOCATION


# --- whose list it is, and when ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("own", "trusted"),
    [
        (["certificates", "crls"], True),
        (["certificates"], False),
        ([], True),
    ],
    ids=["crl sign", "no crl sign", "no key usage"],
)
def test_a_list_is_signed_by_a_key_that_may_sign_lists(own: list[str], trusted: bool) -> None:
    bits = {"certificates": ext.KeyUsage.KEY_CERT_SIGN, "crls": ext.KeyUsage.CRL_SIGN}
    usage = [key_usage(*(bits[each] for each in own))] if own else []
    identifier = writer.subject_key_identifier(CSCA.key_identifier)
    csca = make_certificate(
        CSCA.name,
        CSCA.name,
        CSCA.key.public_key,
        CSCA.key,
        [identifier, basic_constraints(), *usage],
    )
    assert (find_crl_issuer(OLDER, TrustSet([csca])) is not None) is trusted


def test_a_list_is_signed_by_a_ca_of_its_state() -> None:
    assert find_crl_issuer(OLDER, TrustSet([CSCA.certificate()])) is not None
    assert find_crl_issuer(OLDER, TrustSet([CSCA.certificate(ca=False)])) is None
    abroad = make_certificate(
        name("XU", "CSCA"), name("XU", "CSCA"), CSCA.key.public_key, CSCA.key, CSCA.extensions()
    )
    assert find_crl_issuer(OLDER, TrustSet([abroad])) is None
    assert find_crl_issuer(OLDER, TrustSet([CSCA.renewed("CSCA 2").certificate()])) is None
    renamed = make_certificate(
        name("UT", "CSCA"), name("UT", "CSCA"), CSCA.key.public_key, CSCA.key, CSCA.extensions()
    )
    assert find_crl_issuer(OLDER, TrustSet([renamed])) is not None, "by its key identifier"


@pytest.mark.parametrize(
    ("at", "outcome"),
    [
        (NOW + 30 * DAY, Outcome.PASSED),
        (NOW + 30 * DAY + timedelta(seconds=1), Outcome.UNDETERMINED),
        (NOW - 2 * DAY, Outcome.PASSED),
        (NOW - 2 * DAY - timedelta(seconds=1), Outcome.UNDETERMINED),
    ],
)
def test_the_limits_of_the_time_of_a_list(at: datetime, outcome: Outcome) -> None:
    """It is valid through nextUpdate, and may have been issued a day after the instant."""
    assert look_up(OLDER, at=at).outcome is outcome


def test_the_list_that_left_it_undetermined_is_returned() -> None:
    trust = TrustSet([CSCA.certificate()], [OLDER])
    anchor = find_anchor(SIGNER, trust, NOW)[0]
    assert examine_revocation(SIGNER, anchor, trust, NOW + 60 * DAY)[0] == OLDER
    assert examine_revocation(SIGNER, anchor, trust, NOW - 20 * DAY)[0] == OLDER


@pytest.mark.parametrize("issuer", ["CSCA Utopia", "CSCA of Before"])
@pytest.mark.peculiarity("HU", "one CSCA key under two names")
def test_a_list_may_have_the_name_in_the_certificate_or_in_its_issuer(issuer: str) -> None:
    """Another key signed the list; the signer names its CSCA differently (a key of HU)."""
    second = CSCA.renewed("CSCA 2", common_name=issuer)
    signer = CSCA.issue(issuer=name("UT", "CSCA of Before"))
    trust = TrustSet([CSCA.certificate(), second.certificate()], [Crl.parse(second.crl())])
    anchor = find_anchor(signer, trust, NOW)[0]
    assert anchor is not None
    assert anchor.certificate == CSCA.certificate()
    assert examine_revocation(signer, anchor, trust, NOW)[1].outcome is Outcome.PASSED


def test_a_list_of_the_same_key_under_another_name_counts() -> None:
    """Its authority key identifier names the key that issued the certificate."""
    other = Crl.parse(CSCA.crl([SIGNER.serial], issuer=name("UT", "CSCA of Before")))
    assert look_up(other).shows is Shows.REVOCATION


# --- revoked CSCAs (Doc 9303-12, 4.1.5.1) ---------------------------------------------------------

ROOT = CSCA.certificate(serial=7)
NEXT = CSCA.renewed("CSCA 2")
RENAMED = CSCA.renewed("CSCA 3", common_name="CSCA Utopia 3")


def under(issuer: Authority, anchors: Iterable[Certificate], *crls: bytes) -> Check:
    """`ds.revocation` of a Document Signer that a CSCA issued."""
    signer = issuer.issue()
    trust = TrustSet(anchors, map(Crl.parse, crls))
    anchor = find_anchor(signer, trust, NOW)[0]
    assert anchor is not None
    return examine_revocation(signer, anchor, trust, NOW)[1]


REVOKED_CSCAS: dict[str, tuple[Authority, list[Certificate], list[bytes]]] = {
    "by its own list": (CSCA, [ROOT], [CSCA.crl([7])]),
    "by its own list, and a newer one does not name it": (
        CSCA, [ROOT], [CSCA.crl([7], issued=NOW - 9 * DAY), CSCA.crl(number=2)],
    ),
    "by the list of its next key": (
        CSCA, [ROOT, NEXT.certificate(serial=8)], [NEXT.crl([7])],
    ),
    "under the serial number of another root of the same key": (
        CSCA, [CSCA.certificate(serial=9), ROOT], [CSCA.crl([7])],
    ),
    "and the next key has only the link": (
        NEXT, [ROOT, CSCA.link(NEXT, serial=8)], [CSCA.crl([7]), NEXT.crl(number=9)],
    ),
    "and the next key has a root and the link": (
        NEXT,
        [ROOT, CSCA.link(NEXT, serial=8), NEXT.certificate(serial=10)],
        [CSCA.crl([7]), NEXT.crl(number=9)],
    ),
    "and the key after the next, under another name, has links": (
        RENAMED,
        [ROOT, CSCA.link(NEXT, serial=8), NEXT.link(RENAMED, serial=9)],
        [CSCA.crl([7]), RENAMED.crl(number=9)],
    ),
    "and the link itself is listed": (
        NEXT, [CSCA.link(NEXT, serial=8), ROOT], [NEXT.crl([8], number=9)],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REVOKED_CSCAS)
def test_what_a_revoked_csca_signed_is_revoked(case: str) -> None:
    issuer, anchors, crls = REVOKED_CSCAS[case]
    check = under(issuer, anchors, *crls)
    assert (check.outcome, check.shows) == (Outcome.FAILED, Shows.REVOCATION)
    assert check.clause == "Doc 9303-12, 4.1.5.1"
    assert "its CSCA CN=CSCA Utopia" in check.reason


OTHER_CSCA = Authority(label="other", common_name="CSCA Other")
UNREVOKED_CSCAS: dict[str, tuple[Authority, list[Certificate], list[bytes]]] = {
    "another CSCA has this serial number": (
        CSCA, [ROOT, OTHER_CSCA.certificate(serial=8)], [CSCA.crl([8])],
    ),
    "the list of another CSCA of the State has it": (
        CSCA, [ROOT, OTHER_CSCA.certificate(serial=8)], [CSCA.crl(), OTHER_CSCA.crl([7])],
    ),
    "a list under a linked name has it": (
        CSCA,
        [ROOT, CSCA.link(RENAMED, serial=8), RENAMED.certificate(serial=9)],
        [CSCA.crl(), RENAMED.crl([7], number=9)],
    ),
    "the list is signed by a key that is not trusted": (
        CSCA, [ROOT], [CSCA.crl(), CSCA.crl([7], signing=key("forged"))],
    ),
    "a new root without a link": (
        NEXT, [ROOT, NEXT.certificate(serial=10)], [CSCA.crl([7]), NEXT.crl([7], number=9)],
    ),
    "the next key of it is revoked": (
        CSCA,
        [ROOT, CSCA.link(NEXT, serial=8), NEXT.certificate(serial=10)],
        [CSCA.crl(number=3), NEXT.crl([10], number=2, issued=NOW - 9 * DAY)],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", UNREVOKED_CSCAS)
def test_a_csca_that_no_list_of_its_own_name_revokes_is_not_revoked(case: str) -> None:
    issuer, anchors, crls = UNREVOKED_CSCAS[case]
    assert under(issuer, anchors, *crls).outcome is Outcome.PASSED
