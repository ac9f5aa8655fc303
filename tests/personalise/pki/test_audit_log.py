"""The audit log: a changed, removed or inserted line is detected."""

import errno
import hashlib
import json
import multiprocessing
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from emrtd.crypto.curves import CURVES
from emrtd.crypto.private_keys import EcPrivateKey
from emrtd.errors import ProtocolError
from personalise.pki.audit_log import REPAIR, AuditLog, pki_identifier, timestamp, verify_log
from personalise.pki.officers import Officers
from support.errors import ChipsealError, MalformedError, MisuseError

AT = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
KEY = EcPrivateKey.generate(CURVES["secp256r1"])
PKI = pki_identifier(KEY.public_key)
ALICE = EcPrivateKey.generate(CURVES["secp256r1"])
BOB = EcPrivateKey.generate(CURVES["brainpoolP256r1"])
OFFICERS = (
    Officers(2, frozenset({"ds.issue"}))
    .enrol("alice", ALICE.public_key)
    .enrol("bob", BOB.public_key)
)
SUBJECT = {"ds": "DS 7"}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "audit.jsonl"
    log = AuditLog(path, KEY)
    approvals = OFFICERS.approve(
        PKI, "ds.issue", SUBJECT, timestamp(AT), [("alice", ALICE), ("bob", BOB)]
    )
    with log.operation("ds.issue", SUBJECT, AT, approvals):
        pass
    log.append("crl.issue", {"number": "1"}, "done", AT)
    return path


def verified(path: Path, expected_head: str | None = None) -> int:
    return verify_log(path, KEY.public_key, OFFICERS.keys, expected_head).entries


def test_a_whole_log_verifies(path: Path) -> None:
    assert verified(path) == 3


def test_every_changed_octet_is_detected(path: Path) -> None:
    octets = path.read_bytes()
    for position in range(0, len(octets), 7):
        changed = bytearray(octets)
        changed[position] ^= 0x01
        path.write_bytes(changed)
        with pytest.raises(ChipsealError):
            verified(path)


@pytest.mark.parametrize("taken", [0, 1])
def test_a_removed_line_breaks_the_chain(path: Path, taken: int) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    del lines[taken]
    path.write_bytes(b"".join(lines))
    with pytest.raises(ProtocolError, match="chain is broken"):
        verified(path)


def test_missing_lines_at_the_end_are_detected_by_the_expected_head(path: Path) -> None:
    head = verify_log(path, KEY.public_key, OFFICERS.keys).digest
    AuditLog(path, KEY).append("crl.issue", {"number": "2"}, "done", AT)
    assert verified(path, head) == 4
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:2]))
    assert verified(path) == 2
    with pytest.raises(ProtocolError, match="entries are missing"):
        verified(path, head)


