"""The ledger in SQLite or PostgreSQL: printing, cards after the station, the stop list."""

from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import Row, delete, select, update

from personalise.ledger import receiving, supervising
from personalise.ledger.delivery import ListedStop, Personal
from personalise.ledger.refusing import refuse_card, refuse_state
from personalise.ledger.sealing import APPLICATION, IMAGE
from personalise.ledger.session import OFFICE, LedgerSession
from personalise.ledger.states import CardRecord, JobState, Place, Printing
from personalise.ledger.steps import (
    CardMoved,
    Held,
    Printed,
    PrintRejected,
    PrintSent,
    Stopped,
    Unstopped,
)
from personalise.ledger.stock_rules import require_blank
from personalise.ledger.supervising import one_line
from personalise.ledger.tables import (
    IN_TURN,
    JOB,
    STOP,
    from_microseconds,
    to_microseconds,
)
from personalise.ledger.transaction import Transaction, job_of
from support.errors import MalformedError

T = TypeVar("T")


class SqlDelivery(LedgerSession):
    """The part of a ledger in a database that is about cards before and after the station."""

    # --- the printer

    def for_printer(
        self,
        make: Callable[[Personal], T],
        jobs: Sequence[str] = (),
        *,
        by: str,
        most: int,
        again: bool = False,
        held: Callable[[str, MalformedError], None] = lambda _job, _error: None,
    ) -> Iterator[T]:
        """See `Delivery.for_printer`."""
        wanted = {Printing.SENT} if again else {Printing.WANTED, Printing.NONE}
        for job in jobs or self._to_print(wanted, most):
            with self._entering(OFFICE) as transaction:
                row = transaction.job_row(job)
                if not jobs and (row.state != JobState.PREPARED or row.printing not in wanted):
                    continue  # another process was faster
                if row.printing == Printing.SENT and not again:
                    refuse_state(
                        job_of(row),
                        "is at the printer",
                        advice="enter what comes back, or repeat it with --again",
                    )
                try:
                    made = make(self._personal(transaction, row))
                except MalformedError as error:
                    if jobs:
                        raise
                    transaction.step(row, Held(one_line(error.message, "reason"), by))
                    held(row.id, error)
                    continue
                transaction.step(row, PrintSent(by))
            yield made

    def _to_print(self, printing: Collection[Printing], most: int) -> list[str]:
        """Return the prepared jobs at these points, in their turn: those to be printed first."""
        query = (
            select(JOB.c.id)
            .where(
                JOB.c.state == JobState.PREPARED.value,
                JOB.c.printing.in_([each.value for each in printing]),
            )
            .order_by(JOB.c.printing.desc(), JOB.c.card_profile, *IN_TURN)
            .limit(most)
        )
        with self._reading() as transaction:
            return [row.id for row in transaction.connection.execute(query).all()]

    def personal(self, job: str) -> Personal:
        """See `Delivery.personal`."""
        with self._reading() as transaction:
            return self._personal(transaction, transaction.job_row(job, lock=False))

    def _personal(self, transaction: Transaction, row: Row[Any]) -> Personal:
        application = receiving.blob_of(transaction, row, APPLICATION)
        image = receiving.blob_of(transaction, row, IMAGE)
        return Personal(
            row.id, self._contents.application(row, application), self._contents.image(row, image)
        )

    def printed(self, job: str, card: str, *, by: str) -> None:
        """See `Delivery.printed`."""
        self._come_back(job, card, Printed(by))

    def print_rejected(self, job: str, card: str, reason: str, *, by: str) -> None:
        """See `Delivery.print_rejected`."""
        self._come_back(job, card, PrintRejected(by, one_line(reason, "reason")))

    def _come_back(self, job: str, card: str, step: Printed | PrintRejected) -> None:
        with self._entering(OFFICE) as transaction:
            row = transaction.job_row(job)
            found = transaction.card(card)
            if isinstance(step, Printed) and found.job != job:
                require_blank(found, only_stock=self._rules.only_stock)
            transaction.step(row, step, found)

    # --- after the station

    def move_card(self, card: str, to: Place, *, by: str, reason: str = "") -> CardRecord:
        """See `Delivery.move_card`."""
        with self._entering(OFFICE) as transaction:
            found = transaction.card(card, lock=False)
            if found.job is None:
                refuse_card(found, f"is {found.status}, and only good cards leave the station")
            row = transaction.job_row(found.job)
            _, moved = transaction.step(row, CardMoved(to, by, reason), transaction.card(card))
        return found if moved is None else moved

    # --- the stop list

    def stop(
        self, job: str, why: str, since: datetime, document: bytes, *, by: str, reason: str = ""
    ) -> None:
        """See `Delivery.stop`."""
        with self._entering(OFFICE) as transaction:
            row = transaction.job_row(job)
            supervising.step(transaction, job, Stopped(why, since, by, reason))
            values = {"why": why, "since": to_microseconds(since), "document": document}
            inserted = transaction.insert_or_not(STOP).values(job=row.number, **values)
            transaction.connection.execute(inserted)
            transaction.connection.execute(
                update(STOP).where(STOP.c.job == row.number).values(values)
            )

    def unstop(self, job: str, reason: str, *, by: str) -> None:
        """See `Delivery.unstop`."""
        with self._entering(OFFICE) as transaction:
            row = transaction.job_row(job)
            transaction.step(row, Unstopped(by, one_line(reason, "reason")))
            transaction.connection.execute(delete(STOP).where(STOP.c.job == row.number))

    def stops(self) -> list[ListedStop]:
        """See `Delivery.stops`."""
        query = select(JOB.c.id, STOP).join(JOB, JOB.c.number == STOP.c.job).order_by(JOB.c.number)
        with self._reading() as transaction:
            rows = transaction.connection.execute(query).all()
        return [
            ListedStop(row.id, row.why, from_microseconds(row.since), bytes(row.document))
            for row in rows
        ]
