"""The demonstration in a real PC/SC reader: completed, interrupted, and cleaned up."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from vsmartcard.reader import readers
from vsmartcard.reader.readers import VirtualReader

pytestmark = [pytest.mark.device, pytest.mark.slow]

SCRIPTS = Path(sys.executable).parent


def demo(port: int, output: Path) -> "subprocess.Popen[str]":
    line = (
        SCRIPTS / "personalise", "demo", "--profile", "permit", "--reader-port", str(port),
        "-o", output,
    )  # fmt: skip
    return subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def occupied(port: int) -> bool:
    return next(reader.occupied for reader in readers.listed() if reader.port == port)


def test_a_permit_is_issued_and_accepted(reader: VirtualReader, tmp_path: Path) -> None:
    port = reader.port
    process = demo(port, tmp_path / "output")
    printed, remarks = process.communicate(timeout=120)
    assert process.returncode == 0, printed + remarks
    assert "ACCEPT" in printed
    assert (tmp_path / "output" / "permit" / "report.html").is_file()
    assert not occupied(port)


@pytest.mark.parametrize("order", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_it_takes_its_card_out(
    reader: VirtualReader, tmp_path: Path, order: signal.Signals
) -> None:
    port = reader.port
    process = demo(port, tmp_path / "output")
    deadline = time.monotonic() + 60
    while not occupied(port):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.1)
    os.kill(process.pid, order)
    _, remarks = process.communicate(timeout=60)
    assert process.returncode == 64
    assert remarks.splitlines()[-1] == "personalise: interrupted"
    assert not occupied(port)
