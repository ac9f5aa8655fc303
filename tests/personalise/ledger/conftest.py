"""Fixtures of the ledger's tests: a ledger in SQLite, and one in PostgreSQL."""

import itertools
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from personalise.ledger.opening import open_ledger
from personalise.ledger.sql_ledger import SqlLedger
from personalise.pki.issuing_pki import IssuingPki
from tests.personalise.ledger.line import Clock, Line
from tests.personalise.ledger.postgresql import Server, running_server

_numbers = itertools.count()


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    folder = Path(tempfile.mkdtemp(prefix="chipseal-pg-"))
    folder.chmod(0o755)
    with running_server(folder / "server") as running:
        yield running
    folder.rmdir()


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a new database, without a ledger."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    running: Server = request.getfixturevalue("server")
    return running.new_database(f"ledger{next(_numbers)}")


class Backup:
    """Backups of the database alone, as an administrator makes them."""

    def __init__(self, url: str, server: Callable[[], Server]) -> None:
        self._url = url
        self._server = server

    def make(self) -> bytes:
        """Return a backup."""
        place = self._url.partition("///")[2]
        if not place:
            return self._server().dump(self._name)
        with sqlite3.connect(place) as database, sqlite3.connect(":memory:") as copy:
            database.backup(copy)
            return copy.serialize()

    def restore(self, backup: bytes) -> None:
        """Replace the database by a backup."""
        place = self._url.partition("///")[2]
        if place:
            for suffix in ("", "-wal", "-shm"):
                Path(f"{place}{suffix}").unlink(missing_ok=True)
            Path(place).write_bytes(backup)
            return
        self._server().drop(self._name)
        self._server().new_database(self._name)
        self._server().load(self._name, backup)

    @property
    def _name(self) -> str:
        return self._url.rpartition("/")[2]


@pytest.fixture
def backup(url: str, request: pytest.FixtureRequest) -> Backup:
    return Backup(url, lambda: request.getfixturevalue("server"))


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
