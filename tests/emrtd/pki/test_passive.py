from datetime import datetime

import pytest

from emrtd import tlv
from emrtd.asn1 import der
from emrtd.crypto.hashes import Hash
from emrtd.crypto.private_keys import RsaPrivateKey
from emrtd.crypto.signatures import SignatureFamily, SignatureScheme
from emrtd.lds.security.security_object import LDS_SECURITY_OBJECT, SecurityObject
from emrtd.lds.security.sod import Sod, build_sod
from emrtd.pki.cms.signed_data import ID_DATA, SignedData
from emrtd.pki.cms.signed_data_writer import build_signed_data
from emrtd.pki.findings import Outcome, Shows
from emrtd.pki.passive import Examination, examine
from emrtd.pki.quirks import Quirk
from emrtd.pki.signer_profile import Purpose, Use
from emrtd.pki.trust import TrustSet
from emrtd.pki.x509 import extension_writer as writer
from emrtd.pki.x509 import extensions as ext
from emrtd.pki.x509.certificates import Certificate
from emrtd.pki.x509.crl import Crl
from emrtd.pki.x509.free_writer import document_types
from emrtd.pki.x509.names import COMMON_NAME, COUNTRY, encode_name
from support.errors import MalformedError
from tests.certificates import (
    DAY,
    NOW,
    Authority,
    WithoutNull,
    basic_constraints,
    extended_key_usage,
    extension,
    key,
    key_usage,
    make_certificate,
    name,
    usage_period,
)
from tests.helpers import damaged, replace, replaced, shared

CSCA = Authority()
OBJECT = SecurityObject.over({1: b"\x61\x01a", 2: b"\x75\x01b"}, Hash.SHA256)
CRL = Crl.parse(CSCA.crl())
TRUST = TrustSet([CSCA.certificate()], [CRL])
ALL = ("sod.signature", "sod.profile", "ds.chain", "ds.validity", "ds.profile", "ds.revocation")


def signed(ds: Certificate, label: str = "DS 1", kind: str = "brainpoolP256r1") -> Sod:
    return Sod.parse(build_sod(OBJECT, key(label, kind), ds))


def judge(
    sod: Sod, trust: TrustSet = TRUST, at: datetime = NOW, use: Use | None = None
) -> Examination:
    return examine(sod.signed_data, trust, at=at, use=use or Use(), tolerated=sod.tolerated)


def outcomes(examination: Examination) -> dict[str, Outcome]:
    assert tuple(finding.id for finding in examination.checks) == ALL
    return {finding.id: finding.outcome for finding in examination.checks}


def is_accepted(examination: Examination) -> bool:
    return set(outcomes(examination).values()) == {Outcome.PASSED}


def only(examination: Examination, finding_id: str, outcome: Outcome) -> str:
    """Assert that every check but this one passed and its outcome; return its reason."""
    found = outcomes(examination)
    assert found.pop(finding_id) is outcome
    assert set(found.values()) == {Outcome.PASSED}, found
    return examination.check(finding_id).reason


def test_a_good_document_passes_every_check() -> None:
    examination = judge(signed(CSCA.issue()))
    assert is_accepted(examination)
    assert examination.path is not None
    assert examination.path.anchor is not None
    assert examination.path.anchor.certificate.subject.country == "UT"
    assert examination.path.crl is CRL


@pytest.mark.parametrize("kind", ["brainpoolP224r1", "secp384r1", "RSA-2048"])
def test_keys_of_several_kinds(kind: str) -> None:
    csca = Authority(kind=kind)
    trust = TrustSet([csca.certificate()], [Crl.parse(csca.crl())])
    assert is_accepted(judge(signed(csca.issue(kind=kind), kind=kind), trust))


RSA = SignatureScheme(SignatureFamily.RSA, Hash.SHA256)


@pytest.mark.parametrize(
    ("csca_kind", "ds_kind", "scheme"),
    [
        ("RSA-3072", "RSA-2048", RSA),  # TR: PSS by the CSCA, PKCS#1 by the DS
        ("RSA-3072", "RSA-2048", SignatureScheme(SignatureFamily.RSA_PSS, Hash.SHA512)),  # IT
        ("secp384r1", "secp224r1", SignatureScheme(SignatureFamily.ECDSA, Hash.SHA224)),  # LT
        ("RSA-2048", "secp256r1", SignatureScheme(SignatureFamily.ECDSA, Hash.SHA1)),
    ],
)
@pytest.mark.peculiarity("TR, IT, LT", "CSCA, Document Signer and hashes with different algorithms")
def test_csca_signer_and_hashes_may_use_different_algorithms(
    csca_kind: str, ds_kind: str, scheme: SignatureScheme
) -> None:
    csca = Authority(kind=csca_kind)
    trust = TrustSet([csca.certificate()], [Crl.parse(csca.crl())])
    ds = csca.issue(kind=ds_kind)
    sod = build_sod(OBJECT, key("DS 1", ds_kind), ds, hash=scheme.hash, scheme=scheme)
    examination = judge(Sod.parse(sod), trust)
    assert is_accepted(examination)
    assert not examination.check("sod.signature").tolerated
    assert not examination.check("sod.profile").tolerated


