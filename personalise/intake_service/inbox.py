"""The packages that were sent: each a file until it was looked at, and a row with its receipt.

The folder holds `inbox.sqlite` and, while a package waits, its file as it came (encrypted).  A
package is accepted when both are on disk; what a service that was killed left unfinished is
finished by the next one.  A row holds no person's data: names are identifiers that were drawn.
"""

import fcntl
import os
import secrets
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

from personalise.service.errors import ErrorKind, RefusedError
from personalise.service.intake import PackageState
from support.database import Database, Layout
from support.errors import MisuseError
from support.printable_text import printable

_LAYOUT: Final = Layout(
    "inbox of the intake service",
    """
    CREATE TABLE IF NOT EXISTS package (
        package TEXT PRIMARY KEY,
        client TEXT NOT NULL,
        idempotency_key TEXT NOT NULL,
        sha256 BLOB NOT NULL,         -- of what was sent
        octets INTEGER NOT NULL,
        accepted TEXT NOT NULL,       -- UTC
        state TEXT NOT NULL,
        tries INTEGER NOT NULL,       -- how often it was begun
        not_before TEXT NOT NULL,     -- UTC
        receipt BLOB,
        content BLOB,                 -- JSON
        UNIQUE (client, idempotency_key)
    ) STRICT;
    CREATE INDEX IF NOT EXISTS package_by_state ON package (state, not_before);
    CREATE TABLE IF NOT EXISTS application (
        application TEXT PRIMARY KEY,
        package TEXT NOT NULL REFERENCES package,
        position INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX IF NOT EXISTS application_by_package ON application (package, position)
    """,
    0x43484942,
    1,
    records=True,
)
_COLUMNS: Final = (
    "package, client, sha256, octets, accepted, state, tries, not_before, receipt, content"
)
_PART: Final = ".part"


@dataclass(frozen=True, slots=True)
class Stored:
    """A package: who sent it, how far it is, and its receipt (CMS) with its content (JSON)."""

    package: str
    client: str
    sha256: bytes
    octets: int
    accepted: datetime
    state: PackageState
    tries: int
    not_before: datetime
    receipt: bytes | None = field(repr=False)
    content: bytes | None = field(repr=False)


