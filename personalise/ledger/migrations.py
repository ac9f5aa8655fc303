"""The versions of the tables, and the steps from one version to the next.

`MIGRATIONS[n - 1]` makes a ledger of version n - 1 one of version n; the first one makes the
tables.  A step that was released is never changed.
"""

import os
import secrets
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, inspect, select, text, update

from personalise.ledger.engine import Database
from personalise.ledger.interface import DamagedLedgerError
from personalise.ledger.tables import LEDGER, METADATA, to_microseconds

_LOCK: Final = 0x43484C44  # of PostgreSQL's advisory locks


def _make_tables(connection: Connection) -> None:
    METADATA.create_all(connection)


MIGRATIONS: Final[tuple[Callable[[Connection], None], ...]] = (_make_tables,)
VERSION: Final = len(MIGRATIONS)


def prepare(database: Database, at: datetime, *, create: bool) -> str:
    """Bring a ledger to this version and return its id; with `create` it is made if needed.

    Raises `DamagedLedgerError` if the database holds no ledger, or one of a newer version.
    """
    if create and database.file is not None:
        _make_file(database.file)
    elif database.file is not None and not database.file.is_file():
        raise DamagedLedgerError(
            f"{database.where}: no such ledger",
            advice="create it with `personalise ledger init`, or take in applications first",
        )
    with database.writing() as connection:
        if not database.is_sqlite:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        found = set(inspect(connection).get_table_names())
        if LEDGER.name not in found:
            if not create:
                raise DamagedLedgerError(
                    f"{database.where}: holds no ledger",
                    advice="create one with `personalise ledger init`",
                )
            if found & set(METADATA.tables):
                raise DamagedLedgerError(
                    f"{database.where}: holds tables of another program",
                    advice="name a database of its own for the ledger",
                )
            _migrate(connection, 0)
            ledger = secrets.token_hex(8)
            connection.execute(
                LEDGER.insert().values(id=ledger, version=VERSION, created=to_microseconds(at))
            )
        else:
            ledger, version = connection.execute(select(LEDGER.c.id, LEDGER.c.version)).one()
            if version > VERSION:
                raise DamagedLedgerError(
                    f"{database.where}: is a ledger of version {version}, and this release reads"
                    f" version {VERSION}",
                    advice="use the release that wrote it, or a newer one",
                )
            if version < VERSION:
                _migrate(connection, version)
                connection.execute(update(LEDGER).values(version=VERSION))
    return str(ledger)


def _make_file(path: Path) -> None:
    """Make an empty file that only its owner may read, unless it exists; SQLite then keeps that."""
    path.parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))


def _migrate(connection: Connection, version: int) -> None:
    for migration in MIGRATIONS[version:]:
        migration(connection)
