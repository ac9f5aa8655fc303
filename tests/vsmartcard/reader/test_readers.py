"""`readers up` and `down` with a simulated pcscd; the tests with a real one are in tests/device."""

import sys
from pathlib import Path

import pytest

from emrtd.errors import TransportError
from support.command_line import run_command_line
from support.errors import ExitStatus, MisuseError
from tests.helpers import replace
from vsmartcard.commands.main import vsmartcard
from vsmartcard.reader import pcscd, reader_conf, readers


@pytest.fixture
def foreign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Simulate a running pcscd of the system, with two virtual readers and a real one."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr(pcscd, "answers", lambda: True)
    monkeypatch.setattr(pcscd, "start", lambda: pytest.fail("another pcscd was started"))
    monkeypatch.setattr(pcscd, "stop", lambda _pid: pytest.fail("a pcscd was stopped"))
    monkeypatch.setattr(reader_conf, "SYSTEM_FOLDER", tmp_path / "etc")
    (tmp_path / "etc" / "folder").mkdir(parents=True)
    (tmp_path / "etc" / "others").write_bytes(b'\xffFRIENDLYNAME "X"\nLIBPATH /x/libccid.so\n')
    (tmp_path / "etc" / "vpcd").write_text(
        'FRIENDLYNAME "Virtual PCD"\nDEVICENAME   /dev/null:0x8C7B\n'
        "LIBPATH      /usr/lib/libifdvpcd.so\nCHANNELID    0x8C7B\n"
    )
    pcsc = pytest.importorskip("emrtd.transport.pcsc.readers")
    names = {"Virtual PCD 00 00": False, "Virtual PCD 00 01": True, "ACS ACR122U 01 00": True}
    monkeypatch.setattr(pcsc, "occupancy", lambda: names)
    return tmp_path


def test_the_virtual_readers_of_a_running_pcscd_are_used(foreign: Path) -> None:
    assert readers.up(2) == (
        readers.VirtualReader("Virtual PCD 00 00", 35963, occupied=False),
        readers.VirtualReader("Virtual PCD 00 01", 35964, occupied=True),
    )
    assert not readers.down()
    assert not readers.down(force=True)


def test_a_pcscd_with_too_few_virtual_readers_is_left_alone(foreign: Path) -> None:
    with pytest.raises(TransportError, match=r"2 virtual readers instead of 3.*virtual:FILE"):
        readers.up(3)
    (foreign / "etc" / "vpcd").unlink()
    with pytest.raises(TransportError, match=r"0 virtual readers instead of 1.*virtual:FILE"):
        readers.up(1)


def test_a_record_of_another_process_is_ignored(foreign: Path) -> None:
    record = pcscd.state_folder() / "pcscd.json"
    for text in ('{"pid": 1, "started": 1}', "{", '{"pid": 1}', "[]"):
        record.write_text(text)
        assert pcscd.own_pid() is None


def test_each_entry_has_its_own_copy_of_the_driver(tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "libifdvpcd.so").write_bytes(b"driver")
    monkeypatch.setattr(reader_conf, "SYSTEM_FOLDER", tmp_path / "none")
    monkeypatch.setattr(reader_conf, "_DRIVER_FOLDERS", (str(tmp_path),))
    folder = tmp_path / "ours" / "reader.conf.d"
    for count, entries in ((5, 3), (16, 8), (1, 1)):
        written = reader_conf.write_entries(folder, count, 40000)
        assert reader_conf.read_entries(folder) == written
        assert len({entry.driver for entry in written}) == len(written) == entries
        assert all(entry.driver.read_bytes() == b"driver" for entry in written)
        assert [entry.port for entry in written] == list(range(40000, 40000 + 2 * entries, 2))
    assert written[0].port_of("Virtual PCD 0 00 01") == 40001
    assert written[0].port_of("Virtual PCD 00 01") is None


