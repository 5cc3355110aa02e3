"""Readings of other systems: JSON by columns and by rows, a thousand a request, over HTTP."""

import json
import secrets
from collections.abc import Iterator
from typing import Any, Final

from protocols.clock import SystemClock
from tests.bench.central.plant import (
    DECIMALS,
    DEVICES,
    MEMBERS,
    POINTS,
    Plant,
    Scans,
    place,
)
from tests.bench.central.pump import pump
from tests.bench.central.sealing import http
from tests.bench.central.span import timed
from tests.bench.collector import CollectorProcess

SYSTEMS: Final = 4
"""Virtual gateways; each has a thousand points, a token and a connection."""
EACH: Final = 1_000
SCANS: Final = {"columns": 500, "rows": 350}
PERIOD: Final = 40_000
RECENT: Final = {"columns": -40_000_000, "rows": -20_000_000}
"""µs: neither form hands in what is older than what the other did."""
MOST: Final = 5.0
PATH: Final = "/api/v1/readings"
CODES: Final = {0: "good"}


def measure(collector: CollectorProcess) -> Iterator[dict[str, Any]]:
    """Yield `central.ingest.json_columns.1000` and `central.ingest.json_rows.1000`."""
    tokens = [_virtual(collector, f"sys-{nth}") for nth in range(SYSTEMS)]
    plant = Plant(seed=6)
    for form, write in (("columns", _columns), ("rows", _rows)):
        scans = plant.scans(SCANS[form])
        now = SystemClock().now() + RECENT[form]
        lines = [
            [_request(token, write(_names(nth), *cells)) for cells in _cells(scans.of(nth), now)]
            for nth, token in enumerate(tokens)
        ]
        size = sum(map(len, lines[0])) / len(lines[0])
        pump(collector.port, [line[:1] for line in lines])
        lines = [line[1:] for line in lines]
        figure = timed(
            collector.pid, lambda lines=lines: pump(collector.port, lines, seconds=MOST), EACH
        )
        name = f"central.ingest.json_{form}.{EACH}"
        yield {"name": name, **figure, "request_bytes": round(size)}


def _cells(scans: Scans, first: int) -> Iterator[tuple[list[str], list[float], list[Any]]]:
    times = scans.times(first, PERIOD)
    for scan in range(len(scans)):
        texts = [f"{moment}Z" for moment in times[scan].astype("datetime64[us]").astype(str)]
        values = (scans.cents[scan] / 10**DECIMALS).tolist()
        yield texts, values, [CODES.get(code, code) for code in scans.qualities[scan].tolist()]


def _names(nth: int) -> list[str]:
    return [f"{_site(nth)}/{device}/{point}" for device, point in map(place, range(POINTS))]


def _columns(points: list[str], times: list[str], values: list[float], qualities: list[Any]) -> Any:
    return {"columns": {"point": points, "time": times, "value": values, "quality": qualities}}


def _rows(points: list[str], times: list[str], values: list[float], qualities: list[Any]) -> Any:
    rows = zip(points, times, values, qualities, strict=True)
    return {
        "rows": [
            {"point": point, "time": time, "value": value, "quality": quality}
            for point, time, value, quality in rows
        ]
    }


def _request(token: str, body: Any) -> bytes:
    fields = {
        "Authorization": f"Bearer {token}",
        "Content-Type": "application/json",
        "Idempotency-Key": secrets.token_hex(12),
    }
    return http(PATH, json.dumps(body, separators=(",", ":")).encode(), fields)


def _virtual(collector: CollectorProcess, name: str) -> str:
    url, site = "/api/v1/virtual-gateways", _site(int(name.rsplit("-", 1)[1]))
    door = collector.door
    door.ask("POST", url, {"name": name, "sites": [site]})
    limits = {"readings_per_minute": 10_000_000, "requests_per_minute": 60_000}
    made = door.ask("POST", f"{url}/{name}/tokens", {"name": name, **limits})
    ladder = (("H", ">=", 80), ("HH", ">=", 90), ("L", "<=", 20), ("LL", "<=", 10))
    shared = {"colour": "yellow", "confirmed_by": "bench", "deadband": 1.0}
    limits_of_points = [
        {"name": level, "op": op, "limit": limit, **shared} for level, op, limit in ladder
    ]
    described = {
        "sites": [{"name": site, "region": "441523", "domain": "lifelines"}],
        "devices": [
            {"site": site, "name": place(nth * MEMBERS)[0]} for nth in range(DEVICES)
        ],
        "points": [
            {"site": site, "device": device, "name": point, "quantity": "tank_level", "unit": "%",
             "decimals": DECIMALS, "limits": limits_of_points}
            for device, point in map(place, range(POINTS))
        ],
    }  # fmt: skip
    door.ask("PUT", f"{url}/{name}/points", described)
    return str(made["token"])


def _site(nth: int) -> str:
    return f"door-{nth:02}"
