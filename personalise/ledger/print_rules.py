"""The rules for cards that are printed before their chip is written: pure, like `rules`.

    wanted --print-sent--> sent --printed--> printed, and one card with it
                             |                  |  its chip is written: `claimed`, `begun`, ...
    wanted <--print-rejected-+                  |
    wanted <-----------------card-rejected, written-off, reprint

From `print-sent` on no blank card takes the job, and after `printed` only the card that was printed
for it does.  A job that was never sent takes any blank card, unless the rules of the ledger have it
printed first.
"""

from typing import Final

from personalise.ledger.refusing import changed, refuse_card, refuse_state
from personalise.ledger.states import (
    BLANK,
    OPEN,
    CardRecord,
    CardStatus,
    Job,
    JobState,
    Printing,
    Refusal,
    StepRefusedError,
)
from personalise.ledger.steps import Printed, PrintRejected, Rejoined

_WAITING: Final = frozenset({JobState.PREPARED, JobState.HELD})


def send(job: Job) -> Job:
    """Return a job after `PrintSent`; one that is at the printer may be sent again."""
    if job.state is not JobState.PREPARED:
        refuse_state(job, "cannot be printed")
    if job.printing is Printing.PRINTED:
        refuse_state(
            job,
            "a card was printed for it",
            advice="insert that card at a station, or write it off with `jobs write-off`",
        )
    return changed(job, printing=Printing.SENT)


def come_back(job: Job, card: CardRecord, step: Printed | PrintRejected) -> tuple[Job, CardRecord]:
    """Return job and card after the card came back from the printer."""
    is_match = isinstance(step, Printed)
    if is_match and is_printed_for(card, job):
        return job, card  # repeated
    if not is_match and card.status is CardStatus.SPOILT and card.job == job.id:
        return job, card  # repeated
    if job.state not in _WAITING or job.printing is not Printing.SENT:
        refuse_state(job, "is not at the printer", advice="`jobs show` lists its steps")
    if card.status not in BLANK:
        refuse_card(card, f"is {card.status}, and was not blank when it was printed")
    if isinstance(step, Printed):
        printed = changed(card, status=CardStatus.PRINTED, job=job.id)
        return changed(job, printing=Printing.PRINTED), printed
    spoilt = changed(card, status=CardStatus.SPOILT, job=job.id, reason=step.reason)
    return changed(job, printing=Printing.WANTED), spoilt


def is_printed_for(card: CardRecord, job: Job) -> bool:
    """Whether a card was printed for a job, and nothing was written to its chip."""
    return card.status is CardStatus.PRINTED and card.job == job.id


def require_printed(job: Job, card: CardRecord | None) -> None:
    """Require that a card was printed for this job."""
    if card is not None and is_printed_for(card, job):
        return
    if job.printing is Printing.PRINTED:
        advice = "insert the card that was printed for it, or write that card off"
    else:
        advice = "give it to the printer with `jobs export --print`, and enter what comes back"
    problem = "its card is printed first, and this card was not printed for it"
    raise StepRefusedError(Refusal.NOT_PRINTED, job.id, problem, advice=advice)


def again(job: Job) -> Printing:
    """Return how far a job is that takes another card."""
    return Printing.NONE if job.printing is Printing.NONE else Printing.WANTED


def rejoin(job: Job, card: CardRecord, step: Rejoined) -> tuple[Job, CardRecord]:
    """Enter a printed card that a journal knows, and a ledger from a backup does not."""
    has_room = job.card is None and job.state in OPEN and job.printing is not Printing.PRINTED
    status = CardStatus.PRINTED if has_room else CardStatus.SPOILT
    known = changed(card, status=status, job=job.id, reason=step.reason)
    return (changed(job, printing=Printing.PRINTED) if has_room else job), known
