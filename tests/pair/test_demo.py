"""The demonstration with the real commands, in process, from application to inspection."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(sys.executable).parent


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the demonstration of one document leaves."""
    folder = tmp_path_factory.mktemp("demo") / "output"
    line = (SCRIPTS / "personalise", "demo", "--in-process", "--profile", "permit", "-o", folder)
    for _ in range(2):  # it can be run again
        done = subprocess.run(line, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    assert "ACCEPT" in done.stdout
    assert "terminal.authentication" in done.stdout
    return folder


def judge(output: Path, image: Path, home: Path | None = None) -> tuple[int, dict[str, str]]:
    """Verify a captured image, with the evidence key of the demonstration unless `home` is given.

    Returns the exit status, and the outcome of each check by its id.
    """
    line = (SCRIPTS / "verify", "image", image, "--trust", output / "trust.sqlite", "--json")
    environment = {**os.environ, "XDG_DATA_HOME": str(home or output / "home")}
    done = subprocess.run(line, capture_output=True, text=True, check=False, env=environment)
    found = json.loads(done.stdout)
    return done.returncode, {check["id"]: check["outcome"] for check in found["checks"]}


@pytest.mark.slow
def test_a_captured_image_is_accepted_and_reported(output: Path, tmp_path: Path) -> None:
    status, checks = judge(output, output / "permit" / "captured")
    assert status == 0, checks
    assert checks["dg.hash.DG3"] == checks["chip.authentication"] == checks["pace.cam"] == "passed"
    _, elsewhere = judge(output, output / "permit" / "captured", tmp_path)
    assert elsewhere["chip.authentication"] == "not-performed"  # another user's evidence key
    page = (output / "permit" / "report.html").read_text(encoding="utf-8")
    assert "<html" in page
    assert "data:image/png" in page


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "check"),
    [
        ("EF_DG1.bin", "dg.hash.DG1"),
        ("EF_DG3.bin", "dg.hash.DG3"),
        ("EF_DG13.bin", "dg.hash.DG13"),
        ("EF_SOD.bin", "sod.signature"),
    ],
)
def test_one_changed_octet_fails_the_check_of_its_file(
    output: Path, tmp_path: Path, name: str, check: str
) -> None:
    captured, altered = output / "permit" / "captured", tmp_path / "altered"
    altered.mkdir()
    for path in captured.iterdir():
        octets = bytearray(path.read_bytes())
        if path.name == name:
            octets[-1] ^= 1
        (altered / path.name).write_bytes(octets)
    status, checks = judge(output, altered)
    assert status == 1
    assert checks[check] == "failed"


@pytest.mark.slow
def test_key_files_are_readable_by_their_owner_only(output: Path) -> None:
    assert (output / "passphrase").stat().st_mode & 0o077 == 0
    for path in output.rglob("*.p8"):
        assert path.stat().st_mode & 0o077 == 0, path
    assert not (output / "permit" / "captured" / "chip_keys.p7m").exists()
