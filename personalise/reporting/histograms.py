"""Percentiles from the metrics that the signing service and the stations give (Prometheus text)."""

import math
from collections import defaultdict
from collections.abc import Iterable
from typing import Final

from support.errors import MalformedError, MisuseError
from support.values import Value

PERCENTILES: Final = (50, 95, 99)


class Latency(Value, frozen=True):
    """How long something took, in seconds; a percentile is None if it is unknown."""

    name: str
    count: int
    percentiles: dict[int, float | None]


def latencies_in(texts: Iterable[str]) -> list[Latency]:
    """Return the latencies of all histograms of these metrics, added up by their names.

    A percentile is interpolated within its bucket, as Prometheus does; above the last finite bound
    it is unknown.  Raises `MalformedError` for what is no metrics.
    """
    buckets: defaultdict[str, defaultdict[float, float]] = defaultdict(lambda: defaultdict(float))
    for text in texts:
        for name, bound, value in _buckets(text):
            buckets[name][bound] += value
    return [_latency(name, dict(counts)) for name, counts in sorted(buckets.items())]


def _buckets(text: str) -> Iterable[tuple[str, float, float]]:
    try:
        from prometheus_client.parser import text_string_to_metric_families
    except ImportError:
        raise MisuseError(
            "the package prometheus-client is missing", advice="install chipseal[station]"
        ) from None
    try:
        families = list(text_string_to_metric_families(text))
    except ValueError as error:
        raise MalformedError("metrics", str(error)) from None
    for family in families:
        for sample in family.samples:
            if family.type == "histogram" and sample.name.endswith("_bucket"):
                yield family.name, float(sample.labels["le"]), sample.value


def _latency(name: str, counts: dict[float, float]) -> Latency:
    bounds = sorted(counts)
    total = counts.get(math.inf, 0.0)
    return Latency(
        name, int(total), {each: _percentile(each, bounds, counts, total) for each in PERCENTILES}
    )


def _percentile(
    percent: int, bounds: list[float], counts: dict[float, float], total: float
) -> float | None:
    rank, below, low = total * percent / 100, 0.0, 0.0
    if not total:
        return None
    for bound in bounds:
        if counts[bound] >= rank:
            if math.isinf(bound):
                return None
            inside = counts[bound] - below
            share = (rank - below) / inside if inside else 1.0
            return low + (bound - low) * share
        below, low = counts[bound], bound
    return None
