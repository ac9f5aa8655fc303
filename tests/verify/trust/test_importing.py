"""What an import accepts, refuses and leaves out: certificates, CRLs, Master Lists, LDIF."""

import pytest

from emrtd.asn1 import der
from emrtd.pki.lists.master_list import encode_master_list
from emrtd.pki.path import validate
from emrtd.pki.x509 import extensions as ext
from emrtd.pki.x509.certificates import Certificate
from support.errors import ChipsealError, MalformedError, MisuseError
from tests.certificates import (
    DAY,
    NOW,
    Authority,
    basic_constraints,
    extension,
    key_usage,
    usage_period,
)
from tests.verify.trust.stores import CSCA, ELSEWHERE, add, by_kind, ldif, only
from verify.trust.kinds import TrustEntryKind
from verify.trust.store import TrustStore

# --- single certificates and CRLs ----------------------------------------------------------------


def test_a_csca_chosen_by_the_operator_is_trusted(store: TrustStore) -> None:
    (summary,) = add(store, CSCA.certificate().der)
    assert (summary.added, summary.verified) == (1, 1)
    entry = only(store)
    assert entry.kind is TrustEntryKind.CSCA
    assert (entry.country, entry.key, entry.subject) == (
        "UT", "brainpoolP256r1", "CN=CSCA Utopia,C=UT"
    )  # fmt: skip
    assert entry.usable
    assert entry.verified
    assert entry.trusted
    assert entry.sources == ("0.file",)


def test_a_pem_file_may_contain_several_certificates(store: TrustStore) -> None:
    text = CSCA.certificate().to_pem() + "a comment\n" + ELSEWHERE.certificate().to_pem()
    add(store, text)
    assert by_kind(store) == {"csca": 2}


def test_entries_that_a_csca_signed_are_verified(store: TrustStore) -> None:
    new = CSCA.renewed("CSCA 2")
    add(
        store,
        CSCA.crl([5]),
        CSCA.issue().der,
        CSCA.list_signer(ext.MASTER_LIST_SIGNER).der,
        CSCA.list_signer(ext.DEVIATION_LIST_SIGNER, "other signer").der,
        CSCA.link(new).der,
        CSCA.certificate().der,
    )
    assert by_kind(store) == {
        "csca": 1, "link": 1, "ds": 1, "crl": 1,
        "master-list-signer": 1, "deviation-list-signer": 1,
    }  # fmt: skip
    assert all(entry.verified and entry.trusted for entry in store.entries())


@pytest.mark.parametrize(
    "octets",
    [
        CSCA.issue().der,
        CSCA.crl(),
        CSCA.link(CSCA.renewed("CSCA 2")).der,
        ELSEWHERE.crl(issuer=CSCA.name),
        CSCA.master_list(CSCA.certificate(), signer=CSCA.issue("list signer")),
    ],
    ids=["ds", "crl", "link", "another's crl", "list"],
)
def test_an_import_that_does_not_verify_changes_nothing(store: TrustStore, octets: bytes) -> None:
    add(store, ELSEWHERE.certificate().der)
    before = store.path.read_bytes()
    with pytest.raises(MisuseError, match="--unverified"):
        add(store, CSCA.renewed("unrelated", common_name="CSCA Three").certificate().der, octets)
    assert store.path.read_bytes() == before


def test_a_crl_of_a_key_that_is_not_known_asks_for_the_csca_first(store: TrustStore) -> None:
    """A State that renewed its CSCA signs its lists with the new key."""
    add(store, CSCA.certificate().der)
    renewed = CSCA.renewed("renewed")
    with pytest.raises(MisuseError, match="add the certificate of the CSCA whose key signed it"):
        add(store, renewed.crl())
    add(store, CSCA.link(renewed).der, renewed.crl())


def test_unverified_files_are_accepted_with_unverified(store: TrustStore) -> None:
    add(store, CSCA.issue().der, unverified=True)
    assert not only(store).verified
    add(store, CSCA.certificate().der)
    add(store, CSCA.issue().der)
    assert all(entry.trusted for entry in store.entries())


