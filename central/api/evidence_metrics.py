"""Evidence as metrics: how much there is, how old the oldest is, what was deleted."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from central.evidence.retention import EvidenceState

if TYPE_CHECKING:
    from central.collector import Collector


def evidence_metrics(collector: "Collector", state: EvidenceState) -> Iterator[Metric]:
    """Return the families; without evidence its oldest moment is absent."""
    retention = collector.retention
    yield GaugeMetricFamily(
        "fengsui_evidence_bytes",
        "Bytes of the batches kept as evidence, as they are stored",
        value=state.bytes,
    )
    yield GaugeMetricFamily(
        "fengsui_evidence_batches", "Batches kept as evidence", value=state.batches
    )
    if state.oldest is not None:
        yield GaugeMetricFamily(
            "fengsui_evidence_oldest_timestamp_seconds",
            "When the oldest evidence was received: the oldest provable moment",
            value=state.oldest / 1_000_000,
        )
    yield CounterMetricFamily(
        "fengsui_evidence_deleted_batches",
        "Batches deleted at the end of their retention since the start",
        value=retention.batches,
    )
    yield CounterMetricFamily(
        "fengsui_evidence_deleted_bytes",
        "Bytes deleted at the end of their retention since the start",
        value=retention.bytes,
    )
