"""What a worker asks for: each effect is a value, and has a type of result.

A worker is a generator that yields effects and receives their results, so that it can be run
without a card, a ledger or a clock.  `personalise.station.line.performing` carries them out.
"""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from enum import StrEnum, unique
from typing import Any, Generic, TypeVar

from emrtd.transport.connection import Tray
from personalise.ledger.values import CardRefused, Claim
from personalise.station.cards.interface import CardState
from personalise.station.outcomes import RejectCardError, WriteError
from support.errors import ChipsealError

T = TypeVar("T")


class Effect(Generic[T]):
    """Something to be carried out for a worker; `T` is the type of its result."""


Work = Generator[Effect[Any], Any, T]
"""Yields effects, receives their results, returns `T`."""


def ask(effect: Effect[T]) -> Work[T]:
    """Yield an effect and return its result."""
    result: T = yield effect
    return result


def drive(work: Work[T], perform: Callable[[Effect[Any]], Any]) -> T:
    """Run a worker to its end; an error of an effect is raised where the worker asked for it."""
    try:
        effect = next(work)
        while True:
            try:
                result = perform(effect)
            except ChipsealError as error:
                effect = work.throw(error)
            else:
                effect = work.send(result)
    except StopIteration as stop:
        value: T = stop.value
        return value
    finally:
        work.close()


# --- results ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Arrival:
    """A card is in the reader; `new` if it was inserted since the last arrival."""

    new: bool


@dataclass(frozen=True, slots=True)
class Ended:
    """The worker has nothing more to do; `reason` says why, in a few words.

    `failed`: the reader cannot be used.
    """

    reason: str
    failed: bool = False


@dataclass(frozen=True, slots=True)
class SeenCard:
    """What could be read from the card in the reader.

    `name` is None for a card that does not show its serial number, as a locked one does not.
    """

    name: str | None
    kind: str
    state: CardState


@dataclass(frozen=True, slots=True)
class Made:
    """The card is locked, and was opened as an inspector would; `sod` is EF.SOD's SHA-256."""

    sod: str
    already_complete: bool


@dataclass(frozen=True, slots=True)
class Failed:
    """The card was not made; `begun` if something may have been written to it."""

    error: WriteError
    begun: bool


@dataclass(frozen=True, slots=True)
class Recognised:
    """The locked card in the reader holds the document of an issued job.

    `claim` is the one by which the job's good card was made.  If not `is_good`, the card is another
    one of the same document, or may be: it does not show its number, and more than one was made.
    """

    claim: Claim
    is_good: bool


@unique
class EventKind(StrEnum):
    """What is told of a worker, as `--json` prints it."""

    WAITING = "waiting"
    """For a card, for a card to be taken out, for an application, or for the ledger."""
    ISSUED = "issued"
    REJECTED_CARD = "rejected-card"
    REJECTED_APPLICATION = "rejected-application"
    HELD_APPLICATION = "held-application"
    """Data preparation failed with an internal error; a supervisor decides."""
    INTERRUPTED = "interrupted"
    """The card was pulled out or disturbed; it is tried again when it is seen again."""
    RECOGNISED = "recognised"
    """A good card that was issued before, and is shown again."""
    STOPPED = "stopped"


# --- effects ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class WaitForCard(Effect[Arrival | Ended]):
    """Wait until a card can be handled; with `another`, until the present one was replaced."""

    another: bool = False


@dataclass(frozen=True, slots=True)
class WaitForWork(Effect[Ended | None]):
    """Wait until a job may be there for the card in the reader, or the card has left."""

    card: SeenCard


@dataclass(frozen=True, slots=True)
class Identify(Effect[SeenCard]):
    """Connect to the card, and read what it shows; raises `WriteError`."""


@dataclass(frozen=True, slots=True)
class Take(Effect[Claim | CardRefused | None]):
    """Claim a job for a card of this name and kind."""

    name: str | None
    kind: str


@dataclass(frozen=True, slots=True)
class Make(Effect[Made | Failed]):
    """Write the image of a claimed job to the card, lock it and inspect it."""

    claim: Claim


@dataclass(frozen=True, slots=True)
class EnterIssued(Effect[None]):
    """Enter in the ledger that the card is good."""

    claim: Claim


@dataclass(frozen=True, slots=True)
class EnterCardRejected(Effect[None]):
    """Enter that the card is unusable."""

    claim: Claim
    error: RejectCardError


@dataclass(frozen=True, slots=True)
class EnterApplicationRejected(Effect[None]):
    """Enter that no card can be made."""

    claim: Claim
    reason: str


@dataclass(frozen=True, slots=True)
class EnterInterrupted(Effect[None]):
    """Enter that the claim is given up."""

    claim: Claim
    reason: str


@dataclass(frozen=True, slots=True)
class FindDoubtful(Effect[Sequence[tuple[str, str]]]):
    """Return name and kind of each card whose lock may have been sent, the likeliest first."""


@dataclass(frozen=True, slots=True)
class Recognise(Effect[Recognised | None]):
    """Find the issued job whose document is on the locked card in the reader.

    Tried are the job of the card's number, or for a card that does not show it the jobs issued
    last.
    """

    card: SeenCard


@dataclass(frozen=True, slots=True)
class Eject(Effect[None]):
    """Close the connection, and put the card into a tray; a person takes it out otherwise."""

    tray: Tray


@dataclass(frozen=True, slots=True)
class Release(Effect[None]):
    """Close the connection; the card stays.  Then wait this many seconds."""

    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Tell(Effect[None]):
    """Show an event."""

    kind: EventKind
    reason: str = ""
    claim: Claim | None = None
    card: str | None = None
    made: Made | None = None