@pytest.mark.peculiarity("US", "a CSCA without a common name")
def test_a_csca_without_a_common_name() -> None:
    """Such as the CSCA of US."""
    named = encode_name((COUNTRY, "UT"), ("2.5.4.10", "Department of State"))
    csca = make_certificate(
        named, named, CSCA.key.public_key, CSCA.key, CSCA.extensions(), serial=1
    )
    trust = TrustSet([csca], [Crl.parse(CSCA.crl(issuer=named))])
    assert is_accepted(judge(signed(CSCA.issue(issuer=named)), trust))


# --- no octet can be changed ---------------------------------------------------------------------


@pytest.mark.parametrize("change", [0x01, 0x20, 0x80, 0xFF], ids=hex)
def test_no_changed_octet_of_a_sod_is_accepted(change: int) -> None:
    """Nor in fields that CMS does not sign: versions, algorithms, lengths, SignerIdentifier."""
    ds = CSCA.issue()
    good = build_sod(OBJECT, key("DS 1"), ds)
    trust = TrustSet([CSCA.certificate()], [CRL], signers=[ds])
    assert is_accepted(judge(Sod.parse(good), trust))
    for position in range(len(good)):
        octets = bytearray(good)
        octets[position] ^= change
        try:
            sod = Sod.parse(bytes(octets))
        except MalformedError:
            continue
        examination = judge(sod, trust)
        failed = [f.shows for f in examination.checks if f.outcome is Outcome.FAILED]
        assert Shows.FORGERY in failed, f"octet {position}: {outcomes(examination)}"


def test_no_changed_octet_of_a_real_sod_is_accepted() -> None:
    """The same for a real document of 2008, whose signer is in the trust store."""
    good = shared("data/lds/bsi2008/EF_SOD.bin").read_bytes()
    sod = Sod.parse(good)
    (ds,) = sod.signed_data.certificates
    trust = TrustSet(signers=[ds])
    for position in range(len(good)):
        octets = bytearray(good)
        octets[position] ^= 0x20
        try:
            changed = Sod.parse(bytes(octets))
        except MalformedError:
            continue
        examination = judge(changed, trust, at=ds.not_before)
        own_certificate = changed.signed_data.certificates != (ds,)  # for its CSCA to find
        failed = [f.shows for f in examination.checks if f.outcome is Outcome.FAILED]
        assert own_certificate or Shows.FORGERY in failed, f"octet {position}"


REORDERED = encode_name((COMMON_NAME, "CSCA Utopia"), (COUNTRY, "UT"))
OTHER_STRINGS = der.sequence(
    der.set_of(der.sequence(der.oid(COUNTRY), der.utf8_string("UT"))),
    der.set_of(der.sequence(der.oid(COMMON_NAME), der.printable_string("CSCA Utopia"))),
)


@pytest.mark.parametrize("issuer", [REORDERED, OTHER_STRINGS])
@pytest.mark.peculiarity("MY", "the signer's name in another order or string type")
def test_a_signer_named_in_another_form_is_tolerated_by_name(issuer: bytes) -> None:
    """MY writes such names."""
    examination = judge(with_signer_name(signed(CSCA.issue()), issuer))
    assert is_accepted(examination)
    quirks = examination.check("sod.signature").tolerated
    assert quirks == (Quirk.SIGNER_NAME_FORM,)


@pytest.mark.parametrize("issuer", [REORDERED, OTHER_STRINGS], ids=["order", "strings"])
def test_no_changed_octet_of_such_a_name_is_accepted(issuer: bytes) -> None:
    sod = signed(CSCA.issue())
    for position in range(2, len(issuer)):
        for change in (0x01, 0x20, 0x80, 0xFF):
            changed = bytearray(issuer)
            changed[position] ^= change
            try:
                damaged = with_signer_name(sod, bytes(changed))
            except MalformedError:
                continue
            finding = judge(damaged).check("sod.signature")
            assert finding.outcome is Outcome.FAILED, f"octet {position} ^ {change:02X}"


def test_another_name_of_ua_for_its_signer_is_a_named_quirk() -> None:
    common = (("2.5.4.11", "SCPD PCU"), (COMMON_NAME, "CSCA-UKRAINE"))
    here = encode_name((COUNTRY, "UA"), ("2.5.4.10", "Polygraph combine UKRAINA"), *common)
    there = encode_name((COUNTRY, "UA"), ("2.5.4.10", "Polygraph combine UKRAINE"), *common)
    sod = with_signer_name(signed(CSCA.issue(issuer=here)), there)
    finding = judge(sod).check("sod.signature")
    assert (finding.outcome, finding.tolerated) == (Outcome.PASSED, (Quirk.SIGNER_NAME,))


@pytest.mark.parametrize(
    "issuer",
    [
        name("XX", "CSCA Utopia"),
        name("UT", "CSCA Utopib"),
        name("UT", "CSCA Dystopia"),
        name("UT", "CSCA utopia"),
        encode_name((COMMON_NAME, "CSCA utopia"), (COUNTRY, "UT")),
        encode_name((COUNTRY, "UT")),
        encode_name((COUNTRY, "UA"), ("2.5.4.11", "SCPD PCU"), (COMMON_NAME, "CSCA-UKRAINE")),
    ],
)
def test_a_signer_with_another_name_is_not_found(issuer: bytes) -> None:
    examination = judge(with_signer_name(signed(CSCA.issue()), issuer))
    assert outcomes(examination)["sod.signature"] is Outcome.FAILED
    assert outcomes(examination)["ds.chain"] is Outcome.UNDETERMINED


