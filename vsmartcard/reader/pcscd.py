"""A pcscd of our own: started, remembered, and stopped again; no other is ever touched."""

import fcntl
import json
import os
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


def state_folder() -> Path:
    """Where the user's own pcscd has its configuration, its drivers and its record."""
    from platformdirs import user_state_path

    folder: Path = user_state_path("chipseal") / "readers"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


def configuration_folder() -> Path:
    """The configuration folder of our own pcscd."""
    return state_folder() / "reader.conf.d"


@contextmanager
def in_use() -> Iterator[None]:
    """Keep our own pcscd from being stopped while a card is in one of its readers."""
    with _locked("in-use", fcntl.LOCK_SH):
        yield


@contextmanager
def changing() -> Iterator[None]:
    """Keep others from starting or stopping our own pcscd meanwhile."""
    with _locked("changing", fcntl.LOCK_EX):
        yield


def is_in_use() -> bool:
    """Whether anyone has a card in a reader of our own pcscd."""
    try:
        with _locked("in-use", fcntl.LOCK_EX | fcntl.LOCK_NB):
            return False
    except BlockingIOError:
        return True


def answers() -> bool:
    """Whether any pcscd at all answers."""
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(os.environ.get("PCSCLITE_CSOCK_NAME", "/run/pcscd/pcscd.comm"))
        except OSError:
            return False
    return True


def own_pid() -> int | None:
    """The process id of our own pcscd, None where it does not run."""
    try:
        record = json.loads((state_folder() / "pcscd.json").read_text(encoding="utf-8"))
        pid, started = int(record["pid"]), int(record["started"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return pid if _start_time(pid) == started else None


def start() -> None:
    """Start a pcscd on our configuration folder and wait until it answers."""
    folder = state_folder()
    with (folder / "pcscd.log").open("wb") as log:
        try:
            process = subprocess.Popen(  # noqa: S603 - a fixed command
                ["pcscd", "--foreground", "--config", configuration_folder()],  # noqa: S607
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        except OSError as error:
            raise TransportError(
                f"pcscd cannot be started ({error.strerror}): apt install pcscd"
            ) from error
    record = {"pid": process.pid, "started": _start_time(process.pid)}
    (folder / "pcscd.json").write_text(json.dumps(record), encoding="utf-8")
    deadline = time.monotonic() + _STARTING_SECONDS
    while not answers():
        if process.poll() is not None:
            raise TransportError(f"pcscd does not start: {_last_line(folder / 'pcscd.log')}")
        if time.monotonic() > deadline:
            raise TransportError(f"pcscd does not answer: see {folder / 'pcscd.log'}")
        time.sleep(_POLL_SECONDS)


def stop(pid: int) -> None:
    """Stop our own pcscd, whose process id this is, and forget it."""
    for order in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.kill(pid, order)
        deadline = time.monotonic() + _STOPPING_SECONDS
        while own_pid() == pid and time.monotonic() < deadline:
            with suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)  # where this very process started it
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
    """When a process began, in clock ticks since boot; None where it is no more."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] == "Z" else int(fields[19])


def _last_line(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    hint = "" if os.geteuid() == 0 else "; it has to be started as root"
    return f"{lines[-1].strip() if lines else 'it says nothing'}{hint}"
