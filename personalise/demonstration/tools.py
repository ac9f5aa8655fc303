"""How the demonstration runs the console scripts and shows their output."""

import io
import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from importlib.metadata import distribution
from pathlib import Path
from typing import TYPE_CHECKING, Final

from emrtd.errors import TransportError
from support.errors import ChipsealError, ExitStatus

if TYPE_CHECKING:
    from rich.console import Console

VERDICTS: Final = {
    ExitStatus.OK: "accepted",
    ExitStatus.REJECTED: "rejected",
    ExitStatus.REFERRED: "referred",
}
"""The exit statuses that mean a verdict (0 also means success), and their names."""

_LOOKS: Final = {
    "ACCEPT": "bold green",
    "REFER": "bold yellow",
    "REJECT": "bold red",
    "passed": "green",
    "failed": "red",
    "warning": "yellow",
    "undetermined": "yellow",
    "not p": "dim",
}
"""The style of a line that begins with these words."""


class DemoError(ChipsealError):
    """A command failed; the message is the last line of its standard error."""


@dataclass(frozen=True)
class Done:
    """The standard output of a command, its standard error, and its exit status."""

    output: str
    remarks: str
    status: ExitStatus


@dataclass(frozen=True)
class Tools:
    """The console scripts that are installed beside this Python, and the terminal to show them.

    With `in_process` each runs in this process, by the function that its script calls: Python and
    its packages are loaded once, and not for each command.
    """

    environment: Mapping[str, str]
    console: "Console"
    in_process: bool = False
    folder: Path = field(default_factory=lambda: Path(sys.executable).parent)

    def step(self, text: str) -> None:
        """Print a heading for the next step."""
        self.console.print()
        line = f"[bold cyan]●[/bold cyan] [bold]{text}[/bold]"
        self.console.print(line, highlight=False, soft_wrap=True)

    def show(self, *command: str | Path) -> None:
        """Show a command line."""
        line = "  $ " + shlex.join(map(str, command))
        self.console.print(
            line, style="dim", highlight=False, markup=False, emoji=False, soft_wrap=True
        )

    def run(self, *command: str | Path, given: str = "", quiet: bool = False) -> Done:
        """Show a command line, run it, and show what it prints unless `quiet`."""
        self.show(*command)
        done = self.ask(*command, given=given)
        for line in done.remarks.splitlines():
            self.say(line, "yellow")
        if not quiet:
            for line in done.output.splitlines():
                self.say(line)
        return done

    def say(self, line: str, style: str = "") -> None:
        """Print an output line of a command; verdicts and outcomes of checks have a colour."""
        found = next((look for word, look in _LOOKS.items() if line.lstrip().startswith(word)), "")
        self.console.print(
            "    " + line,
            style=style or found,
            highlight=False,
            markup=False,
            emoji=False,  # which `markup=False` leaves on: ":cd:" in a fingerprint is a disc
            soft_wrap=True,
        )

    def ask(self, *command: str | Path, given: str = "") -> Done:
        """Run a command without showing it; `given` is its standard input.

        Raises `TransportError` or `DemoError` with the command's message if its exit status is not
        a verdict.
        """
        line = self._line(command)
        run = _run_here if self.in_process else _run_script
        status, output, remarks = run(line, self.environment, given)
        if status in VERDICTS:
            return Done(output, remarks, ExitStatus(status))
        words = last_line(remarks).removeprefix(f"{command[0]}: ")
        words = words or f"{command[0]} ended with status {status}"
        if status == ExitStatus.NO_CARD:
            raise TransportError(words)
        raise DemoError(words)

    def start(self, *command: str | Path) -> "subprocess.Popen[str]":
        """Start a command in the background, in a new session so that Ctrl-C does not reach it."""
        self.show(*command)
        return subprocess.Popen(  # noqa: S603 - our own scripts
            self._line(command),
            env=dict(self.environment),
            text=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    def _line(self, command: tuple[str | Path, ...]) -> list[str]:
        return [str(self.folder / command[0]), *map(str, command[1:])]


def _run_script(
    line: Sequence[str], environment: Mapping[str, str], given: str
) -> tuple[int, str, str]:
    """Run a console script; return its exit status, standard output and standard error."""
    done = subprocess.run(  # noqa: S603 - our own scripts
        line, env=dict(environment), input=given, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout, done.stderr


def _run_here(
    line: Sequence[str], environment: Mapping[str, str], given: str
) -> tuple[int, str, str]:
    """Call a console script's function, with streams and environment of its own."""
    function = _function_of(Path(line[0]).name)
    output, remarks = (io.TextIOWrapper(io.BytesIO(), "utf-8", newline="") for _ in range(2))
    entry = io.TextIOWrapper(io.BytesIO(given.encode()), "utf-8")
    with _as_process(line, environment, entry), redirect_stdout(output), redirect_stderr(remarks):
        status = function()
    return status, _written(output), _written(remarks)


def _function_of(script: str) -> Callable[[], int]:
    """Return the function that a console script calls."""
    scripts = distribution("chipseal").entry_points.select(group="console_scripts", name=script)
    (found,) = scripts
    function: Callable[[], int] = found.load()
    return function


@contextmanager
def _as_process(
    line: Sequence[str], environment: Mapping[str, str], entry: io.TextIOWrapper
) -> Iterator[None]:
    """Give this process the arguments, environment and standard input of another."""
    before = sys.argv, sys.stdin, dict(os.environ)
    sys.argv, sys.stdin = list(line), entry
    _set_environment(environment)
    try:
        yield
    finally:
        sys.argv, sys.stdin = before[:2]
        _set_environment(before[2])


def _set_environment(environment: Mapping[str, str]) -> None:
    for name in os.environ.keys() - environment.keys():
        del os.environ[name]
    os.environ.update(environment)


def _written(stream: io.TextIOWrapper) -> str:
    stream.seek(0)
    return stream.read()


def last_line(text: str) -> str:
    """Return the last line that is not blank, or an empty string."""
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""
