"""The end of a script's process: its status, its output, and what still runs."""

import subprocess
import sys

import pytest

SCRIPT = """
import atexit, sys, threading
from support.ending import run_script

class Finalised:
    def __del__(self):
        print("finalised")

kept = Finalised()

def main():
    atexit.register(print, "exit function")
    threading.Timer(0.1, print, ["thread"]).start()
    {body}

sys.exit(run_script(main))
"""


def _run(body: str, stdout: int | None = subprocess.PIPE) -> subprocess.CompletedProcess[str]:
    command = (sys.executable, "-E", "-c", SCRIPT.format(body=body))
    return subprocess.run(command, stdout=stdout, stderr=subprocess.PIPE, text=True, check=False)


@pytest.mark.parametrize("status", [0, 2, 70])
def test_threads_and_exit_functions_end_but_objects_are_not_freed(status: int) -> None:
    done = _run(f"print('printed'); return {status}")
    assert done.returncode == status
    assert done.stdout.splitlines() == ["printed", "thread", "exit function"]


@pytest.mark.parametrize(("body", "status"), [("raise SystemExit(3)", 3), ("1 / 0", 1)])
def test_an_exception_ends_the_interpreter_as_always(body: str, status: int) -> None:
    done = _run(body)
    assert done.returncode == status
    assert done.stdout.splitlines()[-1] == "finalised"


def test_output_that_cannot_be_written_is_not_a_success() -> None:
    with open("/dev/full", "w") as full:  # noqa: PTH123
        done = _run("print('printed'); return 0", stdout=full.fileno())
    assert done.returncode == 120
    assert "No space left" in done.stderr
