"""Questions to the collector's interface, as a page or a program asks them."""

from collections.abc import Iterator
from typing import Any, Final

from central.api.times import rfc3339
from tests.bench.central.plant import gateway_name, place, site_name
from tests.bench.collector import CollectorProcess
from tests.bench.peers.asking import Asking

GATEWAY: Final = 3
POINT: Final = 137


def measure(collector: CollectorProcess, span: tuple[int, int]) -> Iterator[dict[str, Any]]:
    """Yield `central.query.*` in ms over the readings of `span` (µs UTC, the end not included)."""
    ask = Asking(collector.port, {"Cookie": collector.door._cookie})
    site = site_name(GATEWAY)
    device, point = place(POINT)
    one = f"/api/v1/points/{site}/{gateway_name(GATEWAY)}/{device}/{point}"
    between = {"from": rfc3339(span[0]), "to": rfc3339(span[1])}
    asked: dict[str, tuple[str, dict[str, Any]]] = {
        "latest_1000": ("/api/v1/latest", {"site": site}),
        "range_1": (f"{one}/readings", {**between, "limit": 1_000}),
        "buckets_300": (f"{one}/buckets", {**between, "count": 300}),
        "count_all": ("/api/v1/counts", between),
        "site_state": (f"/api/v1/sites/{site}/state", {"at": between["to"]}),
    }
    for name, (path, what) in asked.items():
        try:
            took, body = ask.milliseconds(path, **what)
        except OSError as exc:
            yield {"name": f"central.query.{name}", "ms": None, "refused": str(exc)[:160]}
            continue
        yield {"name": f"central.query.{name}", "ms": took, "bytes": len(body)}
    ask.close()
