"""Virtual readers in a real pcscd, for every test that needs one.

If a pcscd with virtual readers runs, it is used; otherwise ours is started, and the last test
process stops it.  A reader belongs to one test at a time, in all test processes; a test waits for
one.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import pytest

from emrtd.errors import TransportError
from tests.helpers import REPOSITORY
from vsmartcard.reader import pcscd, readers
from vsmartcard.reader.claiming import claim
from vsmartcard.reader.readers import ReadersInUseError, VirtualReader
from vsmartcard.reader.vpcd import BASE_PORT

_COUNT = 8
_WAIT_SECONDS = 120.0


@dataclass
class InsertedCard:
    """A card in a reader: the reader's name and port, and the process that runs the card."""

    reader: str
    port: int
    process: "subprocess.Popen[str]"

    def take_out(self, order: signal.Signals = signal.SIGTERM) -> int:
        """Take the card out (with SIGKILL, abruptly); return the exit status of its process."""
        self.process.send_signal(order)
        return self.process.wait(timeout=10)


@dataclass
class Claims:
    """The readers that one test uses, until it releases them."""

    readers: tuple[VirtualReader, ...]
    locks: dict[int, IO[str]] = field(default_factory=dict)

    def take(self, *, first: bool = False, without: Collection[int] = ()) -> VirtualReader:
        """Claim and return a free reader, whose port is not in `without`.

        With `first`, only the first reader is considered; otherwise it is considered last.  Waits
        for a reader, and skips the test if none becomes free in time.
        """
        candidates = self.readers[:1] if first else self.readers[::-1]
        deadline = time.monotonic() + _WAIT_SECONDS
        while time.monotonic() < deadline:
            for reader in candidates:
                if reader.port not in without and self._claim(reader):
                    return reader
            time.sleep(0.1)
        pytest.skip("all virtual readers of the running pcscd are in use")

    def _claim(self, reader: VirtualReader) -> bool:
        """Claim a reader; return False if another test has it, or another card is in it."""
        if reader.port in self.locks:
            return True
        file = claim(reader)
        if file is None:
            return False
        self.locks[reader.port] = file
        return True

    def release(self) -> None:
        """Release the readers for other tests."""
        for file in self.locks.values():
            file.close()


@dataclass
class Insert:
    """Inserts chips into readers that no other test uses."""

    claims: Claims
    cards: list[InsertedCard] = field(default_factory=list)

    def __call__(
        self,
        state: Path | None = None,
        *,
        first: bool = False,
        reader: VirtualReader | None = None,
        faults: Sequence[str] = (),
    ) -> InsertedCard:
        """Insert the chip of a state file, or a blank one, into a free reader, or into `reader`.

        A blank one that is not saved takes commands from anyone.
        With `first`, it is the first of all PC/SC readers, for a program that uses no other.
        """
        if reader is None:
            taken = {card.port for card in self.cards if card.process.poll() is None}
            reader = self.claims.take(first=first, without=taken)
        arguments = ["--reader-port", str(reader.port)]
        arguments += ["--open"] if state is None else ["--state", str(state)]
        for fault in faults:
            arguments += ["--fault", fault]
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
        """Take out all cards that are still in a reader."""
        for card in self.cards:
            card.process.kill()
            card.process.wait()


@pytest.fixture(scope="session")
def virtual_readers() -> Iterator[tuple[VirtualReader, ...]]:
    """All virtual readers; a test uses those that it gets from `claims`.

    Skips if there are none and none can be started.
    """
    with pcscd.in_use():
        try:
            yield readers.listed() or readers.up(_COUNT, free_ports(_COUNT, BASE_PORT))
        except TransportError as error:
            pytest.skip(str(error))
    with suppress(ReadersInUseError):  # another test process uses them, and will stop them
        readers.down()


@pytest.fixture
def claims(virtual_readers: tuple[VirtualReader, ...]) -> Iterator[Claims]:
    """The readers that this test uses."""
    readers_of_this_test = Claims(virtual_readers)
    try:
        yield readers_of_this_test
    finally:
        readers_of_this_test.release()


@pytest.fixture
def reader(claims: Claims) -> VirtualReader:
    """An empty reader for this test."""
    return claims.take()


@pytest.fixture
def insert(claims: Claims) -> Iterator[Insert]:
    """A function that inserts the chip of a state file, or a blank one, into a free reader."""
    insert_chip = Insert(claims)
    try:
        yield insert_chip
    finally:
        insert_chip.take_out_all()


def free_ports(count: int, first: int) -> int:
    """Return the first of so many consecutive ports, from `first` on, on which vpcd can listen.

    Linux takes the port of an outgoing connection, or of a server on any port, from 32768 to 60999:
    one of another program, or one that has just ended, can have any port in that range.
    """
    return next(
        port
        for port in range(first, 1 << 16, count)
        if all(map(_is_free, range(port, port + count)))
    )


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as vpcd does
        try:
            probe.bind(("", port))
            probe.listen()
        except OSError:
            return False
    return True
