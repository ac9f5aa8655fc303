"""The operations of a PKI, through the command line."""

import errno
import fcntl
import io
import os
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta, tzinfo
from hashlib import sha256
from importlib import resources
from pathlib import Path

import click
import msgspec
import pytest

from emrtd.crypto.hashes import Hash
from emrtd.crypto.signatures import SignatureFamily, SignatureScheme
from emrtd.lds.security.security_object import SecurityObject
from emrtd.pki.cms.signed_data import SignedData
from emrtd.pki.findings import Outcome
from emrtd.pki.path import validate
from emrtd.pki.trust import TrustSet
from emrtd.pki.x509.certificates import Certificate
from emrtd.pki.x509.crl import Crl
from emrtd.pki.x509.issuing import Validity
from personalise.commands import pki_options
from personalise.commands.main import personalise
from personalise.pki.auditing import audit_entries
from personalise.pki.issuing_pki import IssuingPki
from personalise.pki.settings import Revocation, changed
from support.command_line import run_command_line
from support.errors import MisuseError
from support.secret import Secret


class Operator:
    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.capsys = capsys
        self.passphrase = folder / "passphrase"
        self.passphrase.write_text("a pass phrase for tests\n")
        self.status = 0

    def run(self, *arguments: str) -> str:
        self.status = run_command_line(
            personalise, [*arguments, "--passphrase-file", str(self.passphrase)]
        )
        captured = self.capsys.readouterr()
        return captured.out + captured.err

    def run_plainly(self, *arguments: str) -> str:
        self.status = run_command_line(personalise, arguments)
        captured = self.capsys.readouterr()
        return captured.out + captured.err

    def act(self, *arguments: str) -> str:
        return self.run(*arguments, "--pki", str(self.folder / "pki"))

    @property
    def pki(self) -> IssuingPki:
        return IssuingPki.open(self.folder / "pki", Secret(b"a pass phrase for tests"))


@pytest.fixture
def operator(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Operator:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "user"))
    operator = Operator(tmp_path, capsys)
    operator.run("pki", "init", str(tmp_path / "pki"), "--named-curves")
    assert operator.status == 0
    return operator


def audit(operator: Operator, *arguments: str) -> str:
    run_command_line(
        personalise, ["audit", "verify", "--pki", str(operator.folder / "pki"), *arguments]
    )
    captured = operator.capsys.readouterr()
    return captured.out + captured.err


