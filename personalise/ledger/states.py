"""The states of a job and of a card, and why a step is refused."""

from datetime import datetime, timedelta
from enum import StrEnum, unique
from typing import Final

import msgspec

from support.errors import MisuseError


@unique
class JobState(StrEnum):
    """The state of a job, as `jobs list --json` prints it."""

    RECEIVED = "received"
    HELD = "held"
    """Waits for a supervisor: a duplicate, a doubtful sample, or held by hand."""
    PREPARED = "prepared"
    """Its image is made, and it waits for a card."""
    CLAIMED = "claimed"
    """A station has it; from `Begun` on it is bound to a card."""
    IN_DOUBT = "in-doubt"
    """A good card may exist; nothing else is made until that is known or written off."""
    ISSUED = "issued"
    REJECTED = "rejected"
    PURGED = "purged"


@unique
class CardStatus(StrEnum):
    """What the ledger knows of one physical card."""

    UNKNOWN = "unknown"
    """The ledger has no record of it."""
    IN_STOCK = "in-stock"
    """A blank card that was received."""
    BEGUN = "begun"
    """Something may have been written to it; its job is bound to it."""
    USED = "used"
    """A good card."""
    ENDED = "ended"
    """It was good, and a reprint has replaced it."""
    SPOILT = "spoilt"
    """Seen and found unusable, or removed from stock."""
    PRINTED = "printed"
    """Printed for a job, and matched to it; nothing has been written to its chip."""
    WRITTEN_OFF = "written-off"
    """Not seen again; a supervisor has written it off."""
    DESTROYED = "destroyed"


@unique
class Printing(StrEnum):
    """How far a job is whose card is printed before its chip is written."""

    NONE = ""
    """It takes any blank card of its kind."""
    WANTED = "wanted"
    """It waits to be given to the printer."""
    SENT = "sent"
    """The printer has it; no station takes it until its card has come back."""
    PRINTED = "printed"
    """One card was printed for it; only this card takes it."""


@unique
class Place(StrEnum):
    """Where a good card is after the station."""

    LINE = ""
    """Not checked yet."""
    CHECKED = "checked"
    FAILED = "failed"
    """The quality check found a fault: it is reprinted, or checked again."""
    PACKED = "packed"
    HANDED_OVER = "handed-over"
    RETURNED = "returned"


BLANK: Final = frozenset({CardStatus.UNKNOWN, CardStatus.IN_STOCK})
"""The states of a card that no job has begun."""

OPEN: Final = frozenset(
    {
        JobState.RECEIVED,
        JobState.HELD,
        JobState.PREPARED,
        JobState.CLAIMED,
        JobState.IN_DOUBT,
    }
)
"""The states of a job that has no end yet."""


SKEW: Final = timedelta(seconds=10)
"""How much earlier than a lease its reader's time may be: two transactions overlap."""


class Worker(msgspec.Struct, frozen=True):
    """One reader of one station; it handles one card at a time."""

    station: str
    reader: str


class Lease(msgspec.Struct, frozen=True):
    """The claim of a worker on a job, and the time in which nobody else may take it.

    `serial` counts the claims of the job: a step of an earlier claim is refused.
    """

    worker: Worker
    serial: int
    since: datetime
    until: datetime

    def is_live(self, now: datetime) -> bool:
        """Whether it still holds.  A clock that went back ends it: it would hold for too long."""
        return self.since - SKEW <= now < self.until


class Job(msgspec.Struct, frozen=True):
    """The state of one job.

    `card` is the name of the card to which it is bound; of an issued job, its good card.  `claims`
    counts the claims made so far, `attempts` the cards begun.  `has_image` tells whether it was
    prepared; `reprint` whether it had a good card before.  `reason` explains a held or rejected job
    or one in doubt.  `stopped` is why its document is on the stop list, empty if it is not.
    """

    id: str
    state: JobState
    card: str | None = None
    lease: Lease | None = None
    claims: int = 0
    attempts: int = 0
    has_image: bool = False
    reprint: bool = False
    reason: str = ""
    printing: Printing = Printing.NONE
    stopped: str = ""


class CardRecord(msgspec.Struct, frozen=True):
    """The state of one card.

    `name` is its serial number or CPLC data (hexadecimal), `job` the id of the only job for which
    it was ever printed or begun.  `may_be_good`: it is not the good card of a job, but an
    inspection might accept it.  `place` is where a good card, or one that a reprint ended, is.
    """

    name: str
    status: CardStatus = CardStatus.UNKNOWN
    job: str | None = None
    may_be_good: bool = False
    reason: str = ""
    place: Place = Place.LINE


@unique
class Refusal(StrEnum):
    """Why a step is refused."""

    WRONG_STATE = "wrong-state"
    """The state of the job does not allow it."""
    SUPERSEDED = "superseded"
    """The claim is no longer the current one: another worker or a supervisor was faster."""
    HELD_BY_OTHER = "held-by-other"
    """Another worker has the job, and its lease has not ended."""
    OTHER_CARD = "other-card"
    """The job is bound to another card."""
    NOT_BEGUN = "not-begun"
    """No card was begun for the job."""
    NOT_LOCKING = "not-locking"
    """`Locking` was not entered before."""
    IN_DOUBT = "in-doubt"
    """A good card may exist; it must be shown again or written off first."""
    CARD_NOT_BLANK = "card-not-blank"
    """The card was begun, used, rejected, written off or destroyed before."""
    CARD_WRONG_STATE = "card-wrong-state"
    """The state of the card does not allow it."""
    CARD_NOT_IN_STOCK = "card-not-in-stock"
    """Only cards in stock are written, and this card is not."""
    DUPLICATE = "duplicate"
    """The document has another open job or live card."""
    NOT_PRINTED = "not-printed"
    """The card of the job is printed first, and this card was not printed for it."""
    STOPPED = "stopped"
    """The document is on the stop list."""


class StepRefusedError(MisuseError):
    """A step that the rules do not allow; nothing was entered.

    `refusal` is the rule, `subject` the id of the job or the name of the card.
    """

    kind = "refused-step"

    def __init__(self, refusal: Refusal, subject: str, problem: str, *, advice: str = "") -> None:
        self.refusal = refusal
        self.subject = subject
        super().__init__(f"{subject}: {problem}", advice=advice)
