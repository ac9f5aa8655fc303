"""A database in one file (SQLite): for the registers of an issuer, and for trust stores."""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

from support.errors import MalformedError

Value = bytes | str | int | float | None

_WAIT: Final = 30.0
"""Seconds to wait while another process writes."""


class DamagedDatabaseError(MalformedError):
    """A file that is not the expected kind of database, has another version, or is damaged."""


class Layout(NamedTuple):
    """A kind of database: its name in errors, its tables, and how its files are recognised.

    `schema` creates the tables, each statement with IF NOT EXISTS.  `records` is set for a database
    whose content is confidential and must not be lost: only the owner may read the file, every
    commit is on disk, and several processes may write to it (a write-ahead log beside the file).
    """

    name: str
    schema: str
    application_id: int
    version: int
    records: bool = False


class Database:
    """An open database; a change is on disk when the method (or the transaction) returns.

    Every method raises `DamagedDatabaseError` if the file is not such a database, and `OSError`,
    which names the file, if it cannot be opened, read or written.  Several threads may use it, but
    only one of them inside a transaction.
    """

    def __init__(self, path: Path, layout: Layout, *, create: bool) -> None:
        self._path = path
        self._name = layout.name
        with self._explained():
            self._connection = sqlite3.connect(
                path, timeout=_WAIT, isolation_level=None, check_same_thread=False
            )
        try:
            with self._explained():
                self._prepare(layout, create=create)
        except BaseException:
            self._connection.close()
            raise

    def _prepare(self, layout: Layout, *, create: bool) -> None:
        connection = self._connection
        connection.execute("PRAGMA foreign_keys = ON")
        if layout.records:
            self._path.chmod(0o600)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
        if create and not self.number("SELECT count(*) FROM sqlite_schema"):
            # If two processes create the file at once, the second one finds the tables complete.
            connection.executescript(
                f"BEGIN IMMEDIATE; {layout.schema}; PRAGMA user_version = {layout.version};"
                f" PRAGMA application_id = {layout.application_id}; COMMIT;"
            )
        found = self.number("PRAGMA application_id"), self.number("PRAGMA user_version")
        if found != (layout.application_id, layout.version):
            reason = f"is not a {layout.name}, or is one of another version"
            raise DamagedDatabaseError(str(self._path), reason)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Make all changes of the block or none; other processes that write wait meanwhile."""
        with self._explained():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:  # a full disk may have ended it
                    self._connection.execute("ROLLBACK")
                raise

    def run(self, statement: str, *values: Value) -> int:
        """Run a statement without a result; returns how many rows it changed."""
        with self._explained():
            return self._connection.execute(statement, values).rowcount

    def insert(self, statement: str, values: Mapping[str, Value]) -> int:
        """Insert one row of named values; returns its id."""
        with self._explained():
            return self._connection.execute(statement, values).lastrowid or 0

    def rows(self, query: str, *values: Value) -> list[tuple[Any, ...]]:
        """Return all rows of a query."""
        # All are fetched at once: an unread row would hold the write lock of a RETURNING clause.
        with self._explained():
            return self._connection.execute(query, values).fetchall()

    def each_row(self, query: str, *values: Value) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of a query one by one, for a query with many."""
        with self._explained():
            yield from self._connection.execute(query, values)

    def number(self, query: str, *values: Value) -> int:
        """Return the single number that a query yields."""
        ((found,),) = self.rows(query, *values)
        return int(found)

    def version_of_data(self) -> int:
        """Return a number that changes whenever another process has written to the file."""
        return self.number("PRAGMA data_version")

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn SQLite's errors into `DamagedDatabaseError` or `OSError`."""
        try:
            yield
        except sqlite3.Error as error:
            match getattr(error, "sqlite_errorname", ""):
                case "SQLITE_FULL":
                    reason = "the disk is full; nothing was changed"
                case "SQLITE_BUSY":
                    reason = "another process is writing to it; try again"
                case "SQLITE_READONLY" | "SQLITE_CANTOPEN" | "SQLITE_PERM":
                    reason = "cannot be opened or written"
                case "SQLITE_NOTADB" | "SQLITE_CORRUPT":
                    reason = f"is not a {self._name}, or is damaged"
                    raise DamagedDatabaseError(str(self._path), reason) from None
                case _:
                    reason = f"the {self._name} cannot be used ({error})"
            raise OSError(0, reason, str(self._path)) from None
