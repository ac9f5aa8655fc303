"""The events of one inspection as the lines that a page shows: each step once."""

from dataclasses import dataclass
from enum import StrEnum, unique
from typing import Final

from verify.inspection.events import (
    Event,
    NotOpened,
    NotRead,
    Opened,
    Opening,
    Proved,
    Proving,
    Read,
    Reading,
)
from verify.inspection.steps import BEGINNINGS


@unique
class Stage(StrEnum):
    """The parts of an inspection, in order."""

    OPENING = "opening"
    READING = "reading"
    PROVING = "proving"
    JUDGING = "judging"


_STAGES: Final[tuple[tuple[tuple[type, ...], Stage], ...]] = (
    ((Opening, NotOpened), Stage.OPENING),
    ((Opened, Reading, Read, NotRead), Stage.READING),
    ((Proving, Proved), Stage.PROVING),
)


@dataclass(frozen=True, slots=True)
class Progress:
    """The steps so far; only the last can be unfinished.  `octets` counts those that were read."""

    done: tuple[Event, ...] = ()
    running: Event | None = None
    stage: Stage = Stage.OPENING
    octets: int = 0

    def after(self, event: Event) -> "Progress":
        """Return the progress after one more event."""
        stage = next((stage for kinds, stage in _STAGES if isinstance(event, kinds)), self.stage)
        if isinstance(event, BEGINNINGS):
            return Progress(self.done, event, stage, self.octets)
        octets = self.octets + (event.octets if isinstance(event, Read) else 0)
        return Progress((*self.done, event), None, stage, octets)

    def judging(self) -> "Progress":
        """Return the progress when the chip has given its last answer."""
        return Progress(self.done, None, Stage.JUDGING, self.octets)
