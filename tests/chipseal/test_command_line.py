"""`chipseal` contains the commands, and shells can complete it."""

import os
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import click
import pytest

import personalise.commands.main
import verify.commands.main
import vsmartcard.commands.main
from chipseal.command_line import chipseal
from support.command_line import run_command_line

ALONE = {
    "personalise": personalise.commands.main.personalise,
    "verify": verify.commands.main.verify,
    "vsmartcard": vsmartcard.commands.main.vsmartcard,
}
SCRIPTS = Path(sys.executable).parent


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert run_command_line(chipseal, arguments) == 0
    return capsys.readouterr().out


def test_help_lists_the_three_commands(capsys: pytest.CaptureFixture[str]) -> None:
    text = said(capsys, "--help")
    assert all(f"\n  {name} " in text for name in ALONE)


@pytest.mark.parametrize("name", ALONE)
def test_each_command_is_the_same_as_the_one_installed_alone(
    capsys: pytest.CaptureFixture[str], name: str
) -> None:
    assert chipseal.get_command(click.Context(chipseal), name) is ALONE[name]
    assert f"Usage: chipseal {name} " in said(capsys, name, "--help")


def test_version_prints_the_version_of_the_distribution(capsys: pytest.CaptureFixture[str]) -> None:
    assert version("chipseal") in said(capsys, "--version")


def test_an_unknown_command_is_a_mistake(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command_line(chipseal, ["forge"]) == 64
    assert capsys.readouterr().err == "chipseal: No such command 'forge'.\n"


@pytest.mark.parametrize(
    ("arguments", "imported"),
    [(["--help"], set()), (["--version"], set()), (["verify", "--help"], {"verify"})],
)
def test_only_the_named_command_is_imported(arguments: list[str], imported: set[str]) -> None:
    code = (
        "import sys; from chipseal.command_line import main; assert main() == 0;"
        "print(*{each.split('.')[0] for each in sys.modules})"
    )
    line = [sys.executable, "-c", code, *arguments]
    done = subprocess.run(line, capture_output=True, text=True, check=True)
    assert set(ALONE) & set(done.stdout.splitlines()[-1].split()) == imported


def completed(*words: str) -> list[str]:
    """Return the completions that bash offers for the last word."""
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("needs bash")
    script = f"""
eval "$(_CHIPSEAL_COMPLETE=bash_source {SCRIPTS}/chipseal)"
COMP_WORDS=(chipseal "$@")
COMP_CWORD=$#
_chipseal_completion chipseal
printf '%s\\n' "${{COMPREPLY[@]}}"
complete -p chipseal >&2
"""
    environment = os.environ | {"PATH": f"{SCRIPTS}:{os.environ['PATH']}"}
    done = subprocess.run(
        [bash, "--norc", "-c", script, "bash", *words],
        capture_output=True, text=True, check=True, env=environment,
    )  # fmt: skip
    assert "-F _chipseal_completion chipseal" in done.stderr
    return done.stdout.split()


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (("",), {"conformance", "docs", "personalise", "verify", "vsmartcard"}),
        (("per",), {"personalise"}),
        (("personalise", "pk"), {"pki"}),
        (("personalise", "pki", "issue-c"), {"issue-crl"}),
        (("verify", "card", "--rea"), {"--reader"}),
    ],
)
def test_bash_completes_commands_and_options(words: tuple[str, ...], offered: set[str]) -> None:
    assert set(completed(*words)) == offered


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_has_a_completion_script(shell: str) -> None:
    environment = os.environ | {"_CHIPSEAL_COMPLETE": f"{shell}_source"}
    script = subprocess.run(
        [SCRIPTS / "chipseal"], capture_output=True, text=True, check=True, env=environment
    ).stdout
    assert f"_CHIPSEAL_COMPLETE={shell}_complete" in script
