"""Metrics and health of a station, on an address of this host only."""

import logging
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from personalise.ledger.states import JobState
from personalise.station.line.events import Event
from support.errors import MisuseError
from support.health import Check, Live, look
from support.local_server import Page, Pages
from support.log import tell

_JSON: Final = "application/json"
_LOG: Final = logging.getLogger(__name__)


class Metrics:
    """Counters of events by reader, the time of each card, and the ledger's jobs by state."""

    def __init__(self, jobs: Callable[[], Mapping[JobState, int]]) -> None:
        try:
            import prometheus_client as prometheus
        except ImportError as error:
            raise MisuseError(
                "--metrics needs prometheus-client", advice="pip install 'chipseal[station]'"
            ) from error
        registry = prometheus.CollectorRegistry()
        self._events = prometheus.Counter(
            "chipseal_station_events", "Events of a reader.", ("reader", "event"), registry=registry
        )
        self._seconds = prometheus.Histogram(
            "chipseal_station_card_seconds",
            "Time from the connection to the end of a card.",
            ("event",),
            buckets=(0.5, 1, 2, 3, 5, 8, 13, 21, 34, 60, 120),
            registry=registry,
        )
        gauge = prometheus.Gauge(
            "chipseal_station_jobs", "Jobs of the ledger by state.", ("state",), registry=registry
        )
        for state in JobState:
            gauge.labels(state.value).set_function(partial(_count, jobs, state))
        self._registry = registry

    def count(self, event: Event) -> None:
        """Count an event."""
        self._events.labels(event.reader, event.kind.value).inc()
        if event.application is not None:
            self._seconds.labels(event.kind.value).observe(event.seconds)

    def page(self) -> Page:
        """Return the metrics as Prometheus reads them."""
        from prometheus_client import generate_latest

        return Page(200, "text/plain; version=0.0.4", generate_latest(self._registry))


def pages_of(metrics: Metrics, checks: Mapping[str, Check]) -> Pages:
    """Return the pages of a station: metrics, whether it answers, and whether it can work."""
    import msgspec

    def live() -> Page:
        return Page(200, _JSON, msgspec.json.encode(Live()))

    def ready() -> Page:
        found, problems = look(checks, MisuseError)
        for name, problem in problems.items():
            tell(_LOG, logging.ERROR, "not-ready", f"station: {name}: {problem}", check=name)
        return Page(200 if found.ready else 503, _JSON, msgspec.json.encode(found))

    return {"/metrics": metrics.page, "/health/live": live, "/health/ready": ready}


def _count(jobs: Callable[[], Mapping[JobState, int]], state: JobState) -> float:
    return jobs().get(state, 0)
