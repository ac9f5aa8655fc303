"""The signatures of a service: one row for each, in SQLite, committed before it is returned.

A client's quota and the answer to a repeated request are read from these rows.  The documents that
a Document Signer has signed are listed in the PKI's own register.  Several processes on one PKI use
one store, so a client's limits hold for all of them together.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from support.database import Database, Layout

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

_ALLOWANCE: Final = """
CREATE TABLE IF NOT EXISTS allowance (
    client TEXT PRIMARY KEY,
    left REAL NOT NULL,           -- signatures that the client may have at once
    since TEXT NOT NULL           -- UTC
) STRICT
"""

_FIRST: Final = (
    "SELECT client, idempotency_key, request, signer, kind, at, response FROM signature LIMIT 0"
)
_LAYOUT: Final = Layout(
    "store of signatures",
    _SCHEMA + _ALLOWANCE,
    0x4348534C,
    2,
    records=True,
    migrations={0: _FIRST, 1: _ALLOWANCE},
)


@dataclass(frozen=True, slots=True)
class Signed:
    """One signature: its client, the request's SHA-256, the signer, the time and the answer."""

    client: str
    idempotency_key: str
    request: bytes
    signer: bytes
    kind: str
    at: datetime
    response: bytes = field(repr=False)


class SignatureStore:
    """The signatures of one service; raises what `Database` raises if its file is unusable."""

    def __init__(self, path: Path) -> None:
        self._database = Database(path, _LAYOUT, create=True)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes from writing; all changes of the block are made, or none."""
        with self._database.transaction():
            yield

    def find(self, client: str, idempotency_key: str) -> Signed | None:
        """Return the signature that this client received under this key, or None."""
        query = (
            "SELECT request, signer, kind, at, response"
            " FROM signature WHERE client = ? AND idempotency_key = ?"
        )
        for request, signer, kind, at, response in self._database.rows(
            query, client, idempotency_key
        ):
            given = datetime.fromisoformat(at)
            return Signed(client, idempotency_key, request, signer, kind, given, response)
        return None

    def enter(self, signed: Signed) -> None:
        """Enter one signature, durably."""
        self._database.run(
            "INSERT INTO signature VALUES (?, ?, ?, ?, ?, ?, ?)",
            signed.client,
            signed.idempotency_key,
            signed.request,
            signed.signer,
            signed.kind,
            signed.at.isoformat(),
            signed.response,
        )

    def withdraw(self, signed: Signed) -> None:
        """Remove a signature that was never given to its client."""
        self._database.run(
            "DELETE FROM signature WHERE client = ? AND idempotency_key = ?",
            signed.client,
            signed.idempotency_key,
        )

    def take_allowance(self, client: str, per_minute: int, at: datetime) -> bool:
        """Take one signature from a client's allowance; False if none is left at present.

        The allowance is a token bucket of `per_minute`, refilled over a minute.  A clock that goes
        back refills nothing.
        """
        with self._database.transaction():
            left = float(per_minute)
            for before, since in self._database.rows(
                "SELECT left, since FROM allowance WHERE client = ?", client
            ):
                seconds = max(0.0, (at - datetime.fromisoformat(since)).total_seconds())
                left = min(left, before + seconds * per_minute / 60)
            if left < 1:
                return False
            self._database.run(
                "INSERT OR REPLACE INTO allowance VALUES (?, ?, ?)",
                client,
                left - 1,
                at.isoformat(),
            )
        return True

    def given(self, client: str, at: datetime) -> int:
        """Return how many signatures a client received in the 24 hours before an instant."""
        since = (at - timedelta(days=1)).isoformat()
        query = "SELECT count(*) FROM signature WHERE client = ? AND at > ?"
        return self._database.number(query, client, since)

    def close(self) -> None:
        """Close the database."""
        self._database.close()