def with_signer_name(sod: Sod, issuer: bytes) -> Sod:
    """Replace the name in the SignerIdentifier, which no signature covers."""
    (signer,) = sod.signed_data.signers
    assert signer.issuer is not None
    (ds,) = sod.signed_data.certificates
    identifier = der.sequence(signer.issuer.encoded, ds.serial_encoded)
    return rewritten(sod, identifier, der.sequence(issuer, ds.serial_encoded))


def rewritten(sod: Sod, old: bytes, new: bytes) -> Sod:
    return Sod.parse(replaced(sod.encode(), old, new))


def test_parameters_and_digest_algorithms_are_compared() -> None:
    sod = signed(CSCA.issue())
    sha256 = der.set_of(der.sequence(der.oid(Hash.SHA256.oid)))
    sha512 = der.set_of(der.sequence(der.oid(Hash.SHA512.oid)))
    reason = only(judge(rewritten(sod, sha256, sha512)), "sod.profile", Outcome.FAILED)
    assert "not among the digest algorithms" in reason
    with pytest.raises(MalformedError, match="NULL"):
        rewritten(sod, sha256, der.set_of(der.sequence(der.oid(Hash.SHA256.oid), der.integer(0))))


@pytest.mark.peculiarity("CN", "EF.SOD over id-data")
def test_another_content_type_is_a_quirk_and_its_version_is_checked() -> None:
    """CN signs id-data, but with version 3."""
    data = build_signed_data(ID_DATA, OBJECT.encode(), key("DS 1"), CSCA.issue(), Hash.SHA256)
    first = Sod.parse(tlv.encode(0x77, data))
    assert "version 1 instead of 3" in only(judge(first), "sod.profile", Outcome.FAILED)
    sha256 = der.set_of(der.sequence(der.oid(Hash.SHA256.oid)))
    octets = first.encode().replace(der.integer(1) + sha256, der.integer(3) + sha256)
    examination = judge(Sod.parse(octets))
    assert is_accepted(examination)
    assert examination.check("sod.profile").tolerated == (Quirk.SOD_CONTENT_TYPE,)


def test_unsigned_attributes_are_ignored_and_named() -> None:
    sod = signed(CSCA.issue())
    (signer,) = sod.signed_data.signers
    signature = der.octet_string(signer.signature)
    attributes = der.tagged(1, der.sequence(der.oid("1.2.3"), der.set_of(der.null())))
    changed = rewritten(sod, signature, signature + attributes)
    examination = judge(changed)
    assert is_accepted(examination)
    tolerated = examination.check("sod.profile").tolerated
    assert tolerated == (Quirk.UNSIGNED_ATTRIBUTES,)


def test_an_enclosed_revocation_list_fails_the_profile() -> None:
    ds = CSCA.issue()
    enclosed = der.tagged(0, ds.der)
    changed = rewritten(signed(ds), enclosed, enclosed + der.tagged(1, CRL.der))
    assert "revocation lists" in only(judge(changed), "sod.profile", Outcome.FAILED)


def test_an_enclosed_certificate_must_be_signed_by_a_trusted_csca() -> None:
    ds, csca = CSCA.issue(), CSCA.certificate()
    spoilt = Certificate.parse(damaged(csca.der))
    elsewhere = Authority(label="elsewhere", common_name="CSCA Elsewhere")
    for others, outcome in (
        ([csca], Outcome.PASSED),
        ([spoilt], Outcome.FAILED),
        ([elsewhere.issue("DS 9")], Outcome.FAILED),
        ([elsewhere.certificate()], Outcome.FAILED),
    ):
        data = build_signed_data(
            LDS_SECURITY_OBJECT, OBJECT.encode(), key("DS 1"), ds, Hash.SHA256, others=others
        )
        examination = judge(Sod.parse(tlv.encode(0x77, data)))
        assert outcomes(examination)["sod.profile"] is outcome
        assert outcomes(examination)["sod.signature"] is Outcome.PASSED


# --- forged chains -------------------------------------------------------------------------------


def test_the_same_name_and_another_key() -> None:
    forged = CSCA.renewed("forged")
    examination = judge(signed(forged.issue()))
    assert outcomes(examination)["ds.chain"] is Outcome.UNDETERMINED
    assert outcomes(examination)["ds.revocation"] is Outcome.UNDETERMINED
    assert "not the key" in examination.check("ds.chain").reason


def test_the_same_name_and_another_key_that_claims_to_be_the_same() -> None:
    forged = CSCA.renewed("forged")
    examination = judge(signed(forged.issue(authority=CSCA.key_identifier)))
    finding = examination.check("ds.chain")
    assert (finding.outcome, finding.shows) == (Outcome.FAILED, Shows.FORGERY)


