"""`feeder:DIR` and its blank cards."""

import subprocess
import sys
from pathlib import Path

import pytest

from emrtd.errors import TransportError, TransportFault
from emrtd.globalplatform.keys import MasterKeys
from emrtd.transport.connection import Tray
from emrtd.transport.events import CardEventKind
from emrtd.transport.readers import connect, require_reader, watch
from support.command_line import run_command_line
from support.errors import ExitStatus, MisuseError
from support.secret import Secret
from tests.helpers import REPOSITORY
from vsmartcard.card.state_file import StateFile
from vsmartcard.chip.state import ChipState
from vsmartcard.commands.main import vsmartcard
from vsmartcard.reader.blanks import make_blanks

CREATE = bytes.fromhex("00E000000A62088002001083020102")


def fed(folder: Path, count: int) -> str:
    list(make_blanks(folder, count, transport=None))
    return f"feeder:{folder}"


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.is_file())


def test_a_feeder_offers_each_card_in_turn_and_moves_it_to_its_tray(tmp_path: Path) -> None:
    reader = fed(tmp_path, 3)
    for tray in (Tray.DONE, Tray.REJECTED, Tray.DONE):
        with connect(reader) as card:
            assert card.transmit(CREATE) == b"\x90\x00"  # a blank one each time
            card.eject(tray)
    assert names(tmp_path) == []
    assert names(tmp_path / "done") == ["0001.chip", "0003.chip"]
    assert names(tmp_path / "rejected") == ["0002.chip"]
    with pytest.raises(TransportError) as raised:
        connect(reader)
    assert raised.value.fault is TransportFault.NO_CARD


def test_a_card_that_is_closed_but_not_ejected_is_the_next_one(tmp_path: Path) -> None:
    reader = fed(tmp_path, 2)
    with connect(reader) as card:
        card.transmit(CREATE)
    with connect(reader) as card:
        assert card.transmit(CREATE) == b"\x6a\x89"  # the file already exists


def test_a_card_left_by_a_killed_process_is_the_next_one(tmp_path: Path) -> None:
    reader = fed(tmp_path, 1)
    program = (
        "import os, sys\nfrom emrtd.transport.readers import connect\n"
        "card = connect(sys.argv[1])\n"
        f"assert card.transmit(bytes.fromhex('{CREATE.hex()}')) == b'\\x90\\x00'\n"
        "os.kill(os.getpid(), 9)\n"
    )
    ended = subprocess.run([sys.executable, "-c", program, reader], cwd=REPOSITORY, check=False)
    assert ended.returncode == -9
    with connect(reader) as card:
        assert card.transmit(CREATE) == b"\x6a\x89"


def test_a_feeder_has_the_events_of_a_reader(tmp_path: Path) -> None:
    reader = fed(tmp_path, 2)
    with watch(reader) as events:
        added, inserted = events.wait(0)
        assert (added.kind, inserted.kind) == (CardEventKind.READER_ADDED, CardEventKind.INSERTED)
        assert added.reader == inserted.reader == reader
        kinds = []
        for _ in range(2):
            assert events.wait(0) == ()
            with connect(reader) as card:
                card.eject(Tray.DONE)
            kinds.append([event.kind for event in events.wait(0)])
        assert kinds == [
            [CardEventKind.REMOVED, CardEventKind.INSERTED],
            [CardEventKind.REMOVED, CardEventKind.EXHAUSTED],
        ]
        fed(tmp_path, 1)
        assert [event.kind for event in events.wait(5)] == [CardEventKind.INSERTED]


def test_a_file_that_is_not_a_card_is_moved_to_rejected(tmp_path: Path) -> None:
    (tmp_path / "0000.chip").write_text("shopping list")
    reader = fed(tmp_path, 1)
    with pytest.raises(TransportError, match=r"0000\.chip is not a virtual card") as raised:
        connect(reader)
    assert raised.value.fault is TransportFault.CARD_MUTE
    assert names(tmp_path / "rejected") == ["0000.chip"]
    connect(reader).close()


def test_a_second_connection_to_a_card_is_refused(tmp_path: Path) -> None:
    reader = fed(tmp_path, 2)
    with connect(reader), pytest.raises(TransportError) as raised:
        connect(reader)
    assert raised.value.fault is TransportFault.CARD_HELD


def test_a_file_in_a_tray_is_not_overwritten(tmp_path: Path) -> None:
    reader = fed(tmp_path, 1)
    (tmp_path / "done").mkdir()
    (tmp_path / "done" / "0001.chip").write_text("an earlier card")
    with connect(reader) as card:
        card.eject(Tray.DONE)
    assert names(tmp_path / "done") == ["0001-2.chip", "0001.chip"]
    assert (tmp_path / "done" / "0001.chip").read_text() == "an earlier card"


