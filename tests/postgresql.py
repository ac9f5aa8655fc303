"""A PostgreSQL server of Debian's package, for every test that needs one.

Each test process starts its own server on the first use, in a temporary folder, and stops it at the
end.  It listens on 127.0.0.1 only and does not wait for the disk: a killed client or a killed
server loses nothing by that, only a power cut would.
"""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import pytest

_USER = "chipseal"
_SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "jit": "off",
    "listen_addresses": "127.0.0.1",
    "max_connections": "100",
    "max_wal_size": "256MB",
    "shared_buffers": "64MB",
    "unix_socket_directories": "",
}
_SECONDS = "30"


@dataclass
class PostgreSQL:
    """A running server; it can be stopped, paused and restarted by a test."""

    binaries: Path
    folder: Path
    port: int
    _numbers: Iterator[int] = field(default_factory=lambda: count(1), repr=False)

    @classmethod
    def create(cls, binaries: Path, folder: Path) -> "PostgreSQL":
        """Create an empty cluster in a folder; the server is not started."""
        server = cls(binaries, folder, _free_port())
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            shutil.chown(folder, "postgres")
        server._run(
            "initdb", "--auth=trust", f"--username={_USER}", "--encoding=UTF8", "--locale=C",
            "--no-sync", f"--pgdata={server.data}",
        )  # fmt: skip
        return server

    @property
    def data(self) -> Path:
        """The data directory."""
        return self.folder / "data"

    def start(self) -> None:
        """Start the server, and wait until it accepts connections."""
        options = " ".join(f"-c {name}={value or chr(39) * 2}" for name, value in _SETTINGS.items())
        self._pg_ctl("start", f"--log={self.folder / 'log'}", f"--options=-p {self.port} {options}")

    def stop(self, mode: str = "fast") -> None:
        """Stop the server: `fast` ends its sessions, `immediate` is a crash."""
        self._pg_ctl("stop", f"--mode={mode}")

    def pause(self) -> None:
        """Stop every process of the server from running, so that it does not answer."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """End a pause."""
        self._signal(signal.SIGCONT)

    def new_database(self) -> str:
        """Create an empty database, and return its URL."""
        import psycopg

        name = f"test_{next(self._numbers)}"
        with psycopg.connect(self._url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")  # a name made here
        return self._url(name)

    def _url(self, database: str) -> str:
        return f"postgresql://{_USER}@127.0.0.1:{self.port}/{database}"

    def _signal(self, number: signal.Signals) -> None:
        leader = int((self.data / "postmaster.pid").read_text().splitlines()[0])
        children = Path(f"/proc/{leader}/task/{leader}/children").read_text()
        for process in (leader, *map(int, children.split())):
            with suppress(ProcessLookupError):  # a session that ended meanwhile
                os.kill(process, number)

    def _pg_ctl(self, verb: str, *options: str) -> None:
        self._run(
            "pg_ctl", verb, f"--pgdata={self.data}", "--wait", f"--timeout={_SECONDS}", *options
        )

    def _run(self, name: str, *arguments: str) -> None:
        user = "postgres" if os.geteuid() == 0 else None
        subprocess.run(
            [self.binaries / name, *arguments],
            user=user,
            group=user,
            extra_groups=[] if user else None,
            cwd=self.folder,
            check=True,
            stdout=subprocess.DEVNULL,
        )


def _free_port() -> int:
    with closing(socket.socket()) as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _binaries() -> Path:
    """Return the folder of the newest installed server; skip if there is none."""
    found = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3])
    )
    if not found:
        pytest.skip("needs PostgreSQL's server, of the package postgresql")
    if os.geteuid() == 0:
        try:
            pwd.getpwnam("postgres")
        except KeyError:
            pytest.skip("PostgreSQL does not run as root, and there is no user postgres")
    return found[-1].parent


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[PostgreSQL]:
    """A running server, which a test must leave running."""
    pytest.importorskip("psycopg", reason="needs chipseal[postgresql]")
    binaries = _binaries()
    with tempfile.TemporaryDirectory(prefix="chipseal-postgresql-") as folder:
        server = PostgreSQL.create(binaries, Path(folder))
        server.start()
        try:
            yield server
        finally:
            server.stop("immediate")


@pytest.fixture
def postgresql_url(postgresql_server: PostgreSQL) -> str:
    """The URL of an empty database."""
    return postgresql_server.new_database()
