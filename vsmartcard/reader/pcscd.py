"""Start and stop a pcscd for virtual readers; another pcscd is never changed or stopped."""

import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from emrtd.errors import TransportError

_STARTING_SECONDS: Final = 10.0
_STOPPING_SECONDS: Final = 8.0
_POLL_SECONDS: Final = 0.05
_AS_ROOT: Final = "start it as root, or use --reader virtual:FILE, which needs no pcscd"


def state_folder() -> Path:
    """Return the folder with the configuration, drivers, log and record of our pcscd."""
    from platformdirs import user_state_path

    folder: Path = user_state_path("chipseal") / "readers"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


def configuration_folder() -> Path:
    """Return the configuration folder of our pcscd."""
    return state_folder() / "reader.conf.d"


@contextmanager
def in_use() -> Iterator[None]:
    """Keep our pcscd from being stopped while a card is in one of its readers."""
    with _locked("in-use", fcntl.LOCK_SH):
        yield


@contextmanager
def changing() -> Iterator[None]:
    """Keep other processes from starting or stopping our pcscd."""
    with _locked("changing", fcntl.LOCK_EX):
        yield


def is_in_use() -> bool:
    """Whether any process has a card in a reader of our pcscd."""
    try:
        with _locked("in-use", fcntl.LOCK_EX | fcntl.LOCK_NB):
            return False
    except BlockingIOError:
        return True


def answers() -> bool:
    """Whether a pcscd answers, ours or another."""
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(os.environ.get("PCSCLITE_CSOCK_NAME", "/run/pcscd/pcscd.comm"))
        except OSError:
            return False
    return True


def own_pid() -> int | None:
    """Return the process id of our pcscd, None if it does not run."""
    try:
        record = json.loads((state_folder() / "pcscd.json").read_text(encoding="utf-8"))
        pid, started = int(record["pid"]), int(record["started"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return pid if _start_time(pid) == started else None


def _program() -> str:
    """Return the path of pcscd, which Debian has in a folder that is on root's PATH only."""
    folders = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin"))
    program = shutil.which("pcscd", path=folders)
    if program is None:
        raise TransportError("pcscd is not installed", advice="apt install pcscd vsmartcard-vpcd")
    return program


def start() -> None:
    """Start a pcscd with our configuration folder and wait until it answers."""
    folder = state_folder()
    program = _program()
    with (folder / "pcscd.log").open("wb") as log:
        try:
            process = subprocess.Popen(  # noqa: S603 - a fixed command
                [program, "--foreground", "--config", configuration_folder()],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        except OSError as error:
            raise TransportError(
                f"pcscd cannot be started ({error.strerror})", advice="apt install pcscd"
            ) from error
    record = {"pid": process.pid, "started": _start_time(process.pid)}
    (folder / "pcscd.json").write_text(json.dumps(record), encoding="utf-8")
    deadline = time.monotonic() + _STARTING_SECONDS
    while not answers():
        if process.poll() is not None:
            raise TransportError(
                f"pcscd does not start: {_last_line(folder / 'pcscd.log')}",
                advice="" if os.geteuid() == 0 else _AS_ROOT,
            )
        if time.monotonic() > deadline:
            raise TransportError("pcscd does not answer", advice=f"see {folder / 'pcscd.log'}")
        time.sleep(_POLL_SECONDS)


def stop(pid: int) -> None:
    """Stop our pcscd, which has this process id, and delete its record."""
    for order in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.kill(pid, order)
        deadline = time.monotonic() + _STOPPING_SECONDS
        while own_pid() == pid and time.monotonic() < deadline:
            with suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)  # if this process started it
            time.sleep(_POLL_SECONDS)
    (state_folder() / "pcscd.json").unlink(missing_ok=True)


@contextmanager
def _locked(name: str, kind: int) -> Iterator[None]:
    descriptor = os.open(state_folder() / name, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, kind)
        yield
    finally:
        os.close(descriptor)


def _start_time(pid: int) -> int | None:
    """Return when a process started, in clock ticks since boot; None if it has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] == "Z" else int(fields[19])


def _last_line(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    return lines[-1].strip() if lines else "its log is empty"
