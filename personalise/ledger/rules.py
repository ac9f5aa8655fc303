"""The steps of a job and its card, as a pure state machine: no I/O, no clock.

A *job* is the ledger's record of one application, from its receipt until it is purged.  A step is
entered in the ledger before it is taken, so the state of a job is what may be true of its card:

    received --prepared--> prepared --claimed--> claimed --begun--> claimed, bound to a card
    claimed, bound --locking--> in-doubt --issued--> issued

A claim ends by time only until `Begun`.  From then on the job is bound to that card: another card
takes the job only after this card was seen again and found unusable (`CardRejected`), or after a
supervisor has written it off (`WrittenOff`).  From `Locking` on, a good card may exist; the job is
in doubt until the card has been seen again (`Issued`, `Begun`, `CardRejected`) or is written off.

`apply` holds every rule.  A store loads the rows of job and card, calls `apply`, and writes what it
returns together with the entry, in one transaction.  docs/exactly-one.md explains the rules;
tests/personalise/ledger/test_model.py explores them exhaustively.
"""

from datetime import datetime

from personalise.ledger import delivery_rules, print_rules
from personalise.ledger.conditions import (
    back_in_the_queue,
    given,
    in_doubt,
    require_bound,
    require_claim,
    require_free,
    require_unwritten,
    unclaimed,
)
from personalise.ledger.refusing import changed, refuse_state
from personalise.ledger.states import (
    OPEN,
    CardRecord,
    CardStatus,
    Job,
    JobState,
    Lease,
    Printing,
    Refusal,
    StepRefusedError,
)
from personalise.ledger.steps import (
    Begun,
    CardMoved,
    CardRejected,
    Claimed,
    Exported,
    Held,
    Interrupted,
    Issued,
    JobRejected,
    JobStep,
    Locking,
    Prepared,
    Printed,
    PrintRejected,
    PrintSent,
    Purged,
    Rejoined,
    Released,
    Reprint,
    Stopped,
    Unstopped,
    WrittenOff,
)


def apply(
    job: Job, card: CardRecord | None, step: JobStep, now: datetime
) -> tuple[Job, CardRecord | None]:
    """Return the job and the card after a step; raises `StepRefusedError`.

    `card` is the card in the reader, or the one that the step is about: required by `Begun`,
    `Locking`, `Issued`, `WrittenOff` and `Reprint`, by `CardRejected`, and by each other step about
    a job that is bound to a card.  `now` is UTC.  A step that was already taken, repeated by the
    same claim, returns both unchanged.  A new job is made by `receive`.
    """
    match step:
        case Held() | Released() | Prepared() | Interrupted() | Purged() | Exported():
            return _without_card(job, step, now), card
        case Claimed():
            return _claim(job, card, step, now), card
        case JobRejected():
            return _reject_job(job, card, step, now)
        case WrittenOff():
            return _write_off(job, given(job, card), step, now)
        case PrintSent() | Printed() | PrintRejected() | CardMoved() | Stopped() | Unstopped():
            return _outside_station(job, card, step)
        case _:
            return _with_card(job, given(job, card), step)


def receive(job_id: str, hold: str = "") -> Job:
    """Return a new job; `hold` is the reason to hold it, empty for none."""
    return Job(job_id, JobState.HELD if hold else JobState.RECEIVED, reason=hold)


def _with_card(
    job: Job, card: CardRecord, step: Begun | Locking | Issued | CardRejected | Reprint | Rejoined
) -> tuple[Job, CardRecord]:
    match step:
        case Begun():
            return _begin(job, card, step)
        case Locking():
            return _lock(job, card, step)
        case Issued():
            return _issue(job, card, step)
        case CardRejected():
            return _reject_card(job, card, step)
        case Reprint():
            return _reprint(job, card, step)
        case Rejoined():
            return _rejoin(job, card, step)


def _outside_station(
    job: Job,
    card: CardRecord | None,
    step: PrintSent | Printed | PrintRejected | CardMoved | Stopped | Unstopped,
) -> tuple[Job, CardRecord | None]:
    """Apply a step before or after the station: printing, delivery, the stop list."""
    match step:
        case PrintSent():
            return print_rules.send(job), card
        case Printed() | PrintRejected():
            return print_rules.come_back(job, given(job, card), step)
        case CardMoved():
            return job, delivery_rules.move(job, given(job, card), step)
        case Stopped() | Unstopped():
            return delivery_rules.stop(job, step), card


