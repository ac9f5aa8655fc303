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
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import pytest

from emrtd.errors import TransportError
from tests.helpers import REPOSITORY
from vsmartcard.reader import pcscd, readers
from vsmartcard.reader.readers import ReadersInUseError, VirtualReader

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
class Claims:
    """Readers that one test has for itself, until it gives them back."""

    readers: tuple[VirtualReader, ...]
    locks: dict[int, IO[str]] = field(default_factory=dict)

    def take(self, *, first: bool = False, without: Collection[int] = ()) -> VirtualReader:
        """A free reader: the very first, or any, the first one last; never one of these ports.

        Waits for one, and skips where none comes free in time.
        """
        wanted = self.readers[:1] if first else self.readers[::-1]
        deadline = time.monotonic() + _WAIT_SECONDS
        while time.monotonic() < deadline:
            for reader in wanted:
                if reader.port not in without and self._claim(reader):
                    return reader
            time.sleep(0.1)
        pytest.skip("the virtual readers of the pcscd that runs are all in use")

    def _claim(self, reader: VirtualReader) -> bool:
        """Whether the reader is ours now, and no card of anybody else's is in it."""
        if reader.port in self.locks:
            return True
        file = (pcscd.state_folder() / f"port-{reader.port}").open("w", encoding="ascii")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return False
        if any(each.occupied for each in readers.listed() if each.port == reader.port):
            file.close()
            return False
        self.locks[reader.port] = file
        return True

    def give_back(self) -> None:
        """Let others have the readers."""
        for file in self.locks.values():
            file.close()


@dataclass
class Insert:
    """Puts chips into readers, each of them into one that no other test uses meanwhile."""

    claims: Claims
    cards: list[InsertedCard] = field(default_factory=list)

    def __call__(self, state: Path | None = None, *, first: bool = False) -> InsertedCard:
        """Put the chip of a state file (None: a blank one) into a free reader.

        `first` takes the first of all PC/SC readers, for a program that uses no other.
        """
        taken = {card.port for card in self.cards if card.process.poll() is None}
        reader = self.claims.take(first=first, without=taken)
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

    def take_out_all(self) -> None:
        """Tear out what is still in a reader."""
        for card in self.cards:
            card.process.kill()
            card.process.wait()


@pytest.fixture(scope="session")
def virtual_readers() -> Iterator[tuple[VirtualReader, ...]]:
    """Every virtual reader there is; `claims` says which of them a test may use.

    Skips, and says why, where there are none and none can be started.
    """
    with pcscd.in_use():
        try:
            yield readers.listed() or readers.up(_COUNT)
        except TransportError as error:
            pytest.skip(str(error))
    with suppress(ReadersInUseError):  # by another test process, which stops them when it ends
        readers.down()


@pytest.fixture
def claims(virtual_readers: tuple[VirtualReader, ...]) -> Iterator[Claims]:
    """Readers of this test's own."""
    readers_of_this_test = Claims(virtual_readers)
    try:
        yield readers_of_this_test
    finally:
        readers_of_this_test.give_back()


@pytest.fixture
def reader(claims: Claims) -> VirtualReader:
    """One reader of this test's own, without a card."""
    return claims.take()


@pytest.fixture
def insert(claims: Claims) -> Iterator[Insert]:
    """A function that puts the chip of a state file (None: a blank one) into a free reader."""
    put = Insert(claims)
    try:
        yield put
    finally:
        put.take_out_all()
