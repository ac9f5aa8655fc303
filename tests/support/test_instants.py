"""Instants on a command line."""

from datetime import UTC, datetime

import click
import pytest

from support.command_line import Instant


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-11-30", datetime(2026, 11, 30, 23, 59, 59, tzinfo=UTC)),
        ("2026-11-30T00:00:00", datetime(2026, 11, 30, tzinfo=UTC)),
        ("2026-11-30 12:30:00", datetime(2026, 11, 30, 12, 30, tzinfo=UTC)),
        ("2026-11-30T12:30:00+0200", datetime(2026, 11, 30, 10, 30, tzinfo=UTC)),
    ],
)
def test_a_day_is_its_last_second(text: str, instant: datetime) -> None:
    assert Instant().convert(text, None, None) == instant


def test_what_is_no_instant() -> None:
    with pytest.raises(click.BadParameter):
        Instant().convert("yesterday", None, None)
