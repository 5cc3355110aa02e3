"""The door's figures, as a scrape finds them."""

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from central.door.door import ReadingsDoor


def door_metrics(door: ReadingsDoor) -> Iterator[Metric]:
    """Yield what came through the readings door, and what did not."""
    figures = door.figures
    totals = {
        "requests": ("Requests of others' systems", figures.requests),
        "duplicates": ("Requests that came again under their key", figures.duplicates),
        "readings": ("Readings stored", figures.readings),
        "known": ("Readings that were here already", figures.known),
        "keys_forgotten": ("Keys whose answers were forgotten", door.forgetting.forgotten),
    }
    for name, (meaning, value) in totals.items():
        yield CounterMetricFamily(f"fengsui_door_{name}", meaning, value=value)
    aside = CounterMetricFamily(
        "fengsui_door_quarantined", "Readings put aside, by reason", labels=["reason"]
    )
    for reason, count in sorted(figures.quarantined.items()):
        aside.add_metric([reason], count)
    yield aside
    refused = CounterMetricFamily(
        "fengsui_door_refused", "Requests refused as a whole, by code", labels=["code"]
    )
    for code, count in sorted(figures.refused.items()):
        refused.add_metric([code], count)
    yield refused
    yield GaugeMetricFamily(
        "fengsui_door_under_way", "Requests under way", value=door.limits.under_way
    )
