"""The store in SQLite against a model in memory that only applies the rules."""

import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from personalise.ledger import rules
from personalise.ledger.journal import Journal, StationSlot
from personalise.ledger.opening import open_ledger
from personalise.ledger.states import (
    CardRecord,
    CardStatus,
    Job,
    JobState,
    StepRefusedError,
    Worker,
)
from personalise.ledger.steps import (
    Begun,
    CardRejected,
    Claimed,
    Held,
    Interrupted,
    Issued,
    JobRejected,
    JobStep,
    Locking,
    Prepared,
    Released,
    Reprint,
    WrittenOff,
)
from personalise.ledger.stock_rules import require_blank
from personalise.ledger.values import CardRefused, Claim
from personalise.pki.issuing_pki import IssuingPki
from tests.personalise.ledger.line import KIND, Clock, arrival, image

WORKERS = (Worker("a", "1"), Worker("a", "2"), Worker("b", "1"))
CARDS = tuple(f"CARD{n}" for n in range(5))
_places: list[IssuingPki] = []


class Model(RuleBasedStateMachine):
    """Does the same to the store and to jobs and cards in memory, and compares them."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="chipseal-ledger-"))
        self.clock = Clock()
        url = f"sqlite:///{self.folder / 'ledger'}"
        self.ledger = open_ledger(url, _places[0], create=True, clock=self.clock)
        self.jobs: dict[str, Job] = {}
        self.priorities: dict[str, int] = {}
        self.cards: dict[str, CardRecord] = {name: CardRecord(name) for name in CARDS}
        self.claims: list[Claim] = []

    @initialize()
    def begin_with_two(self) -> None:
        self.receive(0)
        self.receive(1)

    @rule(priority=st.integers(0, 1))
    def receive(self, priority: int) -> None:
        if len(self.jobs) < 4:
            number = f"N{len(self.jobs)}"
            (reception,) = self.ledger.receive([arrival(number, priority=priority)])
            assert reception.job is not None
            self.jobs[reception.job] = rules.receive(reception.job)
            self.priorities[reception.job] = priority

    @rule(number=st.integers(0, 3))
    def prepare(self, number: int) -> None:
        job = self.named(number)
        self.both(job, Prepared("", ""), lambda: self.ledger.prepared(job, image()))

    @rule(seconds=st.sampled_from([1, 45, 61]))
    def wait(self, seconds: int) -> None:
        self.clock.advance(seconds=seconds)

    @rule(worker=st.sampled_from(WORKERS), card=st.sampled_from(CARDS))
    def take(self, worker: Worker, card: str) -> None:
        expected = self.expected(worker, card)
        found = self.ledger.take(worker, card, KIND)
        if isinstance(expected, StepRefusedError):
            assert isinstance(found, CardRefused)
            assert found.refusal is expected.refusal
        elif expected is None:
            assert found is None
        else:
            assert isinstance(found, Claim)
            assert (found.job, found.serial) == (expected.id, expected.claims)
            assert found.resumed == (expected.card is not None)
            assert found.in_doubt == (expected.state is JobState.IN_DOUBT)
            self.jobs[expected.id] = expected
            self.claims.append(found)

    def expected(self, worker: Worker, name: str) -> Job | StepRefusedError | None:
        """Return the job that must be claimed, the refusal of the card, or None for no job."""
        card = self.cards[name]
        claimed = Claimed(worker, self.clock.now + self.ledger._rules.lease)
        bound = next((job for job in self.jobs.values() if job.card == name), None)
        try:
            if card.status is CardStatus.BEGUN and bound is not None:
                return rules.apply(bound, card, claimed, self.clock.now)[0]
            require_blank(card)
        except StepRefusedError as refused:
            return refused
        job = self.next_job(worker)
        return None if job is None else rules.apply(job, None, claimed, self.clock.now)[0]

    def next_job(self, worker: Worker) -> Job | None:
        """Return a job that the worker has or whose lease is over, else the next that waits."""
        over = [
            job
            for job in self.jobs.values()
            if job.state is JobState.CLAIMED
            and job.card is None
            and job.lease is not None
            and (job.lease.worker == worker or not job.lease.is_live(self.clock.now))
        ]
        if over:
            return min(over, key=lambda job: job.lease.until if job.lease else self.clock.now)
        waiting = [job for job in self.jobs.values() if job.state is JobState.PREPARED]
        order = list(self.jobs)
        return min(
            waiting,
            key=lambda job: (not job.reprint, -self.priorities[job.id], order.index(job.id)),
            default=None,
        )

    @rule(number=st.integers(0, 9), what=st.sampled_from(["begin", "locking", "issued"]))
    def advance(self, number: int, what: str) -> None:
        for claim in self.claim(number):
            steps = {"begin": Begun, "locking": Locking, "issued": Issued}
            step = steps[what](claim.serial)
            self.both(claim.job, step, lambda c=claim: getattr(self.ledger, what)(c), claim.card)

    @rule(number=st.integers(0, 9), may_be_good=st.booleans())
    def reject_card(self, number: int, may_be_good: bool) -> None:
        for claim in self.claim(number):
            step = CardRejected(claim.serial, "mute", "no answer", may_be_good)
            self.both(
                claim.job,
                step,
                lambda c=claim: self.ledger.card_rejected(
                    c, "mute", "no answer", may_be_good=may_be_good
                ),
                claim.card,
            )

    @rule(number=st.integers(0, 9))
    def interrupt(self, number: int) -> None:
        for claim in self.claim(number):
            step = Interrupted(claim.serial)
            self.both(claim.job, step, lambda c=claim: self.ledger.interrupted(c), claim.card)

    @rule(number=st.integers(0, 9))
    def reject_application(self, number: int) -> None:
        for claim in self.claim(number):
            step = JobRejected("wrong", claim.serial)
            self.both(
                claim.job,
                step,
                lambda c=claim: self.ledger.application_rejected(c, "wrong"),
                claim.card,
            )

    @rule(card=st.sampled_from(CARDS))
    def write_off(self, card: str) -> None:
        bound = next((job.id for job in self.jobs.values() if job.card == card), None)
        if bound is None or self.cards[card].status is not CardStatus.BEGUN:
            with pytest.raises(StepRefusedError):
                self.ledger.write_off(card, "lost", by="s")
            return
        step = WrittenOff("s", "lost")
        self.both(bound, step, lambda: self.ledger.write_off(card, "lost", by="s"), card)

    @rule(number=st.integers(0, 3))
    def reprint(self, number: int) -> None:
        job = self.named(number)
        if self.jobs[job].card is not None:
            self.both(job, Reprint("s", "x"), lambda: self.ledger.reprint(job, "x", by="s"))

    @rule(number=st.integers(0, 3), what=st.sampled_from(["hold", "release", "reject"]))
    def decide(self, number: int, what: str) -> None:
        job = self.named(number)
        step: JobStep
        if what == "hold":
            step = Held("x", "s")
            self.both(job, step, lambda: self.ledger.hold(job, "x", by="s"))
        elif what == "release":
            self.both(job, Released("", "s"), lambda: self.ledger.release(job, by="s"))
        else:
            step = JobRejected("x", by="s")
            self.both(job, step, lambda: self.ledger.reject(job, "x", by="s"))

    @rule(station=st.sampled_from(["a", "b"]))
    def restart(self, station: str) -> None:
        self.ledger.join(StationSlot(station, Journal(self.folder)))
        self.ledger._journals.clear()
        for job in list(self.jobs.values()):
            if job.lease is not None and job.lease.worker.station == station:
                card = None if job.card is None else self.cards[job.card]
                step = Interrupted(job.lease.serial)
                self.jobs[job.id], _ = rules.apply(job, card, step, self.clock.now)

    def named(self, number: int) -> str:
        return list(self.jobs)[number % len(self.jobs)]

    def claim(self, number: int) -> list[Claim]:
        """Return one of the claims ever made, also one that is over."""
        return self.claims[-1 - number :][:1] if number < len(self.claims) else self.claims[:1]

    def both(self, job: str, step: JobStep, work: object, card: str | None = None) -> None:
        """Apply a step to the model and do it with the store: both refuse it, or neither."""
        before = self.jobs[job]
        name = card or before.card
        record = None if name is None else self.cards[name]
        try:
            after, record = rules.apply(before, record, step, self.clock.now)
        except StepRefusedError as error:
            refusal = error.refusal
        else:
            refusal = None
        if refusal is not None:
            with pytest.raises(StepRefusedError) as caught:
                work()  # type: ignore[operator]
            assert caught.value.refusal is refusal
            return
        work()  # type: ignore[operator]
        self.jobs[job] = after
        if record is not None:
            self.cards[record.name] = record

    @invariant()
    def both_are_in_the_same_state(self) -> None:
        stored = {each.job.id: each.job for each in self.ledger.jobs()}
        assert stored == self.jobs
        known = {each.name: each for each in self.ledger.cards()}
        assert known == {
            name: card for name, card in self.cards.items() if card.status != CardStatus.UNKNOWN
        }

    def teardown(self) -> None:
        assert self.ledger.verify().findings == ()
        self.ledger.close()
        shutil.rmtree(self.folder)


def test_the_store_follows_the_rules(pki: IssuingPki) -> None:
    (pki.folder / "ledger-checkpoint.json").unlink(missing_ok=True)
    _places[:] = [pki]
    machine = Model.TestCase
    machine.settings = settings(
        max_examples=25,
        phases=(Phase.explicit, Phase.generate),
        print_blob=False,
        stateful_step_count=40,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    machine("runTest").runTest()