def test_the_same_name_and_another_key_that_names_none() -> None:
    plain = [key_usage(ext.KeyUsage.DIGITAL_SIGNATURE)]
    examination = judge(signed(CSCA.renewed("forged").issue(extensions=plain)))
    finding = examination.check("ds.chain")
    assert (finding.outcome, finding.shows) == (Outcome.FAILED, Shows.FORGERY)


def test_a_document_signer_cannot_issue_certificates() -> None:
    """A genuine Document Signer's key signs another certificate."""
    ds = CSCA.issue()
    below = Authority(label="DS 1", common_name="DS 1")
    examination = judge(
        signed(below.issue("DS 2"), "DS 2"), TrustSet([CSCA.certificate()], [CRL], [ds])
    )
    assert outcomes(examination)["ds.chain"] is Outcome.UNDETERMINED


def test_a_csca_without_the_ca_flag() -> None:
    trust = TrustSet([CSCA.certificate(ca=False)], [CRL])
    examination = judge(signed(CSCA.issue()), trust)
    finding = examination.check("ds.chain")
    assert finding.outcome is Outcome.FAILED
    assert "not marked as a CA" in finding.reason


@pytest.mark.parametrize(
    ("own", "reason"),
    [
        ([key_usage(ext.KeyUsage.CRL_SIGN)], "not for signing certificates"),
        ([extension(ext.KEY_USAGE, der.null())], "not for signing certificates"),
        (
            [key_usage(ext.KeyUsage.KEY_CERT_SIGN), extension("1.2.3.4", b"", critical=True)],
            "its issuer's certificate has an unknown critical extension",
        ),
    ],
    ids=["without keyCertSign", "unreadable key usage", "unknown critical extension"],
)
def test_a_csca_that_may_not_issue_certificates(own: list[bytes], reason: str) -> None:
    extensions = [writer.subject_key_identifier(CSCA.key_identifier), basic_constraints(), *own]
    csca = make_certificate(CSCA.name, CSCA.name, CSCA.key.public_key, CSCA.key, extensions)
    examination = judge(signed(CSCA.issue()), TrustSet([csca], [CRL]))
    finding = examination.check("ds.chain")
    assert (finding.outcome, finding.shows) == (Outcome.FAILED, None)
    assert reason in finding.reason
    assert examination.path is not None
    assert examination.path.anchor is None


def test_a_csca_may_have_unknown_extensions_that_are_not_critical() -> None:
    extensions = [*CSCA.extensions(), extension("1.2.3.4", b"")]
    csca = make_certificate(CSCA.name, CSCA.name, CSCA.key.public_key, CSCA.key, extensions)
    assert is_accepted(judge(signed(CSCA.issue()), TrustSet([csca], [CRL])))


def test_an_unknown_critical_extension() -> None:
    strange = extension("1.2.3.4", b"", critical=True)
    examination = judge(signed(CSCA.issue(more=[strange])))
    assert "unknown critical extensions: 1.2.3.4" in only(examination, "ds.chain", Outcome.FAILED)


def test_a_revoked_document_signer() -> None:
    trust = TrustSet([CSCA.certificate()], [Crl.parse(CSCA.crl([7, 100]))])
    examination = judge(signed(CSCA.issue()), trust)
    only(examination, "ds.revocation", Outcome.FAILED)
    assert examination.check("ds.revocation").shows is Shows.REVOCATION


def test_a_revocation_in_an_expired_list_counts_even_if_a_newer_list_lacks_it() -> None:
    old = Crl.parse(CSCA.crl([100], issued=NOW - 90 * DAY, next_update=NOW - 60 * DAY))
    trust = TrustSet([CSCA.certificate()], [old, CRL])
    only(judge(signed(CSCA.issue()), trust), "ds.revocation", Outcome.FAILED)


@pytest.mark.parametrize(
    ("crl", "reason"),
    [
        (CSCA.crl(issued=NOW - 90 * DAY, next_update=NOW - DAY), "newer one"),
        (CSCA.crl(next_update=None), "no nextUpdate"),
        (CSCA.crl(issued=NOW + 3 * DAY), "only issued"),
        (CSCA.crl(signing=key("forged")), "not signed by a trusted key"),
        (Authority(label="other", common_name="CSCA Other").crl(), "another CSCA"),
        (Authority(country="XX").crl(), "no CRL of UT"),
        (CSCA.crl(issuer=name("XX", "CSCA Utopia")), "no CRL of UT"),
    ],
)
def test_without_a_valid_list_revocation_is_undetermined(crl: bytes, reason: str) -> None:
    other = Authority(label="other", common_name="CSCA Other")
    trust = TrustSet([CSCA.certificate(), other.certificate()], [Crl.parse(crl)])
    found = only(judge(signed(CSCA.issue()), trust), "ds.revocation", Outcome.UNDETERMINED)
    assert reason in found


def test_without_any_list_revocation_is_undetermined() -> None:
    trust = TrustSet([CSCA.certificate()])
    only(judge(signed(CSCA.issue()), trust), "ds.revocation", Outcome.UNDETERMINED)


def test_a_list_of_another_csca_of_the_country_revokes_nothing() -> None:
    other = Authority(label="other", common_name="CSCA Other")
    crls = [CRL, Crl.parse(other.crl([100]))]
    trust = TrustSet([CSCA.certificate(), other.certificate()], crls)
    assert is_accepted(judge(signed(CSCA.issue()), trust))


