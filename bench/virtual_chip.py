"""The virtual chip: an APDU over vpcd's link, a saved write, READ BINARY in a session, 16 readers.

The benchmark acts as vpcd 0.8: it sends length and data in two writes.  A chip that is read is in a
process of its own, and reports its processor time as its ATR.
"""

import os
import socket
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from bench.timing import WALL, Ratio, ratio
from emrtd.access.pace.protocol import establish
from emrtd.access.pace.variants import choose
from emrtd.access.passwords import Password
from emrtd.iso7816.apdu import INS, CommandAPDU, ResponseAPDU
from emrtd.iso7816.directories import Directory
from emrtd.iso7816.procedure import run
from emrtd.iso7816.secure_messaging import SecureMessaging, secured
from emrtd.iso7816.selecting import select_application
from emrtd.lds.files import APPLICATIONS, FILES, FileID
from emrtd.lds.security.security_infos import SecurityInfos
from emrtd.specimens import Specimen, make_specimen
from vsmartcard.card.stored_chip import StoredChip
from vsmartcard.reader.specimens import state_of

READERS = 16
READ_BINARY = 0.0001
"""Seconds of the chip's processor time for a READ BINARY in a session, at most."""
LINEAR = 0.9
_READS, _ROUNDS = 800, 9
_BLOCK = 223

_SELECT = bytes.fromhex("00A4040C07A0000002471001")
_CREATE = bytes.fromhex("00E000000A62088002C35083020102")  # 50,000 octets
_WRITE = bytes.fromhex("00D60000FF") + bytes(255)

_CHIP = """
import sys
from vsmartcard.card.stored_chip import StoredChip
from vsmartcard.reader.vpcd import Slot
Slot(int(sys.argv[1])).serve(StoredChip(None))
"""

_READ_CHIP = """
import sys, time
from pathlib import Path
from vsmartcard.card.stored_chip import StoredChip
from vsmartcard.chip.state import ChipState
from vsmartcard.reader.vpcd import Slot

class Metered(StoredChip):
    @property
    def atr(self):
        return time.process_time_ns().to_bytes(8, "big")

state = ChipState.decode(Path(sys.argv[2]).read_bytes())
Slot(int(sys.argv[1])).serve(Metered(None, state=state))
"""
_SEND_ATR = b"\x04"

_ECHO = """
import socket, sys
link = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
while (size := link.recv(2)):
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
    link.recv(int.from_bytes(size, "big"))
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
    link.sendall(b"\\x00\\x02\\x90\\x00")
"""


def measure() -> list[Ratio]:
    """Measure the four ratios."""
    return [*_of_the_link(), *_of_reading()]


def _of_the_link() -> list[Ratio]:
    """Compare with an echo and a rename.

    Both ends of a link run on one processor, so that the scheduler does not affect the result.
    """
    processors = os.sched_getaffinity(0)
    with ExitStack() as links, tempfile.TemporaryDirectory() as folder:
        os.sched_setaffinity(0, {min(processors)})
        links.callback(os.sched_setaffinity, 0, processors)
        chip, echo = (links.enter_context(_link(program)) for program in (_CHIP, _ECHO))
        card = StoredChip(Path(folder) / "card")
        card.process(_CREATE)
        size = (Path(folder) / "card").stat().st_size
        found = [
            Ratio("SELECT over the link / echo over the link", ratio(chip, echo, WALL), 3.0),
            Ratio(
                f"UPDATE BINARY, saved / write and rename {size} octets",
                ratio(
                    lambda: card.process(_WRITE), lambda: _rename(Path(folder), bytes(size)), WALL
                ),
                4.0,
            ),
        ]
        card.close()
    return found


@contextmanager
def _link(program: str) -> Iterator[Callable[[], None]]:
    with _accepted(program) as reader:

        def exchange() -> None:
            reader.sendall(len(_SELECT).to_bytes(2, "big"))
            reader.sendall(_SELECT)
            answer = reader.recv(4, socket.MSG_WAITALL)
            assert answer == b"\x00\x02\x90\x00"

        yield exchange


