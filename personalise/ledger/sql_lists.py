"""Lists and counts of a ledger: what is only read."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Final

import msgspec
from sqlalchemy import func, select

from personalise.ledger import (
    checkpoints,
)
from personalise.ledger.chain import Entry
from personalise.ledger.session import LedgerSession
from personalise.ledger.states import (
    CardRecord,
    CardStatus,
    JobState,
    Printing,
)
from personalise.ledger.tables import (
    CARD,
    ENTRY,
    IS_ISSUED,
    JOB,
    MAY_BE_GOOD,
    PERIOD,
    from_microseconds,
)
from personalise.ledger.transaction import card_of, job_entry_of
from personalise.ledger.values import (
    JobEntry,
    Period,
    Summary,
)

_PAGE: Final = 1000


class SqlLists(LedgerSession):
    """The part of `SqlLedger` that lists and counts."""

    # --- jobs

    def job(self, job: str) -> JobEntry:
        """See `Ledger.job`."""
        with self._reading() as transaction:
            return job_entry_of(transaction.job_row(job, lock=False))

    def jobs(
        self, states: Iterable[JobState] = (), *, document: str | None = None
    ) -> Iterator[JobEntry]:
        """See `Ledger.jobs`."""
        query = select(JOB).order_by(JOB.c.number).limit(_PAGE)
        if wanted := [state.value for state in states]:
            query = query.where(JOB.c.state.in_(wanted))
        if document is not None:
            query = query.where(JOB.c.document == document)
        last = 0
        while True:  # a page at a time, so that no transaction is open while the caller works
            with self._reading() as transaction:
                rows = transaction.connection.execute(query.where(JOB.c.number > last)).all()
            yield from map(job_entry_of, rows)
            if len(rows) < _PAGE:
                return
            last = rows[-1].number

    def recently_issued(self, most: int) -> list[JobEntry]:
        """See `Ledger.recently_issued`."""
        query = select(JOB).where(IS_ISSUED).order_by(JOB.c.changed.desc()).limit(most)
        with self._reading() as transaction:
            rows = transaction.connection.execute(query).all()
        return [job_entry_of(row) for row in rows]

    def history(self, job: str) -> list[tuple[datetime, str, Mapping[str, object]]]:
        """See `Ledger.history`."""
        query = select(ENTRY.c.content).where(ENTRY.c.job == job).order_by(ENTRY.c.number)
        with self._reading() as transaction:
            transaction.job_row(job, lock=False)
            rows = transaction.connection.execute(query).all()
        entries = [Entry.decode(row.content) for row in rows]
        return [(each.at, each.chain, msgspec.to_builtins(each.step)) for each in entries]

    # --- cards

    def cards(self, statuses: Iterable[CardStatus] = ()) -> Iterator[CardRecord]:
        """See `Ledger.cards`."""
        query = select(CARD).order_by(CARD.c.name).limit(_PAGE)
        if wanted := [status.value for status in statuses]:
            query = query.where(CARD.c.status.in_(wanted))
        last = ""
        while True:
            with self._reading() as transaction:
                rows = transaction.connection.execute(query.where(CARD.c.name > last)).all()
            yield from map(card_of, rows)
            if len(rows) < _PAGE:
                return
            last = rows[-1].name

    def card(self, name: str) -> CardRecord:
        """See `Ledger.card`."""
        with self._reading() as transaction:
            return transaction.card(name, lock=False)

    def cards_of(self, job: str) -> list[CardRecord]:
        """See `Ledger.cards_of`."""
        entered = (
            select(ENTRY.c.card, func.min(ENTRY.c.number).label("first"))
            .where(ENTRY.c.job == job, ENTRY.c.card.is_not(None))
            .group_by(ENTRY.c.card)
            .subquery()
        )
        query = select(CARD).join(entered, CARD.c.name == entered.c.card).order_by(entered.c.first)
        with self._reading() as transaction:
            return [card_of(row) for row in transaction.connection.execute(query).all()]

    # --- the whole

    def counts(self, card_profile: str | None = None) -> Mapping[JobState, int]:
        """See `Ledger.counts`."""
        query = select(JOB.c.state, func.count()).group_by(JOB.c.state)
        if card_profile is not None:
            query = query.where(JOB.c.card_profile == card_profile)
        with self._reading() as transaction:
            found = dict(tuple(row) for row in transaction.connection.execute(query).all())
        return {state: found.get(state.value, 0) for state in JobState}

    def count_up_to(
        self,
        most: int,
        state: JobState,
        card_profile: str | None = None,
        printing: Printing = Printing.NONE,
    ) -> int:
        """See `Ledger.count_up_to`."""
        wanted = JOB.c.state == state.value, JOB.c.printing == printing.value
        query = select(JOB.c.number).where(*wanted)
        if card_profile is not None:
            query = query.where(JOB.c.card_profile == card_profile)
        counted = select(func.count()).select_from(query.limit(most).subquery())
        with self._reading() as transaction:
            return int(transaction.connection.execute(counted).scalar_one())

    def summary(self) -> Summary:
        """See `Ledger.summary`."""
        jobs = self.counts()
        query = select(CARD.c.status, func.count()).group_by(CARD.c.status)
        doubtful = select(CARD).where(MAY_BE_GOOD).order_by(CARD.c.name)
        with self._reading() as transaction:
            found = dict(tuple(row) for row in transaction.connection.execute(query).all())
            may_be_good = [card_of(row) for row in transaction.connection.execute(doubtful)]
        cards = {status: found.get(status.value, 0) for status in CardStatus}
        del cards[CardStatus.UNKNOWN]
        return Summary(jobs, cards, tuple(may_be_good))

    def periods(self) -> list[Period]:
        """See `Ledger.periods`."""
        held = (
            select(JOB.c.period, func.count())
            .where(JOB.c.wrapped_key.is_not(None))
            .group_by(JOB.c.period)
        )
        with self._reading() as transaction:
            counts = dict(tuple(row) for row in transaction.connection.execute(held).all())
            rows = transaction.connection.execute(select(PERIOD).order_by(PERIOD.c.name)).all()
        return [
            Period(
                row.name,
                counts.get(row.name, 0),
                None if row.destroyed is None else from_microseconds(row.destroyed),
            )
            for row in rows
        ]

    def last_checkpoint(self) -> tuple[int, datetime] | None:
        """See `Ledger.last_checkpoint`."""
        with self._reading() as transaction:
            row = checkpoints.last_checkpoint(transaction)
        return None if row is None else (row.number, from_microseconds(row.at))
