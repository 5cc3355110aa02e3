"""Backups as metrics: whether there is a target, how old the newest verified one is, failures."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from central.backup.identity import INCLUDED

if TYPE_CHECKING:
    from central.collector import Collector


def backup_metrics(collector: "Collector") -> Iterator[Metric]:
    """Return the families; without a verified backup its age, size and duration are absent."""
    backups = collector.backups
    state = backups.state()
    yield GaugeMetricFamily(
        "fengsui_backup_configured",
        "1 with a backup target; without one all that is committed is called safe",
        value=float(state.state != "not_configured"),
    )
    yield CounterMetricFamily(
        "fengsui_backup_made", "Verified backups made since the start", value=backups.made
    )
    yield CounterMetricFamily(
        "fengsui_backup_failures", "Attempts that came to nothing", value=backups.failures
    )
    if state.time is not None and state.bytes is not None and state.seconds is not None:
        age = (collector.clock.now() - state.time) / 1_000_000
        yield GaugeMetricFamily(
            "fengsui_backup_age_seconds", "Age of the newest verified backup", value=age
        )
        yield GaugeMetricFamily(
            "fengsui_backup_identity",
            "1 when the collector's keys are with the newest verified backup, 0 when not",
            value=float(state.identity == INCLUDED),
        )
        yield GaugeMetricFamily("fengsui_backup_bytes", "Its size", value=state.bytes)
        if state.written is not None:
            yield GaugeMetricFamily(
                "fengsui_backup_written_bytes", "What it added to its folder", value=state.written
            )
        yield GaugeMetricFamily("fengsui_backup_seconds", "How long it took", value=state.seconds)
