"""Which revocation lists a store keeps, when one of them cannot be used whole."""

from emrtd.pki.findings import Outcome, Shows
from emrtd.pki.path import validate
from emrtd.pki.x509.crl import Crl
from tests.certificates import DAY, NOW, extension
from tests.emrtd.pki.test_revocation import NAMED, UNKNOWN, newer
from tests.verify.trust.stores import CSCA, add, by_kind, ldif
from verify.trust.kinds import TrustEntryKind
from verify.trust.store import TrustStore

STRANGE = (extension("1.2.3.4.5", b"\5\0", critical=True),)


def crls(store: TrustStore) -> list[bytes]:
    return [each.der for each in store.entries(kind=TrustEntryKind.CRL)]


def test_a_list_that_cannot_be_used_whole_is_kept_and_replaces_none(store: TrustStore) -> None:
    older, strange = CSCA.crl(), newer(more=STRANGE)
    add(store, CSCA.certificate().der, older)
    assert validate(CSCA.issue(), store, at=NOW).checks[-1].outcome is Outcome.PASSED
    (summary,) = add(store, ldif(strange.der))
    assert summary.added == 1
    (warning,) = summary.warnings
    assert "cannot be used whole" in warning
    assert "1.2.3.4.5" in warning
    assert set(crls(store)) == {older, strange.der}
    (entry,) = (each for each in store.entries() if each.der == strange.der)
    assert (entry.usable, entry.verified) == (False, True)
    assert validate(CSCA.issue(), store, at=NOW).checks[-1].outcome is Outcome.UNDETERMINED


def test_a_list_that_cannot_be_used_whole_revokes_what_it_names(store: TrustStore) -> None:
    add(store, CSCA.certificate().der, CSCA.crl(), newer(NAMED, more=STRANGE).der)
    assert validate(CSCA.issue(), store, at=NOW).checks[-1].shows is Shows.REVOCATION


def test_a_newer_list_replaces_it(store: TrustStore) -> None:
    add(store, CSCA.certificate().der, newer(more=STRANGE).der)
    newest = CSCA.crl(issued=NOW + DAY, number=3)
    add(store, newest)
    assert crls(store) == [newest]


def test_a_list_that_is_not_in_force_yet_replaces_none(store: TrustStore) -> None:
    """Until then the older list decides; afterwards the import of another one replaces it."""
    today, future = CSCA.crl(), CSCA.crl(issued=NOW + 20 * DAY, number=3)
    add(store, CSCA.certificate().der, today)
    (summary,) = add(store, future)
    (warning,) = summary.warnings
    assert "is not in force yet" in warning
    assert set(crls(store)) == {today, future}
    assert validate(CSCA.issue(), store, at=NOW).checks[-1].outcome is Outcome.PASSED


def test_a_copy_with_another_algorithm_beside_the_signature_does_not_stay(
    store: TrustStore,
) -> None:
    good, changed = newer(), newer(outer=UNKNOWN)
    assert good.tbs == changed.tbs
    add(store, CSCA.certificate().der, changed.der)
    add(store, good.der)
    assert crls(store) == [good.der]
    (summary,) = add(store, ldif(changed.der))
    assert crls(store) == [good.der]
    assert "a newer one is in the store" in summary.left_out[0]


def test_two_lists_of_one_age_are_both_kept(store: TrustStore) -> None:
    good, strange = newer(), newer(more=STRANGE)
    add(store, CSCA.certificate().der, good.der, strange.der)
    assert set(crls(store)) == {good.der, strange.der}


def test_a_list_that_does_not_verify_is_left_out(store: TrustStore) -> None:
    forged = newer(NAMED, more=STRANGE, signing="forged")
    (_, summary) = add(store, CSCA.certificate().der, ldif(forged.der))
    assert "no trusted key" in summary.left_out[0]
    assert by_kind(store) == {"csca": 1}
    assert Crl.parse(forged.der).objection is not None