def openssl(*arguments: str) -> str:
    done = subprocess.run(["openssl", *arguments], capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def pem(path: Path) -> str:
    target = path.with_suffix(".pem")
    target.write_text(Certificate.parse(path.read_bytes()).to_pem())
    return str(target)


def test_a_new_document_signer_replaces_the_old_one_which_stays_on_record(
    operator: Operator,
) -> None:
    before = operator.pki.document_signer().certificate
    operator.act("pki", "issue-ds")
    after = operator.pki.document_signer().certificate
    assert operator.status == 0
    assert before != after
    assert [each.certificate for each in operator.pki.document_signers()] == [before, after]
    folder = operator.folder / "pki"
    assert "OK" in openssl("verify", "-CAfile", pem(folder / "csca.cer"), pem(folder / "ds.cer"))


@pytest.mark.parametrize("name", ["", "CSCA Utopia 2026"])
def test_a_csca_renewal_is_linked_by_the_old_key(operator: Operator, name: str) -> None:
    folder = operator.folder / "pki"
    old = Certificate.parse((folder / "csca.cer").read_bytes())
    (folder / "old.cer").write_bytes(old.der)
    operator.act("pki", "renew-csca", *(["--name", name] if name else []))
    new = Certificate.parse((folder / "csca.cer").read_bytes())
    link = Certificate.parse((folder / "link-csca-2.cer").read_bytes())
    assert old.public_key is not None
    link.verify_signed_by(old.public_key)
    assert link.public_key == new.public_key
    assert link.subject.matches(new.subject)
    assert link.extensions.name_change == bool(name)
    crl = Crl.parse((folder / "crl.crl").read_bytes())
    assert [each.encoded for each in crl.issuer_alternative_names] == (
        [old.subject.encoded] if name else []
    )
    operator.act("pki", "issue-ds")
    assert "OK" in openssl("verify", "-CAfile", pem(folder / "csca.cer"), pem(folder / "ds.cer"))
    linked = openssl(
        "verify", "-CAfile", pem(folder / "old.cer"), "-untrusted", pem(folder / "link-csca-2.cer"),
        pem(folder / "ds.cer"),
    )  # fmt: skip
    assert ("path length constraint" if name else "ds.pem: OK") in linked


def test_revoking_a_signer_makes_a_crl_and_a_list_of_affected_documents(operator: Operator) -> None:
    pki = operator.pki
    signer = pki.document_signer()
    at = datetime(2026, 11, 22, 10, tzinfo=UTC)
    for number in ("ZU0000001", "ZU0000002"):
        pki.register_document(signer.certificate, at, number.encode(), number)
    affected = operator.folder / "affected.tsv"
    said = operator.act("pki", "revoke", "ds", "--affected", str(affected))
    assert "2 documents are affected" in said
    assert [line.split("\t")[0] for line in affected.read_text().splitlines()] == [
        "ZU0000001",
        "ZU0000002",
    ]
    assert affected.stat().st_mode & 0o777 == 0o600
    folder = operator.folder / "pki"
    text = openssl("crl", "-inform", "DER", "-in", str(folder / "crl.crl"), "-noout", "-text")
    assert f"{signer.certificate.serial:X}" in text
    openssl("crl", "-inform", "DER", "-in", str(folder / "crl.crl"), "-out", str(folder / "c.pem"))
    verdict = openssl(
        "verify", "-crl_check", "-CRLfile", str(folder / "c.pem"), "-CAfile",
        pem(folder / "csca.cer"), pem(folder / "ds.cer"),
    )  # fmt: skip
    assert "revoked" in verdict
    assert operator.pki.document_signers() == []
    assert operator.pki.settings.crl_number == 2


def test_the_register_holds_no_document_number_in_clear(operator: Operator) -> None:
    operator.pki.register_document(
        operator.pki.certificate("ds"), datetime(2026, 11, 22, tzinfo=UTC), b"sod", "ZU7654321"
    )
    for path in (operator.folder / "pki").rglob("*"):
        if path.is_file():
            assert b"ZU7654321" not in path.read_bytes()


def test_a_document_signer_signs_no_more_than_its_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:

    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "user"))
    operator = Operator(tmp_path, capsys)
    operator.run("pki", "init", str(tmp_path / "pki"), "--documents-per-signer", "1")
    pki, at = operator.pki, datetime(2026, 11, 22, tzinfo=UTC)
    pki.register_document(pki.certificate("ds"), at, b"sod", "1")
    with pytest.raises(MisuseError, match="its limit"):
        pki.register_document(pki.certificate("ds"), at, b"another", "2")
    pki.register_document(pki.certificate("ds"), at, b"sod", "1")  # the same document


def test_a_master_list_is_signed_and_openssl_verifies_it(operator: Operator) -> None:
    folder = operator.folder / "pki"
    operator.act("pki", "issue-list-signer", "master")
    path = folder / "list.ml"
    operator.act("pki", "publish-master-list", str(folder / "csca.cer"), "-o", str(path))
    assert operator.status == 0
    said = openssl(
        "cms", "-verify", "-inform", "DER", "-in", str(path), "-CAfile", pem(folder / "csca.cer"),
        "-purpose", "any", "-out", "/dev/null",
    )  # fmt: skip
    assert "successful" in said
    assert "is named instead of explicit" in operator.run_plainly("pki", "lint", str(path))
    assert "signature" not in operator.run_plainly("pki", "lint", str(path))


def test_everything_issued_conforms_to_its_profile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "user"))
    operator = Operator(tmp_path, capsys)
    operator.run("pki", "init", str(tmp_path / "pki"))
    folder = tmp_path / "pki"
    old = (folder / "csca.cer").read_bytes()
    (folder / "old.cer").write_bytes(old)
    for kind in ("master", "deviation"):
        operator.act("pki", "issue-list-signer", kind)
    operator.act("pki", "renew-csca", "--name", "CSCA Utopia 2")
    certificates = [str(folder / name) for name in ("old.cer", "csca.cer", "link-csca-2.cer")]
    operator.act("pki", "publish-master-list", *certificates, "-o", str(folder / "list.ml"))
    operator.act("pki", "issue-ds")
    operator.act("pki", "revoke", "ds", "--affected", "-")
    issued = map(str, (folder / "issued").iterdir())
    assert (
        operator.run_plainly("pki", "lint", *issued, f"{folder}/crl.crl", f"{folder}/list.ml") == ""
    )
    assert operator.status == 0


