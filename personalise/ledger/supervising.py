"""What supervisors do with jobs and cards."""

from collections.abc import Sequence
from typing import Final

from personalise.ledger.states import CardStatus, Refusal, StepRefusedError
from personalise.ledger.steps import (
    CardReceived,
    JobStep,
    Reprint,
    WrittenOff,
)
from personalise.ledger.transaction import Transaction
from support.errors import MisuseError
from support.printable_text import printable

_LONGEST: Final = 400


def one_line(text: str, what: str) -> str:
    """Return a reason or a name as it goes into the ledger: one line of at most 400 characters.

    Raises `MisuseError` if it is empty.
    """
    line = printable(" ".join(text.split()))[:_LONGEST]
    if not line:
        raise MisuseError(f"the {what} is empty", advice="say it in a few words")
    return line


def reprint(transaction: Transaction, job: str, step: Reprint) -> None:
    """End the good card of a job, and put the job back into the queue."""
    row = transaction.job_row(job)
    if row.card is None:
        raise StepRefusedError(Refusal.WRONG_STATE, job, f"is {row.state} and has no good card")
    transaction.step(row, step)


def write_off(transaction: Transaction, card: str, step: WrittenOff) -> bool:
    """Write off a card that was begun; return whether it may be good."""
    found = transaction.card(card, lock=False)
    if found.job is None or found.status not in {CardStatus.BEGUN, CardStatus.PRINTED}:
        advice = "`personalise ledger stock spoil` removes a blank card from stock"
        if found.status is CardStatus.USED:
            advice = "`personalise jobs reprint` replaces a good card"
        raise StepRefusedError(
            Refusal.CARD_WRONG_STATE, f"card {card}", f"is {found.status}", advice=advice
        )
    row = transaction.job_row(found.job)
    _, written_off = transaction.step(row, step, transaction.card(card))
    return written_off is not None and written_off.may_be_good


def step(transaction: Transaction, job: str, step: JobStep) -> None:
    """Apply a step to a job."""
    transaction.step(transaction.job_row(job), step)


def receive_cards(transaction: Transaction, names: Sequence[str], step: CardReceived) -> int:
    """Enter blank cards into stock; those that are in stock already are passed over."""
    new = 0
    for name in sorted(set(names)):  # in one order, so that two deliveries never wait in a circle
        card = transaction.card(name)
        if card.status is CardStatus.IN_STOCK:
            continue
        transaction.step_card(card, step, kind=step.kind)
        new += 1
    return new
