"""What the service has signed: one row a signature, in SQLite, committed before it is given out.

A client's quota and the answer to a repeated request are read from these rows.  Which documents a
Document Signer has signed stands in the PKI's own register.
"""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, TypeVar

from emrtd.errors import MisuseError

T = TypeVar("T")

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS signature (
    client TEXT NOT NULL,
    idempotency_key TEXT NOT NULL,
    request BLOB NOT NULL,        -- SHA-256 of what was asked for
    signer BLOB NOT NULL,         -- SHA-256 of the Document Signer's certificate
    kind TEXT NOT NULL,
    at TEXT NOT NULL,             -- UTC
    response BLOB NOT NULL,
    PRIMARY KEY (client, idempotency_key)
) STRICT;
CREATE INDEX IF NOT EXISTS signature_by_client ON signature (client, at);
"""


@dataclass(frozen=True, slots=True)
class Signed:
    """One signature given: to whom, for which request, by which signer, and what was answered."""

    client: str
    idempotency_key: str
    request: bytes
    signer: bytes
    kind: str
    at: datetime
    response: bytes = field(repr=False)


class Ledger:
    """The signatures of one service; used from one thread.

    Everything raises `MisuseError` where the file is no ledger, or cannot be read or written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._database = sqlite3.connect(path, isolation_level=None)
            path.chmod(0o600)
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.execute("PRAGMA synchronous = FULL")
            self._database.executescript(_SCHEMA)
        except sqlite3.Error as error:
            raise MisuseError(f"{path}: is no ledger of this service ({error})") from error

    def find(self, client: str, idempotency_key: str) -> Signed | None:
        """The signature that this client was given under this key."""
        row = self._guarded(
            lambda: self._database.execute(
                "SELECT client, idempotency_key, request, signer, kind, at, response"
                " FROM signature WHERE client = ? AND idempotency_key = ?",
                (client, idempotency_key),
            ).fetchone()
        )
        if row is None:
            return None
        name, key, request, signer, kind, at, response = row
        return Signed(name, key, request, signer, kind, datetime.fromisoformat(at), response)

    def enter(self, signed: Signed) -> None:
        """Enter one signature, durably."""
        row = (
            signed.client,
            signed.idempotency_key,
            signed.request,
            signed.signer,
            signed.kind,
            signed.at.isoformat(),
            signed.response,
        )
        self._guarded(
            lambda: self._database.execute(
                "INSERT INTO signature VALUES (?, ?, ?, ?, ?, ?, ?)", row
            )
        )

    def given(self, client: str, at: datetime) -> int:
        """How many signatures a client was given in the 24 hours before an instant."""
        since = (at - timedelta(days=1)).isoformat()
        statement = "SELECT count(*) FROM signature WHERE client = ? AND at > ?"
        ((found,),) = self._guarded(
            lambda: self._database.execute(statement, (client, since)).fetchall()
        )
        return int(found)

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    def _guarded(self, work: Callable[[], T]) -> T:
        try:
            return work()
        except sqlite3.Error as error:
            raise MisuseError(f"{self._path}: the ledger cannot be used ({error})") from error
