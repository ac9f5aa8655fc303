"""A station's own work beside the chip's time at 424 kbit/s; eight readers beside one; memory.

Each chip is a process of its own, and takes the time of a contactless link (`vsmartcard.timing`)
besides that of its computations.  Every card gets the same image, of a specimen with portrait and
fingerprints.
"""

import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stdout
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

from bench.timing import Ratio
from emrtd.transport.connection import Tray
from emrtd.transport.events import CardInReader, PolledEvents
from vsmartcard.timing.contactless import Contactless

_LINK = Contactless(424)
_CARDS = 8
_NEW_CARD = b"\x00"
_RESET = b"\x01"

_CHIP = """
import socket, sys, time
from vsmartcard.chip.dispatch import Chip
from vsmartcard.timing.contactless import Contactless
wire = Contactless(424)
link = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
file = link.makefile("rb")
chip = Chip()
while size := file.read(4):
    command = file.read(int.from_bytes(size, "big"))
    if len(command) == 1:
        chip = Chip() if command == b"\\x00" else chip
        chip.reset()
        answer = chip.atr
    else:
        answer = chip.process(command)
        time.sleep(wire.exchange(command, answer).seconds)
    link.sendall(len(answer).to_bytes(4, "big") + answer)
"""


def measure() -> list[Ratio]:
    """Measure a station with one reader, then one with eight."""
    with tempfile.TemporaryDirectory() as folder:
        one, eight = (_run(Path(folder) / str(readers), readers) for readers in (1, 8))
    chip = one["wire"] / one["cards"]
    return [
        Ratio("own processor time / time on the wire, %", 100 * one["own"] / chip, 2.6),
        Ratio(
            "eight readers: time a card / an eighth of one reader's", _slower(one, eight), 8 / 7.6
        ),
        Ratio("one process with eight readers, MB / 150 MB", eight["megabytes"] / 150, 1.0),
    ]


def _slower(one: dict[str, float], eight: dict[str, float]) -> float:
    return one["rate"] * 8 / eight["rate"]


def _run(folder: Path, readers: int) -> dict[str, float]:
    """Run a station in a process of its own; return what it measured."""
    folder.mkdir()
    environment = {**os.environ, "XDG_DATA_HOME": str(folder / "home")}
    for part in ("fill", "work"):  # the work alone is in the process that is measured
        program = f"import sys; from bench import station; station.{part}(*sys.argv[1:])"
        command = [sys.executable, "-c", program, str(folder), str(readers)]
        done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def fill(folder: str, readers: str) -> None:
    """Make a PKI, and a ledger with prepared jobs for this number of readers."""
    pki = _pki(Path(folder))
    _fill(pki, _url(folder), int(readers) * _CARDS)


def work(folder: str, readers: str) -> None:
    """Make the cards; print rate, processor time and memory as JSON."""
    with ExitStack() as stack, redirect_stdout(StringIO()):
        chips = [stack.enter_context(_chip()) for _ in range(int(readers))]
        found = _measured(Path(folder) / "pki", _url(folder), chips)
    print(json.dumps(found))


def _url(folder: str) -> str:
    return f"sqlite:///{folder}/ledger.sqlite"


def _pki(folder: Path) -> Any:
    from personalise.commands.main import personalise
    from personalise.pki.issuing_pki import IssuingPki
    from support.command_line import run_command_line
    from support.passphrase import read_passphrase

    where = folder / "pki"
    arguments = ["pki", "init", str(where), "--issuing-state", "UTO", "--key", "brainpoolP256r1"]
    assert run_command_line(personalise, arguments) == 0
    return IssuingPki.open(where, read_passphrase(None))


def _fill(pki: Any, url: str, count: int) -> None:
    """Enter so many jobs; each gets the image of the first."""
    from personalise.ledger.opening import open_ledger
    from personalise.ledger.states import Worker
    from personalise.ledger.values import Arrival
    from personalise.pki.issuer import PkiIssuer
    from personalise.preparing.preparer import Preparer
    from personalise.specimen.applications import make_application

    _, files = make_application("bench", 0)
    arrivals = [
        Arrival("UTO", f"ZU{number:07}", files, "permit", "iso7816-9") for number in range(count)
    ]
    ledger = open_ledger(url, pki, create=True)
    ledger.receive(arrivals)
    jobs = ledger.take_for_preparation(Worker("bench", "preparing"), count)
    with Preparer(PkiIssuer(pki)) as preparer:
        at = datetime.now(UTC).replace(microsecond=0)
        image = preparer.prepare(jobs[0].application, jobs[0].profile, at)
    for each in jobs:
        ledger.prepared(each.job, image)
    ledger.close()


def _measured(folder: Path, url: str, chips: list["_Chip"]) -> dict[str, float]:
    from personalise.station.line import performing, reader_watch, running
    from personalise.station.line.effects import EventKind
    from personalise.station.line.events import Event
    from personalise.station.line.running import Options, run_station

    times: dict[str, list[float]] = defaultdict(list)
    own: list[float] = []

    class Recorder:
        def show(self, event: Event) -> None:
            if event.kind is EventKind.ISSUED:
                times[event.reader].append(time.monotonic())
                own.append(time.process_time())

        def close(self) -> None:
            pass

    by_name = {each.reader: each for each in chips}

    def connect(reader: str) -> _Chip:
        return by_name[reader]

    def watch(reader: str) -> PolledEvents:
        return PolledEvents(by_name[reader].look, feeder=True)

    vars(performing).update(connect=connect)
    vars(reader_watch).update(watch=watch)
    vars(running).update(_display=lambda *_: Recorder())
    outcome = run_station(Options(folder, url, tuple(by_name), until_empty=True, as_json=True))
    assert outcome.summary["issued"] == len(chips) * _CARDS, outcome.summary
    rate = sum((len(each) - 1) / (each[-1] - each[0]) for each in times.values())
    return {
        "rate": rate,
        "own": (own[-1] - own[0]) / (len(own) - 1),
        "wire": sum(each.seconds for each in chips),
        "cards": len(own),
        "megabytes": _resident() / 1e6,
    }


def _resident() -> int:
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) * 1024
    raise AssertionError("no VmHWM")


class _Chip:
    """A reader whose chips are in another process; satisfies `Connection`."""

    def __init__(self, link: socket.socket, reader: str) -> None:
        self._link = link
        self._file = link.makefile("rb")
        self.reader = reader
        self.seconds = 0.0
        self._cards = 0
        self._lock = threading.Lock()
        self.atr = self._exchange(_NEW_CARD)

    def look(self) -> dict[str, CardInReader | None]:
        left = self._cards < _CARDS + 1
        return {self.reader: CardInReader(self._cards) if left else None}

    def transmit(self, command: bytes) -> bytes:
        response = self._exchange(command)
        self.seconds += _LINK.exchange(command, response).seconds
        return response

    def _exchange(self, command: bytes) -> bytes:
        with self._lock:
            self._link.sendall(len(command).to_bytes(4, "big") + command)
            return self._file.read(int.from_bytes(self._file.read(4), "big"))

    def reset(self) -> None:
        self._exchange(_RESET)

    def eject(self, _tray: Tray) -> None:
        self._cards += 1
        self._exchange(_NEW_CARD)

    def close(self) -> None:
        self.reset()


@contextmanager
def _chip() -> Iterator[_Chip]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with subprocess.Popen([sys.executable, "-c", _CHIP, str(port)]) as process:
            link, _ = server.accept()
            link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                yield _Chip(link, f"bench-{port}")
            finally:
                link.close()
                process.kill()
