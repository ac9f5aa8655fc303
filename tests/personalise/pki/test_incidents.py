"""Incidents and changes of settings, in the audit log."""

import json
import re
from pathlib import Path

import pytest

from personalise.commands.main import personalise
from support.command_line import run_command_line


class Office:
    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.pki = folder / "pki"
        self._capsys = capsys
        self.status = 0

    def run(self, *arguments: str | Path) -> str:
        self.status = run_command_line(personalise, [*map(str, arguments), "--pki", str(self.pki)])
        captured = self._capsys.readouterr()
        return captured.out + captured.err

    @property
    def settings(self) -> dict[str, object]:
        return json.loads((self.pki / "pki.json").read_text())


@pytest.fixture
def office(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Office:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "user"))
    office = Office(tmp_path, capsys)
    assert run_command_line(personalise, ["pki", "init", str(office.pki)]) == 0
    capsys.readouterr()
    return office


def test_an_incident_with_its_revocation(office: Office) -> None:
    said = office.run("incident", "open", "a key may be known", "--certificate", "ds",
                      "--severity", "1")  # fmt: skip
    number = said.splitlines()[0]
    assert re.fullmatch(r"INC-\d{4}-0001", number)
    assert "personalise pki revoke" in said
    office.run("incident", "note", number, "the token was found")
    office.run("pki", "revoke", "ds", "--affected", "-")
    assert "closed" in office.run("incident", "close", number, "cause: a lost token")
    shown = office.run("incident", "show", number)
    assert "severity 1: a key may be known" in shown
    assert "which had signed 0 documents" in shown
    order = [shown.index(each) for each in ("was found", "revoke ", "a lost token")]
    assert order == sorted(order)
    assert "was closed at" in office.run("incident", "note", number, "more")
    assert office.status == 64
    office.run("pki", "issue-ds")
    assert "issue" not in office.run("incident", "show", number)


def test_incidents_are_numbered_and_listed(office: Office) -> None:
    first = office.run("incident", "open", "one").strip()
    second = office.run("incident", "open", "two").strip()
    assert (first[-4:], second[-4:]) == ("0001", "0002")
    office.run("incident", "close", first, "done")
    listed = json.loads(office.run("incident", "list", "--open", "--json"))
    assert [each["what"] for each in listed] == ["two"]
    assert len(office.run("incident", "list").splitlines()) == 2


@pytest.mark.parametrize("text", ["", "  ", "two\nlines", "x" * 2001, "\x1b[31m"])
def test_a_text_is_one_printable_line(office: Office, text: str) -> None:
    assert "printable characters" in office.run("incident", "open", text)
    assert office.status == 64
    assert "there is no incident" in office.run("incident", "note", "INC-2026-0009", "x")


def test_a_setting_is_changed_for_a_reason(office: Office) -> None:
    office.run("pki", "set", "documents_per_signer=500", "--reason", "change 17")
    assert office.status == 0
    assert office.settings["documents_per_signer"] == 500
    office.run("pki", "set", 'crl_urls=["https://a.example/x"]', "--reason", "moved")
    assert office.settings["crl_urls"] == ["https://a.example/x"]
    office.run("pki", "set", "email=pki@border.example", "--reason", "moved")
    assert office.settings["email"] == "pki@border.example"
    office.run("pki", "set", "validity.documents=1827", "--reason", "permits of 5 years")
    assert office.settings["validity"] == {**office.settings["validity"], "documents": 1827}  # type: ignore[dict-item]
    log = office.run("audit", "show")
    assert "after=500 before=100000 field=documents_per_signer reason=change 17" in log


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("state=D", "is not a setting that can be changed"),
        ("keys.document_signer=secp384r1", "is not a setting that can be changed"),
        ("documents_per_signer=0", "documents_per_signer"),
        ("documents_per_signer=many", "documents_per_signer"),
        ("validity.documents=99999", "validity.documents"),
        ("validity.more=1", "not known"),
        ("email.x=1", "is no table of settings"),
        ("email=nobody", "is not an e-mail address"),
        ("email", "is not FIELD=VALUE"),
        ("ledger=3", "ledger"),
    ],
)
def test_a_setting_that_is_wrong_is_refused(office: Office, setting: str, said: str) -> None:
    before = office.settings
    assert said in office.run("pki", "set", setting, "--reason", "x")
    assert office.status == 64
    assert office.settings == before
