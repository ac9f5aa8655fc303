"""`chipseal docs`, in a checkout; tests/release tries it with the files of a wheel."""

from importlib.metadata import version
from pathlib import Path

import pytest

from chipseal import documentation
from chipseal.command_line import chipseal
from personalise.commands.main import personalise
from support.command_line import run_command_line
from tests.helpers import REPOSITORY
from verify.commands.main import verify
from vsmartcard.commands.main import vsmartcard


def test_every_guide_is_listed_with_its_title(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command_line(chipseal, ["docs"]) == 0
    listed = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())
    pages = [*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").glob("*.md")]
    tutorials = {f"tutorials/{each}" for each in ("border", "developer", "pki", "station")}
    assert listed.keys() == {page.stem for page in pages} | tutorials
    assert listed["station"] == "The personalisation station"
    assert next(iter(listed)) == "README"


@pytest.mark.parametrize("name", ["station", "docs/station.md", "Station"])
def test_a_guide_is_shown_by_its_name(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    page = REPOSITORY / "docs" / "station.md"
    assert run_command_line(chipseal, ["docs", name]) == 0
    assert capsys.readouterr().out.strip() == page.read_text(encoding="utf-8").strip()
    assert run_command_line(chipseal, ["docs", name, "--path"]) == 0
    assert capsys.readouterr().out == f"{page}\n"


def test_a_tutorial_is_not_the_guide_of_the_same_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command_line(chipseal, ["docs", "tutorials/pki"]) == 0
    assert capsys.readouterr().out.startswith("# Tutorial: run a State's PKI")


def test_a_guide_that_does_not_exist_is_a_mistake(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command_line(chipseal, ["docs", "../pyproject"]) == 64
    assert "no guide has this name; `chipseal docs` lists them" in capsys.readouterr().err


def test_packages_without_their_guides_say_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(documentation, "files", lambda _: None)
    monkeypatch.setattr(documentation, "__file__", str(tmp_path / "chipseal" / "documentation.py"))
    assert run_command_line(chipseal, ["docs"]) == 64
    assert "the guides are not installed" in capsys.readouterr().err
    (tmp_path / "share/doc/chipseal/docs").mkdir(parents=True)  # pip install --target
    (tmp_path / "share/doc/chipseal/README.md").touch()
    assert run_command_line(chipseal, ["docs", "--path"]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'share/doc/chipseal'}\n"


@pytest.mark.parametrize("command", [chipseal, personalise, verify, vsmartcard])
def test_every_command_says_the_version_of_the_distribution(
    command: object, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command_line(command, ["--version"]) == 0  # type: ignore[arg-type]
    assert capsys.readouterr().out.split()[-1] == version("chipseal")
