import json
import os
import pickle
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import click
import pytest

from chipseal.command_line import chipseal
from emrtd.errors import ChipRefusalError, ProtocolError, TransportError
from support.command_line import Instant, run_command_line
from support.errors import ExitStatus, MalformedError, MisuseError
from support.records import FieldError

_PROGRAM = """
import sys
import click
from support.command_line import run_command_line
from support.errors import ExitStatus

@click.group(name="program")
def program():
    pass

@program.command()
def refer():
    for _ in range(10_000):
        click.echo("a line of a report")
    return ExitStatus.REFERRED

@program.command()
def read():
    return ExitStatus.OK if sys.stdin.read() == "" else ExitStatus.DEFECT

sys.exit(run_command_line(program))
"""


def _run(
    command: str, redirection: str = "", *, stderr: int = subprocess.PIPE
) -> tuple[int, list[str]]:
    line = f'exec "$0" -c "$1" {command} {redirection}'
    done = subprocess.run(
        ["/bin/sh", "-c", line, sys.executable, _PROGRAM],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
        check=False,
    )
    return done.returncode, (done.stderr or "").splitlines()


@pytest.mark.parametrize("with_errors", [False, True])
def test_a_verdict_keeps_its_status_if_the_report_is_not_read(*, with_errors: bool) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, "refer"],
        stdout=writer,
        stderr=writer if with_errors else subprocess.PIPE,
    ) as process:
        os.close(writer)
        _, said = process.communicate()
    assert process.returncode == 2
    assert not said


