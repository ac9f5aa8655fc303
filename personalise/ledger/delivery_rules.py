"""The rules for good cards after the station, and for the stop list: pure, like `rules`.

    made --checked--> checked --packed--> packed --handed-over--> handed-over --returned--> returned
      |                  | ^                 |                                                 |
      +-----failed-------+ |                 +--returned-->  returned, which is packed again,  |
                           |                                 or destroyed <--------------------+
                           +-- a card that failed is checked again, or a reprint ends it

A card that a reprint ended only comes back, and is destroyed.
"""

from typing import Final

from personalise.ledger.refusing import changed, refuse_card, refuse_state
from personalise.ledger.states import (
    CardRecord,
    CardStatus,
    Job,
    JobState,
    Place,
    Refusal,
    StepRefusedError,
)
from personalise.ledger.steps import CardMoved, Stopped, Unstopped

_BEFORE: Final = {
    Place.CHECKED: frozenset({Place.LINE, Place.FAILED, Place.RETURNED}),
    Place.FAILED: frozenset({Place.LINE, Place.CHECKED, Place.RETURNED}),
    Place.PACKED: frozenset({Place.CHECKED, Place.RETURNED}),
    Place.HANDED_OVER: frozenset({Place.CHECKED, Place.PACKED}),
    Place.RETURNED: frozenset({Place.PACKED, Place.HANDED_OVER}),
}
"""Where a card must be before it goes to a place."""

_FINISHED: Final = frozenset({JobState.ISSUED, JobState.REJECTED, JobState.PURGED})


def move(job: Job, card: CardRecord, step: CardMoved) -> CardRecord:
    """Return a card after `CardMoved`; a move to where it is changes nothing."""
    ended = card.status is CardStatus.ENDED
    if card.job != job.id or not (ended or card.status is CardStatus.USED):
        refuse_card(card, f"is {card.status}, and only good cards leave the station")
    if step.to is card.place:
        return card
    if ended and step.to is not Place.RETURNED:
        refuse_card(
            card,
            "was replaced by a reprint, and cannot be handed over",
            advice="destroy it, and enter that with `personalise ledger stock destroy`",
        )
    if not ended and card.place not in _BEFORE.get(step.to, frozenset()):
        now = f"is {card.place}" if card.place else "was not checked"
        refuse_card(card, f"{now}, and cannot be {step.to} next")
    return changed(card, place=step.to, reason=step.reason or card.reason)


def stop(job: Job, step: Stopped | Unstopped) -> Job:
    """Return a job after its document went on the stop list, or left it."""
    if isinstance(step, Unstopped):
        if not job.stopped:
            refuse_state(job, "is not on the stop list")
        return changed(job, stopped="")
    if job.state not in _FINISHED:
        refuse_state(
            job,
            "a card with this number is being made",
            advice="reject it first, and take in an application with another number",
        )
    return changed(job, stopped=step.why)


def require_not_stopped(job: Job) -> None:
    """Require that a document is not on the stop list: its reprint would have the same number."""
    if job.stopped:
        raise StepRefusedError(
            Refusal.STOPPED,
            job.id,
            f"its document is on the stop list as {job.stopped}, and a reprint has the same number",
            advice="take in an application with another number, or withdraw it with `jobs unstop`",
        )
