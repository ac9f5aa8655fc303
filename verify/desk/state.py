"""The state of the desk, as immutable data.

    READY -> INSPECTING -> SHOWING
      ^         |  ^          |
      |         v  |          |
      |     INTERRUPTED       |
      +-----------------------+        and LOCKED, from every phase

`machine.step` is the only function that makes a new state from inputs.  Instants are seconds of a
monotonic clock.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum, unique
from types import MappingProxyType
from typing import Final

from emrtd.errors import TransportFault
from verify.desk.progress import Progress
from verify.inspection.opening import Credentials
from verify.judging.opening_problem import OpeningProblem
from verify.judging.report import Report


@dataclass(frozen=True, slots=True, repr=False)
class Given:
    """What the officer read on the document: the passwords, and the printed MRZ ("" if a CAN)."""

    credentials: Credentials
    optical_mrz: str = ""


@dataclass(frozen=True, slots=True, repr=False)
class Result:
    """The result of one inspection: the report, the finger images as stored, and when it ended.

    `opening` is why the chip did not open, None if it did.
    """

    report: Report
    fingers: tuple[bytes, ...] = ()
    opening: OpeningProblem | None = None


@dataclass(frozen=True, slots=True, repr=False)
class Entry:
    """A result that the desk still remembers; `number` counts from 1 since the desk was started."""

    number: int
    result: Result
    at: float


@dataclass(frozen=True, slots=True)
class CardPresent:
    """A card in a reader; `done` once it was inspected, so that it is not inspected by itself."""

    atr: bytes = b""
    done: bool = False


@unique
class Trouble(StrEnum):
    """Why an inspection stopped before its end, or why none can begin."""

    CARD_LEFT = "card-left"
    CARD_RESET = "card-reset"
    CARD_HELD = "card-held"
    CARD_MUTE = "card-mute"
    READER_GONE = "reader-gone"
    SERVICE_GONE = "service-gone"
    EXTENDED_LENGTH = "extended-length"
    TRANSPORT = "transport"
    INTERNAL = "internal"
    """A defect of this program; the log has its type."""


TROUBLES: Final[Mapping[TransportFault, Trouble]] = {
    TransportFault.NO_SERVICE: Trouble.SERVICE_GONE,
    TransportFault.SERVICE_GONE: Trouble.SERVICE_GONE,
    TransportFault.NO_READER: Trouble.READER_GONE,
    TransportFault.READER_GONE: Trouble.READER_GONE,
    TransportFault.NO_CARD: Trouble.CARD_LEFT,
    TransportFault.CARD_REMOVED: Trouble.CARD_LEFT,
    TransportFault.CARD_RESET: Trouble.CARD_RESET,
    TransportFault.CARD_HELD: Trouble.CARD_HELD,
    TransportFault.CARD_MUTE: Trouble.CARD_MUTE,
    TransportFault.EXTENDED_LENGTH: Trouble.EXTENDED_LENGTH,
    TransportFault.OTHER: Trouble.TRANSPORT,
}


@unique
class Remark(StrEnum):
    """What the officer should know while the desk waits for a card or a password."""

    OTHER_CARD = "other-card"
    """Another card came back than the one whose inspection was interrupted."""
    FORGOTTEN = "forgotten"
    """The password that was typed, or the interrupted inspection, was given up after a time."""


@dataclass(frozen=True, slots=True)
class Objection:
    """Why the last inspection of the card in the reader ended without opening it.

    `tries` counts the inspections in a row that ended like this; `result` is what the officer sees
    if the document is sent to the second line nevertheless.  `at` is the instant of its end.
    """

    problem: OpeningProblem
    tries: int
    result: Result
    at: float = 0.0


@dataclass(frozen=True, slots=True)
class Ready:
    """Waiting for a card (`reader` is ""), or for the password of the card in `reader`."""

    reader: str = ""
    objection: Objection | None = None
    remark: Remark | None = None


@dataclass(frozen=True, slots=True)
class Inspecting:
    """An inspection runs.

    `captured`: the chip has given its last answer, so that the card may leave.  `held`: another
    program holds the card.  `heard` is when the last event came; `stalled`: none came for long.
    `tries` counts the inspections before this one that did not open the card.  `atr` is the card's,
    b"" if not known.
    """

    attempt: int
    reader: str
    given: Given
    atr: bytes = b""
    progress: Progress = field(default_factory=Progress)
    captured: bool = False
    held: bool = False
    heard: float = 0.0
    stalled: bool = False
    tries: int = 0


@dataclass(frozen=True, slots=True)
class Interrupted:
    """An inspection has stopped; it begins again when the card comes back.  `at`: since when."""

    inspection: Inspecting
    trouble: Trouble
    at: float
    detail: str = ""
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Showing:
    """A result is shown; `given` lets the same card be read again while it is in `reader`."""

    number: int
    reader: str = ""
    given: Given | None = None


@dataclass(frozen=True, slots=True)
class Locked:
    """Nothing is remembered, and no card is inspected."""


Phase = Ready | Inspecting | Interrupted | Showing | Locked


@dataclass(frozen=True, slots=True)
class Desk:
    """The whole state.

    `served` is False while no PC/SC service runs.  `cards` holds the cards by their readers' names,
    in the order of their insertion.  `prepared` is a password that was given before its card came.
    """

    phase: Phase = field(default_factory=Ready)
    served: bool = True
    readers: tuple[str, ...] = ()
    cards: Mapping[str, CardPresent] = field(default_factory=lambda: MappingProxyType({}))
    prepared: tuple[Given, float] | None = None
    history: tuple[Entry, ...] = ()
    attempts: int = 0
    entries: int = 0

    @property
    def showing(self) -> Entry | None:
        """The entry that is shown, if one is."""
        if not isinstance(self.phase, Showing):
            return None
        return self.entry(self.phase.number)

    def entry(self, number: int) -> Entry | None:
        """Return the entry with this number; None if it has been forgotten."""
        return next((each for each in self.history if each.number == number), None)

    @property
    def waiting_card(self) -> str:
        """The reader of the first card that has not been inspected; "" if there is none."""
        return next((reader for reader, card in self.cards.items() if not card.done), "")

    def to(self, phase: Phase) -> "Desk":
        """Return the same desk in another phase."""
        return replace(self, phase=phase)
