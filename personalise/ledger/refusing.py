"""What every rule of the ledger uses: changing a record, and refusing a step."""

from typing import Any, NoReturn, TypeVar

import msgspec

from personalise.ledger.states import CardRecord, Job, Refusal, StepRefusedError

T = TypeVar("T", Job, CardRecord)


def changed(record: T, **changes: Any) -> T:
    """Return a record with some fields changed."""
    return msgspec.structs.replace(record, **changes)


def refuse_state(job: Job, problem: str, *, advice: str = "") -> NoReturn:
    """Raise `StepRefusedError`: the state of the job does not allow the step."""
    raise StepRefusedError(
        Refusal.WRONG_STATE, job.id, f"is {job.state} and {problem}", advice=advice
    )


def refuse_card(card: CardRecord, problem: str, *, advice: str = "") -> NoReturn:
    """Raise `StepRefusedError`: the state of the card does not allow the step."""
    raise StepRefusedError(Refusal.CARD_WRONG_STATE, f"card {card.name}", problem, advice=advice)
