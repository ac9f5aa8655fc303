"""A database in a file of its own (SQLite): the registers of an issuer, and trust stores."""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

from support.errors import MalformedError

Value = bytes | str | int | float | None

_WAIT: Final = 30.0
"""Seconds to wait for another process that writes."""


class DamagedDatabaseError(MalformedError):
    """A file that is not the database it is opened as, is of another version, or is damaged."""


class Layout(NamedTuple):
    """What a kind of database is: its name in errors, its tables, and how its file is told apart.

    `schema` makes the tables, each statement with IF NOT EXISTS.  `records` says that it keeps what
    must not be lost and is nobody else's business: only its owner may read the file, and several
    processes may write to it at a time (a write-ahead log beside it).
    """

    name: str
    schema: str
    application_id: int
    version: int
    records: bool = False


class Database:
    """An open file; what was written is on disk when a method (or transaction) returns.

    Everything raises `DamagedDatabaseError` for a file that is no such database, and `OSError`,
    which names the file, where it cannot be opened, read or written.  It may be used from several
    threads, but only by one of them inside a transaction.
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
            # Where two processes make it at a time, the second finds all of it there.
            connection.executescript(
                f"BEGIN IMMEDIATE; {layout.schema}; PRAGMA user_version = {layout.version};"
                f" PRAGMA application_id = {layout.application_id}; COMMIT;"
            )
        found = self.number("PRAGMA application_id"), self.number("PRAGMA user_version")
        if found != (layout.application_id, layout.version):
            reason = f"is not a {layout.name}, or one of another version"
            raise DamagedDatabaseError(str(self._path), reason)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Write alone, and all of it or nothing: other processes wait."""
        with self._explained():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:  # a full disk has ended it already
                    self._connection.execute("ROLLBACK")
                raise

    def run(self, statement: str, *values: Value) -> int:
        """Run a statement that gives nothing back; returns how many rows it changed."""
        with self._explained():
            return self._connection.execute(statement, values).rowcount

    def insert(self, statement: str, values: Mapping[str, Value]) -> int:
        """Insert one row, of named values; returns its id."""
        with self._explained():
            return self._connection.execute(statement, values).lastrowid or 0

    def rows(self, query: str, *values: Value) -> list[tuple[Any, ...]]:
        """All rows of a query."""
        # All are fetched at once: one that was not would hold the writer of a RETURNING clause.
        with self._explained():
            return self._connection.execute(query, values).fetchall()

    def each_row(self, query: str, *values: Value) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of a query that may be many, one by one."""
        with self._explained():
            yield from self._connection.execute(query, values)

    def number(self, query: str, *values: Value) -> int:
        """The one number that a query comes to."""
        ((found,),) = self.rows(query, *values)
        return int(found)

    def version_of_data(self) -> int:
        """A number that changes whenever another process has written to the file."""
        return self.number("PRAGMA data_version")

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn SQLite's errors into ours: what, where, and what to do."""
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
