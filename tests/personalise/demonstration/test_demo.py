"""The demonstration with fake commands: what it runs and stops, and how it reports a failure.

With the real commands it runs in `tests/device/test_demo.py`.
"""

import io
import json
import os
import runpy
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from emrtd.errors import TransportError
from personalise.demonstration import demo, readers, tools
from personalise.demonstration.demo import MARK, run_demo
from personalise.demonstration.tools import DemoError
from support.errors import ExitStatus, MisuseError

TOOL = """#!{python}
import json, os, sys, time
from pathlib import Path
place, name, line = Path({place!r}), Path(sys.argv[0]).name, sys.argv[1:]
with (place / "log").open("a") as log:
    print(name, *line, file=log)
command = " ".join([name, *line[:2]])
rule = json.loads((place / "rules.json").read_text()).get(command)
if rule:
    print("usage of " + name, file=sys.stderr)
    print(name + ": " + rule[1], file=sys.stderr)
    print(*rule[2:])
    sys.exit(rule[0])
card = place / "card"
if command == "vsmartcard insert --state":
    card.write_text(str(os.getpid()))
    time.sleep(60)
elif command == "vsmartcard readers list":
    there = place / "readers"
    print(json.dumps([{{"name": "Virtual 00", "port": 35963, "occupied": card.exists()}}]
                     if there.exists() else []))
elif command == "vsmartcard readers up":
    (place / "readers").touch()
elif command == "vsmartcard readers down":
    (place / "readers").unlink()
elif command == "personalise specimen -o":
    (Path(line[2]) / "0001").mkdir(parents=True)
    (Path(line[2]) / "0001" / "application.json").write_text('{{"document": {{}}, "permit": 1}}')
elif name == "personalise" and line[0] == "passwords":
    print(json.dumps({{"mrz": ["SECRET", "MRZ"]}}))
elif name == "verify" and line[0] == "card":
    assert sys.stdin.read() == "SECRETMRZ\\n"
    print(json.dumps({{"verdict": "accept", "data_groups": {{"DG1": {{"hash": "passed"}}}},
                      "checks": [{{"id": "pace.cam", "outcome": "passed", "reason": "good"}}],
                      "apdus": 7, "bytes": 9, "seconds": 0.1, "access": "bac"}}))
"""


