import os
import subprocess
import sys
from pathlib import Path

import pytest

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
def test_a_verdict_keeps_its_status_when_nobody_reads_the_report(*, with_errors: bool) -> None:
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
def test_a_verdict_keeps_its_status_where_streams_are_closed(redirection: str) -> None:
    assert _run("refer", redirection) == (2, [])


@pytest.mark.parametrize("redirection", ["<&-", "<&- >&-"])
def test_standard_input_that_is_closed_is_empty(redirection: str) -> None:
    assert _run("read", redirection) == (0, [])


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_a_report_that_finds_no_room_is_no_verdict_but_one_line() -> None:
    assert _run("refer", ">/dev/full") == (
        64,
        ["program: standard output: No space left on device"],
    )


def test_a_group_without_a_command_is_one_line() -> None:
    assert _run("") == (64, ["program: names no command; --help shows those there are"])
