"""Metrics of a station for Prometheus, on an address of this host only."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from personalise.ledger.states import JobState
from personalise.station.line.events import Event
from support.errors import MisuseError

ADDRESS: Final = "127.0.0.1"


class Metrics:
    """Counters of events by reader, the time of each card, and the ledger's jobs by state."""

    def __init__(self, port: int, jobs: Callable[[], Mapping[JobState, int]]) -> None:
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
        try:
            self._server, self._thread = prometheus.start_http_server(port, ADDRESS, registry)
        except OSError as error:
            raise MisuseError(
                f"--metrics {port}: {error.strerror}", advice="name a port that is free"
            ) from error

    def count(self, event: Event) -> None:
        """Count an event."""
        self._events.labels(event.reader, event.kind.value).inc()
        if event.application is not None:
            self._seconds.labels(event.kind.value).observe(event.seconds)

    def close(self) -> None:
        """Serve nothing more."""
        self._server.shutdown()
        self._server.server_close()


def _count(jobs: Callable[[], Mapping[JobState, int]], state: JobState) -> float:
    return jobs().get(state, 0)
