"""`make bench ONLY=door`: readings of another system into a real collector, 1,000 a request.

One connection, every request waits for its answer; 500 points, each with a ladder of four limits;
values are within them. `cpu_us` is processor time of the collector's process a reading.
`door.columns_late`: the same, older than what is live, so judged as backfill.
"""

import http.client
import json
import random
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from central.api.times import rfc3339
from protocols.clock import SystemClock, real_monotonic
from tests.bench.collector import CollectorProcess

SITE = "bench"
POINTS = 500
EACH = 1_000
SECOND = 1_000_000
HOUR = 3_600 * SECOND


def measure(seconds: float) -> Iterator[dict[str, Any]]:
    """Yield a figure for each form."""
    each = max(3.0, seconds / 30)
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
        CollectorProcess(Path(folder)) as collector,
    ):
        for form in ("columns", "rows", "csv", "columns_late"):
            yield _figure(collector, form, each)


def _figure(collector: CollectorProcess, form: str, seconds: float) -> dict[str, Any]:
    name = f"sys-{form.replace('_', '-')}"
    token = _virtual(collector, name)
    line = http.client.HTTPConnection("127.0.0.1", collector.port, timeout=60)
    _send(line, "PUT", f"/api/v1/virtual-gateways/{name}/manifest", token, _description())
    begun = SystemClock().now() - 24 * HOUR
    if form.endswith("late"):
        _send(line, "POST", "/api/v1/readings", token, _columns(SystemClock().now(), 0), "live")
    write = {"rows": _rows, "csv": _csv}.get(form, _columns)
    kind = "text/csv" if form == "csv" else "application/json"
    deadline = real_monotonic() + seconds
    began, used, nth = real_monotonic(), collector.cpu_seconds(), 0
    while real_monotonic() < deadline:
        body = write(begun + nth * 2 * SECOND, nth)
        told = _send(line, "POST", "/api/v1/readings", token, body, f"k{nth}", kind)
        assert told["accepted"] == EACH, told
        nth += 1
    took, used = real_monotonic() - began, collector.cpu_seconds() - used
    line.close()
    return {
        "name": f"door.{form}",
        "readings_per_s": round(nth * EACH / took),
        "cpu_us": round(used / (nth * EACH) * 1e6, 1),
        "readings_per_request": EACH,
        "points": POINTS,
        "request_bytes": len(write(begun, 0)),
        "readings": nth * EACH,
        "seconds": round(took, 1),
    }


def _virtual(collector: CollectorProcess, name: str) -> str:
    url = "/api/v1/virtual-gateways"
    collector.door.ask("POST", url, {"name": name, "sites": [SITE]})
    limits = {"readings_per_minute": 10_000_000, "requests_per_minute": 60_000}
    made = collector.door.ask("POST", f"{url}/{name}/tokens", {"name": name, **limits})
    return str(made["token"])


def _description() -> bytes:
    limits = [
        {"name": name, "colour": "yellow", "op": op, "limit": limit, "confirmed_by": "bench"}
        for name, op, limit in (
            ("H", ">=", 80),
            ("HH", ">=", 90),
            ("L", "<=", 20),
            ("LL", "<=", 10),
        )
    ]
    point = {"site": SITE, "device": "unit", "quantity": "tank_level", "unit": "%", "decimals": 2}
    described = {
        "sites": [{"name": SITE, "region": "441523", "domain": "lifelines"}],
        "devices": [{"site": SITE, "name": "unit"}],
        "points": [{**point, "name": f"p{nth}", "limits": limits} for nth in range(POINTS)],
    }
    return json.dumps(described).encode()


def _readings(at: int, nth: int) -> tuple[list[str], list[int], list[float]]:
    """Two scans of all points, a second apart; a scan is one moment."""
    chance = random.Random(nth)
    points = [f"{SITE}/unit/p{place % POINTS}" for place in range(EACH)]
    times = [at + place // POINTS * SECOND for place in range(EACH)]
    return points, times, [round(chance.uniform(30, 70), 2) for _ in range(EACH)]


def _columns(at: int, nth: int) -> bytes:
    points, times, values = _readings(at, nth)
    texts = [rfc3339(time) for time in times]
    return json.dumps({"columns": {"point": points, "time": texts, "value": values}}).encode()


def _rows(at: int, nth: int) -> bytes:
    rows = [
        {"point": point, "time": rfc3339(time), "value": value}
        for point, time, value in zip(*_readings(at, nth), strict=True)
    ]
    return json.dumps({"rows": rows}).encode()


def _csv(at: int, nth: int) -> bytes:
    rows = zip(*_readings(at, nth), strict=True)
    lines = [f"{point},{rfc3339(time)},{value}" for point, time, value in rows]
    return "\n".join(["point,time,value", *lines]).encode()


def _send(  # who asks for what, with what
    line: http.client.HTTPConnection,
    method: str,
    path: str,
    token: str,
    body: bytes,
    key: str = "-",
    kind: str = "application/json",
) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": kind, "Idempotency-Key": key}
    line.request(method, path, body, headers)
    answer = line.getresponse()
    content = answer.read()
    assert answer.status == 200, (answer.status, content[:300])
    told: dict[str, Any] = json.loads(content)
    return told