def test_a_wrong_signature_is_never_trusted(store: TrustStore) -> None:
    octets = bytearray(CSCA.certificate().der)
    octets[-1] ^= 1
    with pytest.raises(MisuseError, match="its own signature is wrong"):
        add(store, bytes(octets))
    add(store, bytes(octets), unverified=True)
    assert not only(store).trusted
    path = validate(CSCA.issue(), store, at=NOW)
    assert path.anchor is None


@pytest.mark.parametrize(
    "octets",
    [b"", b"nothing", b"\x30\x03\x02\x01\x00", CSCA.certificate().der + b"\0", CSCA.crl()[:-1],
     CSCA.certificate().der[:-1], b"-----BEGIN CERTIFICATE-----\nMIIB!\n-----END CERTIFICATE-----"],
)  # fmt: skip
def test_a_file_of_unknown_content_is_malformed(store: TrustStore, octets: bytes) -> None:
    with pytest.raises(MalformedError, match=r"0\.file"):
        add(store, octets)


def test_the_content_of_a_master_list_without_its_signature_is_refused(store: TrustStore) -> None:
    with pytest.raises(MalformedError, match="without its signature; add the signed list"):
        add(store, encode_master_list([CSCA.certificate()]))


def test_a_newer_crl_replaces_an_older_one(store: TrustStore) -> None:
    old = CSCA.crl([5], issued=NOW - 40 * DAY, next_update=NOW - 10 * DAY)
    new = CSCA.crl([5, 6], number=2)
    add(store, CSCA.certificate().der, old)
    add(store, new)
    (crl,) = store.crls_of_country("UT")
    assert set(crl.revoked) == {5, 6}
    (summary,) = add(store, old)
    assert (summary.added, summary.known) == (0, 0)
    assert "a newer one is in the store" in summary.left_out[0]
    assert by_kind(store) == {"csca": 1, "crl": 1}


def test_a_crl_with_a_revocation_that_a_newer_one_lacks_is_kept(store: TrustStore) -> None:
    old = CSCA.crl([5], issued=NOW - 40 * DAY, next_update=NOW - 10 * DAY)
    other = CSCA.renewed("CSCA 2")
    add(store, CSCA.certificate().der, CSCA.link(other).der, old, CSCA.crl([6]), other.crl())
    assert by_kind(store) == {"csca": 1, "link": 1, "crl": 3}


# --- Master Lists --------------------------------------------------------------------------------


def test_the_first_list_of_a_state_brings_its_own_csca(store: TrustStore) -> None:
    octets = CSCA.master_list(CSCA.certificate(), ELSEWHERE.certificate())
    (summary,) = add(store, octets)
    assert (summary.added, summary.verified) == (2, 2)
    assert "its own CSCA" in summary.note
    assert by_kind(store) == {"csca": 2}
    (source,) = store.sources()
    assert (source.name, source.entries, source.note) == ("0.file", 2, summary.note)


def test_a_list_signed_under_a_csca_of_the_store_is_accepted(store: TrustStore) -> None:
    add(store, CSCA.certificate().der)
    (summary,) = add(store, CSCA.master_list(ELSEWHERE.certificate()))
    assert "a CSCA in the store" in summary.note


def test_a_list_signed_under_a_linked_csca_is_accepted(store: TrustStore) -> None:
    add(store, CSCA.certificate().der)
    new = CSCA.renewed("CSCA 2")
    (summary,) = add(store, new.master_list(CSCA.link(new), new.certificate()))
    assert "link certificate" in summary.note


