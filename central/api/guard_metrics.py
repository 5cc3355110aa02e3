"""What the guards turned away, for the metrics."""

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector as Source

from central.api.enrolment_metrics import enrolment_refused
from central.guard.guards import Guards


class GuardMetrics(Source):
    """Codes are our own: their number is bounded."""

    def __init__(self, guards: Guards) -> None:
        self._guards = guards

    def collect(self) -> Iterator[Metric]:
        """Yield the figures at the moment of a scrape."""
        refused = CounterMetricFamily(
            "fengsui_refused_requests",
            "Requests and connections turned away, of gateways, people and strangers; cut bodies",
            labels=["code"],
        )
        for code, count in sorted(self._guards.refused.items()):
            refused.add_metric([code], count)
        yield refused
        yield enrolment_refused(self._guards.refused)
        noted = CounterMetricFamily(
            "fengsui_security_cases", "Cases told as security events, all of them", labels=["code"]
        )
        for code, count in sorted(self._guards.incidents.totals.items()):
            noted.add_metric([code], count)
        yield noted
        yield GaugeMetricFamily(
            "fengsui_connections", "Open connections", value=len(self._guards.connections)
        )
