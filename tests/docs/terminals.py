"""Does what a page says: each of its terminals is a bash in the same new folder.

`run_page` runs `python -m tests.docs.terminals PAGE FOLDER` in namespaces of its own, if it may:
there no pcscd, no card and no port is another's, and everything ends with it.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.docs.console import INTERRUPT, SavedFile, Step, steps
from tests.helpers import REPOSITORY

_SECONDS = 240.0  # for a command on a machine that is busy with other tests
_END = "<end of the command>"
_ISOLATED = (
    "unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc",
    "sh", "-c", 'mount -t tmpfs tmpfs /run && ip link set lo up && exec "$@"', "sh",
)  # fmt: skip


@dataclass
class Seen:
    """What a command printed, and its exit status; None if it goes on."""

    printed: list[str]
    status: int | None


def run_page(page: Path, folder: Path) -> list[Seen]:
    """Do what a page says in a new folder; return what was seen of each command.

    Raises `AssertionError` if a command does not end, or does not print what the page waits for.
    """
    (folder / "work").mkdir()
    command = [sys.executable, "-m", "tests.docs.terminals", str(page), str(folder / "work")]
    done = subprocess.run(
        [*(_ISOLATED if can_isolate() else ()), *command],
        capture_output=True,
        cwd=REPOSITORY,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [Seen(**each) for each in json.loads(done.stdout)]


def environment(folder: Path) -> dict[str, str]:
    """Return the environment of a user who works in this folder and has used nothing before."""
    home = folder.parent / "home"
    home.mkdir(exist_ok=True)
    return {
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


@cache
def can_isolate() -> bool:
    """Whether this machine lets us make namespaces, and has what a PC/SC service needs."""
    if any(shutil.which(each) is None for each in ("unshare", "ip", "pcscd")):
        return False
    return subprocess.run([*_ISOLATED, "true"], capture_output=True, check=False).returncode == 0


class _Terminal:
    """A shell, and what it has printed since the last command."""

    def __init__(self, folder: Path) -> None:
        self._shell = subprocess.Popen(
            ["bash", "--noprofile", "--norc"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=folder,
            env=environment(folder),
            process_group=0,
        )
        self._lines: list[str] = []
        self._status: int | None = 0
        self._changed = threading.Condition()
        self._type("trap : INT")  # the shell outlasts what runs in it
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        assert self._shell.stdout is not None
        for line in self._shell.stdout:
            text, end, status = line.rstrip("\n").partition(_END)
            with self._changed:
                if text or not end:
                    self._lines.append(text)
                if end:
                    self._status = int(status)
                self._changed.notify()

    def _type(self, line: str) -> None:
        assert self._shell.stdin is not None
        self._shell.stdin.write(f"{line}\n")
        self._shell.stdin.flush()

    def run(self, step: Step, *, stays: bool) -> Seen:
        """Carry out a step, and wait for its end; if it stays, for what the page shows."""
        with self._changed:
            self._lines = []
            if step.command == INTERRUPT:
                os.killpg(self._shell.pid, signal.SIGINT)
            else:
                self._status = None
                told = f"s=$?; printf '{_END}%s\\n' $s; (exit $s)"
                self._type(f"{{ {step.command}\n}} </dev/null; {told}")
            done = self._changed.wait_for(
                lambda: self._status is not None or (stays and step.matches(self._lines)), _SECONDS
            )
            assert done, f"{step.command}: does not end; it printed {self._lines}"
            return Seen(list(self._lines), self._status)

    def close(self) -> None:
        """End the shell and what runs in it."""
        os.killpg(self._shell.pid, signal.SIGKILL)
        self._shell.wait()


def _carry_out(todo: Sequence[Step | SavedFile], folder: Path) -> Iterator[Seen]:
    terminals: dict[str, _Terminal] = {}
    try:
        for number, step in enumerate(todo):
            if isinstance(step, SavedFile):
                (folder / step.name).write_text(step.text, encoding="utf-8")
                continue
            if step.terminal not in terminals:
                terminals[step.terminal] = _Terminal(folder)
            later = (each for each in todo[number + 1 :] if isinstance(each, Step))
            following = next((each for each in later if each.terminal == step.terminal), None)
            stays = following is not None and following.command == INTERRUPT
            yield terminals[step.terminal].run(step, stays=stays)
    finally:
        for terminal in terminals.values():
            terminal.close()


if __name__ == "__main__":
    _page, _folder = map(Path, sys.argv[1:])
    _seen = _carry_out(steps(_page.read_text(encoding="utf-8")), _folder)
    json.dump([each.__dict__ for each in _seen], sys.stdout)
