"""What the operator of a station sees."""

import pytest

from personalise.station.line.displays import Table
from personalise.station.line.events import Tally
from personalise.station.line.reader_watch import ReaderState


def test_the_table_shows_an_identifier_as_it_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """None of its characters is markup, or the name of an emoji."""
    monkeypatch.setenv("COLUMNS", "200")
    state = ReaderState()
    state.job, state.last = "2026[a]/1[/b]:on:", "[red]:cd:"
    table = Table(lambda: {"A [00]": state}, dict, Tally())
    table.close()
    shown = capsys.readouterr().err
    for each in ("A [00]", state.job, state.last):
        assert each in shown