def test_the_signer_is_the_named_certificate_and_not_the_first() -> None:
    """Two certificates are enclosed: the one that is named did not sign."""
    first, second = CSCA.issue("DS 1"), CSCA.issue("DS 2", serial=101)
    data = build_signed_data(
        LDS_SECURITY_OBJECT, OBJECT.encode(), key("DS 1"), first, Hash.SHA256, others=[second]
    )
    sod = Sod.parse(tlv.encode(0x77, data))
    assert is_accepted(judge(sod))
    (signer,) = sod.signed_data.signers
    named = replace(signer, serial=101)
    forged = replace(sod.signed_data, signers=(named,))
    examination = examine(forged, TRUST, at=NOW)
    assert examination.signer == second
    assert outcomes(examination)["sod.signature"] is Outcome.FAILED


def test_a_stripped_signature_is_malformed() -> None:
    sod = signed(CSCA.issue())
    with pytest.raises(MalformedError, match="0 signers"):
        without_last_field(sod)


def without_last_field(sod: Sod) -> Sod:
    content = tlv.read(sod.encode(), "EF.SOD").children()[0].children()
    fields = list(content.one(0xA0).children()[0].children())
    encoded = [tlv.encode(each.tag, each.value) for each in fields[:-1]]
    signed_data = der.sequence(*encoded, der.set_of())
    info = der.sequence(tlv.encode(6, content[0].value), der.tagged(0, signed_data))
    return Sod.parse(tlv.encode(0x77, info))


def test_every_one_of_several_signatures_must_be_good() -> None:
    sod = signed(CSCA.issue())
    (signer,) = sod.signed_data.signers
    bad = replace(signer, signature=damaged(signer.signature))
    examination = examine(replace(sod.signed_data, signers=(signer, bad)), TRUST, at=NOW)
    assert outcomes(examination)["sod.signature"] is Outcome.FAILED


def signed_by(*pairs: tuple[Certificate, str]) -> SignedData:
    """Sign the object with each certificate and the key of its label."""
    each = [signed(ds, label).signed_data for ds, label in pairs]
    certificates = tuple(one.certificates[0] for one in each)
    return replace(
        each[0], certificates=certificates, signers=tuple(one.signers[0] for one in each)
    )


def test_an_rsa_signature_without_null_is_tolerated_by_name() -> None:
    rsa = key("DS 1", "RSA-2048")
    assert isinstance(rsa, RsaPrivateKey)
    ds = CSCA.issue(kind="RSA-2048")
    sod = Sod.parse(build_sod(OBJECT, WithoutNull(rsa), ds, scheme=RSA))
    examination = judge(sod)
    assert is_accepted(examination)
    assert Quirk.RSA_DIGEST_NO_NULL in examination.check("sod.signature").tolerated
    sound = judge(Sod.parse(build_sod(OBJECT, rsa, ds, scheme=RSA)))
    assert not sound.check("sod.signature").tolerated
    (signer,) = sod.signed_data.signers
    forged = replace(signer, signature=damaged(signer.signature))
    data = replace(sod.signed_data, signers=(forged,))
    assert examine(data, TRUST, at=NOW).check("sod.signature").shows is Shows.FORGERY


FOREIGN = Authority("XU", "CSCA 9", common_name="CSCA Xenutopia")
ABROAD = FOREIGN.issue("DS 9", serial=9)


def test_several_signers_of_one_state_are_accepted() -> None:
    data = signed_by((CSCA.issue(), "DS 1"), (CSCA.issue("DS 2", serial=101), "DS 2"))
    examination = examine(data, TRUST, at=NOW)
    assert is_accepted(examination)
    assert [path.certificate.serial for path in examination.paths] == [100, 101]


@pytest.mark.parametrize("stranger_first", [False, True])
def test_a_second_signer_that_is_not_trusted_is_refused(stranger_first: bool) -> None:
    pairs = [(CSCA.issue(), "DS 1"), (ABROAD, "DS 9")]
    data = signed_by(*(pairs[::-1] if stranger_first else pairs))
    examination = examine(data, TRUST, at=NOW)
    assert examination.check("sod.signature").outcome is Outcome.PASSED
    chain = examination.check("ds.chain")
    assert chain.outcome is Outcome.UNDETERMINED
    assert ("DS 9" in chain.reason) is not stranger_first  # the first signer goes without saying
    assert examination.check("ds.revocation").outcome is Outcome.UNDETERMINED


def test_the_signer_of_another_state_shows_forgery() -> None:
    data = signed_by((CSCA.issue(), "DS 1"), (ABROAD, "DS 9"))
    crls = [CRL, Crl.parse(FOREIGN.crl())]
    trust = TrustSet([CSCA.certificate(), FOREIGN.certificate()], crls)
    chain = examine(data, trust, at=NOW).check("ds.chain")
    assert (chain.outcome, chain.shows) == (Outcome.FAILED, Shows.FORGERY)
    assert chain.reason == "signed by signers of UT and XU; a document is signed by one State"


