"""A pcscd for one test, which may kill and restart it.

The path of its socket is compiled into pcscd; in a separate mount namespace this path is another
folder.  pcsc-lite's library reads PCSCLITE_CSOCK_NAME only once in a process.  The variable
therefore names a symbolic link, here and in every process that a test starts, which is redirected.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers import REPOSITORY
from tests.readers import free_ports
from vsmartcard.reader import reader_conf

_SECONDS = 10.0
_PORTS = 12_000  # up to 32,000: below those that Linux gives to outgoing connections


class PrivatePcscd:
    """A running pcscd with virtual readers on free ports."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._run = folder / "run"
        self._run.mkdir()
        self.socket = self._run / "pcscd.comm"
        self._cards: list[subprocess.Popen[str]] = []
        self._process: subprocess.Popen[bytes] | None = None
        self._first_port = free_ports(4, _PORTS + os.getpid() % 1000 * 20)
        self.start()

    def start(self, readers: int = 2) -> None:
        """Start pcscd with 2 or 4 readers."""
        reader_conf.write_entries(self._folder / "conf", readers, self._first_port)
        command = (
            f"mkdir -p /run/pcscd && mount --bind {self._run} /run/pcscd && "
            f"exec pcscd --foreground --config {self._folder / 'conf'}"
        )
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                ["unshare", "--mount", "sh", "-c", command], stdout=log, stderr=log
            )
        deadline = time.monotonic() + _SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                pytest.skip(
                    f"cannot start a private pcscd: {(self._folder / 'log').read_text()[-300:]}"
                )
            time.sleep(0.02)

    def stop(self, order: signal.Signals = signal.SIGKILL) -> None:
        """Stop pcscd."""
        if self._process is not None:
            self._process.send_signal(order)
            self._process.wait(_SECONDS)
            self._process = None

    def insert(self, slot: int = 0, state: Path | None = None) -> "subprocess.Popen[str]":
        """Insert the chip of a state file, or a blank card, into a reader."""
        from emrtd.transport.pcsc.readers import occupancy

        port = str(self._first_port + slot)
        options = [] if state is None else ["--state", str(state)]
        process = subprocess.Popen(
            [sys.executable, "-m", "vsmartcard", "insert", "--reader-port", port, *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            cwd=REPOSITORY,
        )
        assert process.stdout is not None
        assert process.stdout.readline().startswith("inserted in ")
        process.stdout.close()
        self._cards.append(process)
        while not list(occupancy().values())[slot]:  # pcscd reports it soon after powering it up
            time.sleep(0.01)
        return process

    def end(self) -> None:
        """Take out all cards and stop pcscd."""
        for card in self._cards:
            card.kill()
            card.wait()
        self.stop()

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(str(self.socket)) == 0


@pytest.fixture
def private_pcscd(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[PrivatePcscd]:
    """A pcscd for this test only; skips if it cannot be started."""
    if os.geteuid() != 0 or shutil.which("pcscd") is None or shutil.which("unshare") is None:
        pytest.skip("a private pcscd needs root, pcscd and unshare")
    folder = tmp_path_factory.mktemp("pcscd")
    monkeypatch.setenv("XDG_STATE_HOME", str(folder / "state"))
    link = Path(os.environ["PCSCLITE_CSOCK_NAME"])
    before = link.readlink()
    daemon = PrivatePcscd(folder)
    try:
        _lead(link, daemon.socket)
        yield daemon
    finally:
        _lead(link, before)
        daemon.end()


def link_to_pcscd(folder: Path) -> None:
    """Make pcsc-lite's library find pcscd by a link in this folder; call before its first use."""
    link = folder / "pcscd.comm"
    link.symlink_to(os.environ.get("PCSCLITE_CSOCK_NAME", "/run/pcscd/pcscd.comm"))
    os.environ["PCSCLITE_CSOCK_NAME"] = str(link)


def _lead(link: Path, target: Path) -> None:
    link.unlink()
    link.symlink_to(target)