@contextmanager
def inbox_of(folder: Path) -> Iterator["Inbox"]:
    """Open the inbox in a folder, which is made if it does not exist.

    Raises `MisuseError` if another service has it open.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise MisuseError(
                f"{folder}: another intake service has this inbox open",
                advice="stop it, or name another folder in [intake] inbox",
            ) from None
        inbox = Inbox(folder, descriptor)
        try:
            yield inbox
        finally:
            inbox.close()
    finally:
        os.close(descriptor)


class Inbox:
    """The packages of one service; threads may share it."""

    def __init__(self, folder: Path, descriptor: int) -> None:
        self.folder: Final = folder
        self._descriptor = descriptor
        self._lock = threading.Lock()
        self._database = Database(folder / "inbox.sqlite", _LAYOUT, create=True)
        self._tidy()

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    def part(self) -> Path:
        """Return a path for what is being received."""
        return self.folder / f".{secrets.token_hex(8)}{_PART}"

    def path(self, package: str) -> Path:
        """Return the path of a package that waits."""
        return self.folder / f"{package}.p7m"

    def accept(
        self, part: Path, client: str, key: str, sha256: bytes, *, octets: int, at: datetime
    ) -> tuple[Stored, bool]:
        """Store a package whose file is on disk; return it, and whether it is new.

        One that failed under another key counts as begun: its applications may be in the ledger.
        Raises `RefusedError` if the client used the key for another package.
        """
        with self._lock:
            query = f"SELECT {_COLUMNS} FROM package WHERE client = ? AND idempotency_key = ?"  # noqa: S608
            for known in map(_stored, self._database.rows(query, client, key)):
                part.unlink()
                if known.sha256 != sha256:
                    raise RefusedError(
                        ErrorKind.KEY_REUSED, "this Idempotency-Key was used for another package"
                    )
                return known, False
            query = "SELECT count(*) FROM package WHERE client = ? AND sha256 = ? AND state = ?"
            begun = self._database.number(query, client, sha256, PackageState.FAILED)
            package = f"P-{secrets.token_hex(8)}"
            part.rename(self.path(package))
            os.fsync(self._descriptor)
            self._database.run(
                "INSERT INTO package VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, NULL)",
                package,
                client,
                key,
                sha256,
                octets,
                at.isoformat(),
                PackageState.WAITING,
                min(begun, 1),
                at.isoformat(),
            )
        return self.get(package), True

    def get(self, package: str, client: str | None = None) -> Stored:
        """Return a package, of this client if one is given; raises `RefusedError` without it."""
        query = f"SELECT {_COLUMNS} FROM package WHERE package = ?"  # noqa: S608
        with self._lock:
            found = [_stored(each) for each in self._database.rows(query, package)]
        if not found or client not in {None, found[0].client}:
            raise RefusedError(ErrorKind.NOT_FOUND, f"{printable_id(package)}: no such package")
        return found[0]

    def applications(self, package: str) -> list[str]:
        """Return the applications of a package that were taken or held, in their order."""
        query = "SELECT application FROM application WHERE package = ? ORDER BY position"
        with self._lock:
            return [name for (name,) in self._database.rows(query, package)]

    def require_application(self, application: str, client: str) -> None:
        """Raise `RefusedError` if this client sent no such application."""
        query = (
            "SELECT count(*) FROM application JOIN package USING (package)"
            " WHERE application = ? AND client = ?"
        )
        with self._lock:
            if self._database.number(query, application, client):
                return
        raise RefusedError(ErrorKind.NOT_FOUND, f"{printable_id(application)}: no such application")

    def waiting(self) -> int:
        """Return how many packages wait."""
        query = "SELECT count(*) FROM package WHERE state = ?"
        with self._lock:
            return self._database.number(query, PackageState.WAITING)

    # --- the worker

    def next(self) -> Stored | None:
        """Return the package that is to be looked at next, the earliest first; None without one."""
        query = (
            f"SELECT {_COLUMNS} FROM package WHERE state = ?"  # noqa: S608
            " ORDER BY not_before, accepted, package LIMIT 1"
        )
        with self._lock:
            rows = self._database.rows(query, PackageState.WAITING)
        return _stored(rows[0]) if rows else None

    def begin(self, package: str) -> None:
        """Enter that a package is being looked at: its applications may be in the ledger."""
        with self._lock:
            query = "UPDATE package SET tries = tries + 1 WHERE package = ?"
            self._database.run(query, package)

    def finish(
        self, package: str, receipt: bytes, content: bytes, applications: Sequence[tuple[int, str]]
    ) -> None:
        """Enter the receipt of a package, and its applications by position; its file goes."""
        with self._lock, self._database.transaction():
            self._database.run(
                "UPDATE package SET state = ?, receipt = ?, content = ? WHERE package = ?",
                PackageState.DONE,
                receipt,
                content,
                package,
            )
            self._database.run_many(
                "INSERT OR IGNORE INTO application VALUES (?, ?, ?)",
                [(name, package, position) for position, name in applications],
            )
        self.path(package).unlink(missing_ok=True)

    def fail(self, package: str) -> None:
        """Enter that a package cannot be looked at; its file stays."""
        with self._lock:
            query = "UPDATE package SET state = ? WHERE package = ?"
            self._database.run(query, PackageState.FAILED, package)

    def retry(self, package: str) -> None:
        """Let a package that failed be looked at again, by the next service on this inbox.

        Its applications may be in the ledger.  Raises `MisuseError` if it has not failed, or was
        taken since under another key.
        """
        query = "SELECT package, client, sha256 FROM package WHERE state = ?"
        done = "SELECT count(*) FROM package WHERE client = ? AND sha256 = ? AND state = ?"
        with self._lock, self._database.transaction():
            failed = {
                str(name): rest for name, *rest in self._database.rows(query, PackageState.FAILED)
            }
            if package not in failed:
                raise MisuseError(
                    f"no package {printable(package)} has failed",
                    advice=f"these have: {' '.join(sorted(failed))}" if failed else "",
                )
            if self._database.number(done, *failed[package], PackageState.DONE):
                raise MisuseError(f"{package}: its client has sent it again, and has a receipt")
            query = (
                "UPDATE package SET state = ?, tries = 1, not_before = accepted WHERE package = ?"
            )
            self._database.run(query, PackageState.WAITING, package)

    def put_off(self, package: str, until: datetime) -> None:
        """Look at a package again later."""
        with self._lock:
            query = "UPDATE package SET not_before = ? WHERE package = ?"
            self._database.run(query, until.isoformat(), package)

    def _tidy(self) -> None:
        """Remove what was received and not accepted, and what was finished and not removed."""
        query = "SELECT package FROM package WHERE state <> ?"
        kept = {self.path(name).name for (name,) in self._database.rows(query, PackageState.DONE)}
        for each in self.folder.iterdir():
            if each.suffix == _PART or (each.suffix == ".p7m" and each.name not in kept):
                each.unlink()


def printable_id(text: str) -> str:
    """Return an identifier that a client has sent as it may be repeated: ours, or nothing of it."""
    known = text[:2] in {"A-", "P-"} and len(text) == 18 and text[2:].isalnum() and text.isascii()
    return text if known else "this path"


def _stored(row: tuple[object, ...]) -> Stored:
    package, client, sha256, octets, accepted, state, tries, not_before, receipt, content = row
    return Stored(
        package=str(package),
        client=str(client),
        sha256=sha256 if isinstance(sha256, bytes) else b"",
        octets=octets if isinstance(octets, int) else 0,
        accepted=datetime.fromisoformat(str(accepted)),
        state=PackageState(str(state)),
        tries=tries if isinstance(tries, int) else 0,
        not_before=datetime.fromisoformat(str(not_before)),
        receipt=receipt if isinstance(receipt, bytes) else None,
        content=content if isinstance(content, bytes) else None,
    )
