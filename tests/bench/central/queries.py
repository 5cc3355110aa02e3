"""Questions to the collector's interface, as a page or a program asks them."""

import json
from collections.abc import Callable, Iterator
from typing import Any, Final

from central.api.times import rfc3339
from tests.bench.central.plant import gateway_name, place, site_name
from tests.bench.collector import CollectorProcess
from tests.bench.peers.asking import Asking, milliseconds

GATEWAY: Final = 3
POINT: Final = 137
MANY: Final = 500
"""Points one question about deliveries may name."""


def measure(collector: CollectorProcess, span: tuple[int, int]) -> Iterator[dict[str, Any]]:
    """Yield `central.query.*` in ms over the readings of `span` (µs UTC, the end not included)."""
    fields = {
        "Cookie": collector.door._cookie,
        "X-Requested-With": "fengsui",
        "Content-Type": "application/json",
    }
    ask = Asking(collector.port, fields)
    site, one = site_name(GATEWAY), f"/api/v1/points/{_name(GATEWAY, POINT)}"
    between = {"from": rfc3339(span[0]), "to": rfc3339(span[1])}
    some = {**between, "points": [_name(GATEWAY, point) for point in range(MANY)]}
    asked: dict[str, Callable[[], object]] = {
        "latest_1000": lambda: ask.get("/api/v1/latest", site=site),
        "range_1": lambda: ask.get(f"{one}/readings", **between, limit=1_000),
        "buckets_300": lambda: ask.get(f"{one}/buckets", **between, count=300),
        "site_state": lambda: ask.get("/api/v1/state", site=site, at=between["to"]),
        "count_all": lambda: ask.get("/api/v1/counts", **between),
        "deliveries_500": lambda: ask.post("/api/v1/deliveries", some),
    }
    for name, question in asked.items():
        yield {"name": f"central.query.{name}", "ms": milliseconds(question)}
    counts = json.loads(ask.get("/api/v1/counts", **between))
    yield {"name": "central.query.counted", "readings": counts["total"]}
    ask.close()


def _name(gateway: int, point: int) -> str:
    device, name = place(point)
    return f"{site_name(gateway)}/{gateway_name(gateway)}/{device}/{name}"