def test_without_the_driver_the_error_names_the_package(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(reader_conf, "SYSTEM_FOLDER", tmp_path)
    monkeypatch.setattr(reader_conf, "_DRIVER_FOLDERS", ())
    with pytest.raises(TransportError, match="apt install vsmartcard-vpcd"):
        reader_conf.write_entries(tmp_path / "ours", 1, 40000)


@pytest.mark.parametrize("count", [0, -1, 17])
def test_more_or_fewer_readers_than_1_to_16_are_refused(count: int) -> None:
    with pytest.raises(MisuseError, match="1 to 16"):
        readers.up(count)


def test_waiting_ends_when_pcscd_reports_the_card(monkeypatch: pytest.MonkeyPatch) -> None:
    empty = readers.VirtualReader("Virtual PCD 0", 35963, occupied=False)
    full = replace(empty, occupied=True)
    answers = [(empty,), (replace(full, port=35964),), (), (full,)]
    monkeypatch.setattr(readers, "listed", lambda: answers.pop(0))
    readers.wait_until_occupied(empty)
    assert answers == []


def test_waiting_ends_when_pcscd_reports_that_the_card_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    full = readers.VirtualReader("Virtual PCD 0", 35963, occupied=True)
    answers = [(full,), (full, replace(full, port=35964)), (replace(full, occupied=False),)]
    monkeypatch.setattr(readers, "listed", lambda: answers.pop(0))
    readers.wait_until_empty(35963)
    assert answers == []


def test_a_card_that_pcscd_does_not_report_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = readers.VirtualReader("Virtual PCD 0", 35963, occupied=False)
    monkeypatch.setattr(readers, "listed", lambda: (reader,))
    monkeypatch.setattr(readers, "_APPEARING_SECONDS", 0.0)
    with pytest.raises(TransportError, match="does not report it"):
        readers.wait_until_occupied(reader)


@pytest.fixture
def started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Simulate a pcscd of ours that starts without readers; return the calls of start and stop."""
    done: list[str] = []
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr(pcscd, "answers", lambda: False)
    monkeypatch.setattr(pcscd, "start", lambda: done.append("start"))
    monkeypatch.setattr(pcscd, "own_pid", lambda: 4711 if done else None)
    monkeypatch.setattr(pcscd, "stop", lambda pid: done.append(f"stop {pid}"))
    monkeypatch.setattr(readers, "_APPEARING_SECONDS", 0.0)
    return done


def test_without_pyscard_no_daemon_is_started(
    started: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "emrtd.transport.pcsc.library", None)
    with pytest.raises(TransportError, match="need pyscard"):
        readers.up(1)
    assert started == []


def test_without_pyscard_a_pcscd_that_runs_is_not_used(
    started: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "emrtd.transport.pcsc.library", None)
    monkeypatch.setattr(pcscd, "answers", lambda: True)
    with pytest.raises(TransportError, match="need pyscard"), readers.kept_running():
        pytest.fail("there is no way to keep it running")
    with pytest.raises(TransportError, match="need pyscard"):
        readers.listed()
    assert started == []


def test_pcscd_is_found_where_debian_has_it_for_root(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def which(_name: str, path: str) -> None:
        asked.append(path)

    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.setattr(pcscd.shutil, "which", which)
    with pytest.raises(TransportError, match="pcscd is not installed; apt install pcscd"):
        pcscd.start()
    assert asked == ["/usr/bin:/bin:/usr/local/sbin:/usr/sbin"]


def test_a_pcscd_that_only_root_may_start_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "bin" / "pcscd"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\necho cannot create /run/pcscd >&2\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    monkeypatch.setattr(pcscd, "answers", lambda: False)
    monkeypatch.setattr(pcscd.os, "geteuid", lambda: 1000)
    with pytest.raises(TransportError, match="cannot create /run/pcscd; start it as root, or use"):
        pcscd.start()


@pytest.mark.parametrize("failure", [TransportError("broken"), KeyboardInterrupt(), None])
def test_a_failed_start_leaves_no_daemon(
    started: list[str], monkeypatch: pytest.MonkeyPatch, failure: BaseException | None
) -> None:
    pytest.importorskip("emrtd.transport.pcsc.library")

    def listed() -> tuple[readers.VirtualReader, ...]:
        if failure is not None:
            raise failure
        return ()

    monkeypatch.setattr(readers, "listed", listed)
    with pytest.raises(TransportError if failure is None else type(failure)):
        readers.up(1)
    assert started == ["start", "stop 4711"]


def test_readers_with_a_card_in_one_are_not_stopped(
    started: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    started.append("start")
    with pcscd.in_use():
        assert run_command_line(vsmartcard, ["readers", "down"]) == ExitStatus.MISTAKE
        assert "a card is in one of the virtual readers" in capsys.readouterr().err
        assert started == ["start"]
        assert run_command_line(vsmartcard, ["readers", "down", "--force"]) == ExitStatus.OK
    assert started == ["start", "stop 4711"]
