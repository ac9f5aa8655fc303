"""The virtual chip: an APDU over vpcd's link compared with an echo; a saved write with a rename.

The benchmark acts as vpcd 0.8: it sends length and data in two writes.
"""

import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench.timing import WALL, Ratio, ratio
from vsmartcard.card.stored_chip import StoredChip

_SELECT = bytes.fromhex("00A4040C07A0000002471001")
_CREATE = bytes.fromhex("00E000000A62088002C35083020102")  # 50,000 octets
_WRITE = bytes.fromhex("00D60000FF") + bytes(255)

_CHIP = """
import sys
from vsmartcard.card.stored_chip import StoredChip
from vsmartcard.reader.vpcd import Slot
Slot(int(sys.argv[1])).serve(StoredChip(None))
"""

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
    """Measure the two ratios.

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
    with socket.create_server(("127.0.0.1", 0)) as server:
        command = [sys.executable, "-c", program, str(server.getsockname()[1])]
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
            reader, _ = server.accept()

            def exchange() -> None:
                reader.sendall(len(_SELECT).to_bytes(2, "big"))
                reader.sendall(_SELECT)
                answer = reader.recv(4, socket.MSG_WAITALL)
                assert answer == b"\x00\x02\x90\x00"

            yield exchange
            reader.close()
            process.wait()


def _rename(folder: Path, octets: bytes) -> None:
    descriptor = os.open(folder / "new", os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
    os.write(descriptor, octets)
    os.close(descriptor)
    (folder / "new").replace(folder / "limit")
