"""How the demonstration runs the console scripts and shows their output."""

import shlex
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
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
    """The console scripts that are installed beside this Python, and the terminal to show them."""

    environment: Mapping[str, str]
    console: "Console"
    folder: Path = field(default_factory=lambda: Path(sys.executable).parent)

    def step(self, text: str) -> None:
        """Print a heading for the next step."""
        self.console.print()
        line = f"[bold cyan]●[/bold cyan] [bold]{text}[/bold]"
        self.console.print(line, highlight=False, soft_wrap=True)

    def show(self, *command: str | Path) -> None:
        """Show a command line."""
        line = "  $ " + shlex.join(map(str, command))
        self.console.print(line, style="dim", highlight=False, markup=False, soft_wrap=True)

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
            "    " + line, style=style or found, highlight=False, markup=False, soft_wrap=True
        )

    def ask(self, *command: str | Path, given: str = "") -> Done:
        """Run a command without showing it; `given` is its standard input.

        Raises `TransportError` or `DemoError` with the command's message if its exit status is not
        a verdict.
        """
        done = subprocess.run(  # noqa: S603 - our own scripts
            self._line(command),
            env=dict(self.environment),
            input=given,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode in VERDICTS:
            return Done(done.stdout, done.stderr, ExitStatus(done.returncode))
        words = last_line(done.stderr).removeprefix(f"{command[0]}: ")
        words = words or f"{command[0]} ended with status {done.returncode}"
        if done.returncode == ExitStatus.NO_CARD:
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


def last_line(text: str) -> str:
    """Return the last line that is not blank, or an empty string."""
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""