class Stage:
    """A folder with fake commands, and a log of their command lines."""

    def __init__(self, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.place = place
        self.output = io.StringIO()
        self.folder = place / "demo-output"
        for name in ("personalise", "verify", "vsmartcard"):
            path = place / name
            path.write_text(TOOL.format(python=sys.executable, place=str(place)), encoding="utf-8")
            path.chmod(0o755)
        self.fail({})
        monkeypatch.setattr(sys, "executable", str(place / "python"))
        monkeypatch.setattr(readers, "_take_out", self._take_out)
        monkeypatch.setattr(tools, "_function_of", self._function_of)

    def fail(self, rules: dict[str, tuple[int | str, ...]]) -> None:
        (self.place / "rules.json").write_text(json.dumps(rules), encoding="utf-8")

    def run(self, *profiles: str, in_process: bool = False) -> ExitStatus:
        console = Console(file=self.output, width=200)
        return run_demo(self.folder, profiles or ("permit",), console, in_process=in_process)

    def log(self) -> list[str]:
        return (self.place / "log").read_text(encoding="utf-8").splitlines()

    def _function_of(self, script: str) -> Callable[[], int]:
        def function() -> int:
            try:
                runpy.run_path(str(self.place / script), run_name="__main__")
            except SystemExit as ending:
                return int(ending.code or 0)
            return 0

        return function

    def _take_out(self, _tools: object, _slot: object, card: "subprocess.Popen[str]") -> None:
        card.kill()
        card.wait()
        if card.stderr is not None:
            card.stderr.close()
        (self.place / "card").unlink(missing_ok=True)


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    return Stage(tmp_path, monkeypatch)


def test_readers_are_started_and_stopped(stage: Stage) -> None:
    assert stage.run("permit", "passport") == ExitStatus.OK
    log = [line for line in stage.log() if not line.startswith("vsmartcard readers list")]
    assert log[0] == "vsmartcard readers up -n 2"
    assert log[-1] == "vsmartcard readers down"
    assert sum(line.startswith("vsmartcard insert") for line in log) == 2
    assert sum(line.startswith("personalise write") for line in log) == 2
    assert sum(line.startswith("verify card") for line in log) == 4
    assert "SECRET" not in "\n".join(log) + stage.output.getvalue()
    assert "accepted" in stage.output.getvalue()


def test_in_process_needs_no_reader(stage: Stage) -> None:
    assert stage.run(in_process=True) == ExitStatus.OK
    assert not any(line.startswith("vsmartcard") for line in stage.log())
    assert any("--reader virtual:" in line for line in stage.log())


def test_in_process_starts_no_process_and_leaves_this_one_as_it_was(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        pytest.fail("a process was started")

    monkeypatch.setattr(subprocess, "run", refuse)
    monkeypatch.setattr(subprocess, "Popen", refuse)
    before = sys.argv, sys.stdin, sys.stdout, sys.stderr, dict(os.environ)
    assert stage.run("permit", "passport", in_process=True) == ExitStatus.OK
    assert before == (sys.argv, sys.stdin, sys.stdout, sys.stderr, dict(os.environ))
    assert "SECRET" not in "\n".join(stage.log()) + stage.output.getvalue()


def test_a_command_that_fails_in_process_is_quoted(stage: Stage) -> None:
    stage.fail({f"personalise write {stage.folder}/permit/image": (64, "what was wrong")})
    with pytest.raises(DemoError, match="what was wrong"):
        stage.run(in_process=True)


def test_existing_readers_are_used_and_not_stopped(stage: Stage) -> None:
    (stage.place / "readers").touch()
    assert stage.run() == ExitStatus.OK
    log = stage.log()
    assert "vsmartcard readers up -n 2" not in log
    assert "vsmartcard readers down" not in log


@pytest.mark.parametrize("fails", ["personalise write", "verify card", "personalise prepare"])
def test_a_command_that_fails_is_quoted_and_everything_is_stopped(stage: Stage, fails: str) -> None:
    command = {
        "personalise write": f"personalise write {stage.folder}/permit/image",
        "personalise prepare": f"personalise prepare {stage.folder}/permit/application/0001",
        "verify card": "verify card --reader",
    }[fails]
    stage.fail({command: (64, "what was wrong")})
    with pytest.raises(DemoError, match="what was wrong"):
        stage.run()
    assert stage.log()[-1] == "vsmartcard readers down"
    assert not (stage.place / "card").exists()


def test_a_failure_to_start_readers_is_a_transport_error(stage: Stage) -> None:
    stage.fail({"vsmartcard readers up": (69, "pcscd is not there")})
    with pytest.raises(TransportError, match="pcscd is not there"):
        stage.run()


def test_a_card_that_cannot_be_inserted_is_a_transport_error(stage: Stage) -> None:
    stage.fail({"vsmartcard insert --state": (69, "the reader is occupied")})
    with pytest.raises(TransportError, match="the reader is occupied"):
        stage.run()
    assert stage.log()[-1] == "vsmartcard readers down"


@pytest.mark.parametrize(("status", "verdict"), [(1, "reject"), (2, "refer")])
def test_the_exit_status_is_that_of_the_verdict(stage: Stage, status: int, verdict: str) -> None:
    report = {"verdict": verdict, "data_groups": {}, "checks": [], "apdus": 1, "bytes": 1}
    report |= {"seconds": 1.0, "access": "bac"}
    stage.fail({"verify card --reader": (status, "", json.dumps(report))})
    assert stage.run() == status
    assert f"{verdict}ed" in stage.output.getvalue().replace("referred", "refered")
    assert stage.log()[-1] == "vsmartcard readers down"


def test_a_folder_is_shown_as_it_is_named(stage: Stage) -> None:
    stage.folder = stage.place / "[dim] :cd: demo"
    assert stage.run(in_process=True) == ExitStatus.OK
    shown = stage.output.getvalue()
    assert str(stage.folder / "permit" / "report.html") in shown
    assert "\N{OPTICAL DISC}" not in shown


def test_it_empties_its_own_folder_and_no_other(stage: Stage) -> None:
    assert stage.run(in_process=True) == ExitStatus.OK
    (stage.folder / "left over").touch()
    assert stage.run(in_process=True) == ExitStatus.OK
    assert not (stage.folder / "left over").exists()
    (stage.folder / MARK).unlink()
    with pytest.raises(MisuseError, match="was not made by a demonstration"):
        stage.run(in_process=True)


def test_sigterm_stops_what_was_started(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    def wait(*_: object, **__: object) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(5)

    monkeypatch.setattr(demo._Inspection, "run", wait)
    with pytest.raises(KeyboardInterrupt):
        stage.run()
    assert stage.log()[-1] == "vsmartcard readers down"
    assert not (stage.place / "card").exists()