def test_without_a_terminal_no_pass_phrase_is_asked_for(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("typed by a script\n"))
    key = operator.folder / "carol.p8"
    said = operator.act("officer", "enrol", "carol", "-o", str(key))
    assert operator.status == 64
    assert "no terminal to ask for the pass phrase of carol; use --new-passphrase-file FILE" in said
    assert not key.exists()
    phrase = operator.folder / "carol.txt"
    phrase.write_text("carol's own\n")
    operator.act("officer", "enrol", "carol", "-o", str(key), "--new-passphrase-file", str(phrase))
    said = operator.act("officer", "require", "1", "--officer", f"carol={key}")
    assert operator.status == 64
    assert "use --officer-passphrase-file carol=FILE" in said


def test_a_log_of_one_entry(operator: Operator) -> None:
    assert audit(operator).startswith("1 entry, head ")


def test_operations_require_two_officers_if_so_configured(operator: Operator) -> None:
    for name in ("alice", "bob"):
        (operator.folder / f"{name}.txt").write_text(f"{name}'s own\n")
        operator.act(
            "officer", "enrol", name, "-o", str(operator.folder / f"{name}.p8"),
            "--new-passphrase-file", str(operator.folder / f"{name}.txt"),
        )  # fmt: skip
        assert operator.status == 0

    def present(*names: str) -> list[str]:
        options = []
        for name in names:
            key, phrase = operator.folder / f"{name}.p8", operator.folder / f"{name}.txt"
            options += ["--officer", f"{name}={key}"]
            options += ["--officer-passphrase-file", f"{name}={phrase}"]
        return options

    operator.act("officer", "require", "2", *present("alice", "bob"))
    assert operator.status == 0
    for names in ((), ("alice",), ("bob", "bob")):
        assert "requires 2 officers" in operator.act("pki", "issue-ds", *present(*names))
        assert operator.status == 64
    before = audit(operator).split()[-1]
    operator.act("pki", "issue-list-signer", "master", *present("alice", "bob"))
    listed = ["pki", "publish-master-list", str(operator.folder / "pki" / "csca.cer")]
    listed += ["-o", str(operator.folder / "list.ml")]
    assert "requires 2 officers" in operator.act(*listed, *present("alice"))
    operator.act(*listed, *present("alice", "bob"))
    assert operator.status == 0
    content = SignedData.parse((operator.folder / "list.ml").read_bytes()).content
    assert sha256(content).hexdigest() in (operator.folder / "pki" / "audit.jsonl").read_text()
    operator.act("pki", "issue-ds", *present("alice", "bob"))
    assert operator.status == 0
    assert "entries, head" in audit(operator, "--head", before)
    log, rule = operator.folder / "pki" / "audit.jsonl", operator.folder / "pki" / "officers.json"
    honest, configured = log.read_bytes(), rule.read_bytes()
    changed = msgspec.json.decode(configured) | {"acts": [], "required": 0}
    rule.write_bytes(msgspec.json.encode(changed))
    operator.act("pki", "issue-ds")  # without officers, since officers.json was removed
    assert operator.status == 0
    rule.write_bytes(configured)
    assert "ds.issue required 2 officers, and 0 approved it" in audit(operator)
    log.write_bytes(honest.replace(b'"alice"', b'"carol"'))
    assert "line 2: the entry's signature is wrong" in audit(operator)


def test_a_key_is_destroyed_unless_it_is_in_use_without_a_successor(operator: Operator) -> None:
    operator.act("pki", "issue-ds")
    operator.act("pki", "destroy-key", "ds-1")
    assert operator.status == 0
    assert "ds-1" not in operator.pki.custody.labels()
    for label in ("csca-1", "audit", "register", "intake", "cvca-1"):
        assert "in use" in operator.act("pki", "destroy-key", label)
        assert operator.status == 64


