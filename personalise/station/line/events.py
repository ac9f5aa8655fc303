"""What a station tells: one event a line, and the summary at the end."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Protocol

from personalise.ledger.states import JobState
from personalise.station.line.effects import EventKind


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a reader.

    `application` is the job's id, `document` the ledger's keyed digest of the document's number,
    `card` the card's name, `sod` the SHA-256 of EF.SOD (hexadecimal).  `seconds` is the time since
    the card was connected.
    """

    kind: EventKind
    reader: str
    application: str | None = None
    document: str | None = None
    card: str | None = None
    sod: str | None = None
    reason: str | None = None
    apdus: int = 0
    seconds: float = 0.0

    def json(self) -> str:
        """Return the event as `--json` prints it."""
        record = asdict(self)
        record = {"event": str(record.pop("kind")), **record}
        record["seconds"] = round(self.seconds, 3)
        return json.dumps(record)


@dataclass
class Tally:
    """How many cards and applications this run has finished, by the kind of event."""

    events: Counter[EventKind] = field(default_factory=Counter)

    def add(self, event: Event) -> None:
        """Count an event."""
        self.events[event.kind] += 1

    def summary(self, jobs: Mapping[JobState, int]) -> dict[str, int | str]:
        """Return the last object of `--json`: this run's counts, and the ledger's open jobs."""
        waiting = (JobState.RECEIVED, JobState.HELD, JobState.PREPARED, JobState.CLAIMED)
        return {
            "event": "summary",
            "issued": self.events[EventKind.ISSUED],
            "rejected_cards": self.events[EventKind.REJECTED_CARD],
            "rejected_applications": self.events[EventKind.REJECTED_APPLICATION],
            "in_doubt": jobs.get(JobState.IN_DOUBT, 0),
            "open": sum(jobs.get(each, 0) for each in waiting),
        }


class Display(Protocol):
    """Where events are shown."""

    def show(self, event: Event) -> None:
        """Show an event."""
        ...

    def close(self) -> None:
        """Show nothing more."""
        ...