@pytest.mark.parametrize("collection", [False, True])
def test_lists_are_accepted_in_any_order(store: TrustStore, collection: bool) -> None:
    """Only the newer list contains the link from the older list's CSCA to the one in the store."""
    new = CSCA.renewed("CSCA 2")
    older = CSCA.master_list(CSCA.certificate())
    newer = new.master_list(CSCA.certificate(), CSCA.link(new), new.certificate())
    add(store, new.certificate().der)
    with pytest.raises(MisuseError, match="not the key that the certificate names"):
        add(store, older)
    lists = [ldif(older, newer)] if collection else [older, newer]
    summaries = add(store, *lists)
    assert not [reason for summary in summaries for reason in summary.left_out]
    assert by_kind(store) == {"csca": 2, "link": 1}
    assert all(entry.verified and entry.trusted for entry in store.entries())


def test_a_forged_list_of_a_known_state_is_refused(store: TrustStore) -> None:
    """It is signed under another CSCA of the same name and country, which it encloses."""
    add(store, CSCA.certificate().der)
    forged = CSCA.renewed("forged")
    for certificates in ([forged.certificate()], [CSCA.certificate(), forged.certificate()]):
        with pytest.raises(MisuseError):
            add(store, forged.master_list(*certificates))
    assert by_kind(store) == {"csca": 1}


def test_a_document_signer_cannot_sign_a_list(store: TrustStore) -> None:
    add(store, CSCA.certificate().der)
    with pytest.raises(MisuseError, match="lacks the extended key usage"):
        add(store, CSCA.master_list(ELSEWHERE.certificate(), signer=CSCA.issue("list signer")))


@pytest.mark.peculiarity("DE", "a Master List signed with the CSCA's own key (2019)")
def test_a_csca_may_sign_its_list_itself(store: TrustStore) -> None:
    """DE did this in 2019."""
    csca = Authority(label="list signer")
    add(store, csca.certificate().der)
    add(store, csca.master_list(ELSEWHERE.certificate(), signer=csca.certificate()))
    assert by_kind(store) == {"csca": 2}


def test_the_signer_of_an_old_list_may_have_expired_since(store: TrustStore) -> None:
    expired = CSCA.list_signer(ext.MASTER_LIST_SIGNER, not_after=NOW - 5 * DAY)
    own = CSCA.certificate()
    add(store, CSCA.master_list(own, signer=expired, signed=NOW - 10 * DAY))
    with pytest.raises(MisuseError, match="valid until"):
        add(store, CSCA.master_list(own, signer=expired, signed=NOW - 2 * DAY))


def test_a_list_of_a_revoked_signer_is_refused(store: TrustStore) -> None:
    add(store, CSCA.certificate().der, CSCA.crl([200]))
    with pytest.raises(MisuseError, match="revoked"):
        add(store, CSCA.master_list(ELSEWHERE.certificate()))


@pytest.mark.parametrize("position", [-1, -100, 200, 700])
def test_a_damaged_list_is_refused(store: TrustStore, position: int) -> None:
    octets = bytearray(CSCA.master_list(CSCA.certificate(), ELSEWHERE.certificate()))
    octets[position] ^= 0xFF
    with pytest.raises(ChipsealError):
        add(store, bytes(octets))
    assert not store.entries()


@pytest.mark.parametrize("cut", [1, 10, 500])
def test_a_truncated_list_is_refused(store: TrustStore, cut: int) -> None:
    octets = CSCA.master_list(CSCA.certificate(), ELSEWHERE.certificate())
    for bad in (octets[:-cut], octets + bytes(cut)):
        with pytest.raises(MalformedError):
            add(store, bad)
    assert not store.entries()


def test_the_certificates_of_a_list_are_added_with_explanations(store: TrustStore) -> None:
    """A link whose issuer is in no list, and a certificate whose signature is wrong."""
    old, new = Authority(label="old"), Authority(label="new")
    damaged = bytearray(ELSEWHERE.certificate().der)
    damaged[-1] ^= 1
    wrong = Certificate.parse(bytes(damaged))
    (summary,) = add(store, CSCA.master_list(CSCA.certificate(), old.link(new), wrong))
    assert (summary.added, summary.verified) == (3, 1)
    bad, link = sorted((e for e in store.entries() if not e.verified), key=lambda e: e.kind)
    assert (link.kind, link.trusted) == (TrustEntryKind.LINK, True)
    assert "not in the store" in link.explanation
    assert (bad.kind, bad.trusted) == (TrustEntryKind.CSCA, False)
    assert "signature is wrong" in bad.explanation
    add(store, old.certificate().der)
    assert [entry.verified for entry in store.entries(kind=TrustEntryKind.LINK)] == [True]


