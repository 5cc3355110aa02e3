"""Prometheus metrics, in a registry of the application's own.

What the routes see is counted here; what the collector knows (readings, losses, gateways) is asked
of it at each scrape. Names of gateways are labels, so the figures are for who may see all sites.
"""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

from prometheus_client import CollectorRegistry, Counter, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector as Source

from central.api.backup_metrics import backup_metrics
from central.api.clock_metrics import clock_metrics
from central.api.delivery_metrics import Deliveries
from central.api.door_metrics import door_metrics
from central.api.enrolment_metrics import enrolment_metrics
from central.api.evidence_metrics import evidence_metrics
from central.api.guard_metrics import GuardMetrics
from central.api.hub import Hub
from central.api.retention_metrics import retention_metrics
from central.api.space_metrics import space_metrics
from central.database import Database
from central.effects import Effects
from central.enrolment.figures import EnrolmentFigures, enrolment_figures
from central.evidence.retention import EvidenceState, evidence_state
from central.identity import sessions
from central.identity.desk import FrontDesk
from central.ingest.figures import Figures
from central.registry_records import GatewayRecord
from protocols.texts import catalogue

if TYPE_CHECKING:
    from central.collector import Collector
    from central.guard.guards import Guards

OTHER: Final = "OTHER"
"""The code of events whose own code no catalogue knows."""


class Metrics:
    """Counters of the routes, and the exposition of everything."""

    def __init__(self, collector: "Collector", desk: FrontDesk, hub: Hub, guards: "Guards") -> None:
        self._collector = collector
        self._desk = desk
        self._registry = CollectorRegistry()
        self._picture = _Picture(collector, hub)
        self._registry.register(self._picture)
        self._registry.register(GuardMetrics(guards))
        deliveries = Deliveries(desk.clock)
        self._registry.register(deliveries)
        self.delivered = deliveries.note
        """Counts a batch request that got an answer of the wire's shape: lane, bytes, seconds."""
        self._events = Counter(
            "fengsui_events",
            "Faults, losses, things put aside, matters of security (STREAM_DIVERGES ...)",
            ["kind", "code"],
            registry=self._registry,
        )

    def show(self, source: Source) -> None:
        """Show these too."""
        self._registry.register(source)

    def listen(self, effects: Effects) -> None:
        """Count what a commit made known."""
        for event in effects.events:
            # A gateway may invent codes; a label must not grow without bound.
            code = event.code if event.code in catalogue("zh") else OTHER
            self._events.labels(event.kind, code).inc()

    async def exposition(self) -> bytes:
        """Return everything in the text format."""
        now = self._desk.clock.now()
        picture = self._picture
        picture.sessions, picture.evidence, picture.enrolment = await self._collector.db.glance(
            lambda conn: (
                sessions.count(conn, now),
                evidence_state(conn),
                enrolment_figures(conn, now),
            )
        )
        return generate_latest(self._registry)


class _Picture(Source):
    """What the collector and the hub know at the moment of a scrape."""

    def __init__(self, collector: "Collector", hub: Hub) -> None:
        self._collector = collector
        self._hub = hub
        self.sessions = 0
        self.evidence = EvidenceState()
        self.enrolment = EnrolmentFigures()

    def collect(self) -> Iterator[Metric]:
        yield GaugeMetricFamily("fengsui_sessions", "Open sessions", value=self.sessions)
        yield GaugeMetricFamily("fengsui_stream_clients", "Open live streams", value=len(self._hub))
        yield CounterMetricFamily(
            "fengsui_stream_cut", "Live streams cut off for being slow", value=self._hub.slow
        )
        yield CounterMetricFamily(
            "fengsui_stream_failed", "Times that pages could not be told", value=self._hub.failed
        )
        yield _refused(self._collector.db)
        yield from _ingest(self._collector.ingest.figures)
        yield from backup_metrics(self._collector)
        yield from evidence_metrics(self._collector, self.evidence)
        yield from retention_metrics(self._collector)
        yield from space_metrics(self._collector)
        yield from enrolment_metrics(self.enrolment)
        yield from door_metrics(self._collector.door)
        yield from self._gateways()

    def _gateways(self) -> Iterator[Metric]:
        online = GaugeMetricFamily(
            "fengsui_gateway_online", "1 while the gateway is in contact", labels=["gateway"]
        )
        backlog = GaugeMetricFamily(
            "fengsui_gateway_backlog_readings",
            "Readings that wait in the gateway's buffer, as it last told",
            labels=["gateway"],
        )
        gateways = self._collector.registry.gateways()
        for gateway in gateways:
            online.add_metric([gateway.name], float(gateway.state == "online"))
            backlog.add_metric([gateway.name], gateway.backlog.readings)
        yield online
        yield backlog
        yield from _buffers(gateways)
        yield from clock_metrics(gateways)


def _buffers(gateways: Iterable[GatewayRecord]) -> Iterator[Metric]:
    """Yield what gateways told of their buffers; what one did not tell has no sample."""
    told = "as the gateway last told"
    size = GaugeMetricFamily(
        "fengsui_gateway_buffer_bytes", f"Bytes of the buffer's files, {told}", labels=["gateway"]
    )
    left = GaugeMetricFamily(
        "fengsui_gateway_buffer_hours_left",
        f"Hours until the buffer gives something up at the present rate, {told}",
        labels=["gateway"],
    )
    medium = GaugeMetricFamily(
        "fengsui_gateway_buffer_medium_ok",
        f"0 while the buffer's medium stores nothing, {told}",
        labels=["gateway"],
    )
    drops = CounterMetricFamily(
        "fengsui_gateway_drops",
        f"Readings and events given up since the gateway's process began, {told}",
        labels=["gateway", "reason"],
    )
    for gateway in gateways:
        buffer = gateway.buffer
        if buffer.bytes is not None:
            size.add_metric([gateway.name], buffer.bytes)
        if buffer.hours_left is not None:
            left.add_metric([gateway.name], buffer.hours_left)
        if buffer.medium is not None:
            medium.add_metric([gateway.name], float(buffer.medium == "ok"))
        for reason, count in buffer.drops.items():
            drops.add_metric([gateway.name, reason], count)
    yield from (size, left, medium, drops)


def _refused(db: Database) -> Metric:
    refused = CounterMetricFamily(
        "fengsui_database_refused",
        "Reads and writes that SQLite refused, by its own name of the cause",
        labels=["act", "cause"],
    )
    for key, count in sorted(db.refused.counts.items()):
        refused.add_metric(key.split(" ", 1), count)
    return refused


def _ingest(figures: Figures) -> Iterator[Metric]:
    totals = {
        "readings": ("Readings stored", figures.readings),
        "duplicates": ("Batches that came again", figures.duplicates),
        "quarantined": ("Items put aside", figures.quarantined),
        "lost": ("Readings entered in the loss ledger", figures.lost),
    }
    for name, (meaning, value) in totals.items():
        yield CounterMetricFamily(f"fengsui_ingest_{name}", meaning, value=value)
    refused = CounterMetricFamily(
        "fengsui_ingest_refused", "Requests of gateways refused, of every kind", labels=["code"]
    )
    for code, count in sorted(figures.refused.items()):
        refused.add_metric([code], count)
    yield refused
    waiting = GaugeMetricFamily(
        "fengsui_ingest_under_way", "Batch requests under way", labels=["lane"]
    )
    for lane, count in sorted(figures.waiting.items()):
        waiting.add_metric([lane], count)
    yield waiting
