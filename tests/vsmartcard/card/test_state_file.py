import os
import random
import signal
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from emrtd.errors import TransportError
from emrtd.transport.readers import connect
from support.errors import MalformedError, MisuseError
from tests.helpers import REPOSITORY
from vsmartcard.card.state_file import StateFile
from vsmartcard.chip.state import ChipState
from vsmartcard.reader import in_process

WRITER = Path(__file__).with_name("writer_to_kill.py")
COUNT = bytes.fromhex("8050000008") + bytes(8)
"""INITIALIZE UPDATE: raises the sequence counter, which ends the response."""


def test_a_chip_keeps_its_state_between_connections(tmp_path: Path) -> None:
    path = tmp_path / "card"
    with connect(f"virtual:{path}", blank=True) as card:
        assert not path.exists()  # connecting to a blank chip writes no file
        assert card.transmit(COUNT).endswith(bytes.fromhex("0000019000"))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with connect(f"virtual:{path}") as card:
        assert card.transmit(COUNT).endswith(bytes.fromhex("0000029000"))
    assert [each.name for each in tmp_path.iterdir()] == ["card"]


def test_a_chip_is_in_one_reader_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "card"
    with in_process.connect(str(path), blank=True) as first:
        first.transmit(COUNT)
        with pytest.raises(TransportError, match="in another reader"):
            in_process.connect(str(path), blank=True)
        first.transmit(COUNT)
        with pytest.raises(TransportError, match="in another reader"):
            in_process.connect(str(path), blank=True)
    in_process.connect(str(path), blank=True).close()


def test_a_second_blank_chip_cannot_be_saved_to_the_same_file(tmp_path: Path) -> None:
    address = str(tmp_path / "card")
    with (
        in_process.connect(address, blank=True) as first,
        in_process.connect(address, blank=True) as second,
    ):
        first.transmit(COUNT)
        with pytest.raises(TransportError, match="in another reader"):
            second.transmit(COUNT)


def test_a_file_that_is_not_a_chip_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("shopping list")
    with pytest.raises(MalformedError, match=r"notes\.txt: not a virtual chip"):
        in_process.connect(str(path), blank=True)
    with pytest.raises(
        MalformedError, match=rf"{tmp_path}: not a virtual chip: not a regular file"
    ):
        in_process.connect(str(tmp_path), blank=True)
    with pytest.raises(MisuseError, match="virtual:FILE"):
        in_process.connect("", blank=True)


def test_a_file_of_another_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "old"
    path.write_bytes(ChipState().encode().replace(b"\xc0\x01\x02", b"\xc0\x01\x01", 1))
    with pytest.raises(MalformedError, match="old: this virtual chip is of version 1, and") as old:
        StateFile(path)
    assert old.value.advice == "name a new file, and write the document's image to it"


def test_a_state_that_cannot_be_saved_closes_the_connection(tmp_path: Path) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    card = in_process.connect(str(folder / "card"), blank=True)
    folder.rmdir()
    with pytest.raises(TransportError, match="cannot be saved"):
        card.transmit(COUNT)
    with pytest.raises(TransportError, match="closed"):
        card.transmit(COUNT)


def test_a_file_opened_during_a_save_is_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "card"
    StateFile(path).save(ChipState())
    stop = threading.Event()
    wrong: list[BaseException] = []

    def save_again_and_again() -> None:
        while not stop.is_set():
            try:
                file = StateFile(path)
                file.save(ChipState())
                file.close()
            except TransportError:
                continue
            except BaseException as error:  # noqa: BLE001
                wrong.append(error)

    writer = threading.Thread(target=save_again_and_again)
    writer.start()
    for _ in range(300):
        try:
            file = StateFile(path)
            assert file.state == ChipState()
            file.close()
        except TransportError:
            continue
    stop.set()
    writer.join()
    assert not wrong


@pytest.mark.parametrize("seed", range(8))
def test_a_killed_process_leaves_the_chip_before_or_after_a_command(
    tmp_path: Path, seed: int
) -> None:
    path = tmp_path / "card"
    delay = random.Random(seed).uniform(0.0, 0.08)  # noqa: S311
    writer = subprocess.Popen(
        [sys.executable, WRITER, path], stdout=subprocess.PIPE, text=True, cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
    )  # fmt: skip
    assert writer.stdout is not None
    assert writer.stdout.readline() == "ready\n"
    time.sleep(delay)
    writer.send_signal(signal.SIGKILL)
    answered = [line for line in writer.stdout.read().splitlines() if line.endswith(" 9000")]
    writer.wait()
    writer.stdout.close()
    last = int(answered[-1].split()[0]) if answered else 0
    file = StateFile(path)
    assert file.state is not None
    (content,) = (each.content for each in file.state.files)
    assert content[:128] in {bytes((last,)) * 128, bytes(((last + 1) % 256,)) * 128}
    assert content[128:] == bytes(127)
    file.close()
