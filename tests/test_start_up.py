"""A command imports what it needs when it runs, so that help is fast."""

import resource
import subprocess
import sys

import click
import pytest

from verify.commands.main import ELSEWHERE, verify

HEAVY = {
    "PIL", "asyncio", "cryptography", "distributed", "httpx", "jinja2", "msgspec", "numpy", "rich",
    "smartcard", "sqlalchemy", "sqlite3", "ssl", "starlette", "uvicorn",
}  # fmt: skip


def started(command: str) -> "subprocess.CompletedProcess[str]":
    """Print the help of a command in a separate process, and on standard error its modules.

    `-X importtime` does not list what `importlib.import_module` and entry points load.
    """
    program, *arguments = command.split()
    module = "chipseal.command_line" if program == "chipseal" else f"{program}.commands.main"
    code = (
        f"import sys; from {module} import main; status = main();"
        "print(*sys.modules, file=sys.stderr); sys.exit(status)"
    )
    line = [sys.executable, "-c", code, *arguments, "--help"]
    return subprocess.run(line, capture_output=True, text=True, check=True)


@pytest.mark.parametrize(
    "command",
    [
        "personalise", "personalise pki", "personalise write", "personalise sign-service",
        "personalise intake-service",
        "personalise jobs", "personalise ledger",
        "verify", "verify bulk", "verify card", "verify desk", "verify image", "verify trust",
        "vsmartcard", "vsmartcard readers",
        "chipseal", "chipseal personalise", "chipseal verify card",
    ],
)  # fmt: skip
def test_help_is_fast_and_imports_nothing_heavy(command: str) -> None:
    imported = set(started(command).stderr.split())
    assert "click" in imported
    assert imported & HEAVY == set()
    seconds = []
    for _ in range(5):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert "--help" in started(command).stdout
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    assert min(seconds) < 0.3  # of the processor's time: 0.08 s on an idle machine


def test_the_list_of_commands_says_what_each_command_says_of_itself() -> None:
    for name, text in ELSEWHERE.items():
        command = verify.get_command(click.Context(verify), name)
        assert command is not None
        assert (command.help or "").startswith(text.rstrip(".")), name
