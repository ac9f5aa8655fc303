"""Fixtures of the ledger's tests: a ledger in SQLite, and one in PostgreSQL."""

import itertools
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
