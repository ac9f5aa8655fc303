"""How far an application is, as its sender is told."""

from datetime import datetime
from typing import Final

from personalise.ledger.interface import Ledger
from personalise.ledger.states import JobState
from personalise.service.intake import ApplicationState

_FINAL: Final = frozenset({JobState.ISSUED, JobState.REJECTED, JobState.PURGED})
_EXPLAINED: Final = frozenset({JobState.HELD, JobState.REJECTED})


def state_of(ledger: Ledger, application: str) -> ApplicationState:
    """Return the state of an application, without the names of cards and stations."""
    entry = ledger.job(application)
    job = entry.job
    place = ""
    if job.state is JobState.ISSUED and job.card is not None:
        place = ledger.card(job.card).place
    return ApplicationState(
        application,
        str(job.state),
        final=job.state in _FINAL,
        since=instant(entry.changed),
        reason=(job.reason or None) if job.state in _EXPLAINED else None,
        delivery=place or None,
    )


def instant(at: datetime) -> str:
    """Return an instant (UTC) as JSON has it."""
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"
