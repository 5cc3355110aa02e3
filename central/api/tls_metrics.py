"""When the certificate ends that the collector shows."""

from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector as Source

from central.tls.trust import TrustDesk


class TlsMetrics(Source):
    """Absent without TLS: then somebody else's certificate is shown, or none."""

    def __init__(self, trust: TrustDesk) -> None:
        self._trust = trust

    def collect(self) -> Iterator[Metric]:
        """Yield the figure at the moment of a scrape."""
        end = self._trust.shown.shown.end
        if end is not None:
            yield GaugeMetricFamily(
                "fengsui_tls_certificate_end_seconds",
                "When the server certificate ends, seconds since 1970",
                value=end / 1_000_000,
            )
