"""`./run interop --with FOLDER`, with an applet that is at hand: our own."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers import REPOSITORY
from tests.interop.jmrtd_project import PROJECT

pytestmark = pytest.mark.interop


def tried(folder: Path) -> str:
    """Return what pytest prints; the verb also brings Java, Maven and the Python environment."""
    module = REPOSITORY / "tests/interop/copies.py"
    command = [sys.executable, "-m", "pytest", "-n", "0", "-v", "-rs"]
    done = subprocess.run(
        [*command, "-k", "(read and BAC) or cap or persosim", str(module)],
        cwd=REPOSITORY,
        env={**os.environ, "CHIPSEAL_COPIES": str(folder)},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_what_the_folder_holds_is_tried_and_the_rest_is_named(
    class_path: str, tmp_path: Path
) -> None:
    shutil.copytree(PROJECT / "target/classes", tmp_path / "applet")
    (tmp_path / "passport.cap").write_bytes(b"")
    (tmp_path / "no.jar").write_bytes(b"not an archive")
    found = tried(tmp_path)
    assert "1 passed" in found
    assert "passport.cap: jCardSim runs classes, not CAP files" in found


def test_an_empty_folder_is_no_failure(class_path: str, tmp_path: Path) -> None:
    assert "no PassportApplet.class in FOLDER" in tried(tmp_path)


@pytest.mark.parametrize("arguments", [(), ("--with",), ("--with", "/no/such/folder")])
def test_the_verb_needs_a_folder(arguments: tuple[str, ...]) -> None:
    command = [str(REPOSITORY / "run"), "interop", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 64
    assert done.stderr.startswith("run: ")