@pytest.mark.parametrize(
    ("second", "finding_id", "outcome", "shows"),
    [
        (
            CSCA.issue("DS 2", serial=101, not_after=NOW - DAY),
            "ds.validity", Outcome.FAILED, None,
        ),
        (CSCA.issue("DS 2", serial=13), "ds.revocation", Outcome.FAILED, Shows.REVOCATION),
        (
            CSCA.renewed("other").issue("DS 2", serial=102, authority=b"x" * 20),
            "ds.chain", Outcome.UNDETERMINED, None,
        ),
    ],
)  # fmt: skip
def test_every_check_applies_to_the_second_signer_too(
    second: Certificate, finding_id: str, outcome: Outcome, shows: Shows | None
) -> None:
    trust = TrustSet([CSCA.certificate()], [Crl.parse(CSCA.crl([13]))])
    data = signed_by((CSCA.issue(), "DS 1"), (second, "DS 2"))
    found = examine(data, trust, at=NOW).check(finding_id)
    assert (found.outcome, found.shows) == (outcome, shows)
    assert "CN=DS 2,C=UT signed too: " in found.reason


# --- validity, profile ---------------------------------------------------------------------------


@pytest.mark.parametrize("at", [NOW - 40 * DAY, NOW + 3651 * DAY])
def test_a_certificate_outside_its_validity(at: datetime) -> None:
    examination = judge(signed(CSCA.issue()), at=at)
    assert outcomes(examination)["ds.validity"] is Outcome.FAILED


def test_the_signing_time_does_not_replace_the_instant_of_judgement() -> None:
    ds = CSCA.issue(not_after=NOW - DAY)
    sod = Sod.parse(build_sod(OBJECT, key("DS 1"), ds, signing_time=NOW - 5 * DAY))
    only(judge(sod), "ds.validity", Outcome.FAILED)


def test_an_expired_csca_is_a_warning() -> None:
    csca = CSCA.certificate(not_after=NOW - DAY)
    only(judge(signed(CSCA.issue()), TrustSet([csca], [CRL])), "ds.validity", Outcome.WARNING)


def test_a_root_that_is_valid_is_preferred() -> None:
    old, new = CSCA.certificate(not_after=NOW - DAY), CSCA.certificate(serial=3)
    examination = judge(signed(CSCA.issue()), TrustSet([old, new], [CRL]))
    assert is_accepted(examination)
    assert examination.path is not None
    assert examination.path.anchor is not None
    assert examination.path.anchor.certificate == new


@pytest.mark.parametrize(
    ("types", "document_type", "outcome"),
    [
        (["P"], "P", Outcome.PASSED),
        (["P"], "PP", Outcome.PASSED),
        (["I", "AR"], "IR", Outcome.PASSED),
        (["AR"], "AR<", Outcome.PASSED),
        (["V"], "P", Outcome.FAILED),
        (["PD"], "P", Outcome.FAILED),
    ],
)
def test_document_types(types: list[str], document_type: str, outcome: Outcome) -> None:
    sod = signed(CSCA.issue(more=[document_types(*types)]))
    examination = judge(sod, use=Use(document_type=document_type))
    assert outcomes(examination)["ds.profile"] is outcome


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ([basic_constraints()], "is a CA's"),
        ([extended_key_usage(ext.MASTER_LIST_SIGNER)], "another purpose"),
        ([key_usage(ext.KeyUsage.DIGITAL_SIGNATURE)], "cannot be read"),
    ],
)
def test_certificates_for_something_else(more: list[bytes], reason: str) -> None:
    examination = judge(signed(CSCA.issue(more=more)))
    assert reason in only(examination, "ds.profile", Outcome.FAILED)


@pytest.mark.parametrize(
    ("more", "outcome"), [((), Outcome.FAILED), ((document_types("P"),), Outcome.PASSED)]
)
def test_a_tls_servers_certificate_may_not_sign_documents(
    more: tuple[bytes, ...], outcome: Outcome
) -> None:
    """A CSCA issues TLS certificates too (Doc 9303-12, 7.1); their other fields are alike."""
    server = CSCA.issue(more=[extended_key_usage("1.3.6.1.5.5.7.3.1"), *more])
    finding = judge(signed(server)).check("ds.profile")
    assert (finding.outcome, finding.shows) == (outcome, None)


def test_a_key_that_is_not_for_signing_documents() -> None:
    plain = [key_usage(ext.KeyUsage.KEY_CERT_SIGN)]
    examination = judge(signed(CSCA.issue(extensions=plain)))
    assert outcomes(examination)["ds.profile"] is Outcome.FAILED


@pytest.mark.parametrize(
    ("signing_time", "outcome"),
    [
        (NOW, Outcome.PASSED),
        (NOW - 12 * DAY, Outcome.WARNING),
        (NOW + 12 * DAY, Outcome.WARNING),
    ],
)
def test_the_private_key_usage_period(signing_time: datetime, outcome: Outcome) -> None:
    ds = CSCA.issue(more=[usage_period(NOW - 10 * DAY, NOW + 10 * DAY)])
    sod = Sod.parse(build_sod(OBJECT, key("DS 1"), ds, signing_time=signing_time))
    assert outcomes(judge(sod))["ds.profile"] is outcome


