"""The database of a ledger: opening it by URL, transactions, and its errors as ours."""

import math
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final, NoReturn

from sqlalchemy import URL, Connection, Dialect, Engine, create_engine, event, make_url
from sqlalchemy.exc import (
    ArgumentError,
    DBAPIError,
    DisconnectionError,
    IntegrityError,
    NoSuchModuleError,
    OperationalError,
)
from sqlalchemy.pool import ConnectionPoolEntry

from personalise.ledger.errors import DamagedLedgerError, LedgerUnavailableError
from support.errors import MisuseError

_WAIT: Final = 30
"""Seconds to wait for a connection, or while another process writes."""

_POOL: Final = 32
"""Connections of one process: one for each reader that enters a step at this moment."""

_IDLE: Final = 10.0
"""Seconds without use after which a connection is tested before it is used again."""

_USED: Final = "used"
_FORMS: Final = "enter sqlite:///FILE or postgresql://USER@HOST/DATABASE"
_SESSION: Final = (
    "-c client_connection_check_interval=1000"  # after kill -9 of a client, its locks end at once
    f" -c lock_timeout={_WAIT * 1000}"
    f" -c idle_in_transaction_session_timeout={_WAIT * 1000}"
)


@dataclass(frozen=True)
class Database:
    """The database behind a URL; `where` names it in errors, without a password."""

    engine: Engine
    where: str
    file: Path | None

    @classmethod
    def open(cls, url: str) -> "Database":
        """Prepare connections to a database; none is made yet.  Raises `MisuseError`."""
        try:
            parsed = make_url(url)
        except ArgumentError:
            raise MisuseError("the ledger's URL cannot be read", advice=_FORMS) from None
        match parsed.get_backend_name():
            case "sqlite":
                return cls._sqlite(parsed)
            case "postgresql":
                return cls._postgresql(parsed)
            case other:
                raise MisuseError(f"{other!r} is not a kind of ledger", advice=_FORMS)

    @classmethod
    def _sqlite(cls, url: URL) -> "Database":
        if not url.database or url.database == ":memory:" or url.host:
            raise MisuseError("the ledger's URL names no file", advice=_FORMS)
        path = Path(url.database)
        engine = create_engine(
            URL.create("sqlite", database=str(path)),
            connect_args={"timeout": _WAIT, "check_same_thread": False, "isolation_level": None},
            pool_size=_POOL,
            max_overflow=-1,
        )
        event.listen(engine, "connect", _settle_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return cls(engine, str(path), path)

    @classmethod
    def _postgresql(cls, url: URL) -> "Database":
        where = f"postgresql://{url.host or 'localhost'}/{url.database or ''}"
        try:
            engine = create_engine(
                url.set(drivername="postgresql+psycopg"),
                connect_args={"connect_timeout": 10, "options": _SESSION},
                isolation_level="READ COMMITTED",
                pool_size=_POOL,
                max_overflow=-1,
            )
            event.listen(engine, "checkin", _note_use)
            event.listen(engine, "checkout", partial(_test_if_idle, engine.dialect))
        except (ImportError, NoSuchModuleError):
            raise MisuseError(
                "a ledger in PostgreSQL requires psycopg",
                advice="install chipseal with the extra `postgresql`",
            ) from None
        return cls(engine, where, None)

    @property
    def is_sqlite(self) -> bool:
        """Whether it is a file of SQLite."""
        return self.file is not None

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Make all changes of the block, durably, or none; SQLite lets one writer in at a time."""
        with self.explained(), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def reading(self, *, at_one_time: bool = False) -> Iterator[Connection]:
        """Read; nobody waits.  With `at_one_time` every query reads the same state."""
        with self.explained(), self.engine.connect() as connection:
            options: dict[str, Any] = {"reads": True}
            if at_one_time and not self.is_sqlite:  # SQLite always does
                options["isolation_level"] = "REPEATABLE READ"
            yield connection.execution_options(**options)

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Turn the errors of the drivers into ours."""
        try:
            yield
        except DBAPIError as error:
            self._explain(error)
        except sqlite3.Error as error:  # while a connection was made
            self._explain_sqlite(error)

    def _explain(self, error: DBAPIError) -> NoReturn:
        is_conflict = isinstance(error, IntegrityError)
        if isinstance(error.orig, sqlite3.Error) and not is_conflict:
            self._explain_sqlite(error.orig)
        if is_conflict:
            raise LedgerUnavailableError(
                f"{self.where}: another process entered the same at this moment",
                advice="repeat the step: the answer then says what was entered",
            ) from None
        if isinstance(error, OperationalError) or error.connection_invalidated:
            raise LedgerUnavailableError(
                f"{self.where}: the database does not answer, or not to this user ({_kind(error)})",
                advice="start it, or check user and password; whether the last step was entered is"
                " not known, and it can be repeated",
            ) from None
        raise DamagedLedgerError(
            f"{self.where}: the database cannot be used as a ledger ({_kind(error)})",
            advice="name a ledger, or create one with `personalise ledger init`",
        ) from None

    def _explain_sqlite(self, error: sqlite3.Error) -> NoReturn:
        match getattr(error, "sqlite_errorname", ""):
            case "SQLITE_FULL":
                problem = "the disk is full; nothing was changed"
                advice = "make room on the disk, and repeat the step"
            case name if name.startswith("SQLITE_BUSY"):
                problem = f"another process has been writing to it for {_WAIT} seconds"
                advice = "end that process, and repeat the step"
            case name if name.startswith("SQLITE_IOERR"):
                problem = f"the disk failed ({name})"
                advice = "check the disk, and repeat the step"
            case "SQLITE_READONLY" | "SQLITE_CANTOPEN" | "SQLITE_PERM":
                problem, advice = "cannot be opened or written", "check the path and its owner"
            case "SQLITE_NOTADB" | "SQLITE_CORRUPT":
                raise DamagedLedgerError(
                    f"{self.where}: is not a ledger, or is damaged",
                    advice="restore it from a backup, then run `personalise ledger verify`",
                ) from None
            case name:
                raise DamagedLedgerError(
                    f"{self.where}: cannot be used as a ledger ({name})",
                    advice="name a ledger, or create one with `personalise ledger init`",
                ) from None
        raise LedgerUnavailableError(f"{self.where}: {problem}", advice=advice) from None

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()


def _kind(error: DBAPIError) -> str:
    """Return what names an error of a driver: its text might repeat a value."""
    state = getattr(error.orig, "sqlstate", None)
    name = type(error.orig).__name__
    return f"{name} {state}" if state else name


def _note_use(_connection: object, record: ConnectionPoolEntry) -> None:
    record.info[_USED] = time.monotonic()


def _test_if_idle(
    dialect: Dialect, connection: Any, record: ConnectionPoolEntry, _proxy: object
) -> None:
    """Replace a connection that was idle, and that the server has ended meanwhile.

    A test before every transaction would be one more answer to wait for.
    """
    if time.monotonic() - record.info.get(_USED, -math.inf) < _IDLE:
        return
    try:
        dialect.do_ping(connection)
    except dialect.loaded_dbapi.Error as error:
        raise DisconnectionError from error


def _settle_sqlite(connection: Any, _record: object) -> None:
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA secure_delete = ON")
    _write_ahead(connection)
    connection.execute("PRAGMA synchronous = FULL")


def _write_ahead(connection: Any) -> None:
    """Switch to a write-ahead log; SQLite does not wait here while another process does it."""
    end = time.monotonic() + _WAIT
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > end:
                raise
            time.sleep(0.01)
        else:
            return


def _begin_sqlite(connection: Connection) -> None:
    """Begin as a writer at once, so that no transaction has to become one later."""
    reads = connection.get_execution_options().get("reads", False)
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")
