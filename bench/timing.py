"""Two pieces of work timed in turn, so that a machine that slows down slows both."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Ratio:
    """How much longer `label` takes than its limit, and the most that is allowed."""

    label: str
    ratio: float
    allowed: float


def seconds(work: Callable[[], object], rounds: int) -> float:
    """Seconds a call, over `rounds` calls."""
    began = time.perf_counter()
    for _ in range(rounds):
        work()
    return (time.perf_counter() - began) / rounds


def ratio(work: Callable[[], object], limit: Callable[[], object], *, least: float = 0.05) -> float:
    """Median of work / limit over eleven pairs, each long enough to be timed (`least` seconds)."""
    work()
    limit()
    work_rounds = max(1, round(least / max(seconds(work, 3), 1e-9)))
    limit_rounds = max(1, round(least / max(seconds(limit, 3), 1e-9)))
    return statistics.median(
        seconds(work, work_rounds) / seconds(limit, limit_rounds) for _ in range(11)
    )