def test_a_newer_key_without_a_certificate_puts_none_out_of_use(operator: Operator) -> None:
    for kind in ("master", "deviation", "stop"):
        operator.act("pki", "issue-list-signer", kind)
        assert operator.status == 0
    stems = ("ds", "mls", "dls", "sls", "intake")
    for label in (*(f"{stem}-2" for stem in stems), "ledger", "retention"):
        operator.pki.custody.generate(label, "secp256r1")  # as a killed command leaves it
    for label in ("ds-1", "mls-1", "dls-1", "sls-1"):
        said = operator.act("pki", "destroy-key", label)
        assert operator.status == 64
        assert f"the key '{label}' is in use, and no terminal is there to confirm" in said
    for label in ("intake", "ledger", "retention"):
        operator.act("pki", "destroy-key", label, "--yes")
        assert operator.status == 64
    for stem in stems:
        said = operator.act("pki", "destroy-key", f"{stem}-2")
        assert operator.status == 0, said
    assert {"ds-1", "mls-1", "dls-1", "sls-1", "intake"} < set(operator.pki.custody.labels())


def test_a_key_in_use_is_destroyed_after_its_label_was_typed(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = operator.act("pki", "destroy-key", "ds-1")
    assert operator.status == 64
    assert "give --yes and two officers" in said
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    typed = iter(("ds-2", "ds-1"))
    monkeypatch.setattr(click, "prompt", lambda *_, **__: next(typed))
    assert "nothing was destroyed" in operator.act("pki", "destroy-key", "ds-1")
    assert "ds-1" in operator.pki.custody.labels()
    assert "the key ds-1 is destroyed" in operator.act("pki", "destroy-key", "ds-1")
    assert "ds-1" not in operator.pki.custody.labels()


def test_two_officers_destroy_a_key_in_use_without_a_terminal(operator: Operator) -> None:
    present = []
    for name in ("alice", "bob"):
        phrase, key = operator.folder / f"{name}.txt", operator.folder / f"{name}.p8"
        phrase.write_text(f"the phrase of {name}\n")
        operator.act("officer", "enrol", name, "-o", str(key), "--new-passphrase-file", str(phrase))
        assert operator.status == 0
        present.append(
            ("--officer", f"{name}={key}", "--officer-passphrase-file", f"{name}={phrase}")
        )
    for missing in ((), present[0], (*present[0], *present[0])):
        said = operator.act("pki", "destroy-key", "ds-1", "--yes", *missing)
        assert operator.status == 64
        assert "requires two officers" in said
    operator.act("pki", "destroy-key", "ds-1", "--yes", *present[0], *present[1])
    assert operator.status == 0
    assert "ds-1" not in operator.pki.custody.labels()


def test_two_lists_within_minutes_are_remarked_on(operator: Operator) -> None:
    said = operator.act("pki", "issue-crl")
    assert operator.status == 0
    assert "lists are 48 hours apart (Doc 9303-12, 4.1.5)" in said
    assert "number 2, 0 revoked, the next one by" in said


def test_no_output_is_overwritten(operator: Operator) -> None:
    taken = operator.folder / "taken"
    taken.write_text("kept")
    for arguments in (
        ("pki", "revoke", "ds", "--affected", str(taken)),
        ("officer", "enrol", "alice", "-o", str(taken)),
        ("pki", "publish-master-list", str(operator.folder / "pki/csca.cer"), "-o", str(taken)),
    ):
        assert f"{taken}: already exists" in operator.act(*arguments)
        assert operator.status == 64
    assert taken.read_text() == "kept"
    assert not operator.pki.settings.revoked


def test_what_is_missing_names_the_command_that_makes_it(operator: Operator) -> None:
    csca = str(operator.folder / "pki" / "csca.cer")
    said = operator.act("pki", "publish-master-list", csca, "-o", str(operator.folder / "new.ml"))
    assert "run `personalise pki issue-list-signer master`" in said
    (operator.folder / "pki" / "terminal" / "dv.cvcert").unlink()
    assert "run `personalise eac renew-dv`" in operator.act("eac", "renew-is")


def test_the_label_of_a_destroyed_key_is_not_reused(operator: Operator) -> None:
    operator.act("pki", "issue-ds")
    operator.pki.custody.destroy("ds-2")
    operator.act("pki", "issue-ds")
    assert operator.pki.settings.document_signer == "ds-3"


def test_an_operation_waits_for_another_and_continues_from_its_result(operator: Operator) -> None:
    """Two revocations at once; neither is lost."""
    folder = operator.folder / "pki"
    other = operator.pki
    descriptor = os.open(folder, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    arguments = ["pki", "issue-crl", "--pki", folder, "--passphrase-file", operator.passphrase]
    command = Path(sys.executable).with_name("personalise")
    process = subprocess.Popen([command, *arguments], stdout=subprocess.PIPE)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(2)
    revoked = (Revocation("ABC", datetime(2026, 11, 22, tzinfo=UTC)),)
    other.save(msgspec.structs.replace(other.settings, revoked=revoked))
    os.close(descriptor)
    process.communicate(timeout=60)
    assert process.returncode == 0
    assert set(Crl.parse((folder / "crl.crl").read_bytes()).revoked) == {0xABC}
    assert operator.pki.settings.revoked == revoked


def test_a_pki_opens_after_thousands_of_revocations(operator: Operator) -> None:
    at = datetime(2026, 11, 22, tzinfo=UTC)
    revoked = tuple(Revocation(f"{number:032X}", at) for number in range(1, 5000))
    operator.pki.save(msgspec.structs.replace(operator.pki.settings, revoked=revoked))
    operator.act("pki", "issue-crl")
    assert operator.status == 0
    assert len(Crl.parse((operator.folder / "pki" / "crl.crl").read_bytes()).revoked) == 4999


def test_a_csca_past_its_period_signs_only_the_link_certificate(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    def set_clock(offset: timedelta) -> None:
        class Clock(datetime):
            @classmethod
            def now(cls, tz: tzinfo | None = None) -> datetime:
                return datetime.now(tz) + offset

        monkeypatch.setattr(pki_options, "datetime", Clock)

    for offset, advice in (
        (timedelta(days=-2), "set the clock; if it is right now"),
        (timedelta(days=5 * 366), "set the clock, or run `personalise pki renew-csca`"),
    ):
        set_clock(offset)
        for act in (["issue-ds"], ["issue-list-signer", "master"]):
            assert advice in operator.act("pki", *act)
            assert operator.status == 64
    for act in ("issue-crl", "renew-csca", "issue-ds"):
        operator.act("pki", act)
        assert operator.status == 0, act


def test_a_compromised_csca_affects_the_documents_of_all_its_signers(operator: Operator) -> None:
    at = datetime.now(UTC)
    for number in ("ZU0000001", "ZU0000002"):
        operator.pki.register_document(operator.pki.certificate("ds"), at, number.encode(), number)
        operator.act("pki", "issue-ds")
    said = operator.act("pki", "revoke", "csca", "--affected", "-")
    assert said.count("ZU000000") == 2
    crl = Crl.parse((operator.folder / "pki" / "crl.crl").read_bytes())
    root = operator.pki.certificate("csca")
    assert root.serial in crl.revoked
    assert root.public_key is not None
    crl.verify_signed_by(root.public_key)


def test_what_the_list_has_is_not_revoked_again(operator: Operator) -> None:
    """Unless the list lacks it: the command may have been interrupted before it was written."""
    path, at = operator.folder / "pki" / "crl.crl", datetime.now(UTC)
    operator.pki.register_document(operator.pki.certificate("ds"), at, b"sod", "ZU0000004")
    empty = path.read_bytes()
    operator.act("pki", "revoke", "ds", "--affected", "-")
    published = path.read_bytes()
    said = operator.act("pki", "revoke", "ds", "--affected", "-")
    assert "is revoked already" in said
    assert "ZU0000004" in said
    assert path.read_bytes() == published
    path.write_bytes(empty)
    operator.act("pki", "revoke", "ds", "--affected", "-")
    first, again = Crl.parse(published), Crl.parse(path.read_bytes())
    assert (again.number or 0) > (first.number or 0)
    assert again.revoked == first.revoked


def test_what_only_the_list_has_is_revoked(operator: Operator) -> None:
    """As in a PKI that was restored from a backup of before the revocation."""
    before = operator.pki.settings
    operator.act("pki", "revoke", "ds", "--affected", "-")
    operator.pki.save(before)
    assert "is revoked already" not in operator.act("pki", "revoke", "ds", "--affected", "-")
    assert len(operator.pki.settings.revoked) == 1


def test_a_revoked_csca_is_revoked_for_who_trusts_it_by_its_link(operator: Operator) -> None:
    first = operator.pki.certificate("csca")
    operator.act("pki", "renew-csca")
    operator.act("pki", "issue-ds")
    signer, link = operator.pki.certificate("ds"), operator.pki.certificate("link-csca-2")
    said = operator.act("pki", "revoke", "csca", "--affected", "-")
    assert f"revoked with it: {link.serial:X}, a CSCA link certificate" in said
    crl = Crl.parse((operator.folder / "pki" / "crl.crl").read_bytes())
    assert set(crl.revoked) == {operator.pki.certificate("csca").serial, link.serial}
    for anchors in ([link], [first, link]):
        found = validate(signer, TrustSet(anchors, [crl]), at=datetime.now(UTC))
        outcomes = {each.id: each.outcome for each in found.checks}
        assert outcomes["ds.revocation"] is Outcome.FAILED


def test_with_a_csca_go_the_keys_that_it_linked(operator: Operator) -> None:
    at, first = datetime.now(UTC), operator.pki.certificate("csca")
    operator.act("pki", "renew-csca", "--name", "CSCA Utopia 2")
    operator.act("pki", "issue-ds")
    operator.pki.register_document(operator.pki.certificate("ds"), at, b"sod", "ZU0000003")
    said = operator.act("pki", "revoke", f"{first.serial:X}", "--affected", "-")
    assert said.count("revoked with it") == 2
    assert "ZU0000003" in said
    crl = Crl.parse((operator.folder / "pki" / "crl.crl").read_bytes())
    assert len(crl.revoked) == 3
    assert "is revoked; run `personalise pki renew-csca`" in operator.act("pki", "issue-ds")
    (end,) = (each for each in audit_entries(operator.folder / "pki") if each.outcome == "done"
              and each.operation == "revoke")  # fmt: skip
    assert len(end.subject["with it"].split()) == 2


def test_a_renewed_csca_says_which_files_trust_stores_need(operator: Operator) -> None:
    said = operator.act("pki", "renew-csca").splitlines()[-1]
    files = [Path(each) for each in said.removeprefix("for trust stores: ").split()]
    assert [each.name for each in files] == ["csca.cer", "link-csca-2.cer", "crl.crl"]
    assert all(each.is_file() for each in files)


def test_nothing_is_issued_under_a_csca_that_is_revoked(operator: Operator) -> None:
    operator.act("pki", "issue-list-signer", "master")
    operator.act("pki", "revoke", "csca", "--affected", "-")
    root, listed = operator.folder / "pki" / "csca.cer", operator.folder / "x.ml"
    for act in (
        ("issue-ds",),
        ("issue-list-signer", "master"),
        ("publish-master-list", str(root), "-o", str(listed)),
    ):
        assert "is revoked; run `personalise pki renew-csca`" in operator.act("pki", *act)
        assert operator.status == 64
    assert not listed.exists()
    with pytest.raises(MisuseError, match="is revoked; run `personalise pki renew-csca`"):
        operator.pki.document_signer()
    assert operator.pki.document_signers() == []
    said = operator.act("pki", "renew-csca", "--name", "CSCA new")
    assert "link" not in said.replace(str(operator.folder), "")
    assert not list((operator.folder / "pki").glob("link-*"))
    operator.act("pki", "issue-ds")
    signers = [each.certificate for each in operator.pki.document_signers()]
    assert signers == [operator.pki.document_signer().certificate]


def test_a_csca_renewal_changes_the_kind_of_key(operator: Operator) -> None:
    folder = operator.folder / "pki"
    operator.act("pki", "issue-list-signer", "master")
    old = operator.pki.certificate("csca")
    trusted, number = [old], 1
    for kind, family, digest in (
        ("brainpoolP384r1", "ECDSA", Hash.SHA384),
        ("RSA-2048", "RSA-PSS", Hash.SHA256),
    ):
        before, number = operator.pki.document_signer(), number + 1
        said = operator.act("pki", "renew-csca", "--key", kind)
        assert operator.status == 0, said
        trusted.append(Certificate.parse((folder / f"link-csca-{number}.cer").read_bytes()))
        root, crl = operator.pki.certificate("csca"), Crl.parse((folder / "crl.crl").read_bytes())
        assert (root.key, trusted[-1].key) == (kind, kind)
        assert root.scheme is not None
        assert root.scheme.family == family
        kept = operator.pki.document_signer()  # goes on with its own kind of key
        assert (kept.certificate, kept.scheme) == (before.certificate, before.scheme)
        assert operator.pki.issuance().hash_algorithm is before.scheme.hash
        operator.act("pki", "issue-ds")
        signer = operator.pki.certificate("ds")
        assert (signer.key, operator.pki.issuance().hash_algorithm) == (kind, digest)
        at = signer.not_before
        checks = validate(signer, TrustSet(trusted, [crl]), at=at).checks
        assert {each.outcome for each in checks} == {Outcome.PASSED}, checks
        signed_list = operator.folder / f"{number}.ml"
        said = operator.act(
            "pki", "publish-master-list", str(folder / "csca.cer"), "-o", str(signed_list)
        )
        assert operator.status == 0, said
    entries = len(operator.pki.issued())
    assert "'RSA-9' is not a kind of key" in operator.act("pki", "renew-csca", "--key", "RSA-9")
    assert operator.status == 64
    said = operator.act("pki", "renew-csca", "--key", "brainpoolP192r1")
    assert "brainpoolP192r1 is too small" in said
    assert len(operator.pki.issued()) == entries


def test_a_signer_keeps_its_padding_when_the_csca_moves_to_a_curve(operator: Operator) -> None:
    operator.run("pki", "init", str(operator.folder / "rsa"), "--key", "RSA-2048", "--pkcs1")
    pki, act = str(operator.folder / "rsa"), ("renew-csca", "--key", "brainpoolP256r1")
    operator.run("pki", *act, "--pki", pki)
    assert operator.status == 0
    moved = IssuingPki.open(operator.folder / "rsa", Secret(b"a pass phrase for tests"))
    expected = SignatureScheme(SignatureFamily.RSA, Hash.SHA256)
    assert moved.settings.scheme.family is SignatureFamily.ECDSA
    assert moved.document_signer().scheme == expected
    assert [each.scheme for each in moved.document_signers()] == [expected]


def test_a_revoked_master_list_signer_signs_no_list(operator: Operator) -> None:
    operator.act("pki", "issue-list-signer", "master")
    serial = f"{operator.pki.certificate('mls').serial:X}"
    operator.act("pki", "revoke", serial, "--affected", "-")
    said = operator.act(
        "pki", "publish-master-list", str(operator.folder / "pki" / "csca.cer"),
        "-o", str(operator.folder / "x.ml"),
    )  # fmt: skip
    assert "the Master List Signer is revoked" in said
    assert operator.status == 64


@pytest.mark.parametrize(
    ("option", "said"),
    [
        (("--key", "brainpoolP160r1"), "key: brainpoolP160r1 is too small"),
        (("--organisation", ""), "organisation: is empty"),
        (("--organisation", "x" * 65), "organisation: is more than 64"),
        (("--organisation", "a\nb"), "organisation: is more than 64 characters, or not printable"),
        (("--documents-per-signer", "0"), "is not in the range"),
    ],
)
def test_settings_that_fit_no_certificate_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], option: tuple[str, ...], said: str
) -> None:
    operator = Operator(tmp_path, capsys)
    assert said in operator.run("pki", "init", str(tmp_path / "pki"), *option)
    assert operator.status == 64
    assert not (tmp_path / "pki").exists()


def test_a_damaged_settings_file_is_one_error(operator: Operator) -> None:
    path = operator.folder / "pki" / "pki.json"
    whole = path.read_text()
    for damage in (
        '[{"serial": "xyz", "at": "2026-01-01T00:00:00Z"}]',
        '[{"serial": "12", "at": "2026-01-01T00:00:00"}]',
    ):
        path.write_text(whole.replace('"revoked": []', f'"revoked": {damage}'))
        assert "pki.json: revoked[" in operator.act("pki", "issue-crl")
        assert operator.status == 64


@pytest.mark.parametrize("failing", ["save", "record", "publish"])
def test_a_failed_issue_ds_leaves_a_signer_that_can_sign(
    operator: Operator, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(IssuingPki, failing, full)
        assert "No space left" in operator.act("pki", "issue-ds")
        assert operator.status == 64
    pki = operator.pki
    security_object = SecurityObject.over({1: b"a"}, Hash.SHA256)
    pki.document_signer().sign_security_object(security_object, datetime.now(UTC))
    assert pki.settings.document_signer == ("ds-2" if failing == "publish" else "ds-1")
    operator.act("pki", "issue-ds")
    assert operator.status == 0
    assert pki.reread().document_signer().certificate == pki.certificate("ds")


@pytest.mark.parametrize("failing", ["save", "record", "publish"])
def test_a_failed_renewal_of_the_csca_leaves_no_key_and_no_certificate(
    operator: Operator, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    before = operator.pki
    labels, issued = before.custody.labels(), before.issued()
    with monkeypatch.context() as patch:
        patch.setattr(IssuingPki, failing, full)
        assert "No space left" in operator.act("pki", "renew-csca")
        assert operator.status == 64
    assert operator.pki.settings == before.settings
    assert operator.pki.custody.labels() == labels
    assert operator.pki.issued() == issued
    assert not list((operator.folder / "pki").glob("link-*"))
    operator.act("pki", "renew-csca")
    assert operator.status == 0
    assert operator.pki.settings.csca == "csca-2"


def test_the_first_two_days_of_a_new_csca_key_are_remarked_on(operator: Operator) -> None:
    assert "should sign nothing" not in operator.act("pki", "issue-ds")
    operator.act("pki", "renew-csca")
    for command in (("issue-ds",), ("issue-list-signer", "master")):
        said = operator.act("pki", *command)
        assert "csca-2 should sign nothing before" in said
        assert operator.status == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("pki", "revoke", "ABCDEF", "--affected", "-"), "has issued no certificate"),
        (("pki", "revoke", "../../x", "--affected", "-"), "has issued no certificate"),
        (("pki", "issue-ds", "--officer", "alice"), "is not NAME=FILE"),
        (("officer", "require", "2"), "only 0 are enrolled"),
        (("officer", "require", "1", "--operation", "dance"), "is not an operation"),
        (("pki", "publish-master-list", "/dev/null", "-o", "x"), "/dev/null: certificate: "),
    ],
)
def test_a_mistake_is_one_line_and_exit_status_64(
    operator: Operator, arguments: tuple[str, ...], said: str
) -> None:
    answer = operator.act(*arguments)
    assert operator.status == 64
    assert said in answer
    assert len(answer.strip().splitlines()) == 1


