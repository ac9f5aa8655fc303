"""One transaction of the ledger: load rows, apply steps, write rows and entries."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Row, Select, Table, func, insert, select, update

from personalise.ledger import rules
from personalise.ledger.chain import Entry
from personalise.ledger.chain_end import ChainEnd, Head, Pending, Write, insert_or_not
from personalise.ledger.states import (
    CardRecord,
    CardStatus,
    Job,
    JobState,
    Lease,
    Place,
    Printing,
    Refusal,
    StepRefusedError,
    Worker,
)
from personalise.ledger.steps import AnyStep, CardStep, JobStep
from personalise.ledger.stock_rules import apply_to_card
from personalise.ledger.tables import (
    CARD,
    CHAIN,
    JOB,
    from_microseconds,
    to_microseconds,
)
from personalise.ledger.values import JobEntry
from support.errors import MisuseError

CLOCK_TOLERANCE: Final = timedelta(minutes=5)
"""How far the clock may be behind the last entry: hosts have clocks of their own."""

HOLDING: Final = frozenset(
    {
        JobState.RECEIVED,
        JobState.PREPARED,
        JobState.CLAIMED,
        JobState.IN_DOUBT,
        JobState.ISSUED,
    }
)
"""The states in which a job holds its document: no other job of the document may be in one.

