"""Putting a station together: ledger, keys, readers, display; and its result."""

import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from emrtd.transport.readers import require_reader
from personalise.ledger.errors import LedgerUnavailableError
from personalise.ledger.interface import Ledger
from personalise.ledger.journal import station_slot
from personalise.ledger.opening import open_ledger
from personalise.ledger.states import JobState
from personalise.pki.issuing_pki import IssuingPki, pin_in
from personalise.pki.keys.station import StationKeys
from personalise.pki.people import require_operator
from personalise.station.key_sources.configuration import key_source
from personalise.station.line.control import Control, Keys, obeying_signals
from personalise.station.line.displays import JsonLines, Nothing, PlainLines, Table, log_event
from personalise.station.line.effects import EventKind
from personalise.station.line.events import Display, Event, Tally
from personalise.station.line.last_issued import LastIssued
from personalise.station.line.metrics import Metrics, pages_of
from personalise.station.line.preparation import (
    PREPARING,
    PreparationSettings,
    PreparingProcess,
    Problem,
)
from personalise.station.line.shop import Shop
from personalise.station.line.station import CALL_SECONDS, Station
from support.errors import ExitStatus
from support.health import Check, Condition
from support.local_server import serving
from support.passphrase import read_passphrase

_COUNTING_SECONDS: Final = 1.0


@dataclass(frozen=True)
class Options:
    """How a station is to run.  Without `preparation` it prepares no images.

    `card_keys` names the source of transport keys (`key_source`), `pin_file` the PIN of its HSM.
    """

    pki: Path
    ledger: str
    readers: tuple[str, ...] = ()
    until_empty: bool = False
    as_json: bool = False
    logs_json: bool = False
    metrics: int | None = None
    call_seconds: float = CALL_SECONDS
    station_key: Path | None = None
    passphrase_file: Path | None = None
    card_keys: str = "test"
    pin_file: Path | None = None
    preparation: PreparationSettings | None = None


@dataclass(frozen=True)
class Outcome:
    """The result of a run; `hung` if a thread still waits for a reader."""

    summary: Mapping[str, int | str]
    status: ExitStatus
    hung: bool

    @property
    def text(self) -> str:
        """The summary as one line."""
        counts = [
            f"{each} {name.replace('_', ' ')}"
            for name, each in self.summary.items()
            if name != "event"
        ]
        return ", ".join(counts)


class _Counts:
    """The ledger's counts of jobs, at most once a second: a table and metrics share them."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._jobs: Mapping[JobState, int] = {}
        self._next = 0.0
        self._lock = threading.Lock()

    def __call__(self) -> Mapping[JobState, int]:
        """Return the counts, the last ones while the ledger does not answer."""
        with self._lock:
            now = time.monotonic()
            if now >= self._next:
                with suppress(LedgerUnavailableError):
                    self._jobs = self._ledger.counts()
                took = time.monotonic() - now
                self._next = now + max(_COUNTING_SECONDS, 20 * took)
            return self._jobs


def run_station(options: Options) -> Outcome:
    """Run a station to its end; raises `ChipsealError` if it cannot begin."""
    for reader in options.readers:
        require_reader(reader)
    passphrase = read_passphrase(options.passphrase_file)
    pki = IssuingPki.open(
        options.pki, passphrase, pin_in(options.pin_file), with_signing_keys=False
    )
    require_operator(options.pki, "station")
    control, tally = Control(), Tally()
    with ExitStack() as stack:
        ledger = open_ledger(options.ledger, pki)
        stack.callback(ledger.close)
        own = stack.enter_context(station_slot(ledger.id))
        ledger.join(own)
        told: list[Callable[[Event], None]] = [tally.add]
        lock = threading.Lock()

        def tell(event: Event) -> None:
            with lock:
                for each in told:
                    each(event)

        keys = StationKeys(passphrase, options.station_key)
        shop = Shop(
            ledger,
            own.name,
            LastIssued(own.journal.folder),
            keys,
            key_source(options.card_keys, keys, pin_in(options.pin_file)),
            control,
            tell,
            idle_ends=options.until_empty,
            preparing=True,
        )
        station = Station(shop, options.readers, call_seconds=options.call_seconds)
        counts = _Counts(ledger)
        if options.logs_json:
            told.append(log_event)
        display = _display(options, station, counts, tally)
        stack.callback(display.close)
        told.append(display.show)
        if options.metrics is not None:
            metrics = Metrics(counts)
            pages = pages_of(metrics, _checks(ledger, station, shop))
            stack.enter_context(serving(options.metrics, pages, "--metrics"))
            told.append(metrics.count)
        if options.preparation is not None:
            station.polled = _prepare(stack, options.preparation, shop)
        with obeying_signals(control), Keys(sys.stdin) as pressed:
            station.run(pressed)
        summary = tally.summary(ledger.counts())
        status = ExitStatus.OK if shop.preparing else ExitStatus.MISTAKE
        if station.has_failed:
            status = ExitStatus.NO_CARD
        return Outcome(summary, status, station.has_abandoned)


def _checks(ledger: Ledger, station: Station, shop: Shop) -> Mapping[str, Check]:
    """Return what a station needs to work."""

    def database() -> Condition:
        ledger.counts()
        return Condition(ready=True, what="answers")

    def readers() -> Condition:
        alive = sum(each.is_alive for each in list(station.readers.values()))
        what = "readers at work" if alive else "no reader is at work"
        return Condition(ready=alive > 0, what=what, left=alive)

    def preparation() -> Condition:
        what = "goes on" if shop.preparing else "images are not prepared any more"
        return Condition(ready=shop.preparing, what=what)

    return {"database": database, "readers": readers, "preparation": preparation}


def _prepare(stack: ExitStack, settings: PreparationSettings, shop: Shop) -> Callable[[], None]:
    """Start the preparing process; return what is to be called often."""

    def not_prepared(problem: Problem) -> None:
        shop.tell(
            Event(
                EventKind.HELD_APPLICATION if problem.is_held else EventKind.REJECTED_APPLICATION,
                PREPARING,
                application=problem.job,
                document=problem.document,
                reason=problem.reason,
            )
        )

    process = PreparingProcess(settings, shop.station, not_prepared)
    stack.callback(process.close)

    def poll() -> None:
        process.poll()
        if process.problem is not None and shop.preparing:
            shop.preparing = False
            shop.tell(Event(EventKind.STOPPED, PREPARING, reason=process.problem.reason))

    return poll


def _display(options: Options, station: Station, counts: _Counts, tally: Tally) -> Display:
    if options.as_json:
        return JsonLines()
    if options.logs_json:
        return Nothing()
    if sys.stderr.isatty():
        return Table(lambda: {n: each.state for n, each in station.readers.items()}, counts, tally)
    return PlainLines()