@contextmanager
def _accepted(program: str, *arguments: str) -> Iterator[socket.socket]:
    """Start a program that connects to this process, and yield the connection."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        command = [sys.executable, "-c", program, str(server.getsockname()[1]), *arguments]
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
            reader, _ = server.accept()
            try:
                yield reader
            finally:
                reader.close()
                process.wait()


def _of_reading() -> list[Ratio]:
    """Read one chip, and all of them at once or in turn; commands are under secure messaging."""
    specimen = make_specimen("passport", datetime(2026, 1, 1, tzinfo=UTC))
    with tempfile.TemporaryDirectory() as folder, ExitStack() as links:
        state = Path(folder) / "state"
        state.write_bytes(state_of(specimen).encode())
        readers = [links.enter_context(_reader(state, specimen)) for _ in range(READERS)]
        _seconds(readers, at_once=False)
        alone = min(_seconds(readers[:1], at_once=False) for _ in range(_ROUNDS))
        at_once = statistics.median(
            _seconds(readers, at_once=True) / _seconds(readers, at_once=False)
            for _ in range(_ROUNDS)
        )
    return [
        Ratio("READ BINARY in a session, chip's processor time / 0.10 ms", alone / READ_BINARY, 1),
        Ratio(f"chip's processor time, {READERS} readers at once / in turn", at_once, 1 / LINEAR),
    ]


class _Reader:
    """A reader with a chip in it, and the session of PACE that it has opened."""

    def __init__(self, link: socket.socket, specimen: Specimen) -> None:
        self._link = link
        infos = SecurityInfos.decode(specimen.files[FileID.CARD_ACCESS])
        password = Password.from_mrz_information(specimen.mrz.information)
        opened = run(establish(choose(infos), password), self._transmit)
        self._session: SecureMessaging = opened.secure_messaging
        run(
            secured(select_application(APPLICATIONS[Directory.EMRTD]), self._session),
            self._transmit,
        )
        self._read(0x80 | FILES[FileID.DG2].short_identifier, 0)
        self.answered()

    def ask(self, number: int) -> None:
        """Ask for a block of DG2."""
        self._read(*divmod(number % 40 * _BLOCK, 256))

    def _read(self, p1: int, p2: int) -> None:
        command = CommandAPDU(0x00, INS.READ_BINARY, p1, p2, ne=_BLOCK)
        self._send(self._session.protect_command(command).encode())

    def answered(self) -> None:
        """Receive the block, and verify it."""
        response = self._session.unprotect_response(ResponseAPDU.decode(self._receive()))
        assert (response.sw, len(response.data)) == (0x9000, _BLOCK), response

    def used(self) -> float:
        """Return the seconds of processor time that the chip has used."""
        return int.from_bytes(self._transmit(_SEND_ATR), "big") / 1e9

    def _transmit(self, frame: bytes) -> bytes:
        self._send(frame)
        return self._receive()

    def _send(self, frame: bytes) -> None:
        self._link.sendall(len(frame).to_bytes(2, "big"))
        self._link.sendall(frame)

    def _receive(self) -> bytes:
        size = int.from_bytes(self._link.recv(2, socket.MSG_WAITALL), "big")
        return self._link.recv(size, socket.MSG_WAITALL)


def _seconds(readers: Sequence[_Reader], *, at_once: bool) -> float:
    """Return the processor time of a chip for a READ BINARY.

    Each reader sends one command, then the next round begins; `at_once`, all send theirs before
    any waits for its answer.
    """
    groups = [readers] if at_once else [[each] for each in readers]
    reads = _READS // len(readers)
    before = sum(each.used() for each in readers)
    for number in range(reads):
        for group in groups:
            for each in group:
                each.ask(number)
            for each in group:
                each.answered()
    return (sum(each.used() for each in readers) - before) / (reads * len(readers))


@contextmanager
def _reader(state: Path, specimen: Specimen) -> Iterator[_Reader]:
    with _accepted(_READ_CHIP, str(state)) as link:
        yield _Reader(link, specimen)


def _rename(folder: Path, octets: bytes) -> None:
    descriptor = os.open(folder / "new", os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
    os.write(descriptor, octets)
    os.close(descriptor)
    (folder / "new").replace(folder / "limit")
