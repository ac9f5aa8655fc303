"""Virtual readers in a real pcscd, for every test that needs one.

`virtual_readers` uses the pcscd that runs, if it has virtual readers, and starts our own otherwise;
the last to finish stops it.  `insert` puts the chip of a state file into a free one.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from emrtd.errors import TransportError
from tests.support import REPOSITORY
from vsmartcard import daemon, readers
from vsmartcard.readers import VirtualReader

_COUNT = 8


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


Insert = Callable[..., InsertedCard]


@pytest.fixture(scope="session")
def virtual_readers() -> Iterator[tuple[VirtualReader, ...]]:
    """All virtual readers; skips, and says why, where there are none and none can be started."""
    with daemon.in_use():
        try:
            found = readers.listed() or readers.up(_COUNT)
        except TransportError as error:
            pytest.skip(str(error))
        if not found:
            pytest.skip("a pcscd runs without virtual readers")
        yield found
    readers.down()


@pytest.fixture
def insert(virtual_readers: tuple[VirtualReader, ...]) -> Iterator[Insert]:
    """A function that puts the chip of a state file (None: a blank one) into a free reader."""
    cards: list[InsertedCard] = []

    def put(state: Path | None = None, *options: str) -> InsertedCard:
        arguments = [*options] if state is None else ["--state", str(state), *options]
        process = subprocess.Popen(
            [sys.executable, "-m", "vsmartcard", "insert", *arguments],
            stdout=subprocess.PIPE,
            text=True,
            cwd=REPOSITORY,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        )
        assert process.stdout is not None
        words = process.stdout.readline().removeprefix("inserted in ").rpartition(", port ")
        process.stdout.close()
        card = InsertedCard(words[0], int(words[2]), process)
        cards.append(card)
        return card

    yield put
    for card in cards:
        card.process.kill()
        card.process.wait()