def _without_card(
    job: Job,
    step: Held | Released | Prepared | Interrupted | Purged | Exported,
    now: datetime,
) -> Job:
    match step:
        case Held():
            if job.state is JobState.CLAIMED and job.card is None:
                require_free(job, None, now)
            elif job.state not in {JobState.RECEIVED, JobState.PREPARED}:
                refuse_state(job, "cannot be held")
            return changed(job, state=JobState.HELD, lease=None, reason=step.reason)
        case Released():
            if job.state is not JobState.HELD:
                refuse_state(job, "is not held")
            state = JobState.PREPARED if job.has_image else JobState.RECEIVED
            return changed(job, state=state, reason="")
        case Prepared():
            if job.state not in {JobState.RECEIVED, JobState.HELD} or job.has_image:
                refuse_state(job, "cannot be prepared")
            state = JobState.HELD if job.state is JobState.HELD else JobState.PREPARED
            printing = Printing.WANTED if step.print_first else Printing.NONE
            return changed(job, state=state, has_image=True, printing=printing)
        case Interrupted():
            return _interrupt(job, step)
        case Purged():
            return _purge(job)
        case Exported():
            return job


def _claim(job: Job, card: CardRecord | None, step: Claimed, now: datetime) -> Job:
    if job.state not in {JobState.PREPARED, JobState.CLAIMED, JobState.IN_DOUBT}:
        refuse_state(job, "cannot be claimed")
    if job.card is not None:
        require_bound(job, given(job, card))
    elif job.printing is not Printing.NONE:
        print_rules.require_printed(job, card)
    require_free(job, step.worker, now)
    state = JobState.CLAIMED if job.state is JobState.PREPARED else job.state
    lease = Lease(step.worker, job.claims + 1, now, step.until)
    return changed(job, state=state, lease=lease, claims=lease.serial)


def _begin(job: Job, card: CardRecord, step: Begun) -> tuple[Job, CardRecord]:
    require_claim(job, step.serial)
    if job.card is None:
        require_unwritten(job, card)
        begun = changed(card, status=CardStatus.BEGUN, job=job.id)
        return changed(job, card=card.name, attempts=job.attempts + 1), begun
    require_bound(job, card)
    return changed(job, state=JobState.CLAIMED, reason=""), changed(card, may_be_good=False)


def _lock(job: Job, card: CardRecord, step: Locking) -> tuple[Job, CardRecord]:
    require_claim(job, step.serial)
    require_bound(job, card)
    return changed(job, state=JobState.IN_DOUBT, reason="the lock was begun"), card


def _issue(job: Job, card: CardRecord, step: Issued) -> tuple[Job, CardRecord]:
    if job.state is JobState.ISSUED and (job.claims, job.card) == (step.serial, card.name):
        return job, card  # repeated: the answer to the first one was lost
    require_claim(job, step.serial)
    require_bound(job, card)
    if job.state is not JobState.IN_DOUBT:
        raise StepRefusedError(Refusal.NOT_LOCKING, job.id, "the lock was not entered before")
    used = changed(card, status=CardStatus.USED, may_be_good=False, reason="")
    return changed(job, state=JobState.ISSUED, lease=None, reason=""), used


def _reject_card(job: Job, card: CardRecord, step: CardRejected) -> tuple[Job, CardRecord]:
    if card.status is CardStatus.SPOILT and card.job == job.id:
        return job, card  # repeated
    is_last_claim = (job.claims, job.card) == (step.serial, card.name)
    if job.lease is None and card.may_be_good and is_last_claim:
        return job, card  # repeated
    require_claim(job, step.serial)
    if job.card is None:
        require_unwritten(job, card)
    else:
        require_bound(job, card)
        if step.may_be_good:
            doubtful = changed(card, may_be_good=True, reason=step.reason)
            return changed(job, state=JobState.IN_DOUBT, lease=None, reason=step.reason), doubtful
    spoilt = changed(
        card,
        status=CardStatus.SPOILT,
        job=job.id,
        may_be_good=step.may_be_good,
        reason=step.reason,
    )
    return back_in_the_queue(job), spoilt


