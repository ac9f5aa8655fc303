"""`pki status`, `pki show`, `officer list` and `audit show`, as a user types them."""

import html
import json
import re
import shlex
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import pytest

from personalise.commands.main import personalise
from personalise.pki.issuing_pki import IssuingPki
from personalise.pki.status.due import Due
from personalise.pki.status.output import as_html, as_text
from personalise.pki.status.values import Overview
from support.command_line import run_command_line
from support.passphrase import read_passphrase

EMPTY = Overview(
    folder="pki",
    state="UTO",
    organisation="Utopia",
    at=datetime(2027, 1, 4, tzinfo=UTC),
    officers=(),
    required=0,
    keys=(),
    certificates=(),
    crl=None,
    revocations=(),
    lists=(),
    last=(),
    interrupted=(),
    log_head="",
    log_error=None,
    clock_error=None,
)


class Operator:
    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.pki = folder / "pki"
        self._capsys = capsys
        self.status = 0

    def run(self, *arguments: str | Path) -> str:
        self.status = run_command_line(personalise, [str(each) for each in arguments])
        captured = self._capsys.readouterr()
        return captured.out + captured.err


@pytest.fixture
def operator(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Operator:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "user"))
    operator = Operator(tmp_path, capsys)
    operator.run("pki", "init", operator.pki, "--organisation", "Border <Agency>")
    assert operator.status == 0
    return operator


def test_status_needs_no_pass_phrase(operator: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(operator.pki / "nobody"))
    said = operator.run("pki", "status", operator.pki)
    assert operator.status == 0
    assert re.search(r"^csca-1 +CSCA certificate +brainpoolP256r1 +in use", said, re.MULTILINE)
    assert "0 of 100,000 documents" in said
    assert "OVERDUE" not in said
    assert not (operator.pki / "nobody").exists()


def test_the_exit_status_is_2_if_something_is_overdue(operator: Operator) -> None:
    operator.run("pki", "revoke", "ds", "--affected", "-", "--pki", operator.pki)
    said = operator.run("pki", "status", operator.pki)
    assert operator.status == 2
    assert re.search(r"^OVERDUE .* the Document Signer is revoked\n +run: ", said, re.MULTILINE)
    record = json.loads(operator.run("pki", "status", operator.pki, "--json"))
    assert operator.status == 2
    assert record["overdue"] is True
    assert record["due"][0]["what"] == "the Document Signer is revoked"
    assert {"keys", "certificates", "crl", "lists", "last"} <= set(record)


def test_a_command_that_is_due_can_be_typed_as_it_is_printed(operator: Operator) -> None:
    operator.run("pki", "revoke", "ds", "--affected", "-", "--pki", operator.pki)
    said = operator.run("pki", "status", operator.pki)
    found = re.search(r"is revoked\n +run: personalise (.+)$", said, re.MULTILINE)
    assert found is not None
    operator.run(*shlex.split(found[1]))
    assert operator.status == 0
    assert "is revoked" not in operator.run("pki", "status", operator.pki)
    assert operator.status == 0


@pytest.mark.parametrize(
    ("command", "typed"),
    [
        ("personalise pki lint PROFILE.toml", "personalise pki lint PROFILE.toml"),
        ("personalise audit verify", "personalise audit verify --pki 'a pki'"),
        (
            "personalise eac request foreign/XX/cvca/*.cvcert",
            "personalise eac request 'a pki'/foreign/XX/cvca/*.cvcert -o to-XX.cvreq --pki 'a pki'",
        ),
    ],
)
def test_a_command_names_the_folder_and_the_files(command: str, typed: str) -> None:
    overview = msgspec.structs.replace(EMPTY, folder="a pki")
    task = Due("it ends", overview.at, command, "", overdue=False)
    assert f"run: {typed}" in "\n".join(as_text(overview, [task]))
    assert typed in html.unescape(as_html(overview, [task]))


def test_an_interrupted_operation_is_overdue_until_it_is_done_again(operator: Operator) -> None:
    log = IssuingPki.open(operator.pki, read_passphrase()).audit_log
    at = datetime.now(UTC)
    log.append("ds.issue", {"label": "ds-9"}, "begun", at)
    log.append("key.destroy", {"label": "mls-1"}, "begun", at)
    log.append("key.destroy", {"label": "mls-2"}, "done", at)
    said = operator.run("pki", "status", operator.pki)
    assert operator.status == 2
    assert "ds.issue of" in said
    operator.run("pki", "issue-ds", "--pki", operator.pki)
    assert operator.status == 0
    said = operator.run("pki", "status", operator.pki)
    assert "ds.issue of" not in said
    assert re.search("key.destroy of .* has no end", said)