def test_a_failed_operation_is_logged_with_its_reason(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"

    def failing_act() -> None:
        with AuditLog(path, KEY).operation("revoke", SUBJECT, AT):
            raise MisuseError("no such certificate")

    with pytest.raises(MisuseError, match="no such certificate"):
        failing_act()
    outcomes = [json.loads(line)["entry"]["outcome"] for line in path.read_text().splitlines()]
    assert outcomes == ["begun", "failed: no such certificate"]
    assert verified(path) == 2


def test_an_unfinished_line_is_refused_and_cut_off_by_the_next_append(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b'{"entry":{"sequ')
    with pytest.raises(MalformedError, match="unfinished"):
        verified(path)
    AuditLog(path, KEY).append("crl.issue", {}, "done", AT)
    assert verified(path) == 5
    repair = json.loads(path.read_text().splitlines()[3])["entry"]
    digest = hashlib.sha256(b'{"entry":{"sequ').hexdigest()
    assert (repair["act"], repair["subject"]) == (REPAIR, {"octets": "15", "sha256": digest})


def test_a_file_that_is_not_a_log_is_not_appended_to(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    for octets in (b"x\n", b'{"entry":{}}\n', b"x\n" + bytes(3 << 20)):
        path.write_bytes(octets)
        with pytest.raises(MalformedError):
            AuditLog(path, KEY).append("crl.issue", {}, "done", AT)
        assert path.read_bytes() == octets


def test_lines_in_another_order_break_the_chain(path: Path) -> None:
    first, *others = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([first, *reversed(others)]))
    with pytest.raises(ProtocolError, match="line 2: the chain is broken"):
        verified(path)


def test_a_full_disk_leaves_no_part_of_an_entry(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = path.read_bytes()

    def write_a_part(descriptor: int, octets: bytes) -> int:
        if len(octets) <= 100:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(descriptor, octets[:100])

    write = os.write
    monkeypatch.setattr(os, "write", write_a_part)
    with pytest.raises(MisuseError, match="No space left"):
        AuditLog(path, KEY).append("crl.issue", {}, "done", AT)
    assert path.read_bytes() == before
    done = []

    def act() -> None:
        with AuditLog(path, KEY).operation("crl.issue", {}, AT):
            done.append(1)

    with pytest.raises(MisuseError, match="No space left"):
        act()
    assert not done, "an operation that cannot be logged does not run"


def test_an_operation_whose_end_cannot_be_logged_is_reported_as_done(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def act() -> None:
        with AuditLog(path, KEY).operation("crl.issue", {}, AT):
            monkeypatch.setattr(os, "write", full)

    with pytest.raises(MisuseError, match=r"crl\.issue is done, but its end is not in the log"):
        act()
    assert verified(path) == 4


def append_many(path: Path) -> None:
    for number in range(20):
        AuditLog(path, KEY).append("crl.issue", {"number": str(number)}, "done", AT)


def test_processes_append_at_once(path: Path) -> None:
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=append_many, args=(path,)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert verified(path) == 3 + 60


def test_if_any_operation_requires_officers_a_change_of_the_rule_does_too() -> None:
    at = timestamp(AT)
    assert "officer.require" not in OFFICERS.operations
    for act in ("officer.require", "officer.enrol"):
        with pytest.raises(MisuseError, match="requires 2 officers"):
            OFFICERS.approve(PKI, act, {}, at, [("alice", ALICE)])
    assert Officers(2).approve(PKI, "officer.require", {}, at, []) == ()


def test_an_approval_signed_with_another_key_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    forged = OFFICERS.approve(
        PKI, "ds.issue", {"ds": "DS 8"}, timestamp(AT), [("alice", ALICE), ("bob", BOB)]
    )
    AuditLog(path, KEY).append("ds.issue", SUBJECT, "done", AT, forged)
    with pytest.raises(ProtocolError, match="approval has a wrong signature"):
        verified(path)


def test_an_approval_of_another_pki_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    other = pki_identifier(ALICE.public_key)
    carried = OFFICERS.approve(
        other, "ds.issue", SUBJECT, timestamp(AT), [("alice", ALICE), ("bob", BOB)]
    )
    AuditLog(path, KEY).append("ds.issue", SUBJECT, "done", AT, carried)
    with pytest.raises(ProtocolError, match="approval has a wrong signature"):
        verified(path)


def test_two_approvals_of_one_officer_count_once() -> None:
    at = timestamp(AT)
    for present in ([], [("alice", ALICE)], [("alice", ALICE), ("alice", ALICE)]):
        with pytest.raises(MisuseError, match="requires 2 officers"):
            OFFICERS.approve(PKI, "ds.issue", SUBJECT, at, present)
    with pytest.raises(MisuseError, match="has another key"):
        OFFICERS.approve(PKI, "ds.issue", SUBJECT, at, [("alice", BOB), ("bob", BOB)])
    assert OFFICERS.approve(PKI, "crl.issue", SUBJECT, at, []) == ()


def test_officers_are_saved_and_loaded(tmp_path: Path) -> None:
    OFFICERS.save(tmp_path)
    assert Officers.load(tmp_path) == OFFICERS
    assert Officers.load(tmp_path / "none") == Officers()


@pytest.mark.parametrize(
    "text",
    [
        '{"required": "x"}',
        '{"colour": 1}',
        '{"acts": ["dance"]}',
        '{"officers": {"alice": "!"}}',
        "{",
    ],
)
def test_a_wrong_configuration_is_one_error(tmp_path: Path, text: str) -> None:
    (tmp_path / "officers.json").write_text(text)
    with pytest.raises(ChipsealError, match=r"officers\.json: "):
        Officers.load(tmp_path)
