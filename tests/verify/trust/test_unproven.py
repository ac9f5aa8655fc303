"""Anchors that are trusted on the operator's word alone (--unverified) are known as such."""

import sqlite3
from pathlib import Path

import pytest

from emrtd.pki.path import UNPROVEN, validate
from emrtd.pki.x509 import extensions as ext
from support.errors import MalformedError
from tests.certificates import NOW
from tests.verify.trust.stores import CSCA, ELSEWHERE, add
from verify.trust.entries import TrustEntry
from verify.trust.removal import remove_entries
from verify.trust.store import TrustStore

NEW = CSCA.renewed("CSCA 2")
LINK = CSCA.link(NEW).der
NEWER = NEW.renewed("CSCA 3")
LIST = ELSEWHERE.master_list(CSCA.link(NEW), signer=ELSEWHERE.list_signer(ext.MASTER_LIST_SIGNER))


def unproven(store: TrustStore) -> list[bool]:
    return [entry.unproven for entry in store.entries() if entry.trusted]


def reason(store: TrustStore) -> str:
    return validate(NEW.issue(), store, at=NOW).checks[0].reason


def entry_of(store: TrustStore, der: bytes) -> TrustEntry:
    return next(entry for entry in store.entries() if entry.der == der)


def test_a_chain_that_rests_on_an_unverified_link_says_so(store: TrustStore) -> None:
    add(store, LINK, unverified=True)
    assert unproven(store) == [True]
    assert reason(store).endswith(UNPROVEN)
    assert store.entries()[0].as_json()["unproven"] is True


def test_a_csca_chosen_by_the_operator_is_no_such_anchor(store: TrustStore) -> None:
    """Choosing a root is how trust begins, with the option or without it."""
    add(store, NEW.certificate().der, unverified=True)
    assert unproven(store) == [False]
    assert UNPROVEN not in reason(store)


def test_the_content_of_an_unverified_list_is_unproven(store: TrustStore) -> None:
    add(store, ELSEWHERE.certificate().der)
    unsigned = CSCA.master_list(NEW.certificate(), signer=CSCA.issue("list signer"))
    add(store, unsigned, unverified=True)
    assert sorted(unproven(store)) == [False, True]
    assert reason(store).endswith(UNPROVEN)


def test_what_a_link_or_a_list_makes_of_an_unproven_anchor_is_unproven(store: TrustStore) -> None:
    add(store, LINK, unverified=True)
    add(store, NEW.link(NEWER).der)
    assert unproven(store) == [True, True]
    signer = NEW.list_signer(ext.MASTER_LIST_SIGNER)
    add(store, NEW.master_list(ELSEWHERE.certificate(), signer=signer))
    assert unproven(store) == [True, True, True]


@pytest.mark.parametrize("proof", ["root", "list"])
def test_a_proof_that_arrives_later_counts(store: TrustStore, proof: str) -> None:
    add(store, ELSEWHERE.certificate().der)
    add(store, LINK, NEW.link(NEWER).der, unverified=True)
    assert sorted(unproven(store)) == [False, True, True]
    add(store, *((CSCA.certificate().der,) if proof == "root" else (LIST,)))
    assert not any(unproven(store))
    assert UNPROVEN not in reason(store)


def test_a_proven_anchor_is_preferred_to_an_unproven_one(store: TrustStore) -> None:
    add(store, LINK, unverified=True)
    add(store, NEW.certificate().der)
    assert UNPROVEN not in reason(store)


def test_a_link_is_unproven_again_when_its_proven_root_is_removed(store: TrustStore) -> None:
    add(store, LINK, unverified=True)
    add(store, NEW.certificate().der, NEW.link(NEWER).der)
    newer = entry_of(store, NEW.link(NEWER).der)
    assert not newer.unproven
    remove_entries(store, [entry_of(store, NEW.certificate().der)], at=NOW)
    left = entry_of(store, newer.der)
    assert left.unproven or not left.trusted


def test_a_store_of_an_older_version_is_migrated(tmp_path: Path) -> None:
    """Version 2 was that of the first release; what each later one added is dropped."""
    path = tmp_path / "trust.db"
    with TrustStore.open(path, create=True) as store:
        add(store, ELSEWHERE.certificate().der)
        add(store, LINK, unverified=True)
        before = store.entries()
    for version in (2, 3, 4, 5, 6):
        old = sqlite3.connect(path)
        old.executescript("DROP TABLE listing; DROP TABLE master_list")
        old.execute("ALTER TABLE provenance DROP COLUMN chosen")
        if version < 6:
            old.execute("DROP TABLE publication")
        if version < 5:
            old.execute("DROP TABLE left_out")
            old.execute("ALTER TABLE source DROP COLUMN settled")
        if version < 4:
            old.execute("ALTER TABLE entry DROP COLUMN unproven")
        if version == 2:
            old.execute("DROP INDEX entry_by_kind")
            old.execute("CREATE INDEX entry_by_country ON entry (country, kind)")
        old.execute(f"PRAGMA user_version = {version}")
        old.commit()
        old.close()
        with TrustStore.open(path) as store:
            assert store.entries() == before
            assert not remove_entries(store, (), at=NOW)[1].reasons
            names = {name for (name,) in store.rows("SELECT name FROM sqlite_schema")}
            assert "entry_by_kind" in names
            assert "entry_by_country" not in names
            assert {"left_out", "publication", "master_list", "listing"} <= names


def test_a_store_of_an_unknown_version_is_refused_by_its_number(tmp_path: Path) -> None:
    path = tmp_path / "trust.db"
    TrustStore.open(path, create=True).close()
    for version, wanted in ((1, "of version 1, which this release cannot"), (9, "of version 9")):
        old = sqlite3.connect(path)
        old.execute(f"PRAGMA user_version = {version}")
        old.commit()
        old.close()
        with pytest.raises(MalformedError, match=wanted):
            TrustStore.open(path)
