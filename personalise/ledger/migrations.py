"""The versions of the tables, and the steps from one version to the next.

`MIGRATIONS[n - 1]` makes a ledger of version n one of version n + 1; a new ledger begins with the
tables as they are now.  A step that was released is never changed.
"""

import os
import secrets
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, inspect, select, text, update

from personalise.ledger.engine import Database
from personalise.ledger.errors import DamagedLedgerError
from personalise.ledger.tables import JOB, LEDGER, METADATA, STOP, to_microseconds

_LOCK: Final = 0x43484C44  # of PostgreSQL's advisory locks


def _add_printing_and_delivery(connection: Connection) -> None:
    """Version 2: cards that are printed first and after the station, stops, checks of keys."""
    octets = "BLOB" if connection.dialect.name == "sqlite" else "BYTEA"
    connection.exec_driver_sql(f"ALTER TABLE period ADD key_check {octets}")
    for table, column in (("job", "printing"), ("job", "stopped"), ("card", "place")):
        connection.exec_driver_sql(f"ALTER TABLE {table} ADD {column} TEXT NOT NULL DEFAULT ''")
    changed = {"job_queue", "job_unbegun", "job_by_state"}
    for name in sorted(changed):
        connection.exec_driver_sql(f"DROP INDEX {name}")
    for index in JOB.indexes:
        if index.name in changed:
            index.create(connection)
    STOP.create(connection)


MIGRATIONS: Final[tuple[Callable[[Connection], None], ...]] = (_add_printing_and_delivery,)
VERSION: Final = 1 + len(MIGRATIONS)


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
            METADATA.create_all(connection)
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
    for migration in MIGRATIONS[version - 1 :]:
        migration(connection)
