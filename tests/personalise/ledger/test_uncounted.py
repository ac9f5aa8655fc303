"""`prepare` outside the ledger says that nothing counts its image, or refuses by a setting."""

import json
from pathlib import Path

import pytest

from personalise.commands.main import personalise
from personalise.pki.issuing_pki import IssuingPki
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
