"""A PKI that is restored on a bare machine by enough of its officers."""

import io
import sqlite3
import struct
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from emrtd.crypto.key_kinds import generate_private_key
from emrtd.crypto.private_keys import PrivateKey
from emrtd.crypto.signatures import PublicKey
from emrtd.pki.x509.crl import Crl
from personalise.commands.main import personalise
from personalise.pki.auditing import verify_audit
from personalise.pki.backup import MAGIC, PASSPHRASE_FILE, read_backup, write_backup
from personalise.pki.create import create_pki
from personalise.pki.folder import AUDIT_LOG_NAME
from personalise.pki.issuing_pki import IssuingPki
from personalise.pki.operations import PkiOperations
from personalise.pki.restoring import restore
from personalise.pki.revoking import affected_documents
from personalise.pki.settings import settings_for
from support.command_line import run_command_line
from support.errors import MalformedError, MisuseError
from support.secret import Secret

NOW = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)
OLD, NEW = Secret(b"the pass phrase before"), Secret(b"the pass phrase after")
OFFICERS = {name: generate_private_key("secp256r1") for name in ("alice", "bob", "carol")}


@dataclass
class Saved:
    pki: IssuingPki
    octets: bytes

    def restored(self, folder: Path, *names: str, octets: bytes | None = None) -> IssuingPki:
        stream = io.BytesIO(self.octets if octets is None else octets)
        keys = {name: OFFICERS[name] for name in names}
        return restore(stream, "it", folder, keys, NEW, NOW + timedelta(days=1))


def made(folder: Path, officers: Mapping[str, PrivateKey], required: int) -> bytes:
    output = io.BytesIO()
    keys: dict[str, PublicKey] = {name: key.public_key for name, key in officers.items()}
    log = (folder / AUDIT_LOG_NAME).read_bytes()
    write_backup(folder, output, state="UTO", passphrase=OLD, officers=keys, required=required,
                 at=NOW, log=log)  # fmt: skip
    return output.getvalue()


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> IssuingPki:
    folder = tmp_path_factory.mktemp("backup")
    patch = pytest.MonkeyPatch()
    patch.setenv("XDG_DATA_HOME", str(folder / "user"))
    try:
        pki = create_pki(folder / "pki", settings_for("UTO", "Utopia"), OLD, NOW)
    finally:
        patch.undo()
    pki.register_document(pki.certificate("ds"), NOW, b"an EF.SOD", "N0001")
    return pki


@pytest.fixture
def saved(original: IssuingPki, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Saved:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "user"))
    return Saved(original, made(original.folder, OFFICERS, 2))


def test_two_of_three_officers_restore_it(saved: Saved, tmp_path: Path) -> None:
    for number, names in enumerate((("alice", "bob"), ("carol", "alice"), tuple(OFFICERS))):
        pki = saved.restored(tmp_path / f"pki{number}", *names)
        assert pki.signer("csca-1").public_key == saved.pki.signer("csca-1").public_key
    (document,) = affected_documents(pki, pki.certificate("ds"))
    assert document.number is not None
    assert document.number.reveal() == b"N0001"
    assert verify_audit(pki.folder).entries == verify_audit(saved.pki.folder).entries + 1
    operations = PkiOperations(pki, (), NOW + timedelta(days=2))
    operations.issue_document_signer()
    operations.issue_crl()
    with pytest.raises(MisuseError, match="pass phrase does not open"):
        IssuingPki.open(pki.folder, OLD).signer("csca-1")


def test_fewer_cannot(saved: Saved, tmp_path: Path) -> None:
    for names in ((), ("alice",)):
        with pytest.raises(MisuseError, match=f"2 officers open this backup, and {len(names)}"):
            saved.restored(tmp_path / "pki", *names)
    stranger = {"alice": generate_private_key("secp256r1"), "bob": OFFICERS["bob"]}
    with pytest.raises(MisuseError, match="the key of alice does not open"):
        restore(io.BytesIO(saved.octets), "it", tmp_path / "pki", stranger, NEW, NOW)
    assert list(tmp_path.iterdir()) == []


def test_nothing_of_it_is_in_clear(saved: Saved) -> None:
    assert OLD.reveal() not in saved.octets
    assert b"PRIVATE KEY" not in saved.octets
    assert (saved.pki.folder / "csca.cer").read_bytes() not in saved.octets


@pytest.mark.parametrize(
    "where", ["header", "nobody", "first chunk", "last octet", "cut", "cut chunk", "more"]
)
def test_a_backup_that_was_altered_is_refused_whole(
    saved: Saved, tmp_path: Path, where: str
) -> None:
    octets = bytearray(saved.octets)
    start = len(MAGIC) + 4 + struct.unpack(">I", octets[len(MAGIC) : len(MAGIC) + 4])[0]
    if where == "header":
        octets = octets.replace(b'"required":2', b'"required":1')
    elif where == "nobody":
        octets = octets.replace(b'"required":2', b'"required":0')
    elif where == "first chunk":
        octets[start + 9] ^= 1
    elif where == "last octet":
        octets[-1] ^= 1
    elif where == "cut":
        del octets[-17:]
    elif where == "cut chunk":
        del octets[start:]
    else:
        octets += bytes(40)
    with pytest.raises((MalformedError, MisuseError)):
        saved.restored(tmp_path / "pki", "alice", "bob", octets=bytes(octets))
    assert list(tmp_path.iterdir()) == []


