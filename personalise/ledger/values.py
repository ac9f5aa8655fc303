"""What goes into a ledger and comes out of it, as values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from personalise.ledger.states import (
    CardRecord,
    CardStatus,
    Job,
    JobState,
    Refusal,
    Worker,
)
from personalise.preparing.application import Application
from support.errors import MalformedError


@dataclass(frozen=True, slots=True)
class Rules:
    """How a ledger is used, from the PKI's settings.

    `lease` is how long a claim holds unless it is renewed.  With `only_stock` a card is written
    only if it was received into stock, with `print_first` only if it was printed for its job.
    """

    lease: timedelta = timedelta(seconds=60)
    only_stock: bool = False
    print_first: bool = False


# --- intake and preparation ------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Arrival:
    """An application that has been read and checked, as it goes into the ledger.

    `issuing_state` and `number` identify the document; `files` holds `application.json` and the
    images that it names, by file name.  Only their ciphertext and a keyed digest of the number are
    stored.  `profile` is the chip profile and `card_profile` the kind of card that it names.  A
    higher `priority` is made earlier.  `hold` is the reason to hold it for a supervisor.
    """

    issuing_state: str = field(repr=False)
    number: str = field(repr=False)
    files: Mapping[str, bytes] = field(repr=False)
    profile: str
    card_profile: str
    priority: int = 0
    hold: str = ""


@dataclass(frozen=True, slots=True)
class Reception:
    """What became of one arrival.

    `job` is the id of its new job, None if it was refused as a duplicate; `document` the keyed
    digest of its number (hexadecimal); `duplicate_of` the job that has the same document.
    """

    job: str | None
    state: JobState | None
    document: str
    duplicate_of: str | None = None


@dataclass(frozen=True, slots=True)
class Preparation:
    """A job whose image is to be made, and its application, decrypted."""

    job: str
    application: Application = field(repr=False)
    profile: str
    document: str


@dataclass(frozen=True, slots=True)
class AlteredJob:
    """A received job whose application cannot be opened: its rows were altered in the database."""

    job: str
    document: str
    error: MalformedError


# --- stations --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Claim:
    """A worker's claim on a job; `serial` distinguishes it from all others on the same job.

    `card` is the name of the card in the reader.  With `resumed` the card was begun for this job
    before; with `in_doubt` its lock may have been sent.  `document` is the keyed digest of the
    document's number.
    """

    job: str
    serial: int
    worker: Worker
    card: str
    card_profile: str
    document: str
    until: datetime
    attempts: int = 0
    resumed: bool = False
    in_doubt: bool = False


@dataclass(frozen=True, slots=True)
class CardRefused:
    """The card in the reader takes no document; the station puts it with the rejected cards.

    After `Refusal.HELD_BY_OTHER` the card belongs to a job that another worker still has: the same
    card can be inserted again later.  `card` is None for a card without a name.
    """

    card: str | None
    refusal: Refusal | None
    message: str
    advice: str


# --- lists and reports -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class JobEntry:
    """A job as it is listed.  `document` is the keyed digest; `reader` who has or had it last."""

    job: Job
    document: str
    profile: str
    card_profile: str
    priority: int
    received: datetime
    changed: datetime
    period: str
    station: str | None
    reader: str | None


@dataclass(frozen=True, slots=True)
class Summary:
    """Counts of jobs and cards by state, and the cards that an inspection might still accept."""

    jobs: Mapping[JobState, int]
    cards: Mapping[CardStatus, int]
    may_be_good: tuple[CardRecord, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that `verify` found wrong; `where` is a chain, a job, a card or a checkpoint."""

    where: str
    problem: str


@dataclass(frozen=True, slots=True)
class Verification:
    """The result of `verify`: how much was checked, and what is wrong."""

    entries: int
    checkpoints: int
    jobs: int
    cards: int
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class PurgeReport:
    """What `purge` destroyed, and which copies it cannot reach.

    `kept` names the jobs of the period that are not finished.
    """

    jobs: tuple[str, ...]
    periods: tuple[str, ...]
    kept: tuple[str, ...]
    beyond_reach: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Period:
    """A retention period: how many jobs have contents in it, and when its key was destroyed."""

    name: str
    jobs: int
    destroyed: datetime | None