@pytest.mark.parametrize("redirection", [">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_a_verdict_keeps_its_status_if_streams_are_closed(redirection: str) -> None:
    assert _run("refer", redirection) == (2, [])


@pytest.mark.parametrize("redirection", ["<&-", "<&- >&-"])
def test_closed_standard_input_reads_as_empty(redirection: str) -> None:
    assert _run("read", redirection) == (0, [])


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_a_report_that_cannot_be_written_is_a_one_line_error() -> None:
    assert _run("refer", ">/dev/full") == (
        64,
        ["program: standard output: No space left on device"],
    )


def test_a_group_without_a_command_is_a_one_line_error() -> None:
    assert _run("") == (64, ["program: no command is named; --help lists the commands"])


def run(capsys: pytest.CaptureFixture[str], error: Exception, *arguments: str) -> tuple[int, str]:
    """Run a command that ends with an error; return its exit status and standard output."""

    @click.command("program")
    @click.argument("rest", nargs=-1)
    @click.option("--json", "as_json", is_flag=True)
    def program(rest: tuple[str, ...], as_json: bool) -> None:
        raise error

    status = run_command_line(program, arguments)
    captured = capsys.readouterr()
    assert captured.err.startswith("program: ")
    assert captured.err.count("\n") == 1
    return status, captured.out


@pytest.mark.parametrize(
    ("error", "status", "expected"),
    [
        (MisuseError("no such card"), 64, ("mistake", "no such card", "")),
        (MisuseError("no card", advice="insert it"), 64, ("mistake", "no card", "insert it")),
        (
            MalformedError("EF.COM", "is cut\noff", 3, advice="take another copy"),
            64,
            ("malformed", "EF.COM: is cut off at offset 3", "take another copy"),
        ),
        (
            FieldError("application.json", "holder.born", "is no date", advice="YYYY-MM-DD"),
            64,
            ("field", "application.json: holder.born: is no date", "YYYY-MM-DD"),
        ),
        (
            ChipRefusalError(0x6985, "locking"),
            64,
            (
                "chip-refusal",
                "locking: the chip answered 6985 (conditions of use not satisfied)",
                "",
            ),
        ),
        (ProtocolError("wrong MAC"), 64, ("protocol", "wrong MAC", "")),
        (TransportError("no reader"), 69, ("transport", "no reader", "")),
        (OSError(2, "No such file", "a"), 64, ("system", "a: No such file", "")),
        (click.Abort(), 64, ("interrupted", "interrupted", "")),
        (click.ClickException("wrong\x1b[2J"), 64, ("usage", "wrong\ufffd[2J", "")),
        (
            KeyError("ZU1234567"),
            70,
            (
                "internal",
                "internal error (KeyError)",
                "run again with --debug and report the trace",
            ),
        ),
    ],
)
def test_with_json_an_error_is_an_object_in_place_of_the_result(
    capsys: pytest.CaptureFixture[str],
    error: Exception,
    status: int,
    expected: tuple[str, str, str],
) -> None:
    found, output = run(capsys, error, "--json")
    assert found == status
    kind, what, advice = expected
    assert json.loads(output) == {"error": {"kind": kind, "what": what, "advice": advice}}
    assert run(capsys, error) == (status, "")
    assert run(capsys, error, "--", "--json") == (status, "")


def test_the_line_of_an_error_ends_with_its_advice(capsys: pytest.CaptureFixture[str]) -> None:
    error = MisuseError("already exists", advice="choose another folder")
    assert str(error) == "already exists; choose another folder"
    assert pickle.loads(pickle.dumps(error)).advice == error.advice  # noqa: S301 - our own

    @click.command("program")
    def program() -> None:
        raise error

    assert run_command_line(program, []) == 64
    assert capsys.readouterr().err == "program: already exists; choose another folder\n"


def _commands_with_json(
    command: click.Command, *names: str
) -> Iterator[tuple[click.Command, tuple[str, ...]]]:
    if isinstance(command, click.Group):
        for name in command.list_commands(click.Context(command)):
            found = command.get_command(click.Context(command), name)
            assert found is not None
            yield from _commands_with_json(found, *names, name)
    elif any("--json" in each.opts for each in command.params):
        yield command, names


def test_every_command_with_json_reports_errors_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    found = [names for _, names in _commands_with_json(chipseal)]
    assert ("personalise", "write") in found
    assert ("verify", "card") in found
    assert ("vsmartcard", "readers", "list") in found
    for names in found:
        assert run_command_line(chipseal, [*names, "--json", "--no-such-option"]) == 64
        captured = capsys.readouterr()
        error = json.loads(captured.out)["error"]
        assert error.keys() == {"kind", "what", "advice"}
        assert error["kind"] == "usage"
        assert captured.err.count("\n") == 1


def test_too_many_arguments_are_reported_without_their_values(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In every language of click: an unquoted line of an MRZ may be among the arguments."""
    monkeypatch.setattr("click.core.ngettext", lambda *_: "zu viele Argumente ({args})")

    @click.command(name="program")
    def program() -> None:
        pass

    assert run_command_line(program, ["ERIKSSON<<ANNA"]) == ExitStatus.MISTAKE
    error = capsys.readouterr().err
    assert "too many arguments" in error
    assert "ERIKSSON" not in error


def test_an_unknown_command_is_named_with_a_suggestion(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command_line(chipseal, ["inspect"]) == ExitStatus.MISTAKE
    assert "inspect" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--help"], ["inner", "--help"], ["inner", "leaf", "-h"]])
def test_debug_is_listed_in_the_help_of_every_command(
    capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    @click.group("program")
    def program() -> None: ...

    @program.group()
    def inner() -> None: ...

    @inner.command()
    @click.option("--debugging")
    def leaf(*, debugging: str | None) -> None: ...

    assert run_command_line(program, arguments) == 0
    assert run_command_line(program, arguments) == 0  # listed once, however often it runs
    assert capsys.readouterr().out.count(" --debug ") == 2


def test_windows_is_refused_before_anything_is_imported(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    @click.command("program")
    def program() -> None:
        pytest.fail("it ran")

    monkeypatch.setattr("support.command_line._PLATFORM", "win32")
    assert run_command_line(program, []) == 64
    assert capsys.readouterr().err.startswith("program: does not run on Windows; use Linux")


def test_help_shows_an_instant_as_a_date(capsys: pytest.CaptureFixture[str]) -> None:
    @click.command("program")
    @click.option("--at", type=Instant(), help="Judge as of this instant.")
    def program(at: datetime) -> None: ...

    assert run_command_line(program, ["--help"]) == 0
    assert "--at DATE " in capsys.readouterr().out
