"""Virtual readers in a real pcscd, for every test that needs one.

`virtual_readers` uses the pcscd that runs, if it has virtual readers, and starts our own otherwise;
the last to finish stops it.  `insert` puts the chip of a state file into a free one.
"""

import fcntl
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
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
    """Virtual readers that no other test process uses meanwhile, two at most.

    Skips, and says why, where there are none and none can be started.
    """
    with daemon.in_use(), ExitStack() as claims:
        try:
            found = readers.listed() or readers.up(_COUNT)
        except TransportError as error:
            pytest.skip(str(error))
        last_first = reversed(found)  # `vsmartcard insert` takes the first that is free
        free = (each for each in last_first if not each.occupied and _claim(each, claims))
        ours = tuple(islice(free, 2))
        if not ours:
            pytest.skip("a pcscd runs whose virtual readers are all in use, or that has none")
        yield ours
    readers.down()


def _claim(reader: VirtualReader, claims: ExitStack) -> bool:
    file = claims.enter_context((daemon.state_folder() / f"port-{reader.port}").open("w"))
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@pytest.fixture
def insert(virtual_readers: tuple[VirtualReader, ...]) -> Iterator[Insert]:
    """A function that puts the chip of a state file (None: a blank one) into a free reader."""
    cards: list[InsertedCard] = []

    def put(state: Path | None = None) -> InsertedCard:
        taken = {card.port for card in cards if card.process.poll() is None}
        reader = next(each for each in virtual_readers if each.port not in taken)
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
        cards.append(card)
        return card

    yield put
    for card in cards:
        card.process.kill()
        card.process.wait()
