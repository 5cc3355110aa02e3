"""Questions to the collector's interface, as a page or a program asks them."""

import json
from collections.abc import Callable, Iterator
from typing import Any, Final

from central.api.times import rfc3339
from protocols.clock import real_monotonic
from tests.bench.central.plant import GATEWAYS, POINTS, gateway_name, place, site_name
from tests.bench.collector import CollectorProcess
from tests.bench.peers.asking import Asking, milliseconds

GATEWAY: Final = 3
POINT: Final = 137
LIMIT: Final = 20.0
"""Seconds the count of all points may take."""
AT_ONCE: Final = 500
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
    asked: dict[str, Callable[[], object]] = {
        "latest_1000": lambda: ask.get("/api/v1/latest", site=site),
        "range_1": lambda: ask.get(f"{one}/readings", **between, limit=1_000),
        "buckets_300": lambda: ask.get(f"{one}/buckets", **between, count=300),
        "site_state": lambda: ask.get("/api/v1/state", site=site, at=between["to"]),
        "count_all": lambda: counted(ask, between),
    }
    for name, question in asked.items():
        try:
            took = milliseconds(question)
        except TimeoutError:
            yield {"name": f"central.query.{name}", "ms": None, "over_s": LIMIT}
        else:
            yield {"name": f"central.query.{name}", "ms": took}
    ask.close()


def counted(ask: Asking, between: dict[str, str]) -> int:
    """Return how many readings all points have, asked of some points at a time.

    Raises TimeoutError when that takes longer than `LIMIT`.
    """
    until = real_monotonic() + LIMIT
    names = [_name(nth, point) for nth in range(GATEWAYS) for point in range(POINTS)]
    found = 0
    for start in range(0, len(names), AT_ONCE):
        if real_monotonic() > until:
            raise TimeoutError
        some = {**between, "points": names[start : start + AT_ONCE]}
        told = json.loads(ask.post("/api/v1/deliveries", some))
        found += sum(item["count"] for item in told["items"])
    return found


def _name(gateway: int, point: int) -> str:
    device, name = place(point)
    return f"{site_name(gateway)}/{gateway_name(gateway)}/{device}/{name}"
