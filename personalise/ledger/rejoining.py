"""Joining what stations' journals know to a ledger that was restored from a backup."""

from sqlalchemy import select

from personalise.ledger.chain import Entry, digest_of
from personalise.ledger.journal import Journal
from personalise.ledger.states import BLANK, CardRecord, CardStatus, JobState
from personalise.ledger.steps import CardSpoilt, Rejoined
from personalise.ledger.tables import ENTRY, JOB
from personalise.ledger.transaction import Transaction


def rejoin(
    transaction: Transaction, journals: list[Journal], reason: str, by: str
) -> list[CardRecord]:
    """Enter the state of each card that an entry is missing for; return the cards."""
    last: dict[str, Entry] = {}
    for journal in journals:
        for entry in journal.entries():
            known = entry.ledger == transaction.ledger and _is_known(transaction, entry)
            if entry.card is None or known or entry.ledger != transaction.ledger:
                continue
            if entry.card not in last or last[entry.card].at <= entry.at:
                last[entry.card] = entry
    found = (_enter(transaction, entry, reason, by) for entry in last.values())
    return [card for card in found if card is not None]


def _is_known(transaction: Transaction, entry: Entry) -> bool:
    query = select(ENTRY.c.digest).where(
        ENTRY.c.chain == entry.chain, ENTRY.c.sequence == entry.sequence
    )
    row = transaction.first(query)
    return row is not None and row.digest == digest_of(entry.encode())


def _enter(transaction: Transaction, entry: Entry, reason: str, by: str) -> CardRecord | None:
    state, status, name = entry.becomes, entry.card_becomes, entry.card
    if state is None or status is None or name is None:
        return None
    row = transaction.first(
        select(JOB).where(JOB.c.id == entry.job).with_for_update(key_share=True)
    )
    card = transaction.card(name)
    if row is None:  # its application came in after the backup, and is lost with it
        if card.status not in BLANK:
            return None
        may_be_good = status is CardStatus.USED or state is JobState.IN_DOUBT
        spoilt = CardSpoilt(by, f"{reason}: of {entry.job}", may_be_good=may_be_good)
        return transaction.step_card(card, spoilt)
    digest = digest_of(entry.encode()).hex()
    step = Rejoined(state, status, digest, by, reason)
    _, after = transaction.step(row, step, card)
    return after
