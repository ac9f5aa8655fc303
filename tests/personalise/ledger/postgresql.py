"""A PostgreSQL server of the tests' own: Debian's binaries, a folder in tmp, a free port.

`fsync` is off, since no test cuts the power: what the server has acknowledged survives its process.
"""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "on",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "autovacuum_naptime": "5s",
}


def binaries() -> Path:
    """Return the folder of the newest server's programs; skip if there is none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: int(p.parts[-3]))
    if not found:
        pytest.skip("needs initdb, of the package postgresql")
    return found[-1].parent


class Server:
    """A running server; `url` names a database by its name."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._bin = binaries()
        self._user = _unprivileged_user()
        self._port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True)
        if self._user is not None:
            os.chown(folder, self._user.pw_uid, self._user.pw_gid)
        self._run("initdb", "-D", str(folder / "data"), "-U", "tests", "-A", "trust", "-N")
        with (folder / "data" / "postgresql.conf").open("a") as file:
            file.writelines(f"{name} = '{value}'\n" for name, value in _SETTINGS.items())
            file.write(f"port = {self._port}\n")

    def start(self) -> None:
        log = (self._folder / "log").open("ab")
        self._process = subprocess.Popen(
            [self._bin / "postgres", "-D", self._folder / "data"],
            stdout=log,
            stderr=log,
            cwd=self._folder,
            start_new_session=True,
            **self._identity(),
        )
        log.close()
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            ready = subprocess.run(
                [self._bin / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self._port)],
                check=False,
            )
            if ready.returncode == 0:
                return
            time.sleep(0.05)
        raise TimeoutError((self._folder / "log").read_text())

    def stop(self, with_signal: int = signal.SIGINT) -> None:
        """Stop: SIGINT ends the sessions and shuts down; SIGQUIT ends it as a crash would."""
        if self._process is not None:
            self._process.send_signal(with_signal)
            self._process.wait(30)
            self._process = None

    def url(self, database: str) -> str:
        return f"postgresql://tests@127.0.0.1:{self._port}/{database}"

    def new_database(self, name: str) -> str:
        self._run("createdb", "-h", "127.0.0.1", "-p", str(self._port), "-U", "tests", name)
        return self.url(name)

    def dump(self, name: str) -> bytes:
        line = [self._bin / "pg_dump", "-h", "127.0.0.1", "-p", str(self._port), "-U", "tests"]
        return subprocess.run([*line, name], check=True, capture_output=True).stdout

    def load(self, name: str, dump: bytes) -> None:
        line = [self._bin / "psql", "-q", "-h", "127.0.0.1", "-p", str(self._port), "-U", "tests"]
        subprocess.run([*line, name], check=True, capture_output=True, input=dump)

    def drop(self, name: str) -> None:
        self._run("dropdb", "-f", "-h", "127.0.0.1", "-p", str(self._port), "-U", "tests", name)

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [self._bin / program, *arguments],
            check=True,
            capture_output=True,
            cwd=self._folder,
            **self._identity(),
        )

    def _identity(self) -> dict[str, object]:
        """PostgreSQL refuses to run as root."""
        if self._user is None:
            return {}
        return {"user": self._user.pw_uid, "group": self._user.pw_gid, "extra_groups": []}


def _unprivileged_user() -> pwd.struct_passwd | None:
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    pytest.skip("needs a user other than root to run PostgreSQL")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running_server(folder: Path) -> Iterator[Server]:
    """Yield a server; its folder is removed afterwards."""
    server = Server(folder)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
