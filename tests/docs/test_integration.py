"""docs/integration.md, typed as it stands; and nothing of a person in any line of the log.

Only the port numbers are replaced by free ones, since other tests run at the same time.
"""

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO

import pytest

from personalise.service.errors import MEANING, STATUS, ErrorKind
from personalise.service.intake import DESCRIPTION, PackageState
from support.log import COMPONENTS, Data
from tests.helpers import REPOSITORY
from tests.log_lines import parse

PAGE = (REPOSITORY / "docs" / "integration.md").read_text(encoding="utf-8")
PORTS = ("8444", "8445", "9444")


def blocks(ports: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Yield each fenced block: what is after its fence, and its text."""
    for kind, text in re.findall(r"^```([^\n]+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL):
        yield kind, re.sub(r"\b(8444|8445|9444)\b", lambda found: ports[found[0]], text)


def free_ports() -> dict[str, str]:
    with ExitStack() as stack:
        opened = [stack.enter_context(socket.socket()) for _ in PORTS]
        for each in opened:
            each.bind(("127.0.0.1", 0))
        return {port: str(each.getsockname()[1]) for port, each in zip(PORTS, opened, strict=True)}


@pytest.mark.slow
def test_the_page_works_as_it_is_printed_and_logs_no_person(tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "XDG_DATA_HOME": str(tmp_path / "home"),
        "PYTHONPATH": "",
    }
    environment.pop("CHIPSEAL_PASSPHRASE_FILE", None)
    said: list[Path] = []
    started: list[subprocess.Popen[bytes]] = []
    services: list[Path] = []

    def begin(command: list[str]) -> "subprocess.Popen[bytes]":
        said.append(tmp_path / f"stderr-{len(said)}")
        with said[-1].open("wb") as errors, (tmp_path / "stdout").open("ab") as output:
            return _begin(command, tmp_path, environment, output, errors)

    try:
        for kind, text in blocks(free_ports()):
            match kind.split():
                case ["sh", "background"]:
                    started.append(begin(["bash", "-c", f"exec {text}"]))
                    services.append(said[-1])
                case ["sh"]:
                    process = begin(["bash", "-euo", "pipefail", "-c", text])
                    assert process.wait(240) == 0, (text, said[-1].read_text())
                case ["python", "session"]:
                    process = begin([sys.executable, "-c", text])
                    assert process.wait(240) == 0, (text, said[-1].read_text())
                case ["toml", name]:
                    (tmp_path / name).write_text(text)
                case _:
                    pytest.fail(f"a block of an unknown kind: {kind}")
    finally:
        for each in started:
            each.terminate()
        for each in started:
            each.wait(60)
    assert [each.returncode for each in started] == [0, 0]
    lines = "".join(
        line
        for path in said
        for line in path.read_text().splitlines(keepends=True)
        if line.startswith("{")
    )
    found = parse(lines)
    assert {each["component"] for each in found} == set(COMPONENTS) - {"desk", "spoc"}
    events = {each["event"] for each in found}
    assert events >= {"listening", "answered", "package-received", "issued"}
    assert {each["level"] for each in found} == {"info"}
    for path in services:
        assert all(line.startswith("{") for line in path.read_text().splitlines())
    for secret in secrets_of(tmp_path):
        assert secret.lower() not in lines.lower()


def _begin(
    command: list[str],
    folder: Path,
    environment: dict[str, str],
    output: IO[bytes],
    errors: IO[bytes],
) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=errors,
    )


def secrets_of(folder: Path) -> set[str]:
    """Return what no line may hold: all text of the holders, the MRZ, and what opens keys."""
    found: set[str] = set()
    for path in folder.glob("applications/*/application.json"):
        application = json.loads(path.read_bytes())
        number = application["document"]["number"]
        found.add(number)
        for value in application["holder"].values():
            if isinstance(value, str):
                found |= {part for part in re.split(r"\W+", value) if len(part) > 3}
    assert len(found) > 15
    for path in folder.glob("home/**/passphrase*"):
        found.add(path.read_text().strip())
    for path in folder.glob("*.key"):
        found |= {line for line in path.read_text().splitlines() if len(line) > 60}
    return found


# --- tables ----------------------------------------------------------------------------------


def rows(first: str) -> list[list[str]]:
    """Return the cells of the table whose heading begins with these words."""
    table = re.search(rf"^\| {re.escape(first)}.*\n\|[-|]+\|\n((?:\|.*\n)+)", PAGE, re.MULTILINE)
    assert table is not None, first
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table[1].splitlines()]


def names(cells: list[str]) -> list[str]:
    return [name for cell in cells for name in re.findall(r"`([^`]+)`", cell)]


def test_the_table_of_errors_is_that_of_the_services() -> None:
    described = {row[0].strip("`"): (int(row[1]), row[2]) for row in rows("kind | status")}
    assert described == {each.value: (STATUS[each], MEANING[each]) for each in ErrorKind}


def test_the_table_of_operations_is_that_of_the_intake_service() -> None:
    described = names([row[0] for row in rows("operation | |")])
    versioned = [each for each in DESCRIPTION.operations if each.is_versioned]
    assert described == [f"{each.method} {each.path}" for each in versioned]


def test_the_tables_of_states_are_complete() -> None:
    from personalise.ledger.states import JobState

    assert names([row[0] for row in rows("`state` of a package")]) == list(PackageState)
    assert names([row[0] for row in rows("`state` of an application")]) == list(JobState)


def test_the_table_of_the_log_is_that_of_its_data() -> None:
    described = names([row[0] for row in rows("key of `data`")])
    assert sorted(described) == sorted(Data.__annotations__)
