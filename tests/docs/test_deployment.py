"""docs/deployment.md and its files: units, the recipes for continuous integration, the image."""

import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from personalise.commands.main import personalise
from support.https_server import listen
from tests.docs.test_text import problem_with
from tests.helpers import REPOSITORY, replace
from tests.personalise.intake.packages import application_files, packed
from tests.tls import write_tls
from verify.commands.main import verify

PAGE = (REPOSITORY / "docs" / "deployment.md").read_text(encoding="utf-8")
FOLDER = REPOSITORY / "examples" / "deployment"
UNITS = sorted([*FOLDER.glob("*.service"), *FOLDER.glob("*.path")])
SYSTEM_SERVICES = [each for each in UNITS if each.suffix == ".service" and "desk" not in each.name]
SCRIPTS = Path(sys.executable).parent
EXPOSURE = 15
"""Tenths of what `systemd-analyze security` says at most, and of what the page promises."""

every_unit = pytest.mark.parametrize("unit", UNITS, ids=lambda each: each.name)


def settings(unit: Path) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in unit.read_text().splitlines():
        name, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            found.setdefault(name, []).append(value)
    return found


def environment(folder: Path) -> dict[str, str]:
    found = {
        **os.environ,
        "PATH": f"{SCRIPTS}:{os.environ['PATH']}",
        "XDG_DATA_HOME": str(folder / "home"),
    }
    found.pop("CHIPSEAL_PASSPHRASE_FILE", None)
    return found


# --- units -----------------------------------------------------------------------------------


def test_the_page_names_every_file() -> None:
    named = {name for name in re.findall(r"`([\w.-]+)`", PAGE) if (FOLDER / name).is_file()}
    assert named == {each.name for each in FOLDER.iterdir()}


@every_unit
def test_what_a_unit_runs_exists(unit: Path) -> None:
    for line in settings(unit).get("ExecStart", []):
        program, *arguments = shlex.split(line)
        if program == "/opt/chipseal/share/take-in":
            program, arguments = "personalise", ["intake", *arguments[1:]]
        else:
            assert program.startswith("/opt/chipseal/bin/")
        assert problem_with([Path(program).name, *arguments]) is None
        _require_complete(Path(program).name, arguments)


def _require_complete(program: str, arguments: list[str]) -> None:
    """Require that no option of a command that must be given is missing."""
    command: Any = {"personalise": personalise, "verify": verify}[program]
    command = command.get_command(click.Context(command), arguments[0])
    for each in command.params:
        if isinstance(each, click.Option) and each.required:
            assert set(each.opts) & set(arguments), each.opts


