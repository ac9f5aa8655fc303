"""A database in a file of its own (SQLite), for records that must not be lost."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from support.errors import MisuseError

Value = bytes | str | int

_WAIT: Final = 30.0
"""Seconds to wait for another process that writes."""


class Database:
    """A file that only its owner may read; what was written is on disk when a method returns.

    `what` is its name in errors: everything raises `MisuseError` where the file is no such
    database, or cannot be read or written.
    """

    def __init__(self, path: Path, schema: str, what: str) -> None:
        self._path = path
        self._what = what
        with self._explained():
            self._connection = sqlite3.connect(path, timeout=_WAIT, isolation_level=None)
            path.chmod(0o600)
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = FULL")
            self._connection.executescript(schema)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Write alone, and all of it or nothing: other processes wait."""
        with self._explained(), self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            yield

    def run(self, statement: str, *values: Value) -> None:
        """Run a statement that gives nothing back."""
        with self._explained():
            self._connection.execute(statement, values)

    def rows(self, query: str, *values: Value) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of a query, one by one."""
        with self._explained():
            yield from self._connection.execute(query, values)

    def number(self, query: str, *values: Value) -> int:
        """The one number that a query comes to."""
        ((found,),) = self.rows(query, *values)
        return int(found)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise MisuseError(f"{self._path}: {self._what} cannot be used ({error})") from error