def test_missing_extensions_are_named_as_quirks() -> None:
    plain = CSCA.issue(extensions=[])
    examination = judge(signed(plain))
    assert is_accepted(examination)
    assert Quirk.NO_AUTHORITY_KEY in examination.check("ds.chain").tolerated
    assert Quirk.NO_KEY_USAGE in examination.check("ds.profile").tolerated


# --- rollover ------------------------------------------------------------------------------------


def test_a_new_key_is_trusted_through_its_link_certificate() -> None:
    new = CSCA.renewed("CSCA 2")
    trust = TrustSet([CSCA.certificate(), CSCA.link(new)], [Crl.parse(new.crl())])
    assert is_accepted(judge(signed(new.issue()), trust))
    assert is_accepted(judge(signed(CSCA.issue()), trust)), "the newest key signs the one list"


def test_a_link_certificate_connects_the_new_name_to_the_old_one() -> None:
    new = CSCA.renewed("CSCA 2", common_name="CSCA of New Utopia")
    anchors = [CSCA.certificate(), new.certificate()]
    crls = [Crl.parse(new.crl())]
    old_document = signed(CSCA.issue())
    only(judge(old_document, TrustSet(anchors, crls)), "ds.revocation", Outcome.UNDETERMINED)
    assert is_accepted(judge(old_document, TrustSet([*anchors, CSCA.link(new)], crls)))


def test_several_cscas_of_one_name() -> None:
    """Many States have these; without an authority key identifier every key is tried."""
    others = [CSCA.renewed(f"CSCA {number}").certificate() for number in range(2, 6)]
    trust = TrustSet([*others, CSCA.certificate()], [CRL])
    assert is_accepted(judge(signed(CSCA.issue()), trust))
    assert is_accepted(judge(signed(CSCA.issue(extensions=[])), trust))


@pytest.mark.parametrize(
    "issuer",
    [
        encode_name((COMMON_NAME, "CSCA Utopia"), (COUNTRY, "UT")),
        encode_name((COUNTRY, "UT"), (COMMON_NAME, "csca  UTOPIA")),
        der.sequence(
            der.set_of(der.sequence(der.oid(COUNTRY), der.utf8_string("ut"))),
            der.set_of(der.sequence(der.oid(COMMON_NAME), der.printable_string("CSCA Utopia"))),
        ),
    ],
)
def test_another_form_of_the_issuers_name_is_a_named_quirk(issuer: bytes) -> None:
    for extensions in (None, []):
        examination = judge(signed(CSCA.issue(issuer=issuer, extensions=extensions)))
        assert is_accepted(examination)
        assert Quirk.ISSUER_NAME_FORM in examination.check("ds.chain").tolerated


@pytest.mark.peculiarity("CM, PT, HU", "an issuer under another name, with its key identifier")
def test_another_issuer_name_with_the_right_key_identifier_is_a_named_quirk() -> None:
    """Link certificates of CM and PT have such names, and a key of HU."""
    examination = judge(signed(CSCA.issue(issuer=name("UT", "CSCA of Before"))))
    assert is_accepted(examination)
    assert examination.check("ds.chain").tolerated == (Quirk.ISSUER_NAME,)
    crosslink = make_certificate(
        CSCA.name, name("UT", "Crosslink 1"), CSCA.key.public_key, CSCA.key, CSCA.extensions()
    )
    examination = judge(signed(CSCA.issue()), TrustSet([crosslink], [CRL]))
    assert is_accepted(examination)


@pytest.mark.parametrize("issuer", [name("XX", "CSCA Utopia"), name("UT", "CSCA Dystopia")])
def test_another_issuer_name_with_another_key_or_state_is_refused(issuer: bytes) -> None:
    no_key = [key_usage(ext.KeyUsage.DIGITAL_SIGNATURE)]
    examination = judge(signed(CSCA.issue(issuer=issuer, extensions=no_key)))
    assert outcomes(examination)["ds.chain"] is Outcome.UNDETERMINED
    other_state = judge(signed(CSCA.issue(issuer=name("XX", "CSCA Utopia"))))
    assert outcomes(other_state)["ds.chain"] is Outcome.FAILED


def test_a_signer_that_is_not_enclosed_is_found_in_the_store() -> None:
    ds = CSCA.issue()
    data = replace(signed(ds).signed_data, certificates=())
    assert is_accepted(examine(data, TrustSet([CSCA.certificate()], [CRL], [ds]), at=NOW))


@pytest.mark.parametrize("known", [[], [CSCA.issue("DS 2", serial=7)]])
def test_an_unknown_signer_is_undetermined_and_not_a_forgery(known: list[Certificate]) -> None:
    """EF.SOD of version 0 need not enclose the certificate, so an unknown one is no evidence."""
    data = replace(signed(CSCA.issue()).signed_data, certificates=())
    examination = examine(data, TrustSet([CSCA.certificate()], [CRL], known), at=NOW)
    assert examination.signer is None
    assert examination.check("sod.signature").outcome is Outcome.UNDETERMINED
    assert "no certificate is enclosed" in examination.check("sod.signature").reason
    assert not [finding for finding in examination.checks if finding.shows is not None]
    assert not is_accepted(examination)


