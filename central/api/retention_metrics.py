"""What the store holds by site, and what it let go of."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric

if TYPE_CHECKING:
    from central.collector import Collector


def retention_metrics(collector: "Collector") -> Iterator[Metric]:
    """Return the families; sizes are those of the last look, up to an hour ago."""
    retention = collector.store_retention
    gauges = {
        "bytes": "Bytes of readings in chunks",
        "readings": "Readings in chunks",
        "rollup_bytes": "Bytes of rollups of readings that have gone",
    }
    for name, meaning in gauges.items():
        gauge = GaugeMetricFamily(f"fengsui_store_{name}", meaning, labels=["site"])
        for site, size in sorted(retention.sizes.items()):
            gauge.add_metric([site], getattr(size, name))
        yield gauge
    figures = retention.figures
    for name, meaning, counts in (
        (
            "readings",
            "Readings (of rollups: those they spoke of) deleted",
            figures.readings,
        ),
        ("bytes", "Bytes deleted", figures.bytes),
    ):
        counter = CounterMetricFamily(
            f"fengsui_store_removed_{name}", f"{meaning} at the end of their time", labels=["tier"]
        )
        for tier, count in counts.items():
            counter.add_metric([tier], count)
        yield counter
    yield from _packing(collector)
    yield GaugeMetricFamily(
        "fengsui_store_damaged_chunks",
        "Chunks known to be damaged: what needs them is refused as STORE_DAMAGED",
        value=len(collector.store.damage.chunks),
    )
    for name, meaning, count in (
        ("pieces", "Journal rows and parts of a seal", collector.store.set_aside.pieces),
        ("readings", "Readings", collector.store.set_aside.readings),
    ):
        yield GaugeMetricFamily(
            f"fengsui_store_set_aside_{name}", f"{meaning} set aside as damaged", value=count
        )
    yield CounterMetricFamily(
        "fengsui_store_scrubbed_chunks",
        "Chunks read again in the background since the start",
        value=collector.scrub.looked,
    )
    yield GaugeMetricFamily(
        "fengsui_store_retention_damaged_days",
        "Days past their time that stay because something of theirs cannot be read",
        value=figures.damaged,
    )
    yield CounterMetricFamily(
        "fengsui_store_retention_put_off",
        "Times a group of points waited for the next round because looking took too long",
        value=figures.slow,
    )


def _packing(collector: "Collector") -> Iterator[Metric]:
    store = collector.store
    yield CounterMetricFamily(
        "fengsui_store_packer_deaths",
        "Times the process that packs chunks died, or was ended because it hung",
        value=store.sealer.deaths,
    )
    yield CounterMetricFamily(
        "fengsui_store_packed_inside",
        "Seals and merges meant for that process that the collector had to do itself",
        value=store.unseen.inside + store.merging.figures.inside,
    )
