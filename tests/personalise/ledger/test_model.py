"""The promise of exactly one good card, in every world that can be reached."""

from collections import defaultdict
from datetime import datetime

import msgspec
import pytest

from personalise.ledger import rules
from personalise.ledger.states import OPEN, CardRecord, CardStatus, Job, JobState
from personalise.ledger.steps import CardRejected, Claimed, Issued, JobStep, Locking, WrittenOff
from tests.personalise.ledger.model import Apply, Model, World


def test_no_path_leads_to_two_good_cards_and_every_world_can_still_end() -> None:
    model = Model()
    reached = model.explore(cards=3, stations=2)
    assert [why for world in reached if (why := model.broken_promise(world))] == []
    assert len(reached) > 50_000
    assert {model.job(world).state for world in reached} == {
        JobState.PREPARED,
        JobState.CLAIMED,
        JobState.IN_DOUBT,
        JobState.ISSUED,
        JobState.REJECTED,
    }
    assert max(world.good.count(True) for world in reached) == 3  # reprints and write-offs
    ended = [world for world in reached if model.job(world).state not in OPEN]
    assert _leading_to(ended, reached) == set(reached)


def _leading_to(ends: list[World], reached: dict[World, list[World]]) -> set[World]:
    """Return the worlds from which one of the ends can be reached."""
    before: dict[World, list[World]] = defaultdict(list)
    for world, following in reached.items():
        for each in following:
            before[each].append(world)
    waiting, found = list(ends), set(ends)
    while waiting:
        for each in before[waiting.pop()]:
            if each not in found:
                found.add(each)
                waiting.append(each)
    return found


def test_without_reprint_and_write_off_there_is_one_good_card() -> None:
    def without(
        job: Job, card: CardRecord | None, step: JobStep, now: datetime
    ) -> tuple[Job, CardRecord | None]:
        supervised = step.name in {"written-off", "reprint"}
        return (job, card) if supervised else rules.apply(job, card, step, now)

    reached = Model(without).explore(cards=2, stations=2)
    assert max(world.good.count(True) for world in reached) == 1


# --- rules that are weakened, which the model must notice --------------------------------------


def _lease_frees_a_begun_job(
    job: Job, card: CardRecord | None, step: JobStep, now: datetime
) -> tuple[Job, CardRecord | None]:
    if isinstance(step, Claimed) and job.lease is not None and not job.lease.is_live(now):
        job = msgspec.structs.replace(job, state=JobState.PREPARED, card=None)
    return rules.apply(job, card, step, now)


def _claims_that_are_over_count(
    job: Job, card: CardRecord | None, step: JobStep, now: datetime
) -> tuple[Job, CardRecord | None]:
    if isinstance(step, Locking) and job.lease is not None:
        step = Locking(job.lease.serial)
    if isinstance(step, Locking) and card is not None and card.status is not CardStatus.BEGUN:
        return job, card
    return rules.apply(job, card, step, now)


def _write_off_without_doubt(
    job: Job, card: CardRecord | None, step: JobStep, now: datetime
) -> tuple[Job, CardRecord | None]:
    job, card = rules.apply(job, card, step, now)
    if isinstance(step, WrittenOff) and card is not None:
        card = msgspec.structs.replace(card, may_be_good=False)
    return job, card


def _lock_without_an_entry(
    job: Job, card: CardRecord | None, step: JobStep, now: datetime
) -> tuple[Job, CardRecord | None]:
    if isinstance(step, Locking):
        return job, card
    if isinstance(step, Issued) and job.state is JobState.CLAIMED:
        job = msgspec.structs.replace(job, state=JobState.IN_DOUBT)
    return rules.apply(job, card, step, now)


def _doubtful_cards_are_rejected(
    job: Job, card: CardRecord | None, step: JobStep, now: datetime
) -> tuple[Job, CardRecord | None]:
    if isinstance(step, CardRejected):
        step = CardRejected(step.serial, step.fault, step.reason)
    return rules.apply(job, card, step, now)


@pytest.mark.parametrize(
    "weakened",
    [
        _lease_frees_a_begun_job,
        _claims_that_are_over_count,
        _write_off_without_doubt,
        _lock_without_an_entry,
        _doubtful_cards_are_rejected,
    ],
)
def test_the_model_notices_a_weaker_rule(weakened: Apply) -> None:
    model = Model(weakened)
    assert any(model.broken_promise(world) for world in model.explore(cards=2, stations=2))
