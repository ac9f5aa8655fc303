"""Virtual readers in a real pcscd, for every test that needs one.

The pcscd that runs is used, if it has virtual readers, and our own started otherwise; the last to
finish stops it.  A reader belongs to one test at a time, of whatever process: a test waits for one.
"""

import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import pytest

from emrtd.errors import TransportError
from tests.support import REPOSITORY
from vsmartcard import daemon, readers
from vsmartcard.readers import VirtualReader

_COUNT = 8
_WAIT_SECONDS = 120.0


@dataclass
class InsertedCard:
    """A card in a reader: the reader's name, its port, and the process that is the card."""

    reader: str
    port: int
    process: "subprocess.Popen[str]"

    def take_out(self, order: signal.Signals = signal.SIGTERM) -> int:
        """Take the card out, or tear it out with SIGKILL; the process's exit status."""
        self.process.send_signal(order)
        return self.process.wait(timeout=10)


@dataclass
class Insert:
    """Puts chips into readers, each of them into one that no other test uses meanwhile."""

    readers: tuple[VirtualReader, ...]
    claims: dict[int, IO[str]]
    cards: list[InsertedCard]

    def __call__(self, state: Path | None = None, *, first: bool = False) -> InsertedCard:
        """Put the chip of a state file (None: a blank one) into a free reader.

        `first` takes the first of all PC/SC readers, for a program that uses no other.
        """
        reader = self._free_reader(first=first)
        arguments = ["--reader-port", str(reader.port)]
        arguments += [] if state is None else ["--state", str(state)]
        process = subprocess.Popen(
            [sys.executable, "-m", "vsmartcard", "insert", *arguments],
            stdout=subprocess.PIPE,
            text=True,
            cwd=REPOSITORY,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        )
        assert process.stdout is not None
        assert process.stdout.readline() == f"inserted in {reader.name}, port {reader.port}\n"
        process.stdout.close()
        card = InsertedCard(reader.name, reader.port, process)
        self.cards.append(card)
        return card

    def _free_reader(self, *, first: bool) -> VirtualReader:
        """The first reader, or any, the first one last; skips where none comes free in time."""
        wanted = self.readers[:1] if first else self.readers[::-1]
        deadline = time.monotonic() + _WAIT_SECONDS
        while time.monotonic() < deadline:
            taken = {card.port for card in self.cards if card.process.poll() is None}
            for reader in wanted:
                if reader.port not in taken and self._claim(reader):
                    return reader
            time.sleep(0.1)
        pytest.skip("the virtual readers of the pcscd that runs are all in use")

    def _claim(self, reader: VirtualReader) -> bool:
        """Whether the reader is ours now, and no card of anybody else's is in it."""
        if reader.port in self.claims:
            return True
        file = (daemon.state_folder() / f"port-{reader.port}").open("w", encoding="ascii")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return False
        if any(each.occupied for each in readers.listed() if each.port == reader.port):
            file.close()
            return False
        self.claims[reader.port] = file
        return True

    def finish(self) -> None:
        """Take every card out, and give the readers back."""
        for card in self.cards:
            card.process.kill()
            card.process.wait()
        for file in self.claims.values():
            file.close()


@pytest.fixture(scope="session")
def virtual_readers() -> Iterator[tuple[VirtualReader, ...]]:
    """Every virtual reader there is; `insert` says which of them a test may use.

    Skips, and says why, where there are none and none can be started.
    """
    with daemon.in_use():
        try:
            yield readers.listed() or readers.up(_COUNT)
        except TransportError as error:
            pytest.skip(str(error))
    readers.down()


@pytest.fixture
def insert(virtual_readers: tuple[VirtualReader, ...]) -> Iterator[Insert]:
    """A function that puts the chip of a state file (None: a blank one) into a free reader."""
    put = Insert(virtual_readers, {}, [])
    try:
        yield put
    finally:
        put.finish()
