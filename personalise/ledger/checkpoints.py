"""Signed checkpoints: the heads of all chains at one time."""

import json
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import Row, func, select

from personalise.ledger.chain import BEFORE_THE_FIRST, Checkpoint, Entry, digest_of
from personalise.ledger.engine import Database
from personalise.ledger.errors import LedgerRestoredError
from personalise.ledger.keys.interface import LedgerKeys
from personalise.ledger.tables import (
    CHAIN,
    CHECKPOINT,
    ENTRY,
    from_microseconds,
    to_microseconds,
)
from personalise.ledger.transaction import Transaction
from support.errors import MalformedError
from support.files import write_atomically
from support.records import read_bounded

INTERVAL: Final = timedelta(seconds=30)
"""How long after the last checkpoint the next one is signed, if there are new entries."""

_MAX_FILE: Final = 1024 * 1024


def sign(transaction: Transaction, keys: LedgerKeys, *, least: timedelta) -> Checkpoint | None:
    """Join the heads of all chains; None if there is nothing new, or `least` is not over."""
    last = last_checkpoint(transaction)
    if last is not None:
        age = transaction.now - from_microseconds(last.at)
        if timedelta(0) <= age < least:
            return None
    query = select(CHAIN).order_by(CHAIN.c.name)
    rows = transaction.connection.execute(query).all()
    heads = {row.name: (row.sequence, row.digest.hex()) for row in rows if row.sequence}
    if not heads or (last is not None and Checkpoint.decode(last.content).heads == heads):
        return None
    number, previous = (0, BEFORE_THE_FIRST) if last is None else (last.number, last.digest)
    checkpoint = Checkpoint(transaction.ledger, number + 1, transaction.now, heads, previous.hex())
    content = checkpoint.encode()
    inserted = transaction.connection.execute(
        transaction.insert_or_not(CHECKPOINT)
        .values(
            number=checkpoint.number,
            at=to_microseconds(transaction.now),
            content=content,
            digest=digest_of(content),
            signature=keys.sign(content.encode()),
        )
        .returning(CHECKPOINT.c.number)
    ).all()
    return checkpoint if inserted else None  # another process signed one at this moment


def last_checkpoint(transaction: Transaction) -> Row[Any] | None:
    """Return the row of the last checkpoint."""
    newest = select(func.max(CHECKPOINT.c.number)).scalar_subquery()
    return transaction.first(select(CHECKPOINT).where(CHECKPOINT.c.number == newest))


def keep_outside(keys: LedgerKeys, checkpoint: Checkpoint) -> None:
    """Write a checkpoint to its file beside the PKI, where a restored database does not reach."""
    content = checkpoint.encode().encode()
    record = {"checkpoint": content.decode(), "digest": digest_of(content.decode()).hex()}
    write_atomically(keys.last_checkpoint, json.dumps(record).encode() + b"\n")


def read_outside(keys: LedgerKeys) -> Checkpoint | None:
    """Return the checkpoint in the file beside the PKI, None if there is none."""
    path = keys.last_checkpoint
    if not path.is_file():
        return None
    try:
        record = json.loads(read_bounded(path, _MAX_FILE))
        return Checkpoint.decode(record["checkpoint"])
    except (ValueError, KeyError, TypeError):
        raise MalformedError(str(path), "is not a checkpoint of a ledger") from None


def set_aside(keys: LedgerKeys, name: str) -> None:
    """Rename the checkpoint beside the PKI: a restored ledger was joined with the journals."""
    path = keys.last_checkpoint
    if path.is_file():
        path.rename(path.with_name(f"{path.stem}-{name}{path.suffix}"))


def require_outside(
    transaction: Transaction, outside: Checkpoint | None, database: Database
) -> None:
    """Raise `LedgerRestoredError` if the ledger lacks a checkpoint that is kept beside the PKI."""
    if outside is None or outside.ledger != transaction.ledger:
        return
    query = select(CHECKPOINT.c.digest).where(CHECKPOINT.c.number == outside.number)
    row = transaction.first(query)
    if row is None or row.digest != digest_of(outside.encode()):
        raise restored(
            database.where,
            f"it lacks the checkpoint {outside.number} of {outside.at:%Y-%m-%d %H:%M:%S} UTC",
        )


def require_entry(transaction: Transaction, last: Entry | None, database: Database) -> None:
    """Raise `LedgerRestoredError` if the ledger lacks the last entry of a station's journal."""
    if last is None or last.ledger != transaction.ledger:
        return
    query = select(ENTRY.c.digest).where(
        ENTRY.c.chain == last.chain, ENTRY.c.sequence == last.sequence
    )
    row = transaction.first(query)
    if row is None or row.digest != digest_of(last.encode()):
        raise restored(
            database.where,
            f"it lacks the last entry of station {last.chain}, of {last.at:%Y-%m-%d %H:%M:%S} UTC",
        )


def restored(where: str, problem: str) -> LedgerRestoredError:
    """Return the error for a ledger that lacks what was made."""
    return LedgerRestoredError(
        f"{where}: {problem}: it was restored from a backup",
        advice="restore a later backup, or run `personalise ledger rejoin` on every station: it"
        " enters the cards that were made since",
    )
