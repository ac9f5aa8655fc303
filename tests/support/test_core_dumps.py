"""A command that crashes leaves no memory behind, and no other process of the user can read it."""

import resource
import subprocess
import sys
from pathlib import Path

import pytest

from emrtd.biometrics.images.serving import FRAME, Status
from support.command_line import run_command_line

_PATTERN = Path("/proc/sys/kernel/core_pattern")

COMMAND = """
import ctypes, os, resource, click
from support.command_line import run_command_line

@click.command()
def crash():
    PR_GET_DUMPABLE = 3
    print(ctypes.CDLL(None).prctl(PR_GET_DUMPABLE, 0, 0, 0, 0))
    print(resource.getrlimit(resource.RLIMIT_CORE)[0], flush=True)
    os.abort()

{call}
"""


def crashed(folder: Path, call: str) -> list[str]:
    """Run a command that crashes in this folder; return what it printed."""
    most = resource.getrlimit(resource.RLIMIT_CORE)[1]
    done = subprocess.run(
        (sys.executable, "-c", COMMAND.format(call=call)),
        cwd=folder,
        env={"PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, (most, most)),
    )
    assert done.returncode == -6, done.stderr  # SIGABRT
    return done.stdout.split()


@pytest.mark.skipif(sys.platform != "linux", reason="prctl is a system call of Linux")
def test_a_command_cannot_be_dumped_by_file_or_by_program(tmp_path: Path) -> None:
    dumpable, limit = crashed(tmp_path, "run_command_line(crash, [])")
    assert (dumpable, limit) == ("0", "0")


@pytest.mark.skipif(
    not _PATTERN.exists() or _PATTERN.read_text().strip() != "core",
    reason="core dumps do not go to a file of the current folder here",
)
def test_a_command_that_crashes_leaves_no_file(tmp_path: Path) -> None:
    unprotected, protected = tmp_path / "unprotected", tmp_path / "protected"
    for folder in (unprotected, protected):
        folder.mkdir()
    crashed(unprotected, "crash([], standalone_mode=False)")
    if not list(unprotected.iterdir()):
        pytest.skip("this machine writes no core dumps")
    crashed(protected, "run_command_line(crash, [])")
    assert not list(protected.iterdir())


def test_the_limit_of_children_is_lowered_too() -> None:
    import click

    limits: list[int] = []

    @click.command()
    def ask() -> None:
        code = "import resource; print(resource.getrlimit(resource.RLIMIT_CORE)[0])"
        done = subprocess.run(
            (sys.executable, "-c", code), capture_output=True, text=True, check=True
        )
        limits.append(int(done.stdout))

    run_command_line(ask, [])
    assert limits == [0]


@pytest.mark.skipif(sys.platform != "linux", reason="prctl is a system call of Linux")
def test_a_process_that_decodes_hostile_images_cannot_be_dumped() -> None:
    """Its decoders are written in C: they may crash on an image, which is the holder's."""
    code = (
        "import ctypes\n"
        "from emrtd.biometrics.images import serving\n"
        "def work(mode, octets):\n"
        "    dumpable = ctypes.CDLL(None).prctl(3, 0, 0, 0, 0)\n"
        "    return serving.Status.DONE, str(dumpable).encode()\n"
        "serving.serve(work, serving.DecodingLimits(64 << 20))\n"
    )
    done = subprocess.run(
        (sys.executable, "-c", code),
        input=FRAME.pack(0, 0),
        capture_output=True,
        check=True,
        env={"PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert done.stdout == FRAME.pack(Status.DONE, 1) + b"0"