def test_a_wrong_signature_is_a_forgery_even_if_another_signer_is_unknown() -> None:
    ds = CSCA.issue()
    data = replace(signed(ds).signed_data, certificates=())
    (signer,) = data.signers
    bad = replace(signer, signature=damaged(signer.signature))
    stranger = replace(signer, serial=99)
    trust = TrustSet([CSCA.certificate()], [CRL], [ds])
    examination = examine(replace(data, signers=(stranger, bad)), trust, at=NOW)
    assert examination.check("sod.signature").shows is Shows.FORGERY


def test_an_enclosed_certificate_that_is_not_the_signers_shows_forgery() -> None:
    data = replace(signed(CSCA.issue()).signed_data, certificates=(CSCA.issue("DS 2", serial=7),))
    assert examine(data, TRUST, at=NOW).check("sod.signature").shows is Shows.FORGERY


def test_a_list_signer_requires_its_own_extended_key_usage() -> None:
    signer = [
        *CSCA.extensions(ca=False)[:2],
        key_usage(ext.KeyUsage.DIGITAL_SIGNATURE),
        extended_key_usage(ext.MASTER_LIST_SIGNER),
    ]
    certificate = CSCA.issue("MLS", extensions=signer)
    data = signed(certificate, "MLS").signed_data
    for purpose, outcome in (
        (Purpose.MASTER_LIST_SIGNER, Outcome.PASSED),
        (Purpose.DEVIATION_LIST_SIGNER, Outcome.FAILED),
        (Purpose.DOCUMENT_SIGNER, Outcome.FAILED),
    ):
        examination = examine(data, TRUST, at=NOW, purpose=purpose)
        assert outcomes(examination)["ds.profile"] is outcome


def test_an_outcome_has_no_truth_value() -> None:
    with pytest.raises(TypeError):
        assert Outcome.PASSED


# --- signers that are named by their key, and keys that are not supported -------------------------


def by_key(ds: Certificate, *others: Certificate, label: str = "DS 1") -> SignedData:
    return SignedData.parse(
        build_signed_data(
            LDS_SECURITY_OBJECT,
            OBJECT.encode(),
            key(label),
            ds,
            Hash.SHA256,
            others=others,
            by_key_identifier=True,
        )
    )


def test_a_signer_that_is_named_by_its_key_is_found_by_its_key() -> None:
    """Both certificates have the serial number of the signer."""
    other, ds = CSCA.issue("DS 2"), CSCA.issue("DS 1")
    for certificates in ((ds,), (other, ds), (ds, other)):
        data = replace(by_key(ds), certificates=certificates)
        examination = examine(data, TRUST, at=NOW)
        assert examination.signer == ds
        assert is_accepted(examination)


def test_a_signer_whose_key_no_enclosed_certificate_has_shows_forgery() -> None:
    ds = CSCA.issue("DS 1")
    data = replace(by_key(ds), certificates=(CSCA.issue("DS 2"),))
    trust = TrustSet([CSCA.certificate()], [CRL], [ds])
    examination = examine(data, trust, at=NOW)
    check = examination.check("sod.signature")
    assert (check.outcome, check.shows) == (Outcome.FAILED, Shows.FORGERY)
    assert "key identifier" in check.reason
    assert examination.signer is None
    assert examination.paths == ()


def test_a_known_time_of_signing_is_not_replaced_by_the_signers() -> None:
    ds = CSCA.issue(more=[usage_period(NOW - 10 * DAY, NOW + 10 * DAY)])
    sod = Sod.parse(build_sod(OBJECT, key("DS 1"), ds, signing_time=NOW - 40 * DAY))
    assert outcomes(judge(sod))["ds.profile"] is Outcome.WARNING
    assert outcomes(judge(sod, use=Use(signed=NOW)))["ds.profile"] is Outcome.PASSED


def test_an_unknown_check_is_an_error() -> None:
    with pytest.raises(KeyError):
        judge(signed(CSCA.issue())).check("sod.unknown")


def test_a_signers_key_that_is_not_supported_is_no_forgery() -> None:
    octets = CSCA.issue().der.replace(der.oid("1.2.840.10045.2.1"), der.oid("1.2.840.10045.2.9"))
    unknown = Certificate.parse(octets)
    assert unknown.public_key is None
    data = replace(signed(CSCA.issue()).signed_data, certificates=(unknown,))
    check = examine(data, TRUST, at=NOW).check("sod.signature")
    assert (check.outcome, check.shows) == (Outcome.UNDETERMINED, None)
    assert "not supported" in check.reason


def test_quirks_of_every_signature_are_named() -> None:
    """Also of the second signature; not beside one that is wrong."""
    rsa = key("DS 2", "RSA-2048")
    assert isinstance(rsa, RsaPrivateKey)
    second = CSCA.issue("DS 2", "RSA-2048", serial=101)
    first = signed(CSCA.issue()).signed_data
    other = Sod.parse(build_sod(OBJECT, WithoutNull(rsa), second, scheme=RSA)).signed_data
    both = replace(
        first,
        signers=(*first.signers, *other.signers),
        certificates=(*first.certificates, *other.certificates),
    )
    alone = examine(other, TRUST, at=NOW).check("sod.signature")
    assert len(alone.tolerated) == 1
    check = examine(both, TRUST, at=NOW).check("sod.signature")
    assert (check.outcome, check.tolerated) == (Outcome.PASSED, alone.tolerated)
