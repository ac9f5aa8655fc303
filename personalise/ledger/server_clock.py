"""The clock of a PostgreSQL server, so that all stations of a ledger have one clock."""

import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import Connection, func, select

_EVERY: Final = 60.0
"""Seconds after which the server is asked again; a clock of a machine drifts far less than that."""


class ServerClock:
    """Returns the server's time, and asks for it once a minute: each answer has to be waited for.

    In between it counts on with this machine's time since its start, which nobody sets, and which
    goes on while the machine is suspended.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: tuple[datetime, float] | None = None

    def now(self, connection: Connection) -> datetime:
        """Return the time, UTC."""
        since_start = time.clock_gettime(time.CLOCK_BOOTTIME)
        with self._lock:
            known = self._known
        if known is None or since_start - known[1] > _EVERY:
            at: datetime = connection.execute(select(func.clock_timestamp())).scalar_one()
            since_start = time.clock_gettime(time.CLOCK_BOOTTIME)
            known = (at.astimezone(UTC), since_start)
            with self._lock:
                self._known = known
        return known[0] + timedelta(seconds=since_start - known[1])
