"""Exports as metrics: how many, how much, and what was refused."""

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector as Source

from central.export.exports import FORMATS, Exports


class ExportMetrics(Source):
    """What the exports count at the moment of a scrape."""

    def __init__(self, exports: Exports) -> None:
        self._exports = exports

    def collect(self) -> Iterator[Metric]:
        """Yield the families."""
        figures = self._exports.figures
        yield GaugeMetricFamily(
            "fengsui_exports_running", "Exports being made", value=self._exports.running
        )
        for name, meaning, counts in (
            ("begun", "Exports begun", figures.begun),
            ("finished", "Exports of which the last byte was taken", figures.finished),
            ("rows", "Rows exported", figures.rows),
            ("bytes", "Bytes of exports taken", figures.bytes),
        ):
            family = CounterMetricFamily(f"fengsui_exports_{name}", meaning, labels=["format"])
            for form in FORMATS:
                family.add_metric([form], counts[form])
            yield family
        refused = CounterMetricFamily(
            "fengsui_exports_refused", "Exports refused or ended at a limit", labels=["code"]
        )
        for code, count in sorted(figures.refused.items()):
            refused.add_metric([code], count)
        yield refused
