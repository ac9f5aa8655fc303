"""The steps of Containerfile, carried out in clean roots that debootstrap makes; root is needed.

Each stage begins with a new root of its base image's release.  RUN is run in it by `chroot`, COPY
copies from the repository what `git ls-files` names, or from an earlier stage.  The configuration
of this machine's package managers is lent to the roots while a step runs, since which index is used
is the machine's business.  Then both services of the image are started as its user.
"""

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tests.docs.test_deployment import instructions
from tests.helpers import REPOSITORY
from tests.tls import write_tls

_LENT: Final = (
    Path("/etc/apt/sources.list"),
    Path("/etc/apt/sources.list.d"),
    Path("/etc/apt/apt.conf.d"),
    Path("/etc/pip.conf"),
    Path("/etc/resolv.conf"),
    Path("/etc/hosts"),
    Path("/etc/ssl/certs"),
    Path("/usr/local/share/ca-certificates"),
)


@dataclass
class Stage:
    """The root of one stage, and what its instructions have set."""

    root: Path
    folder: str = "/"
    user: str = "root"
    variables: dict[str, str] = field(
        default_factory=lambda: {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
    )
    command: list[str] = field(default_factory=list)
    entry: list[str] = field(default_factory=list)
    health: list[str] = field(default_factory=list)

    def argv(self, command: list[str], **more: str) -> list[str]:
        """Return the command that runs a program in the root, as its user."""
        lent = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
        variables = {**lent, **self.variables, **more}
        inside = f"cd {shlex.quote(self.folder)} && exec {shlex.join(command)}"
        user = [] if self.user == "root" else [f"--userspec={self.user}:{self.user}"]
        named = [f"{name}={value}" for name, value in variables.items()]
        # No process sees those of this machine, or outlives the step.
        apart = ["unshare", "--mount", "--pid", "--fork", "--kill-child"]
        mount = f'mount -t proc proc {self.root}/proc && exec "$@"'
        chroot = ["chroot", *user, str(self.root), "env", "-i", *named, "sh", "-c", inside]
        return [*apart, "sh", "-c", mount, "sh", *chroot]

    def run(self, command: list[str], **more: str) -> str:
        """Run a command in the root; return what it prints."""
        done = subprocess.run(
            self.argv(command, **more), capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise StepError(f"{shlex.join(command)[:200]}: {(done.stdout + done.stderr)[-2000:]}")
        return done.stdout


class StepError(Exception):
    """A step failed."""


def run(folder: Path) -> tuple[str, list[str]]:
    """Carry out the trial; return what was seen, and what is wrong."""
    if os.geteuid() != 0 or shutil.which("debootstrap") is None:
        return "not carried out", ["needs root and debootstrap"]
    folder.chmod(0o755)
    try:
        stage = build(folder)
        told = try_services(folder, stage)
    except StepError as error:
        return "stopped", [str(error)]
    return told, []


def build(folder: Path) -> Stage:
    """Carry out the instructions; return the last stage."""
    stages: dict[str, Stage] = {}
    base: dict[str, Path] = {}
    stage = Stage(folder)
    for name, rest in instructions():
        match name:
            case "FROM":
                image, _, alias = rest.partition(" AS ")
                release = re.fullmatch(r"docker\.io/library/debian:(\w+)-slim", image.strip())
                assert release is not None, image
                if release[1] not in base:
                    base[release[1]] = bootstrap(folder / f"base-{release[1]}", release[1])
                stage = Stage(folder / f"stage-{len(stages)}")
                subprocess.run(["cp", "-a", base[release[1]], stage.root], check=True)
                stages[alias or str(len(stages))] = stage
            case "RUN":
                with lent(stage.root):
                    stage.run(["sh", "-c", rest])
            case "COPY":
                copy(stages, stage, shlex.split(rest))
            case "ENV":
                variable, _, value = rest.partition("=")
                stage.variables[variable] = value
            case "WORKDIR":
                stage.folder = rest
                (stage.root / rest.lstrip("/")).mkdir(parents=True, exist_ok=True)
            case "USER":
                stage.user = rest
            case "ENTRYPOINT":
                stage.entry = json.loads(rest)
            case "CMD":
                stage.command = json.loads(rest)
            case "HEALTHCHECK":
                stage.health = json.loads(rest.removeprefix("CMD "))
    return stage


def bootstrap(root: Path, release: str) -> Path:
    """Make a minimal root of a Debian release from the mirror of this machine."""
    mirror = _mirror()
    command = [
        "debootstrap",
        "--variant=minbase",
        release,
        str(root),
        *([mirror] if mirror else []),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise StepError(f"debootstrap: {done.stdout[-1000:]}")
    return root


def _mirror() -> str:
    for path in Path("/etc/apt/sources.list.d").glob("*.sources"):
        found = re.search(r"^URIs:\s*(\S+/debian)/?\s*$", path.read_text(), re.MULTILINE)
        if found is not None:
            return found[1]
    return ""


@contextmanager
def lent(root: Path) -> Iterator[None]:
    """Lend the configuration of package managers to a root in the block, by bind mounts."""
    with ExitStack() as stack:
        for path in _LENT:
            if not path.exists():
                continue
            inside = root / str(path).lstrip("/")
            if path.is_dir():
                inside.mkdir(parents=True, exist_ok=True)
            elif not inside.exists():
                inside.parent.mkdir(parents=True, exist_ok=True)
                inside.touch()
                stack.callback(inside.unlink)
            subprocess.run(["mount", "--bind", path, inside], check=True)
            stack.callback(subprocess.run, ["umount", inside], check=True)
        yield


def copy(stages: dict[str, Stage], stage: Stage, words: list[str]) -> None:
    """Carry out COPY."""
    *sources, target = [each for each in words if not each.startswith("--")]
    origin = next((each for each in words if each.startswith("--from=")), "")
    place = stage.root / (target if target.startswith("/") else f"{stage.folder}/{target}").lstrip(
        "/"
    )
    for source in sources:
        if origin:
            found = stages[origin.removeprefix("--from=")].root / source.lstrip("/")
            place.parent.mkdir(parents=True, exist_ok=True)
            subprocess.run(["cp", "-a", found, place], check=True)
            continue
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--", source],
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            check=True,
        )
        for name in listed.stdout.split("\0"):
            if not name or name.startswith("."):
                continue
            inside = place / Path(name).relative_to(source)
            inside.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(REPOSITORY / name, inside)


def try_services(folder: Path, stage: Stage) -> str:
    """Start both services in the image as its user, and ask them for their health."""
    version = stage.run([*stage.entry, "--version"]).strip()
    home = "/var/lib/chipseal"
    more = {"CHIPSEAL_PASSPHRASE_FILE": f"{home}/passphrase"}
    (stage.root / home.lstrip("/") / "passphrase").write_text("of a trial\n")
    shutil.chown(stage.root / home.lstrip("/") / "passphrase", 10001, 10001)
    if not (stage.root / home.lstrip("/") / "pki").exists():
        stage.run(["personalise", "pki", "init", f"{home}/pki"], **more)
    settings = stage.root / "etc" / "chipseal"
    settings.mkdir(exist_ok=True)
    ca = write_tls(settings, "ca", None)
    for name in ("service", "client"):
        write_tls(settings, name, ca)
    for path in settings.iterdir():
        path.chmod(0o644)
    asked = []
    for name, port, health in (("intake", 8444, 9444), ("sign", 8443, 9444)):
        types = 'document_types = ["IR"]\n' if name == "sign" else ""
        store = f'[signing]\nstore = "{home}/signatures.sqlite"\n' if name == "sign" else ""
        inbox = f'[intake]\ninbox = "{home}/inbox"\n' if name == "intake" else ""
        (settings / f"{name}.toml").write_text(
            f'[listen]\nport = {port}\ncertificate = "service.pem"\nkey = "service.key"\n'
            f'client_authorities = "ca.pem"\nhealth_port = {health}\n{store}{inbox}'
            f'[[client]]\nname = "trial"\ncertificate = "client.pem"\n{types}'
        )
        command = [each.replace("intake", name) for each in stage.command]
        asked.append(_healthy(stage, [*stage.entry, *command], more))
    size = subprocess.run(["du", "-sm", stage.root], capture_output=True, text=True, check=True)
    return f"{version}: {' and '.join(asked)}; {size.stdout.split()[0]} MB"


def _healthy(stage: Stage, command: list[str], more: dict[str, str]) -> str:
    process: subprocess.Popen[Any] = subprocess.Popen(
        stage.argv(command, **more), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    try:
        for _ in range(60):
            if process.poll() is not None:
                assert process.stderr is not None
                raise StepError(f"{command}: {process.stderr.read()[-2000:]}")
            try:
                stage.run(stage.health)
                ready = [part.replace("/live", "/ready") for part in stage.health]
                stage.run(ready)
            except StepError:
                time.sleep(1)
            else:
                return f"{command[1]} is live and ready"
        raise StepError(f"{command}: is not ready after a minute")
    finally:
        _terminate(process)


def _terminate(process: "subprocess.Popen[Any]") -> None:
    """End a process in a namespace: `unshare` ignores SIGTERM, and the first process has it."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    if process.poll() is None:
        for each in children.read_text().split():
            os.kill(int(each), signal.SIGTERM)
    try:
        process.wait(60)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise StepError("a service does not end at SIGTERM") from None
