"""A package of an extra that is not installed is named, with the extra that brings it."""

import re
import sys
import tomllib
from importlib import import_module
from importlib.metadata import packages_distributions
from pathlib import Path

import click
import pytest
from packaging.utils import canonicalize_name

from personalise.commands.main import personalise
from support.command_line import run_command_line
from support.errors import ExitStatus
from support.extras import EXTRAS
from tests.helpers import REPOSITORY

OPTIONAL = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"][
    "optional-dependencies"
]


def required(extra: str) -> set[str]:
    return {re.split(r"[^A-Za-z0-9-]", each)[0].lower() for each in OPTIONAL[extra]}


@pytest.mark.parametrize("module", EXTRAS)
def test_a_module_is_named_with_the_extra_that_requires_it(
    module: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    distributions = set(map(canonicalize_name, packages_distributions().get(module, [])))
    assert not distributions or distributions & required(EXTRAS[module])

    @click.command(name="program")
    def command() -> None:
        import_module(f"{module}.part")

    monkeypatch.setitem(sys.modules, module, None)
    assert run_command_line(command, []) == ExitStatus.MISTAKE
    told = f"the package {module} is not installed; pip install 'chipseal[{EXTRAS[module]}]'"
    assert capsys.readouterr().err == f"program: {told}\n"


def test_every_extra_has_its_modules_in_the_table() -> None:
    named = set().union(*(required(extra) for extra in set(EXTRAS.values())))
    others = set().union(*(required(extra) for extra in OPTIONAL)) - named
    assert others == {"pytest"}  # whose user runs pytest, and none of our commands


def test_another_module_that_is_missing_is_an_internal_error(
    capsys: pytest.CaptureFixture[str],
) -> None:
    @click.command(name="program")
    def command() -> None:
        import_module("no_such_module")

    assert run_command_line(command, []) == ExitStatus.DEFECT
    assert "internal error (ModuleNotFoundError)" in capsys.readouterr().err


def test_keys_in_an_hsm_need_the_extra_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "pin").write_text("1234\n")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    monkeypatch.setitem(sys.modules, "pkcs11", None)
    options = ["--pkcs11", "/no/module.so", "--token", "x", "--pin-file", str(tmp_path / "pin")]
    line = ["pki", "init", str(tmp_path / "pki"), *options]
    assert run_command_line(personalise, line) == ExitStatus.MISTAKE
    assert "pip install 'chipseal[hsm]'" in capsys.readouterr().err
    assert not (tmp_path / "pki").exists()
