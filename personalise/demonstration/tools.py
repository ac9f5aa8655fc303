"""How the demonstration calls the console scripts, and shows what they say."""

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
"""The exit statuses that are a verdict (0 is also just success), and what they say."""

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
"""How a line looks that begins with these words."""


class DemoError(ChipsealError):
    """A tool failed; the message is its own."""


@dataclass(frozen=True)
class Done:
    """What a tool printed, what it remarked on standard error, and its exit status."""

    output: str
    remarks: str
    status: ExitStatus


@dataclass(frozen=True)
class Tools:
    """The console scripts that are installed beside this Python, and the terminal to narrate on."""

    environment: Mapping[str, str]
    console: "Console"
    folder: Path = field(default_factory=lambda: Path(sys.executable).parent)

    def step(self, text: str) -> None:
        """Say what happens next."""
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
        """Print a line of a tool; what it says of a verdict or a check has a colour."""
        told = next((look for word, look in _LOOKS.items() if line.lstrip().startswith(word)), "")
        self.console.print(
            "    " + line, style=style or told, highlight=False, markup=False, soft_wrap=True
        )

    def ask(self, *command: str | Path, given: str = "") -> Done:
        """Run a tool without a word; `given` is its standard input.

        Raises an error with the tool's own words where the status is of no verdict.
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
        """Start a tool in the background, out of reach of the terminal's Ctrl-C."""
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
    """The last line with something on it."""
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""
