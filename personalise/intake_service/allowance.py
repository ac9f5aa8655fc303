"""How many packages each client may send: a token bucket for each, refilled over a minute."""

import threading
from collections.abc import Callable

from personalise.service.errors import ErrorKind, RefusedError


class Allowances:
    """The allowances of all clients; `clock` returns seconds that only grow."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._left: dict[str, tuple[float, float]] = {}

    def take(self, client: str, per_minute: int) -> None:
        """Take one; raises `RefusedError` if none is left at present."""
        now = self._clock()
        with self._lock:
            left, since = self._left.get(client, (float(per_minute), now))
            left = min(float(per_minute), left + (now - since) * per_minute / 60)
            self._left[client] = (left - 1 if left >= 1 else left, now)
        if left < 1:
            raise RefusedError(
                ErrorKind.LIMIT,
                f"{client} exceeds {per_minute} packages a minute",
                max(1, 60 // per_minute),
            )
