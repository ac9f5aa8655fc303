"""Acts: proposed at the PKI, approved elsewhere, run at the PKI."""

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from emrtd.crypto.public_keys import decode_public_key
from personalise.commands.main import personalise
from personalise.pki.acts import Act
from personalise.pki.auditing import audit_entries
from personalise.pki.issuing_pki import IssuingPki
from personalise.pki.officers import Officers
from support.command_line import run_command_line
from support.records import FieldError
from support.secret import Secret

PHRASE = b"a pass phrase for tests"


class Office:
    """A PKI that two officers have to approve for, and the officers' own machines."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.pki = folder / "pki"
        self.act = folder / "act.json"
        self._capsys = capsys
        self.status = 0
        self.phrase = folder / "passphrase"
        self.phrase.write_bytes(PHRASE)

    def run(self, *arguments: str | Path) -> str:
        self.status = run_command_line(personalise, [str(each) for each in arguments])
        captured = self._capsys.readouterr()
        return captured.out + captured.err

    def at_the_pki(self, *arguments: str | Path) -> str:
        return self.run(*arguments, "--pki", self.pki, "--passphrase-file", self.phrase)

    def make_key(self, name: str) -> Path:
        phrase = self.folder / f"{name}.txt"
        phrase.write_text(f"the phrase of {name}")
        key = self.folder / f"{name}.p8"
        self.run("officer", "key", name, "-o", key, "--new-passphrase-file", phrase)
        assert self.status == 0
        return key

    def propose(self, *command: str) -> str:
        self.act.unlink(missing_ok=True)
        return self.run(
            "pki", "act", "propose", "-o", self.act, "--pki", self.pki,
            "--passphrase-file", self.phrase, "--", *command,
        )  # fmt: skip

    def approve(self, *names: str) -> str:
        said = ""
        for name in names:
            said = self.run(
                "pki", "act", "approve", self.act, "--officer", f"{name}={self.folder}/{name}.p8",
                "--officer-passphrase-file", f"{name}={self.folder}/{name}.txt",
            )  # fmt: skip
            assert self.status == 0, said
        return said

    def carry_out(self) -> str:
        return self.at_the_pki("pki", "act", "run", self.act)

    @property
    def labels(self) -> list[str]:
        return IssuingPki.open(self.pki, Secret(PHRASE)).custody.labels()


@pytest.fixture
def office(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Office:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "user"))
    office = Office(tmp_path, capsys)
    office.run("pki", "init", office.pki, "--passphrase-file", office.phrase)
    for name in ("alice", "bob"):
        key = office.make_key(name).with_suffix(".pub")
        office.at_the_pki("officer", "enrol", name, "--public-key", key)
        assert office.status == 0
    office.at_the_pki("officer", "require", "2")
    assert office.status == 0
    return office


def test_an_act_is_approved_at_other_machines_and_run_once(office: Office) -> None:
    said = office.propose("pki", "issue-ds")
    assert office.status == 0
    assert "operation  ds.issue" in said
    assert "label    ds-2" in said
    assert "approved   by nobody yet" in said
    assert "requires 2 officers, and 0 approved it" in office.carry_out()
    assert office.status == 64
    assert "approved by alice" in office.approve("alice", "alice")
    assert "requires 2 officers, and 1 approved it" in office.carry_out()
    office.approve("bob")
    assert "Document Signer ds-2" in office.carry_out()
    assert office.status == 0
    assert "ds-2" in office.labels
    assert "entries, head" in office.run("audit", "verify", "--pki", office.pki)
    assert office.status == 0
    office.carry_out()
    assert office.status == 64
    assert "ds-3" not in office.labels


def test_an_act_whose_subject_stays_the_same_is_still_run_once(office: Office) -> None:
    office.propose("pki", "revoke", "ds", "--affected", "-")
    office.approve("alice", "bob")
    office.carry_out()
    assert office.status == 0
    said = office.carry_out()
    assert office.status == 64
    assert "was run before; propose it again" in said


def test_an_act_that_was_changed_on_its_way_is_refused(office: Office) -> None:
    office.propose("pki", "destroy-key", "ds-1", "--yes")
    office.approve("alice", "bob")
    honest = office.act.read_text()
    record = json.loads(honest)
    for changed, said in (
        (record | {"command": ["pki", "issue-ds"]}, "it would now be ds.issue label=ds-2"),
        (record | {"command": ["prepare", "x"]}, "has no operation that officers approve"),
        (record | {"operation": "ds.issue"}, "it would now be key.destroy label=ds-1"),
        (
            record | {"subject": record["subject"] | {"until": "2099-01-01T00:00:00Z"}},
            "is of another act, or with another key",
        ),
        (
            record | {"subject": record["subject"] | {"act": "0" * 16}},
            "is of another act, or with another key",
        ),
        (record | {"pki": "0" * 64}, "is an act of another PKI"),
        (record | {"approvals": record["approvals"][:1] * 2}, "and --yes requires two officers"),
    ):
        office.act.write_text(json.dumps(changed))
        assert said in office.carry_out()
        assert office.status == 64
        assert "ds-1" in office.labels
    office.act.write_text(honest)
    office.carry_out()
    assert office.status == 0
    assert "ds-1" not in office.labels


def test_a_stranger_cannot_approve(office: Office) -> None:
    office.propose("pki", "issue-ds")
    office.make_key("mallory")
    office.approve("alice", "mallory")
    assert "mallory is not an officer of this PKI; they are alice" in office.carry_out()
    assert office.status == 64
    office.act.write_text(office.act.read_text().replace("mallory", "bob"))
    assert "the approval of bob is of another act, or with another key" in office.carry_out()


def test_an_approval_for_one_pki_does_not_serve_another(office: Office) -> None:
    real, rehearsal = office.pki, office.folder / "rehearsal"
    office.pki = rehearsal
    office.run("pki", "init", rehearsal, "--passphrase-file", office.phrase)
    (rehearsal / "officers.json").write_bytes((real / "officers.json").read_bytes())
    office.propose("pki", "issue-ds")
    office.approve("alice", "bob")
    office.pki = real
    record = json.loads(office.act.read_text())
    record["pki"] = hashlib.sha256((real / "audit.pub").read_bytes()).hexdigest()
    office.act.write_text(json.dumps(record))
    assert "the approval of alice is of another act" in office.carry_out()
    assert office.status == 64
    assert "ds-2" not in office.labels


def test_an_officer_whom_the_log_does_not_enrol_is_found(office: Office) -> None:
    office.make_key("mallory")
    enrolled = Officers.load(office.pki)
    key = decode_public_key((office.folder / "mallory.pub").read_bytes())
    enrolled.enrol("mallory", key).save(office.pki)
    office.propose("pki", "issue-ds")
    office.approve("alice", "mallory")
    office.carry_out()
    assert office.status == 0
    said = office.run("audit", "verify", "--pki", office.pki)
    assert office.status != 0
    assert "mallory approved ds.issue, and no entry before it enrols them" in said


def test_a_key_is_that_of_one_officer(office: Office) -> None:
    said = office.at_the_pki("officer", "enrol", "twin", "--public-key", office.folder / "bob.pub")
    assert office.status == 64
    assert "the key is that of the officer bob, who would count twice" in said


def test_an_officer_who_is_gone_approves_nothing_more(office: Office) -> None:
    key = office.make_key("carol").with_suffix(".pub")
    office.propose("officer", "enrol", "carol", "--public-key", str(key))
    office.approve("alice", "bob")
    office.carry_out()
    old_rule = (office.pki / "officers.json").read_bytes()
    said = office.at_the_pki("officer", "remove", "bob")
    assert "officer.remove requires 2 officers, and 0 approved it" in said
    office.propose("officer", "remove", "bob")
    office.approve("alice", "carol")
    assert "bob is no longer an officer; make a new backup" in office.carry_out()
    assert office.status == 0
    assert "bob" not in office.run("officer", "list", "--pki", office.pki)
    office.run("audit", "verify", "--pki", office.pki)
    assert office.status == 0, "what bob approved before is still verified with his key"

    office.propose("pki", "issue-ds")
    office.approve("alice", "bob")
    assert "bob is not an officer of this PKI" in office.carry_out()
    said = office.propose("officer", "enrol", "bob", "--public-key", str(key))
    assert "an officer bob existed before; use another name for a new key" in said
    said = office.propose(
        "officer", "enrol", "twin", "--public-key", str(office.folder / "bob.pub")
    )
    assert "the key is that of the officer bob, who was removed" in said
    said = office.propose("officer", "remove", "carol")
    assert "2 officers are required, and only 1 would be left" in said
    assert "is not an officer of this PKI; they are alice, carol" in office.propose(
        "officer", "remove", "bob"
    )

    (office.pki / "officers.json").write_bytes(old_rule)
    office.propose("pki", "issue-ds")
    office.approve("alice", "bob")
    office.carry_out()
    assert office.status == 0
    said = office.run("audit", "verify", "--pki", office.pki)
    assert "bob approved ds.issue, and no entry before it enrols them" in said


def test_an_act_expires(office: Office) -> None:
    office.propose("pki", "issue-ds")
    record = json.loads(office.act.read_text())
    record["subject"] |= {"proposed": "2026-01-01T00:00:00Z", "until": "2026-01-08T00:00:00Z"}
    office.act.write_text(json.dumps(record))
    office.approve("alice", "bob")
    assert "may be run from 2026-01-01T00:00:00Z to 2026-01-08T00:00:00Z" in office.carry_out()
    assert office.status == 64


def test_the_pki_that_has_changed_since_is_named(office: Office) -> None:
    office.propose("pki", "issue-ds")
    office.approve("alice", "bob")
    first = office.act.read_text()
    office.propose("pki", "issue-ds")
    office.approve("alice", "bob")
    office.carry_out()
    assert office.status == 0
    office.act.write_text(first)
    assert "it would now be ds.issue label=ds-3; propose it again" in office.carry_out()


def test_an_officer_with_a_key_of_their_own_is_enrolled_by_an_act(office: Office) -> None:
    key = office.make_key("carol").with_suffix(".pub")
    office.propose("officer", "enrol", "carol", "--public-key", str(key))
    assert office.status == 0
    office.approve("alice", "bob")
    assert "carol is an officer" in office.carry_out()
    assert "carol" in office.run("officer", "list", "--pki", office.pki)


def test_proposing_changes_nothing(office: Office) -> None:
    before = {path: path.read_bytes() for path in office.pki.rglob("*") if path.is_file()}
    office.propose(
        "officer",
        "enrol",
        "dave",
        "-o",
        str(office.folder / "dave.p8"),
        "--new-passphrase-file",
        str(office.phrase),
    )
    for command in (("pki", "renew-csca"), ("eac", "renew-cvca"), ("pki", "issue-intake")):
        office.propose(*command)
        assert office.status == 0
    assert {path: path.read_bytes() for path in office.pki.rglob("*") if path.is_file()} == before
    assert not (office.folder / "dave.p8").exists()


def test_what_is_no_operation_is_refused(office: Office) -> None:
    for command in (("pki", "lint", "x.cer"), ("prepare", "x"), ("jobs", "list"), ("officer",)):
        office.propose(*command)
        assert office.status == 64
        assert not office.act.exists()


def test_a_log_in_which_an_act_was_run_twice_is_refused(office: Office) -> None:
    office.propose("pki", "issue-ds")
    office.approve("alice", "bob")
    office.carry_out()
    pki, act = IssuingPki.open(office.pki, Secret(PHRASE)), Act.load(office.act)
    entry = next(each for each in audit_entries(office.pki) if each.subject == act.subject)
    now = datetime.now(UTC)
    pki.audit_log.append(entry.operation, entry.subject, "begun", now, entry.approvals)
    said = office.run("audit", "verify", "--pki", office.pki)
    assert office.status == 64
    assert "was run before" in said


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (lambda record: record.pop("operation"), "operation"),
        (lambda record: record["subject"].pop("act"), "subject"),
        (lambda record: record["subject"].update(until="soon"), "subject.until"),
        (lambda record: record.update(approvals=[{"officer": "a"}]), "approvals"),
        (
            lambda record: record.update(approvals=[{"officer": "alice", "signature": "a"}]),
            "signature",
        ),
        (lambda record: record.update(more=1), "not known"),
    ],
)
def test_an_act_that_is_none_names_the_field(
    office: Office, change: Callable[[dict], object], field: str
) -> None:
    office.propose("pki", "issue-ds")
    record = json.loads(office.act.read_text())
    change(record)
    office.act.write_text(json.dumps(record))
    with pytest.raises(FieldError, match=field):
        Act.load(office.act)
    for verb in ("show", "approve"):
        more = ["--officer", f"alice={office.folder}/alice.p8"] if verb == "approve" else []
        assert str(office.act) in office.run("pki", "act", verb, office.act, *more)
        assert office.status == 64


def test_the_advice_about_a_missing_pass_phrase_can_be_followed(office: Office) -> None:
    office.propose("pki", "issue-ds")
    key = f"alice={office.folder}/alice.p8"
    said = office.run("pki", "act", "approve", office.act, "--officer", key)
    assert office.status == 64
    option, value = said.rpartition("use ")[2].split()
    value = value.replace("FILE", f"{office.folder}/alice.txt")
    said = office.run("pki", "act", "approve", office.act, "--officer", key, option, value)
    assert "approved by alice" in said
