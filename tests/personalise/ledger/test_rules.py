from datetime import UTC, datetime, timedelta

import pytest

from personalise.ledger import rules
from personalise.ledger.states import CardRecord, CardStatus, Job, JobState, Worker
from personalise.ledger.steps import CardRejected, Claimed

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)


@pytest.mark.parametrize("may_be_good", [False, True])
def test_a_card_rejected_before_it_is_begun_keeps_the_doubt_about_it(*, may_be_good: bool) -> None:
    job = Job("A-1", JobState.PREPARED, has_image=True)
    card = CardRecord("CARD1")
    claim = Claimed(Worker("press", "1"), NOW + timedelta(minutes=5))
    job, _ = rules.apply(job, card, claim, NOW)
    rejected = CardRejected(job.claims, "refuses", "no answer", may_be_good)
    job, after = rules.apply(job, card, rejected, NOW)
    assert (job.state, job.card) == (JobState.PREPARED, None)
    assert after is not None
    assert (after.status, after.may_be_good) == (CardStatus.SPOILT, may_be_good)
