"""A database in one file (SQLite): for the registers of an issuer, and for trust stores."""

import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from support.errors import MalformedError

Value = bytes | str | int | float | None

_WAIT: Final = 30.0
"""Seconds to wait while another process writes."""


class DamagedDatabaseError(MalformedError):
    """A file that is not the expected kind of database, has another version, or is damaged."""


class BusyDatabaseError(OSError):
    """Another process kept the file locked for longer than `_WAIT`; nothing was changed."""


class Layout(NamedTuple):
    """A kind of database: its name in errors, its tables, and how its files are recognised.

    `schema` creates the tables, each statement with IF NOT EXISTS.  `records` is set for a database
    whose content is confidential and must not be lost: only the owner may read the file, every
    commit is on disk, and several processes may write to it (a write-ahead log beside the file).

    `migrations` holds, by version, the statements that make a file of this version one of the next.
    Version 0 is a file of the first release, which had no application id: its statements must fail
    on any other database.
    """

    name: str
    schema: str
    application_id: int
    version: int
    records: bool = False
    migrations: Mapping[int, str] = MappingProxyType({})


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
            self._write_ahead()
            connection.execute("PRAGMA synchronous = FULL")
        if create and not self.number("SELECT count(*) FROM sqlite_schema"):
            # If two processes create the file at once, the second one finds the tables complete.
            connection.executescript(
                f"BEGIN IMMEDIATE; {layout.schema}; PRAGMA user_version = {layout.version};"
                f" PRAGMA application_id = {layout.application_id}; COMMIT;"
            )
        if self._identity() == (layout.application_id, layout.version):
            return
        with self.transaction():  # another process may have migrated the file meanwhile
            self._migrate(layout)

    def _write_ahead(self) -> None:
        """Switch to a write-ahead log; SQLite does not wait here while another process does it."""
        end = time.monotonic() + _WAIT
        while True:
            try:
                self._connection.execute("PRAGMA journal_mode = WAL")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > end:
                    raise
                time.sleep(0.01)
            else:
                return

    def _identity(self) -> tuple[int, int]:
        return self.number("PRAGMA application_id"), self.number("PRAGMA user_version")

    def _migrate(self, layout: Layout) -> None:
        """Bring a file of an older version to this one, or refuse the file."""
        application_id, version = self._identity()
        where, name = str(self._path), layout.name
        is_older = application_id == layout.application_id and version > 0
        is_first = application_id == version == 0 and version in layout.migrations
        if not is_older and not is_first:
            raise DamagedDatabaseError(where, f"is not a {name}")
        if version > layout.version:
            raise DamagedDatabaseError(
                where,
                f"is a {name} of version {version}, and this release reads version"
                f" {layout.version}; use the release that wrote it, or a newer one",
            )
        for step in range(version, layout.version):
            if step not in layout.migrations:
                raise DamagedDatabaseError(
                    where,
                    f"is a {name} of version {version}, which this release cannot convert to"
                    f" version {layout.version}; make a new one",
                )
            for statement in layout.migrations[step].split(";"):
                try:
                    self._connection.execute(statement)
                except sqlite3.OperationalError as error:
                    if version or error.sqlite_errorcode != sqlite3.SQLITE_ERROR:
                        raise
                    raise DamagedDatabaseError(where, f"is not a {name}") from None
        self._connection.execute(f"PRAGMA user_version = {layout.version}")
        self._connection.execute(f"PRAGMA application_id = {layout.application_id}")

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Make all changes of the block or none; other processes that write wait meanwhile.

        Inside another transaction the block is part of that one.
        """
        if self._connection.in_transaction:
            yield
            return
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

    def run_many(self, statement: str, values: Iterable[Sequence[Value]]) -> None:
        """Run a statement once for each of many rows of values."""
        with self._explained():
            self._connection.executemany(statement, values)

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

    def set_cache(self, mebibytes: int | None) -> None:
        """Set how much of the file is kept in memory at most; None is SQLite's 2 MB."""
        self.run(f"PRAGMA cache_size = {-2000 if mebibytes is None else -1024 * mebibytes}")

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
                case name if name.startswith("SQLITE_BUSY"):  # it has variants
                    reason = f"another process has been writing to it for {_WAIT:.0f} seconds"
                    raise BusyDatabaseError(0, reason, str(self._path)) from None
                case "SQLITE_READONLY" | "SQLITE_CANTOPEN" | "SQLITE_PERM":
                    reason = "cannot be opened or written"
                case "SQLITE_NOTADB" | "SQLITE_CORRUPT":
                    reason = f"is not a {self._name}, or is damaged"
                    raise DamagedDatabaseError(str(self._path), reason) from None
                case _:
                    reason = f"the {self._name} cannot be used ({error})"
            raise OSError(0, reason, str(self._path)) from None
