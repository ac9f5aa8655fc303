from pathlib import Path

import pytest

from support.command_line import run_command_line
from support.errors import ExitStatus
from vsmartcard.commands.main import vsmartcard
from vsmartcard.reader import pcscd


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
