"""A set with the faults of the PKD: each is named; a file that is known costs its digest."""

import json
from datetime import datetime
from pathlib import Path

import pytest

from bench.pkd_set import BREAKING, MADE, Fault, make_pkd
from tests.verify.trust.stores import CSCA, ldif
from verify.trust import importing
from verify.trust.files import read_trust_file
from verify.trust.importing import import_files, read_unchanged
from verify.trust.kinds import TrustEntryKind
from verify.trust.removal import remove_entries
from verify.trust.settlement import Summary
from verify.trust.store import TrustStore


@pytest.fixture(scope="module")
def pkd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pkd")
    make_pkd(folder, signers=300)
    return folder


def files_of(pkd: Path) -> list[Path]:
    return sorted(pkd.glob("*.ldif"))


def imported(store: TrustStore, *paths: Path, at: datetime = MADE) -> tuple[Summary, ...]:
    return import_files(store, [read_trust_file(path) for path in paths], at=at)


REASONS = {
    Fault.NO_CSCA: "no CSCA of ZZ",
    Fault.OTHER_KEY: "not the key that the certificate names",
    Fault.WRONG_SIGNATURE: "its key did not sign this certificate",
    Fault.CRITICAL: "unknown critical extensions",
    Fault.UNREADABLE: "is cut short",
}


def test_every_signer_chains_or_has_its_reason(pkd: Path, store: TrustStore) -> None:
    summaries = imported(store, *files_of(pkd))
    faults = {
        int(key): Fault(each) for key, each in json.loads((pkd / "faults.json").read_text()).items()
    }
    broken = [fault for fault in faults.values() if fault in BREAKING]
    left_out = [reason for summary in summaries for reason in summary.left_out]
    assert len(left_out) == len(broken)
    for fault in BREAKING:
        named = [reason for reason in left_out if REASONS[fault] in reason]
        assert len(named) == broken.count(fault) > 0, fault
    signers = store.entries(kind=TrustEntryKind.DOCUMENT_SIGNER)
    assert all(entry.verified for entry in signers)
    assert len(signers) == 300 + len(faults_of_third(faults)) - len(broken)


def faults_of_third(faults: dict[int, Fault]) -> list[Fault]:
    planted = {*BREAKING, Fault.SERIAL, Fault.NO_KEY_USAGE}
    return [fault for fault in faults.values() if fault in planted]


def test_quirks_of_the_set_are_named(pkd: Path, store: TrustStore) -> None:
    imported(store, *files_of(pkd))
    tolerated = {quirk for entry in store.entries() for quirk in entry.tolerated}
    assert "certificate.serial-not-positive" in tolerated


def test_files_that_are_known_are_not_read_again(
    pkd: Path, store: TrustStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = imported(store, *files_of(pkd))
    again = read_unchanged(store, files_of(pkd))
    assert again is not None
    for one, other in zip(first, again, strict=True):
        assert (other.added, other.known, other.verified) == (
            0,
            one.added + one.known,
            one.verified,
        )
        assert sorted(other.left_out) == sorted(set(one.left_out))
        assert other.note == one.note or one.name.endswith("002-complete.ldif")
    assert [each.name for each in again] == [each.name for each in first]


def test_a_known_file_is_read_again_when_a_csca_has_arrived(
    tmp_path: Path, store: TrustStore
) -> None:
    signer, csca = tmp_path / "1.ldif", tmp_path / "csca.cer"
    signer.write_text(ldif(CSCA.issue().der))
    csca.write_bytes(CSCA.certificate().der)
    assert len(imported(store, signer)[0].left_out) == 1
    assert read_unchanged(store, [signer]) is not None
    imported(store, csca)
    assert read_unchanged(store, [signer]) is None
    assert imported(store, signer)[0].verified == 1
    assert read_unchanged(store, [signer, csca]) is not None


def test_a_known_file_is_read_again_when_something_was_removed(
    tmp_path: Path, store: TrustStore
) -> None:
    signer, csca = tmp_path / "1.ldif", tmp_path / "csca.cer"
    signer.write_text(ldif(CSCA.issue().der, CSCA.issue("DS 2", serial=5).der))
    csca.write_bytes(CSCA.certificate().der)
    imported(store, csca, signer)
    removed = store.entries(kind=TrustEntryKind.DOCUMENT_SIGNER)[:1]
    remove_entries(store, removed, at=MADE)
    assert read_unchanged(store, [signer]) is None
    assert imported(store, signer)[0].added == 1


def test_a_changed_file_is_not_known(tmp_path: Path, store: TrustStore) -> None:
    path = tmp_path / "csca.cer"
    path.write_bytes(CSCA.certificate().der)
    imported(store, path)
    path.write_bytes(CSCA.certificate(serial=9).der)
    assert read_unchanged(store, [path]) is None
    assert importing.read_unchanged(store, []) == ()
