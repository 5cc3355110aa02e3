"""`make bench ONLY=points`: 20,000 and 200,000 points: memory, start, the first screen.

Gateways of 20,000 points in devices of 25. `limits`: which share of them has four confirmed limits.
Start times count from the process's begin to its first answer; "full" is after a kill -9 with a
journal of nearly 1,000,000 readings that no chunk has yet.
"""

import asyncio
import statistics
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

from protocols.clock import SECOND, SystemClock
from protocols.device import Bus, Device, Point
from protocols.profile import MqttAddress, ProfilePoint
from protocols.wire.manifest import encode_manifest
from protocols.words import Label, PointId
from tests.bench.central.tree import rss_mb
from tests.bench.collector import CollectorProcess
from tests.bench.sender import BenchGateway, Link, Template, ladder, packed, scan_templates

POINTS: Final = 20_000
"""Of each gateway."""
MEMBERS: Final = 25
PER_BATCH: Final = 1_000
FULL: Final = 980_000
ASKED: Final = 5
CLOCK: Final = SystemClock()


@dataclass(frozen=True)
class City:
    """How many gateways, and one point in `every` has limits."""

    gateways: int
    every: int

    @property
    def points(self) -> int:
        return self.gateways * POINTS


CITIES: Final = {
    "20k": City(1, 10),
    "20k-limits": City(1, 1),
    "200k": City(10, 10),
    "200k-limits": City(10, 1),
}


def measure(names: Sequence[str] = ()) -> Iterator[dict[str, object]]:
    """Yield a figure for each city."""
    for name, city in CITIES.items():
        if not names or name in names:
            yield from _city(name, city)


def _city(name: str, city: City) -> Iterator[dict[str, object]]:
    with tempfile.TemporaryDirectory(prefix="bench-points-") as folder:
        collector = CollectorProcess(Path(folder))
        with collector:
            empty = rss_mb(collector.pid)
            began = time.monotonic()
            gateways = [_gateway(collector, city, number) for number in range(city.gateways)]
            told = asyncio.run(_first_scan(collector.port, gateways))
            filled = time.monotonic() - began
            figure: dict[str, object] = {
                "name": f"points.{name}",
                "points": city.points,
                "described_s": round(filled, 1),
                "rss_mb": rss_mb(collector.pid),
                "empty_rss_mb": empty,
                "scan_ms": told,
                **_asked(collector),
            }
            collector.kill()
            names = ("start_s", "start_cpu_s", "start_rss_mb")
            figure |= zip(names, _started(collector), strict=True)
            if city.gateways == 1:
                asyncio.run(_more(collector.port, gateways[0]))
                collector.kill()
                names = ("start_full_s", "start_full_cpu_s", "start_full_rss_mb")
                figure |= zip(names, _started(collector), strict=True)
            figure |= _asked(collector)
            yield figure


def _started(collector: CollectorProcess) -> tuple[float, float, float]:
    """Return seconds to the first answer, seconds of processor time by then, and memory."""
    began = time.monotonic()
    collector.start()
    took = time.monotonic() - began
    return round(took, 2), collector.cpu_seconds(), rss_mb(collector.pid)


def _gateway(collector: CollectorProcess, city: City, number: int) -> BenchGateway:
    name, site = f"gw-{number}", f"site-{number}"
    token = collector.add_gateway(name, site)
    return BenchGateway(name, token, _manifest(name, site, city.every))


def _manifest(name: str, site: str, every: int) -> bytes:
    described: Any = SimpleNamespace(
        name=site,
        label=Label(site),
        region="441523",
        domain="lifelines",
        longitude=1.0,
        latitude=1.0,
    )
    limits = ladder()
    devices = []
    for device in range(POINTS // MEMBERS):
        unit = f"unit-{device:03}"
        points = tuple(
            Point(
                index=index,
                id=PointId(site, name, unit, f"p{index % MEMBERS:02}"),
                sheet=ProfilePoint(
                    name=f"p{index % MEMBERS:02}",
                    label=Label(f"点位 {index}", f"point {index}"),
                    quantity="tank_level",
                    unit="%",
                    address=MqttAddress(topic=f"{unit}/{index}"),
                    type="float",
                    decimals=2,
                ),
                label=Label(f"点位 {index}", f"point {index}"),
                limits=limits if index % every == 0 else (),
            )
            for index in range(device * MEMBERS, (device + 1) * MEMBERS)
        )
        devices.append(
            Device(
                site=site, name=unit, label=Label(unit), profile="bench/x", points=points, scan=1
            )
        )
    bus = Bus(name="bus", protocol="mqtt", devices=tuple(devices))
    return encode_manifest(name, Label(name), [described], [], [bus])


async def _first_scan(port: int, gateways: list[BenchGateway]) -> float:
    """Describe all points and send one reading of each; return ms a request, the median."""
    templates = scan_templates(POINTS, PER_BATCH, SECOND)
    took: list[float] = []
    for gateway in gateways:
        took += await _send(port, gateway, templates, POINTS // PER_BATCH)
    return round(statistics.median(took) * 1e3, 2)


async def _more(port: int, gateway: BenchGateway) -> None:
    await _send(port, gateway, scan_templates(POINTS, PER_BATCH, SECOND), FULL // PER_BATCH)


async def _send(
    port: int, gateway: BenchGateway, templates: list[Template], batches: int
) -> list[float]:
    link, stream, took = Link(port, gateway), gateway.open(), []
    reply = await link.put_stream(gateway, stream, "live")
    assert reply.status == 200, reply
    first = CLOCK.now() - 120 * SECOND
    for nth in range(batches):
        at = first + nth * SECOND // 20
        raw = stream.seal(templates[nth % len(templates)], at, CLOCK.mono() - CLOCK.now() + at)
        began = time.monotonic()
        reply = await link.post(gateway, stream, packed([raw]), "live")
        took.append(time.monotonic() - began)
        assert reply.status == 200, reply
    link.close()
    return took


def _asked(collector: CollectorProcess) -> dict[str, object]:
    """Return ms (the median) of what the first screen asks, and their sizes."""
    found: dict[str, object] = {}
    ways = {
        "latest": "/api/v1/latest",
        "latest_site": "/api/v1/latest?site=site-0",
        "overview": "/api/v1/overview",
        "points": "/api/v1/points?limit=1000",
        "gateways": "/api/v1/gateways",
    }
    for name, path in ways.items():
        took, size = [], 0
        for _ in range(ASKED):
            began = time.monotonic()
            size = len(_get(collector, path))
            took.append(time.monotonic() - began)
        found[f"{name}_ms"] = round(statistics.median(took) * 1e3, 1)
        found[f"{name}_bytes"] = size
    began = time.monotonic()
    request = _request(collector, "/api/v1/stream")
    with urllib.request.urlopen(request, timeout=60) as stream:
        stream.read1(1)
        found["subscribed_ms"] = round((time.monotonic() - began) * 1e3, 1)
    return found


def _get(collector: CollectorProcess, path: str) -> bytes:
    with urllib.request.urlopen(_request(collector, path), timeout=60) as answer:
        content: bytes = answer.read()
    return content


def _request(collector: CollectorProcess, path: str) -> urllib.request.Request:
    cookie = collector.door._cookie or ""
    return urllib.request.Request(f"{collector.url}{path}", headers={"Cookie": cookie})


if __name__ == "__main__":
    import json

    for one in measure(sys.argv[1:]):
        print(json.dumps(one), flush=True)
