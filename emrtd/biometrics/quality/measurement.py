"""The result of a quality check: a value, its limits, and what to do about it."""

from collections.abc import Sequence
from enum import StrEnum, unique
from typing import Final

import msgspec

FULL_MARKS: Final = 100


@unique
class Grade(StrEnum):
    """How a value compares with its limits."""

    GOOD = "good"
    POOR = "poor"
    """Outside the recommended range: the sample is usable, but a better one is preferable."""
    UNUSABLE = "unusable"
    """Outside the mandatory range: only an operator may allow the sample onto a chip."""


class Range(msgspec.Struct, frozen=True):
    """From `least` to `most`, either of which may be open (None)."""

    least: float | None = None
    most: float | None = None

    def __contains__(self, value: float) -> bool:
        above = self.least is None or value >= self.least
        return above and (self.most is None or value <= self.most)

    def __str__(self) -> str:
        if self.least is None:
            return f"at most {self.most:g}"
        return f"{self.least:g} to {self.most:g}" if self.most else f"at least {self.least:g}"


class Measurement(msgspec.Struct, frozen=True):
    """One value that was measured.

    `recommended` and `mandatory` are the limits; `mandatory` is None if no value makes the sample
    unusable.  `advice` is what to do; `clause` is where the requirement stands.
    """

    id: str
    value: float
    unit: str
    recommended: Range
    mandatory: Range | None
    advice: str
    clause: str

    @property
    def grade(self) -> Grade:
        """How the value compares with its limits."""
        if self.mandatory is not None and self.value not in self.mandatory:
            return Grade.UNUSABLE
        return Grade.GOOD if self.value in self.recommended else Grade.POOR

    @property
    def sentence(self) -> str:
        """The value, the limit that it misses, and the advice, in one line."""
        limit = self.mandatory if self.grade is Grade.UNUSABLE else self.recommended
        unit = f" {self.unit}" if self.unit else ""
        return f"{self.id} is {self.value:.3g}{unit} and should be {limit}{unit}: {self.advice}"


class Assessment(msgspec.Struct, frozen=True):
    """All that was measured of one sample, and its score from 0 (worst) to 100."""

    measurements: tuple[Measurement, ...]

    @property
    def unusable(self) -> tuple[Measurement, ...]:
        """The measurements that make the sample unusable."""
        return tuple(each for each in self.measurements if each.grade is Grade.UNUSABLE)

    @property
    def score(self) -> int:
        """The score over all measurements, as `score` returns it."""
        return score(self.measurements)


def score(measurements: Sequence[Measurement]) -> int:
    """Return the mean of 100 for good, 50 for poor and 0; half of it if any is unusable."""
    marks = {Grade.GOOD: 1.0, Grade.POOR: 0.5, Grade.UNUSABLE: 0.0}
    if not measurements:
        return 0
    total = sum(marks[each.grade] for each in measurements)
    if any(each.grade is Grade.UNUSABLE for each in measurements):
        total /= 2
    return round(FULL_MARKS * total / len(measurements))
