"""docs/timing.md: its figures are those of the profiles, its sessions those of the model."""

import re

import pytest

from tests.timing import HEADING, PAGE, figures, sessions


def test_the_documented_figures_are_those_of_the_profiles() -> None:
    text = PAGE.read_text(encoding="utf-8").partition(HEADING)[2]
    assert text.startswith(f"\n{figures()}"), "run python -m tests.timing"


def test_the_documented_sessions_are_those_of_the_model() -> None:
    """Within a tenth: a change of an inspection by a few octets needs no new table."""
    text = PAGE.read_text(encoding="utf-8").partition("### A whole inspection\n")[2]
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in re.findall(r"^\| 20.*$", text, re.MULTILINE)
    ]
    found = sessions()
    assert [row[:2] for row in rows] == [[chip, link] for chip, link, *_ in found]
    for row, (_, _, *numbers) in zip(rows, found, strict=True):
        documented = [float(each) for each in row[2:6]]
        assert documented == pytest.approx(numbers, rel=0.1, abs=0.006), (
            "run python -m tests.timing"
        )
