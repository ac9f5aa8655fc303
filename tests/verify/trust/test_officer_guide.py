"""What docs/officer.md says about a post with many counters works as it is printed."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers import REPOSITORY
from tests.verify.bulk.archives import save
from tests.verify.documents import CSCA, usual
from tests.verify.judging.test_stop_list import stops


def blocks(place: str) -> list[str]:
    text = (REPOSITORY / "docs" / "officer.md").read_text(encoding="utf-8")
    return re.findall(rf"^```sh {place}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def run(script: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    """Run a block in a folder, with `verify` as it is installed; the first failure ends it."""
    programs = Path(sys.executable).parent
    environment = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"}
    return subprocess.run(  # noqa: PLW1510 - the status is what is tested
        ["sh", "-euc", script], cwd=folder, env=environment, capture_output=True, text=True
    )


@pytest.fixture
def post(tmp_path: Path) -> Path:
    (tmp_path / "csca.cer").write_bytes(CSCA.certificate().der)
    (tmp_path / "crl.crl").write_bytes(CSCA.crl())
    (tmp_path / "stops").write_bytes(stops("ZU1234567"))
    policy = REPOSITORY / "verify" / "judging" / "policies" / "default.toml"
    (tmp_path / "policy.toml").write_text(policy.read_text(encoding="utf-8"))
    (tmp_path / "shared").mkdir()
    save(tmp_path / "captured", usual())
    return tmp_path


def test_the_guide_works_as_printed(post: Path) -> None:
    (office,), (first, later) = blocks("office"), blocks("counter")
    at_office = run(office, post)
    assert at_office.returncode == 0, at_office.stderr
    assert "publication 1 written" in at_office.stdout
    once = run(first, post)
    assert once.returncode == 0, once.stderr
    assert "publication 1 of" in once.stdout
    again = run(later, post)
    assert again.returncode == 1, again.stderr  # the document is on the stop list
    assert "already here" in again.stdout
    assert "reports it as stolen" in again.stdout
    assert run(office, post).returncode == 0
    assert "publication 2 of" in run(later, post).stdout
