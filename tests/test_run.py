"""`./run` on machines that lack something: what it says, and that it changes nothing."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.helpers import REPOSITORY

PIP = """#!/bin/sh
echo "ERROR: No matching distribution found" >&2
exit 1
"""
PYTHON = """#!/bin/sh
[ "$1" != -c ] || exit 0
for folder; do :; done
mkdir -p "$folder/bin"
cp {pip} "$folder/bin/pip"
"""
TOOLS = ("cat", "cksum", "cp", "dirname", "grep", "id", "mkdir", "sh", "tr")


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A copy of what `./run` reads, on a machine with a few tools and no apt, sudo or Python."""
    clone, programs = tmp_path / "clone", tmp_path / "bin"
    (clone / "requirements").mkdir(parents=True)
    programs.mkdir()
    for name in ("run", "pyproject.toml", "requirements/core.lock", "requirements/pcsc.lock"):
        shutil.copy(REPOSITORY / name, clone / name)
    shutil.copy(REPOSITORY / "requirements" / "dev.lock", clone / "requirements")
    for name in TOOLS:
        found = shutil.which(name)
        assert found is not None
        (programs / name).symlink_to(found)
    return tmp_path


def run(machine: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        (machine / "clone" / "run", *arguments),
        env={"PATH": str(machine / "bin"), **environment},
        cwd="/", capture_output=True, text=True, check=False,
    )  # fmt: skip


def script(machine: Path, name: str, text: str) -> Path:
    path = machine / name
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)
    return path


def test_packages_that_cannot_be_installed_are_named_with_what_to_do(machine: Path) -> None:
    pip = script(machine, "pip", PIP)
    python = script(machine, "python", PYTHON.format(pip=pip))
    for _ in range(2):  # a failure leaves no environment that is taken for a whole one
        done = run(machine, "demo", "--in-process", PYTHON=str(python))
        assert done.returncode == 64
        assert done.stderr.splitlines()[-1] == (
            "run: the packages of requirements/core.lock could not be installed; without a network,"
            " name a folder of them with PIP_NO_INDEX=1 PIP_FIND_LINKS=FOLDER (README.md)"
        )
        assert not (machine / "clone" / ".venv" / "stamp").exists()


def test_without_root_the_packages_to_install_are_named(machine: Path) -> None:
    done = run(machine, "demo")
    assert done.returncode == 64
    assert "requires the packages" in done.stderr
    assert "pcscd" in done.stderr
    assert "install them, or run this as root" in done.stderr
    done = run(machine, "demo", "--in-process")
    assert "requires the packages python3 python3-venv" in done.stderr


def test_an_unknown_verb_shows_the_verbs(machine: Path) -> None:
    done = run(machine, "dmeo")
    assert done.returncode == 64
    assert "./run demo" in done.stderr
