"""A small personalisation line for tests: applications, images, cards and workers."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from emrtd.lds.files import FileID
from emrtd.lds.image import LdsImage
from personalise.ledger.sql_ledger import SqlLedger
from personalise.ledger.states import Refusal, Worker
from personalise.ledger.values import Arrival, CardRefused, Claim
from tests.personalise import applications

ANNA = Worker("press-1", "reader 1")
BERT = Worker("press-2", "reader 1")
DESK = Worker("desk", "")
KIND = "iso7816-9"


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 30, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **duration: float) -> None:
        self.now += timedelta(**duration)


def arrival(number: str = "ZU1234567", *, priority: int = 0, hold: str = "") -> Arrival:
    """Return the documented application under a document number."""
    record = applications.changed("document.number", number)
    files = {"application.json": json.dumps(record).encode(), "portrait.jpg": b"a face"}
    return Arrival("UTO", number, files, "permit", KIND, priority, hold)


def image(text: str = "a document") -> LdsImage:
    """Return something that is stored as an image is."""
    files = {FileID.SOD: f"w {text}".encode(), FileID.DG1: b"a data group"}
    return LdsImage(files, b"sealed keys")


@dataclass
class Line:
    """A ledger and what is done with it."""

    ledger: SqlLedger

    def receive(self, *numbers: str, priority: int = 0) -> list[str]:
        """Receive applications; return the ids of their jobs."""
        found = self.ledger.receive([arrival(each, priority=priority) for each in numbers])
        return [_text(each.job) for each in found]

    def prepare(self, *numbers: str, priority: int = 0) -> list[str]:
        """Receive and prepare applications."""
        jobs = self.receive(*numbers, priority=priority)
        for job in jobs:
            self.ledger.prepared(job, image(job))
        return jobs

    def take(self, card: str, worker: Worker = ANNA) -> Claim:
        """Claim the job for a card, which must succeed."""
        claim = self.ledger.take(worker, card, KIND)
        assert isinstance(claim, Claim), claim
        return claim

    def refused(self, card: str, worker: Worker = ANNA) -> Refusal | None:
        """Return why a card is refused."""
        found = self.ledger.take(worker, card, KIND)
        assert isinstance(found, CardRefused), found
        return found.refusal

    def begin(self, card: str, worker: Worker = ANNA) -> Claim:
        claim = self.take(card, worker)
        self.ledger.begin(claim)
        return claim

    def lock(self, card: str, worker: Worker = ANNA) -> Claim:
        claim = self.begin(card, worker)
        self.ledger.locking(claim)
        return claim

    def issue(self, card: str, worker: Worker = ANNA) -> Claim:
        claim = self.lock(card, worker)
        self.ledger.issued(claim)
        return claim

    def states(self) -> dict[str, str]:
        return {each.job.id: each.job.state.value for each in self.ledger.jobs()}

    def steps(self, job: str) -> list[object]:
        return [step["step"] for _, _, step in self.ledger.history(job)]


def names(steps: Iterable[object]) -> list[str]:
    return [str(each) for each in steps]


def _text(value: str | None) -> str:
    assert value is not None
    return value
