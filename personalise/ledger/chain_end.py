"""The end of one chain, where a transaction writes its entries.

PostgreSQL is asked as little as possible, since every answer has to be waited for: the entry goes
to the server in one statement with what it is about, and the head of the chain is not read but
remembered from the last transaction of this process.  If another process has gone on with the
chain, that statement enters nothing, and the head is read.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Insert, Update, insert, literal, select, update
from sqlalchemy.dialects import postgresql, sqlite

from personalise.ledger.chain import BEFORE_THE_FIRST, Entry, digest_of
from personalise.ledger.states import CardRecord, Job
from personalise.ledger.steps import AnyStep
from personalise.ledger.tables import CHAIN, ENTRY, to_microseconds

Write = Insert | Update

_COLUMNS: Final = (
    ENTRY.c.chain,
    ENTRY.c.sequence,
    ENTRY.c.content,
    ENTRY.c.job,
    ENTRY.c.card,
    ENTRY.c.digest,
)


@dataclass(frozen=True, slots=True)
class Head:
    """The last entry of a chain: its place, and its digest."""

    sequence: int
    digest: bytes

    @classmethod
    def of(cls, entry: Entry) -> "Head":
        """Return the head after an entry."""
        return cls(entry.sequence, digest_of(entry.encode()))


@dataclass(frozen=True, slots=True)
class Pending:
    """An entry that waits for its place in the chain."""

    step: AnyStep
    job: Job | None
    card: CardRecord | None


@dataclass(frozen=True, slots=True)
class ChainEnd:
    """Writes entries at the end of the chain `chain` of the ledger `ledger`."""

    connection: Connection
    ledger: str
    chain: str
    now: datetime

    def enter(self, pending: Sequence[Pending]) -> list[Entry]:
        """Write entries; return them."""
        return self._enter_after(self.head(), pending)

    def enter_together(
        self, pending: Pending, writes: Sequence[Write], known: Head | None
    ) -> list[Entry]:
        """Write an entry and the rows it is about in one statement (PostgreSQL); return it.

        No row may be written twice.  `known` is the head that this process knows.
        """
        head = self.head() if known is None else known
        (entry,) = self._entries(head, [pending])
        at_head = (CHAIN.c.name == self.chain, CHAIN.c.sequence == head.sequence)
        moved = (
            update(CHAIN)
            .where(*at_head, CHAIN.c.digest == head.digest)
            .values(self._head_row(entry))
            .returning(CHAIN.c.name)
            .cte("moved")
        )
        row = self._row(entry)
        values = [literal(row[each.name], each.type) for each in _COLUMNS]
        statement = (
            insert(ENTRY)
            .from_select([each.name for each in _COLUMNS], select(*values).select_from(moved))
            .add_cte(*(each.cte(f"written_{at}") for at, each in enumerate(writes)))
            .returning(ENTRY.c.sequence)
        )
        if self.connection.execute(statement).all():
            return [entry]
        return self._enter_after(self.head(), [pending])

    def head(self) -> Head:
        """Return the head of the chain, locked; make the chain if it is new."""
        query = select(CHAIN.c.sequence, CHAIN.c.digest).where(CHAIN.c.name == self.chain)
        query = query.with_for_update(key_share=True)
        found = self.connection.execute(query).all()
        if not found:
            first = {"sequence": 0, "digest": BEFORE_THE_FIRST, "at": to_microseconds(self.now)}
            new = insert_or_not(self.connection, CHAIN).values(name=self.chain, **first)
            self.connection.execute(new)
            found = self.connection.execute(query).all()
        (row,) = found
        return Head(row.sequence, row.digest)

    def _enter_after(self, head: Head, pending: Sequence[Pending]) -> list[Entry]:
        entries = self._entries(head, pending)
        self.connection.execute(insert(ENTRY), [self._row(each) for each in entries])
        moved = update(CHAIN).where(CHAIN.c.name == self.chain)
        self.connection.execute(moved.values(self._head_row(entries[-1])))
        return entries

    def _entries(self, head: Head, pending: Sequence[Pending]) -> list[Entry]:
        entries = []
        for each in pending:
            entry = Entry(
                self.ledger,
                self.chain,
                head.sequence + 1,
                self.now,
                each.step,
                head.digest.hex(),
                job=None if each.job is None else each.job.id,
                card=None if each.card is None else each.card.name,
                becomes=None if each.job is None else each.job.state,
                card_becomes=None if each.card is None else each.card.status,
            )
            entries.append(entry)
            head = Head.of(entry)
        return entries

    def _row(self, entry: Entry) -> dict[str, Any]:
        content = entry.encode()
        return {
            "chain": self.chain,
            "sequence": entry.sequence,
            "content": content,
            "job": entry.job,
            "card": entry.card,
            "digest": digest_of(content),
        }

    def _head_row(self, entry: Entry) -> dict[str, Any]:
        head = Head.of(entry)
        at = to_microseconds(self.now)
        return {"sequence": head.sequence, "digest": head.digest, "at": at}


def insert_or_not(connection: Connection, table: Any) -> Any:
    """Return an insertion that does nothing where a unique value is taken."""
    if connection.dialect.name == "sqlite":
        return sqlite.insert(table).on_conflict_do_nothing()
    return postgresql.insert(table).on_conflict_do_nothing()