def test_imports_are_idempotent(store: TrustStore) -> None:
    octets = CSCA.master_list(CSCA.certificate(), ELSEWHERE.certificate())
    add(store, octets)
    before = [entry.as_json() for entry in store.entries()], store.sources()
    (summary,) = add(store, octets)
    assert (summary.added, summary.known, summary.verified) == (0, 2, 2)
    assert ([entry.as_json() for entry in store.entries()], store.sources()) == before


def test_an_entry_names_every_file_that_contained_it(store: TrustStore) -> None:
    add(store, CSCA.certificate().der, CSCA.master_list(CSCA.certificate()))
    assert only(store).sources == ("0.file", "1.file")


def test_what_is_no_csca_in_a_master_list_is_named_and_left_out(store: TrustStore) -> None:
    """Doc 9303-12, 5.3.  A Document Signer that was imported before remains one."""
    ds = CSCA.issue("DS 1")
    add(store, CSCA.certificate().der, ds.der)
    (summary,) = add(store, CSCA.master_list(CSCA.certificate(), ds))
    assert (summary.added, summary.known, summary.verified) == (0, 1, 1)
    (reason,) = summary.left_out
    assert f"certificate {ds.serial:X} of UT" in reason
    assert "neither a CSCA nor a link certificate" in reason
    assert by_kind(store) == {"csca": 1, "ds": 1}


@pytest.mark.peculiarity("CM, LU, PT, TR", "a link certificate without the CA flag")
def test_a_csca_without_ca_flag_in_a_master_list_is_an_anchor(store: TrustStore) -> None:
    """Link certificates of CM, LU, PT and TR are such."""
    link = CSCA.issue("link", extensions=[key_usage(ext.KeyUsage.KEY_CERT_SIGN)])
    (summary,) = add(store, CSCA.master_list(CSCA.certificate(), link))
    assert (summary.added, summary.left_out) == (2, ())
    assert by_kind(store) == {"csca": 1, "link": 1}


# --- LDIF ----------------------------------------------------------------------------------------


def test_the_entries_of_a_collection_that_verify_are_added(store: TrustStore) -> None:
    add(store, CSCA.certificate().der)
    (summary,) = add(
        store,
        ldif(CSCA.issue().der, CSCA.crl(), ELSEWHERE.issue().der, ELSEWHERE.crl(), b"\x30\x01"),
    )
    assert (summary.added, summary.verified, len(summary.left_out)) == (2, 2, 3)
    assert by_kind(store) == {"csca": 1, "ds": 1, "crl": 1}


def test_a_collection_of_master_lists_is_imported(store: TrustStore) -> None:
    forged = CSCA.renewed("forged")
    first = CSCA.master_list(CSCA.certificate())
    (summary,) = add(store, ldif(first, forged.master_list(forged.certificate())))
    assert by_kind(store) == {"csca": 1}
    assert len(summary.left_out) == 1


@pytest.mark.parametrize("before", [True, False], ids=["before", "in one command"])
def test_a_list_with_an_unknown_csca_in_a_collection_is_left_out(
    store: TrustStore, before: bool
) -> None:
    """A CSCA that the operator did not choose could otherwise add CSCAs of any State by a list."""
    forged = CSCA.renewed("forged")
    stranger = ldif(ELSEWHERE.master_list(ELSEWHERE.certificate(), forged.certificate()))
    if before:
        add(store, CSCA.certificate().der)
        (summary,) = add(store, stranger)
    else:
        _, summary = add(store, CSCA.certificate().der, stranger)
    assert "the trust store has no CSCA of XX" in summary.left_out[0]
    assert by_kind(store) == {"csca": 1}
    assert validate(forged.issue(), store, at=NOW).anchor is None


