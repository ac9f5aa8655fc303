"""Showing a station: JSON lines, plain lines, or a table on a terminal."""

import logging
import sys
from collections import deque
from collections.abc import Callable, Mapping
from time import monotonic
from typing import TYPE_CHECKING, Final, Protocol

import click

from personalise.ledger.states import JobState
from personalise.station.line.effects import EventKind
from personalise.station.line.events import Event, Tally
from support.log import Data, tell
from support.printable_text import printable

if TYPE_CHECKING:
    from rich.console import RenderableType

    from personalise.station.line.reader_watch import ReaderState

_LOG: Final = logging.getLogger(__name__)
_REJECTS_SHOWN: Final = 8
_RATE_SECONDS: Final = 300.0
_REJECTS: Final = frozenset({EventKind.REJECTED_CARD, EventKind.REJECTED_APPLICATION})
_SHOWN: Final = _REJECTS | {EventKind.HELD_APPLICATION}
_WORRYING: Final = _SHOWN | {EventKind.INTERRUPTED}


class JsonLines:
    """One JSON object a line, at once."""

    def show(self, event: Event) -> None:
        """Print an event."""
        click.echo(event.json())
        sys.stdout.flush()

    def close(self) -> None:
        """Do nothing."""


class PlainLines:
    """One line of text an event, for a log."""

    def show(self, event: Event) -> None:
        """Print an event."""
        click.echo(line_of(event))
        sys.stdout.flush()

    def close(self) -> None:
        """Do nothing."""


class Nothing:
    """Nothing: the events are in the log."""

    def show(self, _: Event) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""


def log_event(event: Event) -> None:
    """Write an event to the structured log; `None` and what was not measured are left out."""
    level = logging.WARNING if event.kind in _WORRYING else logging.INFO
    data: Data = {"reader": event.reader}
    if event.application is not None:
        data["application"] = event.application
    if event.document is not None:
        data["document"] = event.document
    if event.card is not None:
        data["card"] = event.card
    if event.sod is not None:
        data["sod"] = event.sod
    if event.apdus:
        data["apdus"] = event.apdus
        data["seconds"] = round(event.seconds, 3)
    tell(_LOG, level, str(event.kind), event.reason or "", **data)


def line_of(event: Event) -> str:
    """Return an event as one line of text."""
    parts = [f"{event.reader}: {event.kind}"]
    if event.application:
        parts.append(event.application)
    if event.card:
        parts.append(f"card {event.card}")
    if event.kind is EventKind.ISSUED:
        parts.append(f"{event.apdus} APDUs, {event.seconds:.1f} s; take it out")
    if event.reason:
        parts.append(event.reason)
    return printable("; ".join(parts))


class Readers(Protocol):
    """The readers that a table shows, by name."""

    def __call__(self) -> "Mapping[str, ReaderState]":
        """Return the present state of each reader."""
        ...


class Table:
    """A table on a terminal: a line a reader, the progress of all, and the last rejects."""

    def __init__(
        self, readers: Readers, jobs: Callable[[], Mapping[JobState, int]], tally: Tally
    ) -> None:
        from rich.console import Console
        from rich.live import Live

        self._readers = readers
        self._jobs = jobs
        self._tally = tally
        self._rejects: deque[Event] = deque(maxlen=_REJECTS_SHOWN)
        self._issued: deque[float] = deque()
        self._live = Live(
            get_renderable=self._render, console=Console(stderr=True), refresh_per_second=4
        )
        self._live.start()

    def show(self, event: Event) -> None:
        """Count an issued card, or remember a reject."""
        if event.kind is EventKind.ISSUED:
            self._issued.append(monotonic())
        if event.kind in _SHOWN:
            self._rejects.append(event)

    def close(self) -> None:
        """Leave the last table on the screen."""
        self._live.stop()

    def _render(self) -> "RenderableType":
        from rich.console import Group
        from rich.text import Text

        parts: list[RenderableType] = [self._table(), Text(self._progress())]
        parts += [Text(line_of(event), style="red") for event in self._rejects]
        parts.append(Text("p pause   r resume   d finish the cards and end   q stop", style="dim"))
        return Group(*parts)

    def _table(self) -> "RenderableType":
        from rich.progress_bar import ProgressBar
        from rich.table import Table as RichTable
        from rich.text import Text

        table = RichTable(expand=True, box=None, pad_edge=False)
        for name in ("reader", "now", "", "application", "last"):
            table.add_column(name, overflow="ellipsis", no_wrap=True)
        for name, state in self._readers().items():
            table.add_row(
                Text(printable(name)),
                state.doing,
                ProgressBar(max(state.total, 1), state.done, width=20),
                Text(printable(state.job)),
                Text(printable(state.last)),
            )
        return table

    def _progress(self) -> str:
        jobs = self._jobs()
        waiting = sum(jobs.get(each, 0) for each in (JobState.RECEIVED, JobState.PREPARED))
        issued, now = self._tally.events[EventKind.ISSUED], monotonic()
        while self._issued and now - self._issued[0] > _RATE_SECONDS:
            self._issued.popleft()
        parts = [f"{issued:,} issued", f"{waiting:,} to be made"]
        parts.append(f"{jobs.get(JobState.IN_DOUBT, 0):,} in doubt")
        parts.append(f"{sum(self._tally.events[each] for each in _REJECTS):,} rejects")
        span = now - self._issued[0] if len(self._issued) > 1 else 0.0
        if span > 0:
            rate = (len(self._issued) - 1) / span
            parts.append(f"{rate * 3600:,.0f} cards an hour")
            if rate > 0:
                parts.append(f"{waiting / rate / 60:,.0f} minutes left")
        return "   ".join(parts)
