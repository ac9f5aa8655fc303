"""The file of a trust store, and the queries of a judgement."""

import sqlite3
import time
from pathlib import Path

import pytest

from emrtd.pki.findings import Outcome
from emrtd.pki.path import validate
from emrtd.pki.x509 import extensions as ext
from support.errors import MalformedError, MisuseError
from tests.certificates import (
    NOW,
    extended_key_usage,
    key_usage,
)
from tests.verify.trust.stores import CSCA, ELSEWHERE, add
from verify.trust.kinds import TrustEntryKind
from verify.trust.store import TrustStore


def test_a_path_is_found_through_the_store(store: TrustStore) -> None:
    new = CSCA.renewed("CSCA 2", common_name="CSCA of New Utopia")
    add(store, CSCA.certificate().der, CSCA.link(new).der, new.crl())
    for ds in (CSCA.issue(), new.issue(), CSCA.issue(extensions=[])):
        path = validate(ds, store, at=NOW)
        assert {finding.outcome for finding in path.checks} == {Outcome.PASSED}
        assert path.anchor is not None
        assert path.anchor.source.endswith(".file")
    assert store.document_signers(100, None) == []
    add(store, CSCA.issue().der)
    assert [ds.serial for ds in store.document_signers(100, None)] == [100]


def test_writes_of_another_process_are_seen(store: TrustStore) -> None:
    assert validate(CSCA.issue(), store, at=NOW).anchor is None
    with TrustStore.open(store.path) as other:
        add(other, CSCA.certificate().der)
    time.sleep(0.05)
    assert validate(CSCA.issue(), store, at=NOW).anchor is not None


def test_a_certificate_that_is_not_a_ca_is_not_an_anchor(store: TrustStore) -> None:
    plain = [key_usage(ext.KeyUsage.DIGITAL_SIGNATURE), extended_key_usage("1.2.3")]
    add(store, CSCA.certificate().der, CSCA.issue(extensions=plain).der)
    assert [entry.kind for entry in store.entries()] == [
        TrustEntryKind.CSCA,
        TrustEntryKind.DOCUMENT_SIGNER,
    ]
    assert len(store.anchors_of_country("UT")) == 1


# --- the file ------------------------------------------------------------------------------------


def test_a_full_disk_during_an_import_changes_nothing(store: TrustStore) -> None:
    add(store, ELSEWHERE.certificate().der)
    before = store.path.read_bytes()
    pages = len(before) // 4096
    store._database.run(f"PRAGMA max_page_count = {pages + 2}")
    others = [CSCA.renewed(f"CSCA {number}").certificate() for number in range(2, 30)]
    with pytest.raises(OSError, match="the disk is full; nothing was changed"):
        add(store, CSCA.master_list(CSCA.certificate(), *others))
    assert store.path.read_bytes() == before
    assert len(store.entries()) == 1


@pytest.mark.parametrize("content", [b"no database at all" * 100, b""])
def test_a_file_that_is_not_a_trust_store_is_malformed(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "other"
    path.write_bytes(content)
    with pytest.raises(MalformedError, match="is not a trust store"):
        TrustStore.open(path)
    assert path.read_bytes() == content


def test_another_database_is_not_a_trust_store(tmp_path: Path) -> None:
    path = tmp_path / "other"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE entry (id INTEGER)")
    with pytest.raises(MalformedError, match="is not a trust store"):
        TrustStore.open(path, create=True)


def test_a_missing_trust_store_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(MisuseError, match="there is no trust store"):
        TrustStore.open(tmp_path / "absent")
    assert not (tmp_path / "absent").exists()


def test_questions_of_documents_do_not_fill_the_memory(
    store: TrustStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("verify.trust.store._MOST_ANSWERS", 10)
    add(store, CSCA.certificate().der, CSCA.issue().der)
    for serial in range(60, 160):
        assert len(store.document_signers(serial, None)) == (serial == 100)
    assert len(store._cache) <= 10
