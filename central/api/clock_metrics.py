"""The clocks of gateways as metrics; what one did not tell has no sample."""

from collections.abc import Iterable, Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from central.registry_records import GatewayRecord
from protocols.clock import SECOND, ClockState


def clock_metrics(gateways: Iterable[GatewayRecord]) -> Iterator[Metric]:
    """Yield state, offset and pauses."""
    synchronised = GaugeMetricFamily(
        "fengsui_gateway_clock_synchronised",
        "0 while nothing holds the gateway's wall clock, as it last told",
        labels=["gateway"],
    )
    offset = GaugeMetricFamily(
        "fengsui_gateway_clock_offset_seconds",
        "The gateway's wall clock minus the collector's, as its last report showed",
        labels=["gateway"],
    )
    within = GaugeMetricFamily(
        "fengsui_gateway_clock_offset_within_seconds",
        "Half a round trip: how exact the offset is",
        labels=["gateway"],
    )
    pauses = CounterMetricFamily(
        "fengsui_gateway_pauses",
        "Times the gateway did not run since its process began, as it last told",
        labels=["gateway"],
    )
    for gateway in gateways:
        name, clock = [gateway.name], gateway.clock
        if clock.state is not None:
            synchronised.add_metric(name, float(clock.state != ClockState.UNSYNCHRONISED))
        if clock.offset is not None:
            offset.add_metric(name, clock.offset / SECOND)
        if clock.within is not None:
            within.add_metric(name, clock.within / SECOND)
        if clock.pauses is not None:
            pauses.add_metric(name, clock.pauses)
    yield from (synchronised, offset, within, pauses)