def test_chunks_that_are_swapped_are_noticed(
    original: IssuingPki, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("personalise.pki.backup._CHUNK", 1024)
    octets = bytearray(made(original.folder, OFFICERS, 1))
    names = (name for name, _ in read_backup(io.BytesIO(octets), "it", OFFICERS))
    assert next(names) == PASSPHRASE_FILE
    start = len(MAGIC) + 4 + struct.unpack(">I", octets[len(MAGIC) : len(MAGIC) + 4])[0]
    size = 1024 + 16
    first, second = octets[start : start + size], octets[start + size : start + 2 * size]
    octets[start : start + 2 * size] = second + first
    with pytest.raises(MalformedError, match="altered or cut"):
        list(read_backup(io.BytesIO(octets), "it", OFFICERS))


def test_what_the_ledger_keeps_is_left_out(original: IssuingPki, tmp_path: Path) -> None:
    (original.folder / "retention").mkdir(exist_ok=True)
    (original.folder / "retention" / "2026.key").write_bytes(b"a period's key")
    (original.folder / "ledger.sqlite").write_bytes(b"applications")
    octets = made(original.folder, OFFICERS, 1)
    names = {name for name, _ in read_backup(io.BytesIO(octets), "it", OFFICERS)}
    assert {"csca.cer", "register.sqlite", "keys/csca-1.p8", "terminal/is.p8"} <= names
    assert not any("retention" in each or "ledger.sqlite" in each for each in names)


def test_the_register_is_of_one_instant_while_it_is_written(
    original: IssuingPki, tmp_path: Path
) -> None:
    path = original.folder / "register.sqlite"
    with closing(sqlite3.connect(path)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("INSERT INTO document VALUES (?, ?, ?, ?)", (b"s", "2026", b"d", b"n"))
        octets = made(original.folder, OFFICERS, 1)
        writer.rollback()
    content = dict(read_backup(io.BytesIO(octets), "it", OFFICERS))["register.sqlite"]
    (tmp_path / "copy.sqlite").write_bytes(content)
    with closing(sqlite3.connect(tmp_path / "copy.sqlite")) as copy:
        assert copy.execute("SELECT count(*) FROM document").fetchone() == (1,)


def test_numbers_of_lists_go_on_behind_what_was_published(saved: Saved, tmp_path: Path) -> None:
    operations = PkiOperations(saved.pki.reread(), (), NOW + timedelta(days=3))
    for _ in range(3):
        operations = PkiOperations(saved.pki.reread(), (), NOW + timedelta(days=3))
        operations.issue_crl()
    published = Crl.parse((saved.pki.folder / "crl.crl").read_bytes())
    assert published.number is not None
    keys = {name: OFFICERS[name] for name in ("alice", "bob")}
    pki = restore(io.BytesIO(saved.octets), "it", tmp_path / "pki", keys, NEW,
                  NOW + timedelta(days=4), published=published)  # fmt: skip
    PkiOperations(pki, (), NOW + timedelta(days=4)).issue_crl()
    number = Crl.parse((pki.folder / "crl.crl").read_bytes()).number
    assert number == published.number + 1


def test_as_the_officers_type_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "user"))

    def run(*arguments: str | Path) -> tuple[int, str]:
        status = run_command_line(personalise, [str(each) for each in arguments])
        captured = capsys.readouterr()
        return status, captured.out + captured.err

    run("pki", "init", tmp_path / "pki")
    present: list[str] = []
    for name in ("alice", "bob"):
        phrase, key = tmp_path / f"{name}.txt", tmp_path / f"{name}.p8"
        phrase.write_text(f"phrase of {name}")
        run(
            "officer",
            "enrol",
            name,
            "-o",
            key,
            "--new-passphrase-file",
            phrase,
            "--pki",
            tmp_path / "pki",
        )
        present += ["--officer", f"{name}={key}", "--officer-passphrase-file", f"{name}={phrase}"]
    backup = tmp_path / "pki.backup"
    status, said = run("pki", "backup", "--pki", tmp_path / "pki", "-o", backup)
    assert status == 0, said
    assert "2 of alice, bob open it" in said
    assert backup.stat().st_mode & 0o077 == 0
    assert run("pki", "backup", "--pki", tmp_path / "pki", "-o", backup)[0] == 64
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "bare"))
    status, said = run("pki", "restore", backup, "-o", tmp_path / "again", *present[:4])
    assert status == 64
    assert "name more of alice, bob" in said
    status, said = run("pki", "restore", backup, "-o", tmp_path / "again", *present)
    assert status == 0, said
    assert run("pki", "issue-ds", "--pki", tmp_path / "again")[0] == 0
    assert run("audit", "verify", "--pki", tmp_path / "again")[0] == 0
    assert run("pki", "status", tmp_path / "again")[0] == 0
    assert list((tmp_path / "bare" / "chipseal" / "station-keys").iterdir())