def test_systemd_finds_nothing_wrong_with_the_units(tmp_path: Path) -> None:
    """The programs of the units are replaced by those of this environment."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("needs systemd-analyze")
    for unit in UNITS:
        text = unit.read_text()
        text = text.replace("/opt/chipseal/bin", str(SCRIPTS))
        text = text.replace("/opt/chipseal/share", str(FOLDER))
        (tmp_path / unit.name).write_text(text)
    for unit in UNITS:
        mode = "--user" if "desk" in unit.name else "--system"
        command = ["systemd-analyze", "verify", mode, "--man=no", "--recursive-errors=no"]
        done = subprocess.run(
            [*command, tmp_path / unit.name],
            env={**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, ""), unit.name


@pytest.mark.parametrize("unit", SYSTEM_SERVICES, ids=lambda each: each.name)
def test_a_unit_is_confined(unit: Path) -> None:
    found = settings(unit)
    assert found["UMask"] == ["0077"]
    assert found["LimitCORE"] == ["0"]
    assert "/etc/chipseal/passphrase" in found["LoadCredential"][0]
    if shutil.which("systemd-analyze") is None:
        pytest.skip("needs systemd-analyze")
    command = ["systemd-analyze", "security", "--offline=yes", f"--threshold={EXPOSURE}"]
    done = subprocess.run([*command, unit], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-200:]
    assert f"an exposure of {EXPOSURE / 10}" in PAGE


def test_the_configurations_write_where_their_units_let_them(tmp_path: Path) -> None:
    from personalise.intake_service.configuration import Configuration as OfIntake
    from personalise.sign_service.configuration import Configuration as OfSigning

    ca = write_tls(tmp_path, "clients-ca", None)
    for name in ("intake", "sign", "case-working", "data-preparation"):
        write_tls(tmp_path, name, ca)
        if (FOLDER / f"{name}.toml").exists():
            shutil.copy(FOLDER / f"{name}.toml", tmp_path)
    intake, sign = OfIntake(tmp_path / "intake.toml"), OfSigning(tmp_path / "sign.toml")
    for of, unit in ((intake.inbox, "intake"), (sign.store, "sign")):
        folder = settings(FOLDER / f"chipseal-{unit}.service")["StateDirectory"][0]
        assert of.parent == Path("/var/lib") / folder
    for each in (intake, sign):
        listen(replace(each.listening, host="127.0.0.1", port=0)).close()
    assert intake.health_port != sign.health_port


def test_the_address_of_the_desk_is_not_in_the_journal() -> None:
    assert settings(FOLDER / "chipseal-desk.service")["StandardOutput"] == ["null"]


def test_the_folder_is_taken_in_once(tmp_path: Path) -> None:
    def run(*command: str | Path) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [*map(str, command)],
            cwd=tmp_path,
            env=environment(tmp_path),
            capture_output=True,
            text=True,
            check=False,
        )

    assert run("personalise", "pki", "init", "pki").returncode == 0
    from personalise.pki.issuing_pki import IssuingPki

    pki = IssuingPki.without_keys(tmp_path / "pki")
    incoming = tmp_path / "line" / "incoming"
    incoming.mkdir(parents=True)
    packed(incoming / "a.p7m", application_files(), pki)
    (incoming / "b.p7m.part").write_bytes(b"not yet whole")
    (incoming / "c.p7m").write_bytes(b"not a package")
    take_in = (FOLDER / "take-in", tmp_path / "line")
    lost = run(*take_in, "--pki", tmp_path / "nowhere")
    assert lost.returncode == 64
    assert len(list((tmp_path / "line" / "taking").iterdir())) == 2, "nothing was looked at"
    for _ in range(2):
        done = run(*take_in, "--pki", tmp_path / "pki")
        assert done.returncode == 0, done.stderr
        assert len(list((tmp_path / "line" / "done").iterdir())) == 2
        assert len(list((tmp_path / "line" / "receipts").iterdir())) == 2
        assert list((tmp_path / "line" / "taking").iterdir()) == []
    assert [each.name for each in incoming.iterdir()] == ["b.p7m.part"]
    jobs = run("personalise", "jobs", "list", "--pki", "pki", "--json")
    assert [each["state"] for each in json.loads(jobs.stdout)] == ["received"]

    # The machine stopped before the receipts were written.
    for each in (tmp_path / "line" / "done").iterdir():
        each.rename(tmp_path / "line" / "taking" / each.name)
    before = {each.name for each in (tmp_path / "line" / "receipts").iterdir()}
    for each in (tmp_path / "line" / "receipts").iterdir():
        each.unlink()
    done = run(*take_in, "--pki", tmp_path / "pki")
    assert done.returncode == 0, done.stderr
    assert "1 taken, 0 held, 0 refused; 1 package refused whole" in done.stdout
    assert {each.name for each in (tmp_path / "line" / "receipts").iterdir()} == before


# --- continuous integration ------------------------------------------------------------------


def recipe(name: str) -> Any:
    found = re.search(rf"^```yaml {name}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert found is not None
    return yaml.safe_load(found[1])


def test_the_recipes_for_continuous_integration_work_as_printed(tmp_path: Path) -> None:
    steps = [each["run"] for each in recipe("github")["jobs"]["chipseal"]["steps"] if "run" in each]
    installing, script = steps
    assert installing == "pip install 'chipseal[service]'"
    gitlab = recipe("gitlab")["chipseal"]
    assert gitlab["script"] == [script]
    assert gitlab["before_script"][1] == installing
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    done = subprocess.run(  # as GitHub runs a step
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script.replace("8444", port)],
        cwd=tmp_path,
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr + (tmp_path / "intake.log").read_text()
    assert json.loads(done.stdout.splitlines()[-1])["issued"] == 1


# --- the image -------------------------------------------------------------------------------


def instructions() -> list[tuple[str, str]]:
    """Return the instructions of the Containerfile, with continued lines joined."""
    lines = (REPOSITORY / "Containerfile").read_text().splitlines()
    text = "\n".join(line for line in lines if not line.startswith("#")).replace("\\\n", " ")
    return [(w[0], w[1]) for line in text.splitlines() if len(w := line.split(maxsplit=1)) == 2]


def test_what_the_image_copies_and_starts_exists() -> None:
    found = instructions()
    known = {"FROM", "RUN", "WORKDIR", "COPY", "ENV", "USER", "VOLUME", "EXPOSE", "HEALTHCHECK"}
    assert {name for name, _ in found} == known | {"ENTRYPOINT", "CMD"}
    for name, rest in found:
        words = rest.split()
        if name == "COPY" and not words[0].startswith("--from"):
            for source in words[:-1]:
                assert (REPOSITORY / source).exists(), source
        if name == "RUN":
            locks = re.findall(r"requirements/\S+\.lock", rest)
            assert all((REPOSITORY / each).is_file() for each in locks)
    last = dict(found)
    command = json.loads(last["ENTRYPOINT"]) + json.loads(last["CMD"])
    assert problem_with(command) is None
    assert last["USER"] != "root"
    assert "/health/live" in last["HEALTHCHECK"]


def test_the_lock_of_the_image_has_what_the_services_import() -> None:
    text = (REPOSITORY / "requirements" / "service.lock").read_text()
    names = set(re.findall(r"^([a-z0-9-]+)==", text, re.MULTILINE))
    assert names >= {"starlette", "uvicorn", "httpx", "prometheus-client", "psycopg", "setuptools"}
    assert names & {"pytest", "mypy", "sphinx"} == set()
