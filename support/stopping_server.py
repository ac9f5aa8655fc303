"""A server of uvicorn that SIGINT or SIGTERM ends; the caller goes on after it.

uvicorn would raise the signal again afterwards, which ends the process before what it has begun.
"""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn


class StoppingServer(uvicorn.Server):
    """Handles both signals while it runs."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Handle both signals in the block."""
        both = (signal.SIGINT, signal.SIGTERM)
        before = [signal.signal(each, self.handle_exit) for each in both]
        try:
            yield
        finally:
            for each, handler in zip(both, before, strict=True):
                signal.signal(each, handler)
