"""Requests for batches that were answered: how many, how large, how long each took.

Counted as plain numbers and told when somebody asks: the library's counters take a lock for each.
"""

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Final

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector as Source

from protocols.clock import SECOND, Clock

SECONDS: Final = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
_BOUNDS: Final = [*map(str, SECONDS), "+Inf"]


@dataclass(slots=True)
class _Lane:
    """`counts`: by the bucket a request's seconds fell into, the last beyond all bounds."""

    created: float
    seconds: float = 0.0
    counts: list[int] = field(default_factory=lambda: [0] * len(_BOUNDS))


class Deliveries(Source):
    """Kept on the event loop. `clock` is the machine's."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._created = clock.now() / SECOND
        self._bytes = 0
        self._lanes: dict[str, _Lane] = {}

    def note(self, lane: str, size: int, seconds: float) -> None:
        """Count one request of so many bytes."""
        known = self._lanes.get(lane)
        if known is None:
            known = self._lanes[lane] = _Lane(self._clock.now() / SECOND)
        self._bytes += size
        known.seconds += seconds
        known.counts[bisect_left(SECONDS, seconds)] += 1

    def collect(self) -> Iterator[Metric]:
        """Yield them."""
        requests = CounterMetricFamily("fengsui_ingest_requests", "Batch requests", labels=["lane"])
        seconds = HistogramMetricFamily(
            "fengsui_ingest_seconds", "From a batch request to its answer", labels=["lane"]
        )
        for name, lane in self._lanes.items():
            up_to = list(accumulate(lane.counts))
            requests.add_metric([name], up_to[-1], created=lane.created)
            buckets = list(zip(_BOUNDS, map(float, up_to), strict=True))
            seconds.add_metric([name], buckets, lane.seconds)
            seconds.add_sample("fengsui_ingest_seconds_created", {"lane": name}, lane.created)
        size = CounterMetricFamily("fengsui_ingest_bytes", "Compressed bytes of batch requests")
        size.add_metric([], self._bytes, created=self._created)
        yield from (requests, size, seconds)
