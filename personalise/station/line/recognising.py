"""Recognising a locked card: which document is on it, and whether it is its good card.

A locked card of some kinds does not show its serial number, so it is known only by the document
that it opens for.  That does not tell two cards of the same document apart: one that was locked,
and ended by a reprint or written off, opens with the passwords of the good one.  Where the ledger
knows of such another card, a card without a number is not taken for the good one.
"""

from collections.abc import Iterator
from typing import Final

from personalise.ledger.interface import Ledger
from personalise.ledger.states import CardRecord, CardStatus, JobState
from personalise.ledger.values import JobEntry
from personalise.station.line.effects import SeenCard
from personalise.station.line.last_issued import LastIssued

MOST_TRIED: Final = 100
"""At most so many documents are tried for a locked card that does not show its number."""


def doubtful_cards(ledger: Ledger, station: str, reader: str) -> list[tuple[str, str]]:
    """Return name and kind of the cards that may be locked, those of this reader first.

    One whose document may be on another locked card too is left out.
    """
    found = sorted(
        ledger.jobs([JobState.IN_DOUBT]),
        key=lambda each: (
            (each.station, each.reader) != (station, reader),
            each.station != station,
            -each.changed.timestamp(),
        ),
    )
    return [
        (each.job.card, each.card_profile)
        for each in found[:MOST_TRIED]
        if each.job.card is not None and not others_like(ledger, each)
    ]


def issued_jobs(
    ledger: Ledger, card: SeenCard, reader: str, last_issued: LastIssued
) -> Iterator[JobEntry]:
    """Yield the issued jobs whose good card may be the locked one in a reader, the likeliest first.

    If the card shows its number, that is the one job for which it was used.  A card that does not
    may be of any kind: it looks like the plainest one.
    """
    if card.name is not None:
        job = ledger.card(card.name).job
        if job is not None and (entry := ledger.job(job)).job.state is JobState.ISSUED:
            yield entry
        return
    last = last_issued.of(reader)
    if last is not None and (entry := ledger.job(last)).job.state is JobState.ISSUED:
        yield entry
    for entry in ledger.recently_issued(MOST_TRIED):
        if entry.job.id != last:
            yield entry


def others_like(ledger: Ledger, entry: JobEntry) -> list[CardRecord]:
    """Return the cards that may hold the same document, besides the one that its job names."""
    return [
        card
        for card in ledger.cards_of(entry.job.id)
        if card.name != entry.job.card
        and (card.may_be_good or card.status in {CardStatus.ENDED, CardStatus.DESTROYED})
    ]
