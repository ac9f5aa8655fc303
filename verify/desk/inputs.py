"""What happens at the desk: events of cards and inspections, and what the officer does."""

from dataclasses import dataclass

from emrtd.errors import TransportFault
from emrtd.transport.events import CardEvent
from verify.desk.state import Given, Result
from verify.inspection.events import Event


@dataclass(frozen=True, slots=True)
class CardsChanged:
    """A card, a reader or the PC/SC service came or went."""

    event: CardEvent


@dataclass(frozen=True, slots=True)
class Told:
    """The inspection with the number `attempt` reports an event."""

    attempt: int
    event: Event


@dataclass(frozen=True, slots=True)
class Held:
    """Another program holds the card, so that the inspection waits for it."""

    attempt: int


@dataclass(frozen=True, slots=True)
class Captured:
    """The chip has given its last answer; the judgement follows."""

    attempt: int


@dataclass(frozen=True, slots=True)
class Judged:
    """An inspection has ended with a result."""

    attempt: int
    result: Result


@dataclass(frozen=True, slots=True)
class Failed:
    """An inspection has ended without a result.

    `fault` is None for a defect of this program; `detail` and `advice` are the error's own words.
    """

    attempt: int
    fault: TransportFault | None
    detail: str = ""
    advice: str = ""


@dataclass(frozen=True, slots=True)
class PasswordGiven:
    """The officer has given the MRZ or the CAN."""

    given: Given


@dataclass(frozen=True, slots=True)
class Again:
    """The officer wants the same card to be read again with the same password."""


@dataclass(frozen=True, slots=True)
class ShowAnyway:
    """The officer wants to see the report of a card that did not open."""


@dataclass(frozen=True, slots=True)
class NextCard:
    """The officer is done with this card, or gives up the interrupted inspection."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """The officer wants the card in another reader to be inspected."""

    reader: str


@dataclass(frozen=True, slots=True)
class Recalled:
    """The officer wants to see an earlier result."""

    number: int


@dataclass(frozen=True, slots=True)
class LockWanted:
    """The officer leaves: forget everything."""


@dataclass(frozen=True, slots=True)
class UnlockWanted:
    """The officer is back."""


@dataclass(frozen=True, slots=True)
class Tick:
    """Time has passed."""


Input = (
    CardsChanged
    | Told
    | Held
    | Captured
    | Judged
    | Failed
    | PasswordGiven
    | Again
    | ShowAnyway
    | NextCard
    | Chosen
    | Recalled
    | LockWanted
    | UnlockWanted
    | Tick
)
