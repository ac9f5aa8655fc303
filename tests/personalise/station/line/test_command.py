"""The command `personalise station`, in a process of its own."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from support.command_line import run_command_line
from tests.helpers import REPOSITORY
from tests.trials.line import Line

KEYS = [
    "event",
    "reader",
    "application",
    "document",
    "card",
    "sod",
    "reason",
    "apdus",
    "seconds",
]


@contextmanager
def station(line: Line, *arguments: str) -> "Iterator[subprocess.Popen[str]]":
    program = "import sys; from personalise.commands.main import main; sys.exit(main())"
    command = [sys.executable, "-c", program, "station"]
    process = subprocess.Popen(
        [*command, "--pki", str(line.issuer.pki), *arguments],
        env={**os.environ, "XDG_DATA_HOME": str(line.issuer.folder / "home")},
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        for stream in (process.stdout, process.stderr):
            assert stream is not None
            stream.close()


def event(process: "subprocess.Popen[str]") -> dict[str, Any]:
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, process.stderr and process.stderr.read()
    return dict(json.loads(line))


def test_a_station_makes_cards_and_obeys_signals(tmp_path: Path) -> None:
    line = Line.established(tmp_path, 2, spare=0, prepared=False)
    reader = f"feeder:{line.feeders[0]}"
    with station(line, "--reader", reader, "--json") as process:
        seen = [event(process)]
        while sum(each["event"] == "issued" for each in seen) < 2:
            seen.append(event(process))
        assert event(process)["reason"] == "insert a card"
        process.send_signal(signal.SIGUSR1)
        assert event(process)["reason"] == "paused"
        process.send_signal(signal.SIGUSR2)
        assert event(process)["reason"] == "insert a card"
        process.send_signal(signal.SIGTERM)
        stopped = event(process)
        assert (stopped["event"], stopped["reason"]) == ("stopped", "drained")
        assert event(process) == {
            "event": "summary",
            "issued": 2,
            "rejected_cards": 0,
            "rejected_applications": 0,
            "in_doubt": 0,
            "open": 0,
        }
        assert process.wait(30) == 0
    assert all(list(each) == KEYS for each in [*seen, stopped])
    issued = [each for each in seen if each["event"] == "issued"]
    assert all(each["reader"] == reader and each["apdus"] > 40 for each in issued)
    assert all(len(each["sod"]) == len(each["document"]) == 64 for each in issued)
    assert {each["card"] for each in issued} == line.serials
    assert line.check() == []


@pytest.mark.parametrize("scheme", ["virtual", "feeder"])
def test_a_mistyped_reader_is_an_error_before_anything_else(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], scheme: str
) -> None:
    from personalise.commands.main import personalise

    (tmp_path / "feeder").mkdir()
    mistyped = f"{scheme}:{tmp_path / 'typo.chip'}"
    readers = ("--reader", f"feeder:{tmp_path / 'feeder'}", "--reader", mistyped)
    pki = tmp_path / "no-pki"  # not opened
    pki.mkdir()
    status = run_command_line(personalise, ["station", "--pki", str(pki), *readers, "--json"])
    assert status == 69
    printed = capsys.readouterr()
    assert mistyped in printed.err
    (line,) = printed.out.splitlines()
    assert (
        json.loads(line)["error"]["kind"] == {"virtual": "no-card", "feeder": "no-reader"}[scheme]
    )


def test_a_station_without_a_ledger_says_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from personalise.commands.main import personalise
    from tests.issuing import Issuer

    issuer = Issuer.established(tmp_path, "UTO")
    with issuer.at_work():
        status = run_command_line(personalise, ["station", "--pki", str(issuer.pki)])
    assert status == 64
    assert "personalise ledger init" in capsys.readouterr().err