def test_a_csca_that_no_list_contains_in_a_collection_is_left_out(store: TrustStore) -> None:
    (summary,) = add(store, ldif(CSCA.certificate().der))
    assert not store.entries()
    assert "no Master List contains it" in summary.left_out[0]
    new = CSCA.renewed("CSCA 2")
    add(store, CSCA.certificate().der)
    add(store, ldif(CSCA.link(new).der))
    assert by_kind(store) == {"csca": 1, "link": 1}


def test_a_certificate_that_a_later_list_contains_is_verified_again(store: TrustStore) -> None:
    """The link was first imported without a Master List, and its issuer was not known."""
    old, new = Authority(label="old"), Authority(label="new")
    link = old.link(new)
    listed = CSCA.master_list(CSCA.certificate(), old.certificate(), link)
    add(store, ldif(link.der, listed))
    assert all(entry.verified and entry.trusted for entry in store.entries())
    assert by_kind(store) == {"csca": 2, "link": 1}


def test_ldif_that_is_not_base64_is_malformed(store: TrustStore) -> None:
    with pytest.raises(MalformedError, match="line 2: is not base64"):
        add(store, "dn: cn=1\nuserCertificate;binary:: M!!A\n")


def test_a_csca_that_cannot_be_used_says_why(store: TrustStore) -> None:
    strange = [*CSCA.extensions(), extension("1.2.3.4.5", b"\5\0", critical=True)]
    certificate = CSCA.issue("CSCA 1", subject=CSCA.name, extensions=strange)
    (summary,) = add(store, certificate.der)
    doubt = "it has unknown critical extensions: 1.2.3.4.5"
    assert summary.doubts == (f"{certificate.subject}: {doubt}",)
    assert only(store).explanation == f"signed by its own key; {doubt}"
    assert validate(CSCA.issue(), store, at=NOW).anchor is None


def test_a_signer_that_cannot_be_used_says_why(store: TrustStore) -> None:
    """Its CSCA issued it, so it is imported; a document that it signed is not accepted."""
    unreadable = extension(ext.DOCUMENT_TYPE_LIST, der.null())
    faulty = {
        "its validity ends before it begins": CSCA.issue(
            serial=1, not_before=NOW, not_after=NOW - DAY
        ),
        "it is of XX, and its CSCA of UT": CSCA.issue(serial=2, subject=ELSEWHERE.name),
        "the signer's list of document types cannot be read": CSCA.issue(
            serial=3, more=[unreadable]
        ),
        "the certificate's key is not for signing documents": CSCA.issue(
            serial=4, extensions=[key_usage(ext.KeyUsage.KEY_ENCIPHERMENT)]
        ),
        "its private-key usage period ends before it begins": CSCA.issue(
            serial=7, more=[usage_period(NOW, NOW - DAY)]
        ),
        "the certificate is a CA's, and a CA does not sign documents": CSCA.issue(
            serial=6, more=[basic_constraints()]
        ),
    }
    good = CSCA.issue(serial=5)
    octets = ldif(*(each.der for each in (*faulty.values(), good)))
    _, summary = add(store, CSCA.certificate().der, octets)
    said = [f"{each.subject}: {doubt}" for doubt, each in faulty.items()]
    assert sorted(summary.doubts) == sorted(said)
    assert {each.kind for each in store.entries(kind=TrustEntryKind.LINK)} == set()
    found = {entry.fingerprint: entry.explanation for entry in store.entries()}
    for doubt, certificate in faulty.items():
        assert found[certificate.fingerprint] == f"issued by {CSCA.certificate().subject}; {doubt}"
    assert found[good.fingerprint] == f"issued by {CSCA.certificate().subject}"
