"""An intake that is killed at any moment loses nothing and takes nothing twice."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from random import Random

from personalise.ledger.opening import open_ledger
from personalise.pki.issuing_pki import IssuingPki
from tests.personalise.applications import folder
from tests.personalise.conftest import PASSPHRASE
from tests.personalise.intake.packages import application_files, packed, record

PACKED, IN_FOLDERS = 5, 7
COMMAND = "from personalise.commands.main import main; raise SystemExit(main())"


def test_a_killed_intake_is_repeated_without_loss(pki: IssuingPki, tmp_path: Path) -> None:
    inbox, url = tmp_path / "inbox", f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    passphrase = tmp_path / "passphrase"
    passphrase.write_bytes(PASSPHRASE.reveal())
    for number in range(IN_FOLDERS):
        folder(inbox / "folders" / f"{number:04}", record(f"ZU00000{number:02}"))
    files: dict[str, bytes] = {}
    for number in range(PACKED):
        files |= application_files(f"{number:04}/", record(f"ZU00001{number:02}"))
    packed(inbox / "0001.p7m", files, pki)
    options = ("--pki", pki.folder, "--ledger", url, "--passphrase-file", passphrase)
    command = [sys.executable, "-c", COMMAND, "intake", inbox, *options]
    open_ledger(url, pki, create=True).close()

    began = time.monotonic()
    probe = tmp_path / "probe.sqlite"
    whole = [f"sqlite:///{probe}" if each is url else each for each in command]
    assert subprocess.run(whole, check=False, capture_output=True).returncode == 0
    length = time.monotonic() - began

    lots = Random("kills")  # noqa: S311 - moments
    seen = set()
    for _ in range(6):
        process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        try:
            process.wait(length * lots.uniform(0.3, 1.1))
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        seen.add(_jobs(url, pki))
    subprocess.run(command, check=False, capture_output=True)
    assert _jobs(url, pki) == PACKED + IN_FOLDERS
    assert seen <= {0, PACKED, IN_FOLDERS, PACKED + IN_FOLDERS}  # each whole, or not at all
    ledger = open_ledger(url, pki)
    try:
        assert not ledger.verify().findings
        assert len({job.document for job in ledger.jobs()}) == PACKED + IN_FOLDERS
    finally:
        ledger.close()


def _jobs(url: str, pki: IssuingPki) -> int:
    ledger = open_ledger(url, pki)
    try:
        return len(list(ledger.jobs()))
    finally:
        ledger.close()
