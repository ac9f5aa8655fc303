"""A filter for loggers: the same line appears once a minute, and a minute has a bounded number.

What strangers or a broken device can repeat must not fill the disk.
"""

import logging
import time
from collections import Counter
from collections.abc import Callable
from typing import Final

MOST_LINES: Final = 60
"""Different lines of one minute."""

_MINUTE: Final = 60.0


class RepeatedLines(logging.Filter):
    """Passes each line once a minute, with how often it was left out in the minute before.

    It changes the record's message, so it belongs to loggers, not to handlers.  `clock` returns
    seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._began = clock()
        self._lines: Counter[str] = Counter()
        self._before: Counter[str] = Counter()

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether the record is to be logged; a repeated one has its count appended."""
        now = self._clock()
        if now - self._began >= _MINUTE:
            self._before = self._lines if now - self._began < 2 * _MINUTE else Counter()
            self._lines, self._began = Counter(), now
        line = record.getMessage()
        if line not in self._lines and len(self._lines) >= MOST_LINES:
            return False
        self._lines[line] += 1
        if self._lines[line] > 1:
            return False
        left_out = self._before[line] - 1
        if left_out > 0:
            record.msg, record.args = "%s (and %d times more)", (line, left_out)
        return True
