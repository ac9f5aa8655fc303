import signal
import statistics
import time
from pathlib import Path

import pytest

from emrtd.access import bac
from emrtd.errors import TransportError, TransportFault
from emrtd.iso7816.procedure import run
from emrtd.iso7816.reading import FileAddress, FileReader
from emrtd.iso7816.secure_messaging import secured
from emrtd.iso7816.selecting import select_application
from emrtd.lds.files import EMRTD_APPLICATION, FILES, FileID
from emrtd.transport.readers import connect
from support.command_line import run_command_line
from support.errors import ExitStatus
from tests.readers import Insert
from tests.vsmartcard.cards import FILE_CONTENTS, MRZ, personalised
from vsmartcard.card.state_file import StateFile
from vsmartcard.commands.main import vsmartcard
from vsmartcard.reader import readers

pytestmark = pytest.mark.device

COUNT = bytes.fromhex("8050000008") + bytes(8)
"""INITIALIZE UPDATE: raises the sequence counter, which ends the response."""

SELECT = bytes.fromhex("00A4040C07A0000002471001")


@pytest.fixture
def passport(tmp_path: Path) -> Path:
    file = StateFile(tmp_path / "card")
    file.save(personalised().state)
    file.close()
    return tmp_path / "card"


def wait_for_card(reader: str, *, there: bool) -> None:
    deadline = time.monotonic() + 5
    while {each.name: each.occupied for each in readers.listed()}[reader] is not there:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_chip_reads_through_pcscd(insert: Insert, passport: Path) -> None:
    card = insert(passport)
    entry = FILES[FileID.DG2]
    with connect(card.reader) as connection:
        run(select_application(EMRTD_APPLICATION), connection.transmit)
        session = run(bac.authenticate(MRZ), connection.transmit)
        reading = FileReader(cipher_block=8).read(
            FileAddress(entry.file_id, entry.identifier, entry.short_identifier)
        )
        content = run(secured(reading, session), connection.transmit)
    assert content == FILE_CONTENTS[FileID.DG2]


def test_extended_length_goes_both_ways(insert: Insert) -> None:
    with connect(insert().reader) as connection:
        create = bytes.fromhex("00E000000A62088002F00083020102")
        assert connection.transmit(create) == b"\x90\x00"
        content = bytes(range(256)) * 0xF0
        update = bytes.fromhex("00D6000000F000") + content
        assert connection.transmit(update) == b"\x90\x00"
        assert connection.transmit(bytes.fromhex("00B0000000F000")) == content + b"\x90\x00"


def test_an_apdu_takes_less_than_5_milliseconds(insert: Insert) -> None:
    with connect(insert().reader) as connection:
        connection.transmit(SELECT)
        seconds = []
        for _ in range(200):
            begun = time.perf_counter()
            connection.transmit(SELECT)
            seconds.append(time.perf_counter() - begun)
    assert statistics.median(seconds) < 0.005  # 0.044 without TCP_QUICKACK


def test_a_new_connection_resets_the_chip(insert: Insert, passport: Path) -> None:
    card = insert(passport)
    with connect(card.reader) as connection:
        connection.transmit(SELECT)
        assert connection.transmit(bytes.fromhex("0084000008"))[-2:] == b"\x90\x00"
    with connect(card.reader) as connection:  # the MF is selected, in which there is no BAC
        assert connection.transmit(bytes.fromhex("0084000008")) == b"\x69\x85"


def test_a_reset_ends_the_session(insert: Insert, passport: Path) -> None:
    card = insert(passport)
    with connect(card.reader) as connection:
        connection.transmit(SELECT)
        connection.reset()  # the MF is selected, in which there is no BAC
        assert connection.transmit(bytes.fromhex("0084000008")) == b"\x69\x85"
        connection.transmit(SELECT)
        assert connection.transmit(bytes.fromhex("0084000008"))[-2:] == b"\x90\x00"


def test_a_removed_card_is_a_transport_error(insert: Insert) -> None:
    card = insert()
    connection = connect(card.reader)
    card.take_out(signal.SIGKILL)
    wait_for_card(card.reader, there=False)
    for use in (lambda: connection.transmit(SELECT), connection.reset):
        with pytest.raises(TransportError, match="the card was removed") as raised:
            use()
        assert (raised.value.fault, raised.value.reader) == (
            TransportFault.CARD_REMOVED,
            card.reader,
        )
    connection.close()
    with pytest.raises(TransportError, match="no card in the reader"):
        connect(card.reader)


def test_a_chip_keeps_its_state_when_it_is_taken_out(insert: Insert, tmp_path: Path) -> None:
    card = insert(tmp_path / "card")
    with connect(card.reader) as connection:
        connection.transmit(COUNT)
    assert card.take_out() == 0
    wait_for_card(card.reader, there=False)
    with connect(insert(tmp_path / "card").reader) as connection:
        assert connection.transmit(COUNT).endswith(bytes.fromhex("0000029000"))


def test_a_reader_accepts_one_card(insert: Insert, capsys: pytest.CaptureFixture[str]) -> None:
    card = insert()
    status = run_command_line(vsmartcard, ["insert", "--reader-port", str(card.port)])
    assert status == ExitStatus.NO_CARD
    assert "already holds a card" in capsys.readouterr().err


def test_a_fault_takes_a_card_out_of_the_reader(insert: Insert) -> None:
    card = insert(faults=["tear-after:2"])
    with connect(card.reader) as connection:
        assert connection.transmit(SELECT)[-2:] == b"\x90\x00"
        with pytest.raises(TransportError, match="the card was removed"):
            connection.transmit(SELECT)
    assert card.process.wait(timeout=10) == 0


def test_a_mute_card_stays_in_the_reader_and_answers_after_a_reset(insert: Insert) -> None:
    card = insert(faults=["mute:2"])
    connection = connect(card.reader)
    connection.transmit(SELECT)
    with pytest.raises(TransportError) as raised:
        connection.transmit(SELECT)
    assert raised.value.fault is TransportFault.CARD_MUTE
    connection.close()
    with connect(card.reader) as again:
        assert again.transmit(SELECT)[-2:] == b"\x90\x00"
    assert card.process.poll() is None
