"""The database's disk: what is free, what is kept free, and who may still write."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from central.space import Room

if TYPE_CHECKING:
    from central.collector import Collector


def space_metrics(collector: "Collector") -> Iterator[Metric]:
    """Return the families, as of the last look a few seconds ago."""
    space = collector.space
    for name, meaning, value in (
        ("free_bytes", "Free on the database's disk", space.measured.free),
        ("inside_bytes", "Free inside the database's file", space.measured.inside),
        ("reserve_bytes", "To be kept free", space.reserve),
        ("ballast_bytes", "Kept back for alarms on a full disk", space.ballast_bytes),
    ):
        yield GaugeMetricFamily(f"fengsui_disk_{name}", meaning, value=value)
    room = GaugeMetricFamily(
        "fengsui_disk_takes", "1 while there is room for data of that lane", labels=["lane"]
    )
    for lane, least in (("backfill", Room.ALL), ("live", Room.NO_BACKFILL), ("alarm", Room.ALARMS)):
        room.add_metric([lane], float(space.room <= least))
    yield room
    yield CounterMetricFamily(
        "fengsui_disk_ballast_given_up",
        "Times the ballast was given up for alarms since the start",
        value=space.given_way,
    )
