"""`prepare` and `write` outside the ledger say that nothing counts, or refuse by a setting."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from personalise.commands.main import personalise
from personalise.pki.issuer import PkiIssuer
from personalise.pki.issuing_pki import IssuingPki
from personalise.preparing.application import Application
from personalise.preparing.preparer import Preparer, decided_before
from support.command_line import run_command_line
from tests.personalise import applications
from tests.personalise.conftest import PASSPHRASE


@pytest.mark.parametrize(("uncounted", "status"), [("say", 0), ("refuse", 64)])
def test_prepare_says_that_nothing_counts_or_refuses(
    pki: IssuingPki,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    uncounted: str,
    status: int,
) -> None:
    settings = pki.folder / "pki.json"
    before = settings.read_text()
    (tmp_path / "passphrase").write_bytes(PASSPHRASE.reveal())
    application = applications.folder(tmp_path / "application")
    try:
        record = json.loads(before) | {"ledger": {"uncounted": uncounted}}
        settings.write_text(json.dumps(record))
        line = [
            "prepare", str(application), "--pki", str(pki.folder), "-o", str(tmp_path / "image"),
            "--passphrase-file", str(tmp_path / "passphrase"),
        ]  # fmt: skip
        assert run_command_line(personalise, line) == status
    finally:
        settings.write_text(before)
    assert "ledger" in capsys.readouterr().err
    assert (tmp_path / "image").exists() == (status == 0)


@pytest.mark.parametrize(("uncounted", "status"), [("say", 0), ("refuse", 64)])
def test_write_says_that_nothing_counts_or_refuses_an_image_of_the_ledger(
    pki: IssuingPki,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    uncounted: str,
    status: int,
) -> None:
    settings = pki.folder / "pki.json"
    before = settings.read_text()
    application = Application.load(applications.folder(tmp_path / "application"))
    at = datetime.now(UTC).replace(microsecond=0)
    try:
        settings.write_text(json.dumps(json.loads(before) | {"ledger": {"uncounted": uncounted}}))
        with Preparer(PkiIssuer(pki.reread())) as preparer:
            image = preparer.prepare(application, "permit", at, accept_quality=decided_before)
    finally:
        settings.write_text(before)
    image.save(tmp_path / "image")  # as `jobs export` does
    (tmp_path / "passphrase").write_bytes(PASSPHRASE.reveal())
    line = [
        "write", str(tmp_path / "image"), "--reader", f"virtual:{tmp_path / 'card.chip'}",
        "--passphrase-file", str(tmp_path / "passphrase"),
    ]  # fmt: skip
    assert run_command_line(personalise, line) == status
    said = capsys.readouterr().err
    assert ("no ledger counts this card" in said) is (status == 0)
    assert "personalise station" in said
    assert (tmp_path / "card.chip").exists() is (status == 0)
