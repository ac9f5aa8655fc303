"""What the rules of a job require of the job, its claim and its card, and common ends of a step."""

from datetime import datetime

from personalise.ledger import print_rules
from personalise.ledger.refusing import changed
from personalise.ledger.states import (
    CardRecord,
    CardStatus,
    Job,
    JobState,
    Printing,
    Refusal,
    StepRefusedError,
    Worker,
)
from personalise.ledger.stock_rules import require_blank


def given(job: Job, card: CardRecord | None) -> CardRecord:
    """Require the card that a step is about, and return it."""
    if card is None:
        raise StepRefusedError(Refusal.OTHER_CARD, job.id, "this step requires its card")
    return card


def require_claim(job: Job, serial: int) -> None:
    """Require that a claim is the current one.

    Its time may be over: until somebody else has taken the job, the claim still holds.
    """
    if job.lease is None or job.lease.serial != serial:
        raise StepRefusedError(
            Refusal.SUPERSEDED,
            job.id,
            f"the claim is over, and the job is {job.state}",
            advice="send nothing more to the card; insert it again to see what is to be done",
        )


def require_free(job: Job, worker: Worker | None, now: datetime) -> None:
    """Require that no other worker has a lease that is live."""
    lease = job.lease
    if lease is None or lease.worker == worker or not lease.is_live(now):
        return
    raise StepRefusedError(
        Refusal.HELD_BY_OTHER,
        job.id,
        f"station {lease.worker.station} has it in reader {lease.worker.reader}",
        advice=f"wait until {lease.until:%Y-%m-%d %H:%M:%S} UTC, or take the card out there",
    )


def require_bound(job: Job, card: CardRecord) -> CardRecord:
    """Require that a job is bound to a card, which was begun; return the card."""
    if job.card is None:
        raise StepRefusedError(Refusal.NOT_BEGUN, job.id, "no card was begun for it")
    if job.card != card.name or card.status is not CardStatus.BEGUN:
        raise StepRefusedError(
            Refusal.OTHER_CARD,
            job.id,
            f"is bound to the card {job.card}",
            advice="insert that card, or have a supervisor write it off",
        )
    return card


def require_unwritten(job: Job, card: CardRecord) -> None:
    """Require a card that the job may begin: blank, or printed for it."""
    if job.printing is Printing.NONE:
        require_blank(card)
    else:
        print_rules.require_printed(job, card)


def unclaimed(job: Job) -> Job:
    """Return a job that waits again, for any card or the one printed for it."""
    state = JobState.PREPARED if job.has_image else JobState.RECEIVED
    return changed(job, state=state, card=None, lease=None, reason="")


def back_in_the_queue(job: Job) -> Job:
    """Return a job whose card is lost to it; another one is printed, if its card was."""
    return changed(unclaimed(job), printing=print_rules.again(job))


def in_doubt(job: Job) -> StepRefusedError:
    """Return the refusal of a step because a good card may exist."""
    return StepRefusedError(
        Refusal.IN_DOUBT,
        job.id,
        f"a good card may exist: {job.card}",
        advice="insert that card at a station, or write it off with `jobs write-off`",
    )
