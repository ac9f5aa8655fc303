"""Fixtures of the ledger's tests: a ledger in SQLite, and one in PostgreSQL."""

import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from personalise.ledger.opening import open_ledger
from personalise.ledger.sql_ledger import SqlLedger
from personalise.pki.issuing_pki import IssuingPki
from tests.personalise.ledger.line import Clock, Line
from tests.postgresql import PostgreSQL


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a new database, without a ledger."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    empty: str = request.getfixturevalue("postgresql_url")
    return empty


@dataclass(frozen=True)
class Backup:
    """Backups of the database alone, as an administrator makes them; `server` for PostgreSQL."""

    url: str
    server: PostgreSQL | None

    def make(self) -> bytes:
        """Return a backup."""
        if self.server is not None:
            line = [self.server.binaries / "pg_dump", "--clean", self.url]
            return subprocess.run(line, check=True, capture_output=True).stdout
        with closing(sqlite3.connect(self._path)) as database:
            copy = sqlite3.connect(":memory:")
            database.backup(copy)
            return copy.serialize()

    def restore(self, backup: bytes) -> None:
        """Replace the database by a backup."""
        if self.server is not None:
            line = [self.server.binaries / "psql", "--quiet", "--set=ON_ERROR_STOP=1", self.url]
            subprocess.run(line, check=True, capture_output=True, input=backup)
            return
        for suffix in ("", "-wal", "-shm"):
            Path(f"{self._path}{suffix}").unlink(missing_ok=True)
        self._path.write_bytes(backup)

    @property
    def _path(self) -> Path:
        return Path(self.url.partition("///")[2])


@pytest.fixture
def backup(url: str, request: pytest.FixtureRequest) -> Backup:
    is_file = url.startswith("sqlite")
    return Backup(url, None if is_file else request.getfixturevalue("postgresql_server"))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def opened(url: str, pki: IssuingPki, clock: Clock) -> Iterator[Callable[..., SqlLedger]]:
    """Open the ledger again, as another process would; all are closed in the end."""
    ledgers = []

    def again(**options: object) -> SqlLedger:
        settings = {"create": True, "clock": clock} | options
        ledgers.append(open_ledger(url, pki, **settings))  # type: ignore[arg-type]
        return ledgers[-1]

    yield again
    for each in ledgers:
        each.close()


@pytest.fixture
def ledger(opened: Callable[..., SqlLedger], pki: IssuingPki) -> SqlLedger:
    (pki.folder / "ledger-checkpoint.json").unlink(missing_ok=True)
    return opened()


@pytest.fixture
def line(ledger: SqlLedger) -> Line:
    return Line(ledger)
