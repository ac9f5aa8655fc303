"""Two pieces of work timed in turn, so that a machine that slows down slows both.

What is timed is this process's own processor time: what other processes take in between is not
the work's.  Nothing here waits for a disk or a wire.
"""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

_LEAST = 0.01
"""Seconds of processor time that a timed piece takes at least."""

_PAIRS = 51


@dataclass(frozen=True, slots=True)
class Ratio:
    """How much longer `label` takes than its limit, and the most that is allowed."""

    label: str
    ratio: float
    allowed: float


def seconds(work: Callable[[], object], rounds: int) -> float:
    """Seconds of processor time a call, over `rounds` calls."""
    began = time.process_time()
    for _ in range(rounds):
        work()
    return (time.process_time() - began) / rounds


def ratio(work: Callable[[], object], limit: Callable[[], object]) -> float:
    """Median of work / limit over many pairs, each long enough to be timed."""
    work()
    limit()
    work_rounds, limit_rounds = (
        max(1, round(_LEAST / max(seconds(each, 3), 1e-9))) for each in (work, limit)
    )
    return statistics.median(
        seconds(work, work_rounds) / seconds(limit, limit_rounds) for _ in range(_PAIRS)
    )