def test_a_feeder_needs_a_folder_that_exists(tmp_path: Path) -> None:
    with pytest.raises(TransportError) as raised:
        connect(f"feeder:{tmp_path / 'absent'}")
    assert raised.value.fault is TransportFault.NO_READER
    with pytest.raises(MisuseError, match="feeder:DIR"):
        watch("feeder:")


def test_only_what_is_there_is_a_reader(tmp_path: Path) -> None:
    ((path, _),) = make_blanks(tmp_path, 1)
    for reader in (f"virtual:{path}", f"feeder:{tmp_path}", "a PC/SC reader, not plugged in"):
        require_reader(reader)
    for scheme, fault in (
        ("virtual", TransportFault.NO_CARD),
        ("feeder", TransportFault.NO_READER),
    ):
        with pytest.raises(TransportError) as raised:
            require_reader(f"{scheme}:{tmp_path / 'absent'}")
        assert raised.value.fault is fault


def test_a_virtual_card_is_in_its_reader_while_its_file_exists(tmp_path: Path) -> None:
    ((path, _),) = make_blanks(tmp_path, 1)
    with watch(f"virtual:{path}") as events:
        assert [event.kind for event in events.wait(0)][-1] is CardEventKind.INSERTED
        path.unlink()
        assert [event.kind for event in events.wait(0)] == [CardEventKind.REMOVED]


def test_a_virtual_card_is_created_only_on_request(tmp_path: Path) -> None:
    reader = f"virtual:{tmp_path / 'card.chip'}"
    with pytest.raises(TransportError, match="no such card") as raised:
        connect(reader)
    assert (raised.value.fault, raised.value.kind) == (TransportFault.NO_CARD, "no-card")
    connect(reader, blank=True).close()


def test_blank_cards_continue_the_numbers_and_have_serial_numbers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "stock"
    assert run_command_line(vsmartcard, ["blank", str(folder), "-n", "2"]) == ExitStatus.OK
    (folder / "done").mkdir()
    (folder / "0002.chip").rename(folder / "done" / "0002-2.chip")
    arguments = ["blank", str(folder), "-n", "1", "--memory", "40000"]
    assert run_command_line(vsmartcard, arguments) == ExitStatus.OK
    assert names(folder) == ["0001.chip", "0003.chip"]
    printed = dict(line.split("\t") for line in capsys.readouterr().out.splitlines())
    assert len(set(printed.values())) == 3
    file = StateFile(folder / "0003.chip")
    assert file.state is not None
    hardware = file.state.hardware
    assert hardware.serial_number.hex().upper() == printed[str(folder / "0003.chip")]
    assert hardware.memory == 40_000
    file.close()


@pytest.mark.parametrize("kind", ["iso7816-9", "globalplatform"])
def test_blank_makes_cards_of_each_kind_with_their_faults(tmp_path: Path, kind: str) -> None:
    (tmp_path / "master").write_text(bytes(range(16)).hex())
    arguments = ["blank", str(tmp_path), "-n", "1", "--kind", kind, "--scp03", "21", "--tries", "3"]
    arguments += ["--counter-behind", "--master-key", str(tmp_path / "master")]
    arguments += ["--key-version", "5", "--memory", "5000"]
    assert run_command_line(vsmartcard, arguments) == ExitStatus.OK
    state = ChipState.decode((tmp_path / "0001.chip").read_bytes())
    domain = state.security_domain
    assert domain is not None
    assert domain.kind.label == kind
    assert (domain.variant.i, domain.retry_limit, domain.key_version) == (0x21, 3, 5)
    assert not domain.counts_empty_commands
    assert domain.diversification_data.endswith(state.hardware.serial_number)
    keys = MasterKeys.single(Secret(bytes(range(16))))
    assert domain.keys == keys.for_card(domain.diversification_data, 5)
    assert state.hardware.memory == 5000


@pytest.mark.parametrize(
    ("option", "value", "problem"),
    [("--scp03", "40", "parameter i"), ("--scp03", "zz", "parameter i"), ("--kind", "x", "--kind")],
)
def test_blank_refuses_what_no_card_has(
    tmp_path: Path, option: str, value: str, problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["blank", str(tmp_path / "cards"), "-n", "1", option, value]
    assert run_command_line(vsmartcard, arguments) == ExitStatus.MISTAKE
    assert problem in capsys.readouterr().err
    assert not (tmp_path / "cards").exists()


@pytest.mark.parametrize("text", ["", "00", "zz" * 16, "00" * 17])
def test_blank_refuses_a_file_without_a_master_key(
    tmp_path: Path, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "master").write_text(text)
    arguments = ["blank", str(tmp_path / "cards"), "-n", "1"]
    arguments += ["--master-key", str(tmp_path / "master")]
    assert run_command_line(vsmartcard, arguments) == ExitStatus.MISTAKE
    assert "does not hold a key" in capsys.readouterr().err
