"""What a Master List brought, after its signer or its CSCA has been revoked."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from emrtd.pki.lists.defect_list import ID_DEFECT_LIST
from emrtd.pki.lists.deviation_list import ID_DEVIATION_LIST
from emrtd.pki.path import validate
from emrtd.pki.x509 import extensions as ext
from support.errors import MisuseError
from tests.certificates import NOW, Authority
from tests.verify.trust.stores import CSCA, ELSEWHERE, add, ldif, signed_list
from verify.commands.trust import trust
from verify.trust.kinds import TrustEntryKind
from verify.trust.removal import remove_entries
from verify.trust.states import states_of
from verify.trust.store import TrustStore

THIRD, FOURTH = (Authority(code, code, common_name=code) for code in ("ZZ", "YY"))
NEW = ELSEWHERE.renewed("elsewhere 2")
LIST = CSCA.master_list(ELSEWHERE.certificate(), THIRD.certificate())
LIST_SIGNER, ROOT = 200, CSCA.certificate().serial

revocations = pytest.mark.parametrize("serial", [LIST_SIGNER, ROOT], ids=["signer", "CSCA"])


def trusted(store: TrustStore) -> set[str]:
    """Return the countries of the trusted CSCAs."""
    return {entry.country for entry in store.entries(kind=TrustEntryKind.CSCA) if entry.trusted}


@revocations
def test_what_a_list_brought_is_withdrawn_when_its_signer_is_revoked(
    store: TrustStore, serial: int
) -> None:
    add(store, CSCA.certificate().der, LIST, ELSEWHERE.link(NEW).der, NEW.issue().der)
    assert validate(NEW.issue(), store, at=NOW).anchor is not None
    (summary,) = add(store, CSCA.crl([serial]))
    assert trusted(store) == {"UT"}
    assert validate(NEW.issue(), store, at=NOW).anchor is None
    assert not any(entry.trusted for entry in store.entries(country="XX"))
    named, *entries = summary.warnings
    assert named.startswith("the Master List in 1.file is no longer trusted: its signer is revoked")
    assert len(entries) == 4
    assert all(each.startswith("no longer trusted: ") for each in entries)
    (third,) = store.entries(country="ZZ")
    assert "only a Master List that is no longer trusted contains it" in third.explanation
    states = {each.country: each.problems for each in states_of(store, NOW)}
    assert any("its Master List in 1.file is no longer trusted" in each for each in states["UT"])
    assert any("1 CSCA or link certificate withdrawn" in each for each in states["XX"])
    assert any("1 CSCA or link certificate withdrawn" in each for each in states["ZZ"])


@pytest.mark.parametrize("crl", [CSCA.crl(), CSCA.crl([201]), CSCA.crl([200], signing=NEW.key)])
def test_a_crl_that_does_not_revoke_its_signer_changes_nothing(
    store: TrustStore, crl: bytes
) -> None:
    add(store, CSCA.certificate().der, LIST)
    before = store.entries()
    (summary,) = add(store, ldif(crl))
    assert not summary.warnings
    assert [each for each in store.entries() if each.kind is not TrustEntryKind.CRL] == before


@revocations
def test_such_a_list_is_not_imported_after_the_crl_or_with_it(
    store: TrustStore, serial: int
) -> None:
    crl = CSCA.crl([serial])
    for content in (CSCA.certificate().der, LIST, crl), (crl, LIST, CSCA.certificate().der):
        with pytest.raises(MisuseError, match="revoked on"):
            add(store, *content)
    assert not store.entries()
    add(store, CSCA.certificate().der, crl)
    with pytest.raises(MisuseError, match="revoked on"):
        add(store, LIST)
    (_, summary) = add(store, CSCA.certificate().der, ldif(LIST, crl))
    assert any("revoked on" in reason for reason in summary.left_out)
    assert trusted(store) == {"UT"}


def test_a_list_that_brought_its_own_csca_keeps_that_alone(store: TrustStore) -> None:
    """The CRL rests on that CSCA, in which the operator decided to trust."""
    crl = CSCA.crl([LIST_SIGNER])
    add(store, CSCA.master_list(CSCA.certificate(), ELSEWHERE.certificate()))
    add(store, crl)
    assert trusted(store) == {"UT"}
    assert [each.der for each in store.crls_of_country("UT")] == [crl]
    remove_entries(store, store.entries(country="XX"), at=NOW)
    assert trusted(store) == {"UT"}


@revocations
def test_what_something_else_vouches_for_stays(store: TrustStore, serial: int) -> None:
    listed = FOURTH.master_list(THIRD.certificate())
    add(store, CSCA.certificate().der, FOURTH.certificate().der, listed, LIST)
    add(store, ELSEWHERE.certificate().der)
    (summary,) = add(store, CSCA.crl([serial]))
    assert trusted(store) == {"UT", "XX", "YY", "ZZ"}
    assert len(summary.warnings) == 1


def test_lists_of_one_collection_are_told_apart(store: TrustStore) -> None:
    lists = CSCA.master_list(ELSEWHERE.certificate()), FOURTH.master_list(THIRD.certificate())
    add(store, CSCA.certificate().der, FOURTH.certificate().der, ldif(*lists))
    add(store, FOURTH.crl([LIST_SIGNER]))
    assert trusted(store) == {"UT", "XX", "YY"}


def test_a_list_that_only_a_withdrawn_csca_signed_is_withdrawn_too(store: TrustStore) -> None:
    listed = ELSEWHERE.master_list(FOURTH.certificate())
    add(store, CSCA.certificate().der, LIST, listed)
    (summary,) = add(store, CSCA.crl([LIST_SIGNER]))
    assert trusted(store) == {"UT"}
    assert sum("the Master List in" in each for each in summary.warnings) == 2


def test_lists_that_contain_each_others_csca_do_not_vouch_for_themselves(store: TrustStore) -> None:
    third = THIRD.master_list(ELSEWHERE.certificate())
    elsewhere = ELSEWHERE.master_list(THIRD.certificate())
    add(store, CSCA.certificate().der, LIST, third, elsewhere)
    add(store, CSCA.crl([LIST_SIGNER]))
    assert trusted(store) == {"UT"}


def test_a_link_that_arrives_later_shows_that_the_csca_is_revoked(store: TrustStore) -> None:
    """The key of the old CSCA, which is revoked, has signed a link to the one in the store."""
    old = CSCA.renewed("old")
    add(store, CSCA.certificate().der, LIST, old.certificate(serial=77).der)
    add(store, old.crl([77]))
    assert trusted(store) == {"UT", "XX", "ZZ"}
    add(store, old.link(CSCA).der)
    assert trusted(store) == {"UT"}


@pytest.mark.parametrize("content_type", [ID_DEVIATION_LIST, ID_DEFECT_LIST])
@revocations
def test_a_deviation_list_is_withdrawn_when_its_signer_is_revoked(
    store: TrustStore, content_type: str, serial: int
) -> None:
    add(store, CSCA.certificate().der, signed_list(content_type, ext.DEVIATION_LIST_SIGNER, CSCA))
    assert [*store.deviation_lists("UT"), *store.defect_lists()]
    (summary,) = add(store, CSCA.crl([serial]))
    assert not [*store.deviation_lists("UT"), *store.defect_lists()]
    assert "no longer trusted" in summary.warnings[0]


def test_a_list_by_a_new_signer_brings_everything_back(store: TrustStore) -> None:
    add(store, CSCA.certificate().der, LIST)
    add(store, CSCA.crl([LIST_SIGNER]))
    signer = CSCA.list_signer(ext.MASTER_LIST_SIGNER, serial=300)
    add(store, CSCA.master_list(ELSEWHERE.certificate(), THIRD.certificate(), signer=signer))
    assert trusted(store) == {"UT", "XX", "ZZ"}
    assert all(entry.verified for entry in store.entries())
    assert not any("withdrawn" in text for each in states_of(store, NOW) for text in each.problems)


def test_what_the_operator_accepted_unverified_stays(store: TrustStore) -> None:
    add(store, CSCA.certificate().der)
    add(store, LIST, unverified=True)
    add(store, ldif(FOURTH.certificate().der), unverified=True)
    add(store, FOURTH.master_list(NEW.certificate()))
    assert {entry.country for entry in store.entries() if entry.unproven} == {"XX", "YY"}
    add(store, CSCA.crl([LIST_SIGNER]))
    assert trusted(store) == {"UT", "YY", "XX"}
    assert {entry.subject for entry in store.entries() if entry.unproven}


def test_the_commands_name_what_was_withdrawn(tmp_path: Path) -> None:
    names = {"csca.cer": CSCA.certificate().der, "list.ml": LIST, "ut.crl": CSCA.crl([LIST_SIGNER])}
    for name, octets in names.items():
        (tmp_path / name).write_bytes(octets)
    store = str(tmp_path / "trust.db")

    def run(*arguments: str) -> str:
        done = CliRunner().invoke(trust, arguments, catch_exceptions=False)
        assert done.exit_code == 0
        return done.output

    run("add", store, str(tmp_path / "csca.cer"), str(tmp_path / "list.ml"))
    added = run("add", store, str(tmp_path / "ut.crl"))
    assert "warning: the Master List in list.ml is no longer trusted: its signer is rev" in added
    assert added.count("warning: no longer trusted: ") == 2
    listed = run("list", store, "--country", "ZZ")
    assert "(not trusted: only a Master List that is no longer trusted contains it: its" in listed
    (entry,) = json.loads(run("list", store, "--country", "ZZ", "--json"))
    assert (entry["trusted"], entry["verified"]) == (False, True)
    assert "1 CSCA or link certificate withdrawn" in run("states", store, "--country", "ZZ")
    assert "its Master List in list.ml is no longer" in run("states", store, "--country", "UT")