def _interrupt(job: Job, step: Interrupted) -> Job:
    if job.lease is None and job.claims == step.serial:
        return job  # repeated
    require_claim(job, step.serial)
    return unclaimed(job) if job.card is None else changed(job, lease=None)


def _reject_job(
    job: Job, card: CardRecord | None, step: JobRejected, now: datetime
) -> tuple[Job, CardRecord | None]:
    if job.state is JobState.REJECTED and step.serial in {None, job.claims}:
        return job, card  # repeated
    if job.state not in OPEN:
        refuse_state(job, "cannot be rejected")
    if step.serial is None:
        require_free(job, None, now)
    else:
        require_claim(job, step.serial)
    if job.state is JobState.IN_DOUBT:
        raise in_doubt(job)
    rejected = changed(
        job, state=JobState.REJECTED, card=None, lease=None, reprint=False, reason=step.reason
    )
    if job.card is None:
        return rejected, card
    bound = require_bound(job, given(job, card))
    reason = "its application was rejected"
    return rejected, changed(bound, status=CardStatus.SPOILT, reason=reason)


def _write_off(
    job: Job, card: CardRecord, step: WrittenOff, now: datetime
) -> tuple[Job, CardRecord]:
    if print_rules.is_printed_for(card, job):
        require_free(job, None, now)
        lost = changed(card, status=CardStatus.WRITTEN_OFF, reason=step.reason)
        return (back_in_the_queue(job) if job.state in OPEN else job), lost
    if job.card is None or job.state not in {JobState.CLAIMED, JobState.IN_DOUBT}:
        advice = "`jobs reprint` replaces a good card" if job.state is JobState.ISSUED else ""
        raise StepRefusedError(
            Refusal.NOT_BEGUN, job.id, "has no card that can be written off", advice=advice
        )
    require_bound(job, card)
    require_free(job, None, now)
    may_be_good = job.state is JobState.IN_DOUBT or card.may_be_good
    written_off = changed(
        card, status=CardStatus.WRITTEN_OFF, may_be_good=may_be_good, reason=step.reason
    )
    return back_in_the_queue(job), written_off


def _reprint(job: Job, card: CardRecord, step: Reprint) -> tuple[Job, CardRecord]:
    if job.state is JobState.IN_DOUBT:
        raise in_doubt(job)
    if job.state is not JobState.ISSUED:
        refuse_state(job, "has no good card to replace")
    if job.card != card.name or card.status is not CardStatus.USED:
        raise StepRefusedError(Refusal.OTHER_CARD, job.id, f"{card.name} is not its good card")
    delivery_rules.require_not_stopped(job)
    ended = changed(card, status=CardStatus.ENDED, may_be_good=True, reason=step.reason)
    return changed(back_in_the_queue(job), reprint=True), ended


def _rejoin(job: Job, card: CardRecord, step: Rejoined) -> tuple[Job, CardRecord]:
    """Enter what a journal knows.

    A card that the job has no room for, since it has another one or was rejected, is written off.
    """
    bound = step.status in {CardStatus.BEGUN, CardStatus.USED}
    if bound and (job.card not in {None, card.name} or job.state not in OPEN | {JobState.ISSUED}):
        may_be_good = step.state in {JobState.IN_DOUBT, JobState.ISSUED}
        surplus = changed(
            card,
            status=CardStatus.WRITTEN_OFF,
            job=job.id,
            may_be_good=may_be_good,
            reason=step.reason,
        )
        return job, surplus
    if step.status is CardStatus.PRINTED:
        return print_rules.rejoin(job, card, step)
    known = changed(card, status=step.status, job=job.id, reason=step.reason)
    if bound:
        rejoined = changed(job, state=step.state, card=card.name, lease=None, reason=step.reason)
        return rejoined, known
    return (back_in_the_queue(job) if job.card == card.name else job), known


def _purge(job: Job) -> Job:
    if job.state is JobState.IN_DOUBT:
        raise in_doubt(job)
    if job.state not in {JobState.ISSUED, JobState.REJECTED}:
        refuse_state(job, "is not finished", advice="`jobs reject` ends it")
    return changed(job, state=JobState.PURGED)
