"""Timing of two functions in turn, so that a machine that slows down slows both.

Work of this process alone is timed by its processor time, which leaves out other processes.  Work
that waits for a disk or another process is timed by `WALL`.
"""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

Clock = Callable[[], float]
WALL: Clock = time.perf_counter

_LEAST = 0.01
"""The shortest time that is measured, in seconds."""

_PAIRS = 51


@dataclass(frozen=True, slots=True)
class Ratio:
    """How many times longer `label` takes than its limit, and the allowed maximum."""

    label: str
    ratio: float
    allowed: float


def seconds(work: Callable[[], object], rounds: int, clock: Clock) -> float:
    """Return the seconds per call, over `rounds` calls."""
    began = clock()
    for _ in range(rounds):
        work()
    return (clock() - began) / rounds


def ratio(
    work: Callable[[], object], limit: Callable[[], object], clock: Clock = time.process_time
) -> float:
    """Return the median of work / limit over many pairs, each long enough to be timed."""
    work()
    limit()
    work_rounds, limit_rounds = (
        max(1, round(_LEAST / max(seconds(each, 3, clock), 1e-9))) for each in (work, limit)
    )
    return statistics.median(
        seconds(work, work_rounds, clock) / seconds(limit, limit_rounds, clock)
        for _ in range(_PAIRS)
    )