def test_a_signer_that_would_outlive_its_csca_is_not_issued(operator: Operator) -> None:
    before = operator.pki.certificate("ds")
    longer = changed(operator.pki.settings, validity=Validity(documents=16 * 365))
    operator.pki.save(longer)
    said = operator.act("pki", "issue-ds")
    assert operator.status != 0
    assert "the CSCA's certificate ends on" in said
    assert "4.1.4.1" in said
    assert "renew-csca" in said
    assert operator.pki.certificate("ds") == before
    assert operator.pki.custody.labels().count("ds-2") == 0
    operator.act("pki", "renew-csca")
    operator.act("pki", "issue-ds")
    assert operator.status == 0
    assert operator.pki.certificate("ds") != before


def test_lint_judges_chip_profiles_by_the_calendar(operator: Operator) -> None:
    profile = operator.folder / "old.toml"
    shipped = resources.files("personalise.preparing") / "profiles" / "permit-bac.toml"
    profile.write_bytes(shipped.read_bytes())
    said = operator.run_plainly("pki", "lint", str(profile))
    days = {"a chip with BAC": date(2028, 1, 1), "ISO/IEC 19794": date(2030, 1, 1)}
    assert operator.status == any(datetime.now(UTC).date() >= day for day in days.values())
    assert all(what in said for what in days)
    assert "2027-12-31 (Doc 9303-11, 4.1)" in said


def test_lint_judges_german_keys_by_the_year(operator: Operator) -> None:
    german = operator.folder / "german"
    operator.run(
        "pki", "init", str(german), "--issuing-state", "D", "--contact", "csca@bund.example"
    )
    said = operator.run_plainly("pki", "lint", str(german / "csca.cer"), str(german / "ds.cer"))
    assert operator.status == 1
    assert said.count("[TR-03116-2 (2023), Table 3]") == 2
    assert said.count("[TR-03116-2 (2023), Table 4]") == 1
    assert "brainpoolP256r1 has less than 512 bits, as required since 2019" in said
