import json
from pathlib import Path

import pytest

from support.command_line import run_command_line
from support.errors import ExitStatus
from vsmartcard.commands.main import vsmartcard
from vsmartcard.reader import pcscd, readers
from vsmartcard.reader.readers import VirtualReader


@pytest.fixture(autouse=True)
def nothing_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr(pcscd, "answers", lambda: False)


def test_inserting_on_a_port_without_reader_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command_line(vsmartcard, ["insert", "--reader-port", "1"]) == ExitStatus.NO_CARD
    error = capsys.readouterr().err
    assert "no virtual reader listens on port 1" in error
    assert error.count("\n") == 1


def test_inserting_a_file_that_is_not_a_chip_is_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "notes").write_text("shopping")
    status = run_command_line(vsmartcard, ["insert", "--state", str(tmp_path / "notes")])
    assert status == ExitStatus.MISTAKE
    assert "notes: not a virtual chip" in capsys.readouterr().err
    assert (tmp_path / "notes").read_text() == "shopping"


def test_the_commands_for_readers_work_without_readers(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command_line(vsmartcard, ["readers", "list", "--json"]) == ExitStatus.OK
    assert capsys.readouterr().out == "[]\n"
    assert run_command_line(vsmartcard, ["readers", "list"]) == ExitStatus.OK
    assert "`vsmartcard readers up`" in capsys.readouterr().err
    assert run_command_line(vsmartcard, ["readers", "down"]) == ExitStatus.OK
    assert "nothing to stop" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [["readers", "up", "-n", "17"], ["insert", "--reader-port", "0"], ["insert", "x"], ["no"]],
)
def test_mistakes(arguments: list[str]) -> None:
    assert run_command_line(vsmartcard, arguments) == ExitStatus.MISTAKE


def test_blank_cards_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["blank", str(tmp_path), "-n", "2", "--kind", "globalplatform", "--json"]
    assert run_command_line(vsmartcard, arguments) == ExitStatus.OK
    cards = json.loads(capsys.readouterr().out)
    assert [each["file"] for each in cards] == [str(tmp_path / f"000{n}.chip") for n in (1, 2)]
    assert [each["kind"] for each in cards] == ["globalplatform"] * 2
    assert len({bytes.fromhex(each["serial_number"]) for each in cards}) == 2


def test_only_the_readers_that_were_asked_for_are_listed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pair = tuple(VirtualReader(f"Virtual PCD 0 00 0{n}", 35963 + n, False) for n in range(2))
    monkeypatch.setattr(readers, "up", lambda _count, _port: pair)
    assert run_command_line(vsmartcard, ["readers", "up", "-n", "1"]) == ExitStatus.OK
    printed = capsys.readouterr()
    assert printed.out == "Virtual PCD 0 00 00\tport 35963\tempty\n"
    assert "Virtual PCD 0 00 01, port 35964, is there too; vpcd makes" in printed.err
