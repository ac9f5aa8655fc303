"""A repeated line of a log appears once a minute."""

import logging
from collections.abc import Iterator

import pytest

from support.repeated_lines import MOST_LINES, RepeatedLines


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def log(clock: Clock) -> Iterator[logging.Logger]:
    logger = logging.getLogger("tests.repeated_lines")
    lines = RepeatedLines(clock)
    logger.addFilter(lines)
    yield logger
    logger.removeFilter(lines)


def test_a_line_is_logged_once_a_minute_with_its_number(
    log: logging.Logger, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    for second in range(120):
        clock.now = float(second)
        log.error("%s is away", "the HSM")
    clock.now = 400.0
    log.error("%s is away", "the HSM")
    assert caplog.messages == [
        "the HSM is away",
        "the HSM is away (and 59 times more)",
        "the HSM is away",
    ]


def test_another_line_is_logged_beside_it(
    log: logging.Logger, caplog: pytest.LogCaptureFixture
) -> None:
    for line in ("one", "two", "one"):
        log.error(line)
    assert caplog.messages == ["one", "two"]


def test_lines_that_differ_are_bounded_too(
    log: logging.Logger, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(10 * MOST_LINES):
        log.error("line %d", number)
    assert len(caplog.messages) == MOST_LINES
    clock.now = 61.0
    log.error("another")
    assert caplog.messages[-1] == "another"