A held job holds it too, unless it is held as a duplicate, and a purged one that was issued.
"""


class ClockBehindError(MisuseError):
    """The clock is behind what was already entered."""

    kind = "clock-behind"


@dataclass(slots=True)
class Transaction:
    """An open transaction that enters steps in one chain.

    Rows are locked in one order, first a job, then a card, then the chain at the end, so that
    transactions never wait for each other in a circle.  `known_head` is the last entry of the chain
    as this process knows it.
    """

    connection: Connection
    ledger: str
    chain: str
    now: datetime
    known_head: Head | None = None
    _pending: list[Pending] = field(default_factory=list)
    _writes: list[Write] | None = None

    def require_clock(self) -> None:
        """Raise `ClockBehindError` if the clock is behind the last entry of this chain."""
        query = select(CHAIN.c.at).where(CHAIN.c.name == self.chain)
        last = self.connection.execute(query).scalar()
        if last is not None and from_microseconds(last) - self.now > CLOCK_TOLERANCE:
            raise ClockBehindError(
                f"this machine's clock says {self.now:%Y-%m-%d %H:%M} UTC, but the last entry of"
                f" {self.chain} is of {from_microseconds(last):%Y-%m-%d %H:%M} UTC; no new work"
                " is begun",
                advice="set the clock",
            )

    def take_turns(self, lock: int) -> None:
        """Wait until no other transaction has this advisory lock; SQLite has one writer anyway."""
        if self.connection.dialect.name != "sqlite":
            self.connection.execute(select(func.pg_advisory_xact_lock(lock)))

    # --- rows

    def job_row(self, job: str, *, lock: bool = True) -> Row[Any]:
        """Return the row of a job; raises `MisuseError` if there is none."""
        query = select(JOB).where(JOB.c.id == job)
        row = self.first(query.with_for_update(key_share=True) if lock else query)
        if row is None:
            raise no_such_job(job)
        return row

    def first(self, query: Select[Any]) -> Row[Any] | None:
        """Return the first row of a query, None if there is none."""
        rows = self.connection.execute(query).all()  # all: an unread row may hold a lock
        return rows[0] if rows else None

    def card(self, name: str, *, lock: bool = True) -> CardRecord:
        """Return a card, locked if the ledger knows it; without `lock` it may change meanwhile."""
        query = select(CARD).where(CARD.c.name == name)
        row = self.first(query.with_for_update(key_share=True) if lock else query)
        return CardRecord(name) if row is None else card_of(row)

    # --- steps

    def step(
        self,
        row: Row[Any],
        step: JobStep,
        card: CardRecord | None = None,
        **columns: object,
    ) -> tuple[Job, CardRecord | None]:
        """Apply a step to a locked job and its card, write both, and enter it.

        A repeated step changes nothing and is not entered again.  `columns` are further columns of
        the job's row to write.
        """
        job = job_of(row)
        if card is None and job.card is not None:
            card = self.card(job.card)
        job_after, card_after = rules.apply(job, card, step, self.now)
        if (job_after, card_after) == (job, card):
            return job, card
        self.write_job(row, job_after, columns)
        if card_after is not None and card_after != card:
            self._write_card(card, card_after)
        is_about_card = card_after != card or (
            card is not None and (card.name in {job.card, job_after.card} or card.job == job.id)
        )
        entered = card_after if is_about_card else None  # a blank card was only in the reader
        self._pending.append(Pending(step, job_after, entered))
        return job_after, card_after

    def last_step(
        self,
        row: Row[Any],
        step: JobStep,
        card: CardRecord | None = None,
        **columns: object,
    ) -> tuple[Job, CardRecord | None]:
        """Do as `step`, for the only step of a transaction that reads nothing after it.

        PostgreSQL receives all that is written in one statement: a station waits for few answers.
        """
        if self.connection.dialect.name != "sqlite" and not self._pending:
            self._writes = []
        return self.step(row, step, card, **columns)

    def step_card(self, card: CardRecord, step: CardStep, **columns: object) -> CardRecord:
        """Apply a step of stock keeping to a card, write it, and enter it."""
        after = apply_to_card(card, step)
        self._write_card(card, after, **columns)
        self._pending.append(Pending(step, None, after))
        return after

    def enter(self, step: AnyStep, job: Job) -> None:
        """Enter a step whose row is written elsewhere: a new job."""
        self._pending.append(Pending(step, job, None))

    def write_job(self, row: Row[Any], job: Job, columns: Mapping[str, object]) -> None:
        """Write the state of a job to its row."""
        values = {**columns_of(job), "changed": to_microseconds(self.now), **columns}
        keeps = job.state in {JobState.HELD, JobState.PURGED} and row.live_document
        holds = job.state in HOLDING or keeps
        values["live_document"] = row.document if holds else None
        if values["live_document"] is not None and row.live_document is None:
            self._require_single(row)
        self._write(update(JOB).where(JOB.c.number == row.number).values(values))

    def _require_single(self, row: Row[Any]) -> None:
        other = self.holder_of(row.document)
        if other is not None:
            raise StepRefusedError(
                Refusal.DUPLICATE,
                row.id,
                f"its document has the job {other}",
                advice=f"reject one of the two, or reprint {other}",
            )

    def holder_of(self, document: str) -> str | None:
        """Return the id of the job that holds a document, None if none does."""
        row = self.first(select(JOB.c.id).where(JOB.c.live_document == document))
        return None if row is None else str(row.id)

    def _write_card(self, before: CardRecord | None, card: CardRecord, **columns: object) -> None:
        """Write a card that was read as `before`.

        A card that had no row is inserted and never updated: a row that is there now is that of
        another reader, which met a card of the same name at this moment, and the insertion fails.
        """
        values: dict[str, object] = {
            "status": card.status.value,
            "job": card.job,
            "may_be_good": card.may_be_good,
            "reason": card.reason,
            "place": card.place.value,
            "changed": to_microseconds(self.now),
            **columns,
        }
        if before is None or before.status is CardStatus.UNKNOWN:
            values.setdefault("kind", "")
            self._write(insert(CARD).values(name=card.name, **values))
            return
        self._write(update(CARD).where(CARD.c.name == card.name).values(values))

    # --- the chain

    def enter_pending(self) -> list[Entry]:
        """Write the entries at the end of the chain; call it last.  Return them."""
        if not self._pending:
            return []
        end = ChainEnd(self.connection, self.ledger, self.chain, self.now)
        if self._writes is None:
            entries = end.enter(self._pending)
        else:
            (pending,) = self._pending
            entries = end.enter_together(pending, self._writes, self.known_head)
        self._pending.clear()
        return entries

    def insert_or_not(self, table: Table) -> Any:
        """Return an insertion that does nothing where a unique value is taken."""
        return insert_or_not(self.connection, table)

    def _write(self, statement: Write) -> None:
        if self._writes is None:
            self.connection.execute(statement)
        else:
            self._writes.append(statement)


def no_such_job(job: str) -> MisuseError:
    """Return the error for an id that no job has."""
    return MisuseError(
        f"{job!r}: the ledger has no such application",
        advice="`personalise jobs list` prints their ids",
    )


def job_of(row: Row[Any]) -> Job:
    """Return the state of a job from its row."""
    lease = None
    if row.lease_station is not None:
        lease = Lease(
            Worker(row.lease_station, row.lease_reader),
            row.lease_serial,
            from_microseconds(row.lease_since),
            from_microseconds(row.lease_until),
        )
    return Job(
        row.id,
        JobState(row.state),
        row.card,
        lease,
        row.claims,
        row.attempts,
        row.has_image,
        row.reprint,
        row.reason,
        Printing(row.printing),
        row.stopped,
    )


def columns_of(job: Job) -> dict[str, object]:
    """Return the columns of a job's state."""
    lease = job.lease
    columns: dict[str, object] = {
        "state": job.state.value,
        "card": job.card,
        "claims": job.claims,
        "attempts": job.attempts,
        "has_image": job.has_image,
        "reprint": job.reprint,
        "reason": job.reason,
        "printing": job.printing.value,
        "stopped": job.stopped,
    }
    if lease is None:
        names = ("station", "reader", "serial", "since", "until")
        return columns | {f"lease_{name}": None for name in names}
    return columns | {
        "lease_station": lease.worker.station,
        "lease_reader": lease.worker.reader,
        "lease_serial": lease.serial,
        "lease_since": to_microseconds(lease.since),
        "lease_until": to_microseconds(lease.until),
    }


def card_of(row: Row[Any]) -> CardRecord:
    """Return a card from its row."""
    status, place = CardStatus(row.status), Place(row.place)
    return CardRecord(row.name, status, row.job, row.may_be_good, row.reason, place)


def job_entry_of(row: Row[Any]) -> JobEntry:
    """Return a job as it is listed, from its row."""
    return JobEntry(
        job_of(row),
        row.document,
        row.profile,
        row.card_profile,
        row.priority,
        from_microseconds(row.received),
        from_microseconds(row.changed),
        row.period,
        row.station,
        row.reader,
    )
