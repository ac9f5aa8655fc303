"""Claims of stations: which job a card takes, and the steps until the card is done."""

from typing import Any, Final

from sqlalchemy import Row, and_, or_, select

from personalise.ledger import print_rules
from personalise.ledger.states import (
    BLANK,
    SKEW,
    CardRecord,
    CardStatus,
    JobState,
    Printing,
    Refusal,
    StepRefusedError,
    Worker,
)
from personalise.ledger.steps import Claimed, Interrupted, JobStep
from personalise.ledger.stock_rules import require_blank
from personalise.ledger.tables import (
    HAS_LEASE,
    IN_TURN,
    IS_PREPARED,
    IS_UNBEGUN_CLAIM,
    JOB,
    to_microseconds,
)
from personalise.ledger.transaction import Transaction, job_of
from personalise.ledger.values import CardRefused, Claim, Rules

_NO_NAME: Final = CardRefused(
    None,
    None,
    "the card has no serial number, so it cannot be counted",
    "use cards with a serial number or CPLC data, or `personalise write` outside the ledger",
)


def take(
    transaction: Transaction, rules_: Rules, worker: Worker, card: str | None, card_profile: str
) -> Claim | CardRefused | None:
    """Claim the job for the card in a reader; see `Ledger.take`."""
    if card is None:
        return _NO_NAME
    transaction.require_clock()
    found = transaction.card(card, lock=False)  # the row of its job is locked first
    try:
        if found.status not in BLANK and found.job is not None:
            row = transaction.job_row(found.job)
            found = transaction.card(card)
            is_begun = row.card == card and found.status is CardStatus.BEGUN
            if is_begun or print_rules.is_printed_for(found, job_of(row)):
                return _claim(transaction, rules_, worker, row, found)
        require_blank(found, only_stock=rules_.only_stock)
    except StepRefusedError as error:
        return CardRefused(card, error.refusal, error.message, error.advice)
    next_row = _next(transaction, worker, card_profile)
    if next_row is not None:
        return _claim(transaction, rules_, worker, next_row, found)
    return _not_printed(card) if _is_any_printed(transaction, card_profile) else None


def _is_any_printed(transaction: Transaction, card_profile: str) -> bool:
    """Whether a job waits for the card that was printed for it."""
    query = select(JOB.c.number).where(
        JOB.c.state == JobState.PREPARED.value,
        JOB.c.printing == Printing.PRINTED.value,
        JOB.c.card_profile == card_profile,
    )
    return transaction.first(query.limit(1)) is not None


def _not_printed(card: str) -> CardRefused:
    """Return the refusal of a blank card that would keep printed cards waiting behind it."""
    return CardRefused(
        card,
        Refusal.NOT_PRINTED,
        f"card {card}: was not printed for an application, and only printed cards are awaited",
        "keep it, and insert the printed cards; `jobs printed` enters what the printer has made",
    )


def step(transaction: Transaction, claim: Claim, step: JobStep) -> None:
    """Enter a step of a claim's job and of the card in the reader."""
    row = transaction.job_row(claim.job)
    transaction.last_step(row, step, transaction.card(claim.card))


def renew(transaction: Transaction, rules_: Rules, claim: Claim) -> int:
    """Extend a lease; return its new end, in microseconds."""
    row = transaction.job_row(claim.job)
    if row.lease_serial != claim.serial:
        raise StepRefusedError(
            Refusal.SUPERSEDED,
            claim.job,
            f"the claim is over, and the job is {row.state}",
            advice="send nothing more to the card; insert it again to see what is to be done",
        )
    # Its begin stays: entries are applied again without renewals, and must then be allowed too.
    until = to_microseconds(transaction.now + rules_.lease)
    transaction.connection.execute(
        JOB.update().where(JOB.c.number == row.number).values(lease_until=until)
    )
    return until


def give_up(transaction: Transaction, station: str) -> int:
    """Give up all claims of a station, which starts again; return how many there were."""
    query = (
        select(JOB)
        .where(HAS_LEASE, JOB.c.lease_station == station)
        .order_by(JOB.c.number)
        .with_for_update(key_share=True)
    )
    rows = transaction.connection.execute(query).all()
    for row in rows:
        transaction.step(row, Interrupted(row.lease_serial, "the station started again"))
    return len(rows)


def _next(transaction: Transaction, worker: Worker, card_profile: str) -> Row[Any] | None:
    """Return the next job for a blank card, locked: one whose lease is over, or one that waits.

    A worker handles one card at a time, so an unbegun claim of its own is one whose answer it did
    not see.
    """
    now = to_microseconds(transaction.now)
    over = (
        select(JOB)
        .where(
            IS_UNBEGUN_CLAIM,
            JOB.c.card_profile == card_profile,
            or_(
                JOB.c.lease_until <= now,
                JOB.c.lease_since > to_microseconds(transaction.now + SKEW),
                and_(JOB.c.lease_station == worker.station, JOB.c.lease_reader == worker.reader),
            ),
        )
        .order_by(JOB.c.lease_until)
        .limit(1)
        .with_for_update(key_share=True, skip_locked=True)
    )
    waiting = (
        select(JOB)
        .where(IS_PREPARED, JOB.c.card_profile == card_profile)
        .order_by(*IN_TURN)
        .limit(1)
        .with_for_update(key_share=True, skip_locked=True)
    )
    return transaction.first(over) or transaction.first(waiting)


def _claim(
    transaction: Transaction, rules_: Rules, worker: Worker, row: Row[Any], card: CardRecord
) -> Claim:
    claimed = Claimed(worker, transaction.now + rules_.lease)
    bound = card if row.card is not None or card.job == row.id else None
    where = {"station": worker.station, "reader": worker.reader}
    job, _ = transaction.last_step(row, claimed, bound, **where)
    return Claim(
        job.id,
        job.claims,
        worker,
        card.name,
        row.card_profile,
        row.document,
        claimed.until,
        job.attempts,
        resumed=job.card is not None,
        in_doubt=job.state is JobState.IN_DOUBT,
    )
