"""Destroying what the ledger stores about persons, and the report of what it cannot reach.

A job's blobs are deleted and its wrapped key is removed.  When every job of a retention period is
finished, the period's key is destroyed: that is the erasure, since every copy of the database is
then unreadable too.
"""

from collections.abc import Iterable
from typing import Any, Final

from sqlalchemy import Row, delete, select, update

from personalise.ledger.engine import Database
from personalise.ledger.errors import LedgerUnavailableError
from personalise.ledger.keys.interface import LedgerKeys
from personalise.ledger.states import OPEN, JobState
from personalise.ledger.steps import Purged
from personalise.ledger.tables import BLOB, JOB, PERIOD, to_microseconds
from personalise.ledger.transaction import Transaction
from support.errors import MisuseError

BATCH: Final = 200
"""Jobs purged in one transaction, so that stations do not wait long."""

_IN_POSTGRESQL: Final = (
    "PostgreSQL's write-ahead log, archives and replicas, and blocks of deleted rows until they are"
    " used again: encrypted with the keys above"
)
_LOG_IN_USE: Final = (
    "another process uses the ledger, so its write-ahead log was not emptied; run `personalise jobs"
    " purge` again when no station runs"
)
_NOT_REBUILT: Final = (
    "the file was not rebuilt; what was deleted is overwritten with zeros, in the file but perhaps"
    " not in its write-ahead log"
)
_ELSEWHERE: Final = (
    "the PKI's register.sqlite: encrypted document numbers, for the revocation of signers",
    "the folders and packages that the applications came in, and copies of their senders",
    "images that `personalise jobs export` or `personalise prepare` wrote to folders",
    "files that `personalise jobs export --print` wrote, and what the printer keeps of them",
    "numbers on the stop list, until `jobs unstop`: encrypted with the key of the PKI's register",
    "blocks that a file system, a snapshot or a disk has kept: encrypted with the keys above",
)


def purge(transaction: Transaction, row: Row[Any], step: Purged) -> None:
    """Destroy the contents of a finished job; refused if it is not finished."""
    if row.state != JobState.PURGED:
        transaction.step(row, step, wrapped_key=None)
    transaction.connection.execute(delete(BLOB).where(BLOB.c.job == row.number))


def require_period(transaction: Transaction, period: str) -> None:
    """Raise `MisuseError` if nothing was received in a period."""
    if transaction.first(select(PERIOD.c.name).where(PERIOD.c.name == period)) is None:
        raise MisuseError(
            f"{period!r}: the ledger has no such retention period",
            advice="`personalise ledger status` lists them",
        )


def next_of_period(transaction: Transaction, period: str) -> list[Row[Any]]:
    """Return the next finished jobs of a period that are not purged, locked."""
    finished = (JobState.ISSUED.value, JobState.REJECTED.value)
    query = (
        select(JOB)
        .where(JOB.c.period == period, JOB.c.state.in_(finished))
        .order_by(JOB.c.number)
        .limit(BATCH)
        .with_for_update(key_share=True)
    )
    return list(transaction.connection.execute(query).all())


def unfinished(transaction: Transaction, period: str) -> list[str]:
    """Return the jobs of a period that are not finished."""
    states = [state.value for state in OPEN]
    query = select(JOB.c.id).where(JOB.c.period == period, JOB.c.state.in_(states))
    return [row.id for row in transaction.connection.execute(query.order_by(JOB.c.number)).all()]


def end_period(transaction: Transaction, period: str) -> bool:
    """Mark a period as destroyed, unless a job was received in it meanwhile.

    Nothing is received in it any more; its key can be destroyed when this is committed.
    """
    at = to_microseconds(transaction.now)
    marked = update(PERIOD).where(PERIOD.c.name == period).values(destroyed=at)
    transaction.connection.execute(marked)
    if unfinished(transaction, period):
        transaction.connection.execute(marked.values(destroyed=None))
        return False
    return True


def clean(database: Database) -> list[str]:
    """Overwrite what the database keeps of deleted rows; return what could not be."""
    if database.is_sqlite:
        return _clean_sqlite(database)
    connection = database.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
    with database.explained(), connection:
        connection.exec_driver_sql(f"VACUUM {BLOB.name}")
        connection.exec_driver_sql(f"VACUUM {JOB.name}")
    return [_IN_POSTGRESQL]


def _clean_sqlite(database: Database) -> list[str]:
    raw = database.engine.raw_connection()
    try:
        cursor = raw.cursor()
        with database.explained():
            cursor.execute("VACUUM")
            busy, *_ = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    except LedgerUnavailableError as error:
        return [f"{error.message}: {_NOT_REBUILT}"]
    finally:
        raw.close()
    return [f"{database.where}-wal: {_LOG_IN_USE}"] if busy else []


def beyond_reach(
    keys: LedgerKeys, purged: Iterable[str], destroyed: Iterable[str], left: Iterable[str]
) -> tuple[str, ...]:
    """Return the copies that a purge does not reach.

    `purged` are the periods of the purged jobs, `destroyed` those whose key was destroyed, `left`
    what `clean` could not overwrite.
    """
    gone = sorted(destroyed)
    kept = sorted(set(purged) - set(gone))
    found = [
        f"backups of the database: their contents of the period {period} open with"
        f" {keys.where(period)}, until that key is destroyed with the whole period"
        for period in kept
    ]
    found += [
        f"{keys.backups(period)}: destroy it there too, or backups of the database can be opened"
        " with it"
        for period in gone
    ]
    return (*found, *left, *_ELSEWHERE)
