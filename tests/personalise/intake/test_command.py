"""`personalise intake`, as scripts call it."""

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from personalise.commands.main import personalise
from personalise.pki.issuing_pki import IssuingPki
from personalise.preparing.application import FILE_NAME
from support.command_line import run_command_line
from tests.personalise.applications import folder
from tests.personalise.conftest import PASSPHRASE
from tests.personalise.intake.packages import application_files, packed, record, zipped
from tests.personalise.intake.test_intake import MIXED

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(pki: IssuingPki, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run `personalise intake` with a ledger of its own; return status, output and error."""
    passphrase = tmp_path / "passphrase"
    passphrase.write_bytes(PASSPHRASE.reveal())

    def run_it(*arguments: str | Path) -> tuple[int, str, str]:
        options = ("--pki", pki.folder, "--passphrase-file", passphrase)
        ledger = ("--ledger", f"sqlite:///{tmp_path / 'ledger.sqlite'}")
        command = ["intake", *map(str, (*options, *ledger, *arguments))]
        status = run_command_line(personalise, command)
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run_it


def test_the_status_tells_what_became_of_all(run: Run, pki: IssuingPki, tmp_path: Path) -> None:
    good = folder(tmp_path / "good", record("ZU0000001"))
    assert run(good) == (0, "1 taken, 0 held, 0 refused; 0 packages refused whole\n", "")
    held = folder(tmp_path / "held", record("ZU0000002"))
    (held / "portrait.jpg").write_bytes(MIXED["0003/portrait.jpg"])
    status, out, error = run(held)
    assert (status, out[:16]) == (2, "0 taken, 1 held,")
    assert error.startswith("held: application 1: held: biometrics.portrait: the quality is below")
    status, out, error = run(good)
    assert (status, out[:27]) == (64, "0 taken, 0 held, 1 refused;")
    assert "document.number: is that of a document" in error
    package = packed(tmp_path / "1.p7m", {"x": b""}, pki)
    status, out, error = run(package)
    assert status == 64
    assert "1 package refused whole" in out
    assert error == f"1.p7m: refused: the package holds no {FILE_NAME}\n"


def test_json_is_the_content_of_the_receipt(run: Run, pki: IssuingPki, tmp_path: Path) -> None:
    package = packed(tmp_path / "0001.p7m", MIXED, pki)
    receipt = tmp_path / "receipt.p7m"
    status, out, error = run(package, "--json", "--receipt", receipt)
    assert status == 64
    found = json.loads(out)
    assert (found["taken"], found["held"], found["refused"]) == (2, 1, 6)
    (tmp_path / "receipt.pem").write_text(pki.certificate("receipt").to_pem())
    verified = subprocess.run(
        ["openssl", "cms", "-verify", "-inform", "DER", "-in", receipt, "-CAfile",
         tmp_path / "receipt.pem", "-partial_chain"],
        check=True, capture_output=True,
    )  # fmt: skip
    assert json.loads(verified.stdout) == found
    for datum in ("ZU00000", "degård", "1990", "smith"):
        assert datum not in out + error


def test_an_intake_that_was_interrupted_is_resumed(
    run: Run, pki: IssuingPki, tmp_path: Path
) -> None:
    """It was killed between the ledger and the receipt."""
    package = packed(tmp_path / "0001.p7m", application_files(), pki)

    def taken(*options: str) -> tuple[int, Any, str]:
        status, out, error = run(package, "--json", *options)
        (found,) = json.loads(out)["packages"]
        return status, found, error

    _, first, _ = taken()
    status, refused, error = taken()
    assert (status, refused["code"]) == (64, "replayed")
    assert refused["advice"] is None, "the receipt is for the sender"
    assert "repeat with --resume" in error
    status, resumed, _ = taken("--resume")
    assert (status, resumed) == (0, first)


def test_only_registered_senders_are_heard(run: Run, pki: IssuingPki, tmp_path: Path) -> None:
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "s.key")
    openssl(tmp_path, "req", "-x509", *key, "-subj", "/CN=case system", "-out", "senders.pem")
    (tmp_path / "intake.cer").write_bytes(pki.certificate("intake").der)
    (tmp_path / "application.zip").write_bytes(zipped(application_files("", record("ZU0000001"))))
    sign = ("cms", "-sign", "-binary", "-nodetach", "-signer", "senders.pem", "-inkey", "s.key")
    openssl(tmp_path, *sign, "-in", "application.zip", "-outform", "DER", "-out", "signed")
    encrypt = ("cms", "-encrypt", "-binary", "-aes-256-gcm", "-outform", "DER")
    recipient = ("-recip", "intake.cer", "-keyopt", "ecdh_kdf_md:sha256")
    for source, name in (("signed", "1.p7m"), ("application.zip", "2.p7m")):
        openssl(tmp_path, *encrypt, *recipient, "-in", source, "-out", name)
    senders = ("--senders", tmp_path / "senders.pem")
    assert run(tmp_path / "2.p7m", *senders)[2].startswith("2.p7m: refused: the package is not sig")
    status, out, _ = run(tmp_path / "1.p7m", *senders, "--json")
    assert status == 0
    sender = json.loads(out)["packages"][0]["sender"]
    assert (sender["status"], sender["subject"]) == ("authenticated", "CN=case system")
    status, out, _ = run(tmp_path / "2.p7m", "--json")
    assert json.loads(out)["packages"][0]["sender"]["status"] == "sender not authenticated"


def openssl(place: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], check=True, cwd=place, capture_output=True)


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (("missing",), "missing: does not exist"),
        (("empty",), "empty: holds no application and no package"),
        (("application", "--profile", "nix"), "nix"),
        (("application", "--senders", "application"), "application.json: certificate"),
        (("application", "--max-applications", "0"), "max-applications"),
        (("application", "--ledger", "http://x"), "http://x|ledger"),
    ],
)
def test_a_mistake_is_an_object_and_takes_nothing(
    arguments: tuple[str, ...], what: str, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    folder(tmp_path / "application")
    status, out, error = run(*arguments, "--json")
    assert status == 64
    found: dict[str, Any] = json.loads(out)
    assert re.search(what, found["error"]["what"])
    assert len(error.splitlines()) == 1


def test_a_receipt_replaces_no_file(run: Run, tmp_path: Path) -> None:
    source = folder(tmp_path / "good", record("ZU0000001"))
    receipt = tmp_path / "receipt.p7m"
    receipt.write_bytes(b"of another delivery")
    status, _, error = run(source, "--receipt", receipt)
    assert (status, receipt.read_bytes()) == (64, b"of another delivery")
    assert f"{receipt}: already exists; choose another file" in error
    assert run(source, "--receipt", tmp_path / "new")[0] == 0, "nothing was taken before"


def test_a_receipt_that_cannot_be_signed_stops_before_anything_is_taken(
    run: Run, pki: IssuingPki, tmp_path: Path
) -> None:
    certificate = pki.folder / "receipt.cer"
    octets = certificate.read_bytes()
    source = folder(tmp_path / "good", record("ZU0000001"))
    try:
        certificate.unlink()
        status, _, error = run(source, "--receipt", tmp_path / "receipt")
    finally:
        certificate.write_bytes(octets)
    assert status == 64
    assert "run `personalise pki issue-receipt-signer`" in error
    assert run(source)[0] == 0