def test_an_operation_that_too_few_officers_approved_is_overdue(operator: Operator) -> None:
    log = IssuingPki.open(operator.pki, read_passphrase()).audit_log
    at = datetime.now(UTC)
    log.append("officer.require", {"required": "1", "acts": "ds.issue"}, "done", at)
    assert "OVERDUE" not in operator.run("pki", "status", operator.pki)
    log.append("ds.issue", {"label": "ds-2"}, "done", at)
    said = operator.run("pki", "status", operator.pki)
    assert operator.status == 2
    assert "ds.issue required 1 officer, and 0 approved it" in said


def test_the_key_of_receipts_is_listed_in_an_hsm(operator: Operator) -> None:
    settings = operator.pki / "pki.json"
    module = {"module": "/nowhere.so", "token": "pki"}
    settings.write_text(json.dumps(json.loads(settings.read_text()) | {"hsm": module}))
    (operator.pki / "keys" / "receipt.p8").unlink()
    assert "receipt (HSM)" in operator.run("pki", "status", operator.pki)


def test_the_page_holds_it_all_and_nothing_from_outside(operator: Operator, tmp_path: Path) -> None:
    page = tmp_path / "status.html"
    operator.run("pki", "status", operator.pki, "--html", page)
    text = page.read_text(encoding="utf-8")
    assert "Border &lt;Agency&gt;" in text
    assert "<script" not in text
    assert "default-src 'none'" in text
    assert "✓ nothing is overdue" in text
    tags: list[str] = []
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attrs: tags.append(tag)  # type: ignore[method-assign]
    parser.feed(text)
    assert tags.count("table") == 3
    operator.run("pki", "status", operator.pki, "--html", page)  # in place of the last one


def test_no_other_file_is_replaced_by_a_page(operator: Operator) -> None:
    root = operator.pki / "csca.cer"
    before = root.read_bytes()
    said = operator.run("pki", "status", operator.pki, "--html", root)
    assert operator.status == 64
    assert "csca.cer: already exists, and is no page" in said
    assert root.read_bytes() == before
    month = ("report", "--pki", operator.pki)
    assert "no page" in operator.run(*month, "--html", root)
    assert "no table of a report" in operator.run(*month, "--csv", root)
    assert root.read_bytes() == before


def test_a_damaged_certificate_is_named(operator: Operator) -> None:
    for path in (operator.pki / "ds.cer", next((operator.pki / "issued").iterdir())):
        before = path.read_bytes()
        path.write_bytes(before + b"x")
        said = operator.run("pki", "status", operator.pki)
        assert f"{path}: certificate: 1 octets follow" in said
        path.write_bytes(before)


def test_a_folder_that_is_no_pki(operator: Operator, tmp_path: Path) -> None:
    assert "holds no PKI" in operator.run("pki", "status", tmp_path)
    assert operator.status == 64


def test_show_describes_each_kind_of_file(operator: Operator) -> None:
    files = [operator.pki / name for name in ("csca.cer", "crl.crl", "terminal/is.cvcert")]
    said = operator.run("pki", "show", *files)
    assert operator.status == 0
    assert "key usage      crl sign, key cert sign" in said
    assert "revocation list, number 1" in said
    assert "role           terminal" in said
    (operator.pki / "x.bin").write_bytes(b"\x30\x03\x02\x01")
    assert "personalise: " in operator.run("pki", "show", operator.pki / "x.bin")
    assert operator.status == 64


def test_officers_and_the_log_are_listed(operator: Operator, tmp_path: Path) -> None:
    assert "no officer is enrolled" in operator.run("officer", "list", "--pki", operator.pki)
    phrase = tmp_path / "phrase"
    phrase.write_text("alice's pass phrase\n")
    operator.run(
        "officer", "enrol", "alice", "-o", tmp_path / "alice.p8",
        "--new-passphrase-file", phrase, "--pki", operator.pki,
    )  # fmt: skip
    assert operator.status == 0
    assert "no operation requires" in operator.run("officer", "list", "--pki", operator.pki)
    officers = json.loads(operator.run("officer", "list", "--json", "--pki", operator.pki))
    assert list(officers["officers"]) == ["alice"]
    lines = operator.run("audit", "show", "--json", "--pki", operator.pki).splitlines()
    assert [json.loads(each)["operation"] for each in lines] == [
        "pki.init", "officer.enrol", "officer.enrol",
    ]  # fmt: skip
    said = operator.run("audit", "show", "--since", "2100-01-01", "--pki", operator.pki)
    assert (operator.status, said) == (0, "")
