"""The processor cores that this process may use, and work on all of them."""

import os
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

Part = TypeVar("Part")
Result = TypeVar("Result")


def usable_cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0))


def on_all_cores(work: Callable[[Part], Result], parts: Sequence[Part]) -> Iterable[Result]:
    """Return the result of `work` for each part, in order, computed by a thread for each core.

    This is faster only where most of the time is spent in a library that releases Python's global
    lock, as OpenSSL's signatures are.  A single part is computed in this thread.  Raises what
    `work` raises; parts that were not begun by then are not computed.
    """
    if len(parts) <= 1:
        return map(work, parts)
    from concurrent.futures import ThreadPoolExecutor  # imports much

    with ThreadPoolExecutor(min(usable_cores(), len(parts))) as pool:
        return list(pool.map(work, parts))
