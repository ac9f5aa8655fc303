"""Other programs at the same reader do not disturb our writes and inspections.

CHIPSEAL_OTHER_PROGRAM_ROUNDS (default 4) is the number of inspections beside each of them; the
number of writes is half of it.
"""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from emrtd.access.passwords import Password
from emrtd.errors import TransportError, TransportFault
from emrtd.transport.readers import connect, pcsc_readers
from personalise.preparing.station_order import StationOrder
from personalise.station.one_card import write_image
from support.errors import ExitStatus
from tests.helpers import REPOSITORY
from tests.readers import Insert
from tests.requirement import program
from tests.verify.documents import Document, usual
from tests.vsmartcard.cards import personalised
from verify.inspection import capture, inspect
from verify.inspection.opening import Credentials
from vsmartcard.card.state_file import StateFile
from vsmartcard.chip.life_cycle import LifeCycle
from vsmartcard.chip.state import ChipState

pytestmark = pytest.mark.device

ROUNDS = int(os.environ.get("CHIPSEAL_OTHER_PROGRAM_ROUNDS", "4"))
SELECT = bytes.fromhex("00A4000C023F00")
COMMAND = """
import sys
import click
from emrtd.transport.readers import connect
from support.command_line import run_command_line
from support.remarks import remark

@click.command()
@click.argument("reader")
def ours(reader):
    connect(reader, tell=remark, limit=3.0)

sys.exit(run_command_line(ours))
"""
LOOP = 'echo ready; while :; do timeout 5 "$0" -r "$1" -n >&2; done'


@contextmanager
def other_program(what: str, reader: str) -> Iterator[None]:
    """Run another program at the reader; `opensc-tool` is Debian's, in a loop."""
    if what == "opensc-tool":
        tool = program("opensc-tool", "opensc")
        number = str(pcsc_readers().index(reader))
        line = ["sh", "-c", LOOP, tool, number]
    else:
        line = [sys.executable, str(Path(__file__).with_name("other_program.py")), what, reader]
    process = subprocess.Popen(
        line, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, start_new_session=True
    )
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "ready\n"
        yield
    finally:
        os.killpg(process.pid, 9)
        process.wait()
        process.stdout.close()


def stored(document: Document, folder: Path) -> Path:
    file = StateFile(folder / "issued.chip")
    file.save(personalised(document.files, document.keys).state)
    file.close()
    return folder / "issued.chip"


@pytest.mark.parametrize("what", ["opensc-tool", "select", "connect", "reset"])
def test_no_genuine_document_is_doubted(insert: Insert, tmp_path: Path, what: str) -> None:
    document = usual()
    card = insert(stored(document, tmp_path))
    credentials = Credentials(mrz=Password.from_mrz_information(document.how.mrz.information))
    with other_program(what, card.reader):
        for _ in range(ROUNDS):
            with connect(card.reader) as connection:
                evidence = capture(connection, inspect(credentials))
            report = document.judged(evidence)
            assert report.verdict.value == "accept", report


@pytest.mark.parametrize("what", ["opensc-tool", "select", "connect", "reset"])
def test_every_write_succeeds(insert: Insert, tmp_path: Path, what: str) -> None:
    document = usual()
    order = StationOrder("iso7816-9", document.keys)
    for number in range((ROUNDS + 1) // 2):
        path = tmp_path / f"{number}.chip"
        card = insert(path)
        with other_program(what, card.reader), connect(card.reader) as connection:
            report = write_image(document.files, order, connection)
        assert (report.resumed, report.already_complete) == (False, False)
        card.take_out()
        state = ChipState.decode(path.read_bytes())
        assert state.life_cycle is LifeCycle.OPERATIONAL
        assert {file.content for file in state.files} == set(document.files.values())


def test_a_card_that_another_program_used_with_a_raw_protocol_is_opened(insert: Insert) -> None:
    """pcscd keeps that protocol after the program has disconnected, until the card is reset."""
    card = insert()
    with other_program("raw", card.reader):
        for _ in range(2):
            with connect(card.reader) as connection:
                assert connection.transmit(SELECT) == b"\x90\x00"


@pytest.mark.parametrize("what", ["hold_a_while", "exclude"])
def test_a_card_held_by_another_program_is_waited_for(insert: Insert, what: str) -> None:
    card = insert()
    remarks: list[tuple[float, str]] = []
    with other_program(what, card.reader):
        began = time.monotonic()
        with connect(
            card.reader, tell=lambda remark: remarks.append((time.monotonic() - began, remark))
        ) as connection:
            assert connection.transmit(SELECT) == b"\x90\x00"
    ((seconds, remark),) = remarks
    assert seconds < 2
    assert remark.startswith(f"{card.reader}: another program may hold the card; waiting")


def test_a_card_that_stays_held_is_the_error_card_held(insert: Insert, tmp_path: Path) -> None:
    path = tmp_path / "card.chip"
    card = insert(path)
    with other_program("hold", card.reader):
        for _ in range(3):
            with pytest.raises(TransportError, match="another program may hold the card") as raised:
                connect(card.reader, limit=0.3)
            assert (raised.value.fault, raised.value.reader) == (
                TransportFault.CARD_HELD,
                card.reader,
            )
        waiting = [each for each in threading.enumerate() if each.name.startswith("holding ")]
        assert len(waiting) == 1  # and not one for each attempt
    waiting[0].join(5)  # it releases the card, since connect has given up
    assert not waiting[0].is_alive()
    with connect(card.reader, limit=5) as connection:
        assert connection.transmit(SELECT) == b"\x90\x00"
    assert not path.exists()


def test_a_command_ends_while_another_program_holds_the_card(insert: Insert) -> None:
    """The process ends although a call of pcsc-lite never returns."""
    card = insert()
    with other_program("hold", card.reader):
        ran = subprocess.run(
            [sys.executable, "-c", COMMAND, card.reader],
            cwd=REPOSITORY, capture_output=True, text=True, timeout=20, check=False,
        )  # fmt: skip
    assert ran.returncode == ExitStatus.NO_CARD, ran.stderr
    remark, error = ran.stderr.splitlines()
    assert remark.startswith(f"{card.reader}: another program may hold the card; waiting for it")
    assert error.startswith(f"ours: {card.reader}: another program may hold the card; close")


def test_no_other_program_reaches_the_card_during_a_connection(insert: Insert) -> None:
    """During the connection no other program can select a file or reset the card."""
    card = insert()
    with connect(card.reader) as connection:
        assert connection.transmit(bytes.fromhex("00A4040C07A0000002471001")) == b"\x90\x00"
        create = bytes.fromhex("00E000000A62088002001083020102")
        assert connection.transmit(create) == b"\x90\x00"
        others = [
            subprocess.Popen(
                [
                    sys.executable,
                    str(Path(__file__).with_name("other_program.py")),
                    what,
                    card.reader,
                ],
                stdout=subprocess.DEVNULL,
            )
            for what in ("select", "reset")
        ]
        try:
            deadline = time.monotonic() + 2
            while time.monotonic() < deadline:  # the selected file stays selected
                assert connection.transmit(bytes.fromhex("00B0000001")) == b"\x00\x90\x00"
        finally:
            for each in others:
                each.kill()
                each.wait()
