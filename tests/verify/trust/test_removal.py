"""Removing entries, and the trust that depended on them alone."""

import pytest

from emrtd.pki.lists.defect_list import ID_DEFECT_LIST
from emrtd.pki.lists.deviation_list import ID_DEVIATION_LIST
from emrtd.pki.path import validate
from emrtd.pki.x509 import extensions as ext
from tests.certificates import NOW, Authority
from tests.verify.trust.stores import CSCA, ELSEWHERE, add, ldif, only, signed_list
from verify.trust.kinds import TrustEntryKind
from verify.trust.rechecking import Withdrawal
from verify.trust.removal import remove_entries
from verify.trust.store import TrustStore


def test_a_source_without_entries_is_removed(store: TrustStore) -> None:
    add(store, CSCA.certificate().der, ELSEWHERE.certificate().der)
    first, second = store.entries()
    assert remove_entries(store, [first], at=NOW) == (1, Withdrawal((), ()))
    assert only(store) == second
    assert len(store.sources()) == 1
    assert validate(CSCA.issue(), store, at=NOW).anchor is None


def test_entries_signed_by_a_removed_csca_are_no_longer_trusted(store: TrustStore) -> None:
    new, newest = CSCA.renewed("CSCA 2"), CSCA.renewed("CSCA 3")
    links = [CSCA.link(new).der, new.link(newest).der]
    add(store, CSCA.certificate().der, *links, newest.issue().der, newest.crl())
    assert validate(newest.issue(), store, at=NOW).anchor is not None
    csca = store.entries(kind=TrustEntryKind.CSCA)
    removed, withdrawal = remove_entries(store, csca, at=NOW)
    assert (removed, len(withdrawal.entries)) == (1, 4)
    assert validate(newest.issue(), store, at=NOW).anchor is None
    assert not any(entry.verified or entry.trusted for entry in store.entries())


def test_a_listed_certificate_stays_trusted_without_its_link(store: TrustStore) -> None:
    link = CSCA.link(CSCA.renewed("CSCA 2"))
    listed = ELSEWHERE.master_list(CSCA.certificate(), link)
    add(store, ELSEWHERE.certificate().der, listed)
    remove_entries(store, store.entries(kind=TrustEntryKind.CSCA, country="UT"), at=NOW)
    (entry,) = store.entries(country="UT")
    assert (entry.verified, entry.trusted) == (False, True)


def test_what_a_list_brought_is_not_trusted_without_the_csca_of_its_signer(
    store: TrustStore,
) -> None:
    """The list of UT brings XX, whose list brings ZZ; a file of its own has YY as well."""
    far, alone = (Authority(country, country, common_name=country) for country in ("ZZ", "YY"))
    first = CSCA.master_list(CSCA.certificate(), ELSEWHERE.certificate(), alone.certificate())
    second = ELSEWHERE.master_list(far.certificate())
    add(store, first, second, alone.certificate().der, far.issue().der)
    assert all(entry.trusted for entry in store.entries())
    csca = store.entries(kind=TrustEntryKind.CSCA, country="UT")
    _, withdrawal = remove_entries(store, csca, at=NOW)
    assert len(withdrawal.lists) == 2
    assert {entry.country: entry.trusted for entry in store.entries()} == {
        "XX": False, "YY": True, "ZZ": False,
    }  # fmt: skip
    assert {(entry.country, entry.kind) for entry in withdrawal.entries} == {
        ("XX", TrustEntryKind.CSCA),
        ("ZZ", TrustEntryKind.CSCA),
        ("ZZ", TrustEntryKind.DOCUMENT_SIGNER),
    }


def test_only_the_certificates_in_a_master_list_stay_trusted(store: TrustStore) -> None:
    link = CSCA.link(CSCA.renewed("CSCA 2"))
    roots = CSCA.certificate().der, ELSEWHERE.certificate().der
    add(store, *roots, ldif(ELSEWHERE.master_list(ELSEWHERE.certificate()), link.der))
    remove_entries(store, store.entries(kind=TrustEntryKind.CSCA, country="UT"), at=NOW)
    (entry,) = store.entries(country="UT")
    assert not entry.trusted
    assert validate(CSCA.renewed("CSCA 2").issue(), store, at=NOW).anchor is None


def test_links_that_sign_each_other_are_not_trusted(store: TrustStore) -> None:
    """An attacker with the old key makes a new key, and a link from that back to the old one."""
    new = CSCA.renewed("CSCA 2")
    add(store, CSCA.certificate().der, CSCA.link(new).der, new.link(CSCA, serial=3).der)
    assert all(entry.trusted for entry in store.entries())
    removed, withdrawal = remove_entries(store, store.entries(kind=TrustEntryKind.CSCA), at=NOW)
    assert (removed, len(withdrawal.entries)) == (1, 2)
    assert not any(entry.verified or entry.trusted for entry in store.entries())
    for authority in (CSCA, new):
        assert validate(authority.issue(), store, at=NOW).anchor is None


@pytest.mark.parametrize("content_type", [ID_DEVIATION_LIST, ID_DEFECT_LIST])
def test_a_list_is_not_trusted_without_the_csca_of_its_signer(
    store: TrustStore, content_type: str
) -> None:
    listed = signed_list(content_type, ext.DEVIATION_LIST_SIGNER, ELSEWHERE)
    add(store, CSCA.certificate().der, ELSEWHERE.certificate().der, listed)
    found = [*store.deviation_lists("XX"), *store.defect_lists()]
    assert len(found) == 1
    remove_entries(store, store.entries(kind=TrustEntryKind.CSCA, country="UT"), at=NOW)
    assert [*store.deviation_lists("XX"), *store.defect_lists()] == found
    remove_entries(store, store.entries(kind=TrustEntryKind.CSCA, country="XX"), at=NOW)
    assert not store.deviation_lists("XX")
    assert not store.defect_lists()
