"""The centres of the eyes in a picture."""

import math
from collections.abc import Callable

from support.values import Hidden, Value

Point = tuple[float, float]


class Eyes(Value, frozen=True):
    """The centres of both eyes, in pixels from the top left corner, in either order."""

    one: Hidden[Point]
    other: Hidden[Point]

    @property
    def right(self) -> Point:
        """The holder's right eye, which is on the left of the picture."""
        return min(self.one, self.other)

    @property
    def left(self) -> Point:
        """The holder's left eye, which is on the right of the picture."""
        return max(self.one, self.other)

    @property
    def distance(self) -> float:
        """Pixels between the eyes."""
        return math.dist(self.one, self.other)

    def moved(self, move: Callable[[Point], Point]) -> "Eyes":
        """Return the eyes with each point moved."""
        return Eyes(move(self.right), move(self.left))
