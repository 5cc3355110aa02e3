"""`make bench ONLY=ingest`: one gateway's backlog into a real collector over real HTTP.

`ingest.binary.N`: batches of N readings, as many a request as the collector's credit allows; every
point carries four limits; a page follows the live stream. At an empty table, then again after
`FILL` readings of 4,000 points. `cpu_us` is processor time of the collector's process a reading.
`.signed`, at the empty table: by a gateway with a key; `..._of_plain`: so many times that without.
"""

import asyncio
import tempfile
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from protocols.clock import real_monotonic
from tests.bench.collector import CollectorProcess
from tests.bench.keys import Identities
from tests.bench.sender import (
    CLOCK_NOW,
    SECOND,
    BenchGateway,
    Link,
    Template,
    manifest,
    packed,
    scan_templates,
)

SITE = "bench"
SIZES = (100, 1_000, 5_000)
POINTS = 500
SIGNED = ".signed"
EMPTY = 0.6
"""At an empty table each size is measured twice: in turn, so that others' load meets both."""
FULL_POINTS = 4_000
FILL = 10_000_000
PERIOD = SECOND
REQUEST = 900_000
"""Compressed bytes a request is filled up to, where the credit allows."""
INFLATED = 7_500_000
READINGS = 100_000
"""Most readings a request: real columns do not compress as templates that come again do."""


def measure(seconds: float) -> Iterator[dict[str, Any]]:
    """Yield a figure for each size at an empty table, then after filling it within `seconds`."""
    each = max(3.0, seconds / 30)
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
        tempfile.TemporaryDirectory(prefix="bench-keys-") as keys,
    ):
        identities = Identities.made(Path(keys), [_name(size, POINTS, SIGNED) for size in SIZES])
        with (
            CollectorProcess(Path(folder), identities=identities) as collector,
            _watching(collector),
        ):
            yield from _measured(collector, identities, seconds, each)


def _measured(
    collector: CollectorProcess, identities: Identities, seconds: float, each: float
) -> Iterator[dict[str, Any]]:
    for size in SIZES:
        shape, name = (POINTS, size), f"ingest.binary.{size}"
        plain = _figure(collector, name, shape, each * EMPTY)
        signed = _figure(collector, name, shape, each * EMPTY, identities=identities)
        of_plain = {
            f"{key}_of_plain": round(signed[key] / plain[key], 3)
            for key in ("readings_per_second", "cpu_us")
        }
        yield plain
        yield {**signed, "name": f"{name}{SIGNED}", **of_plain}
    filled = _figure(collector, "ingest.fill", (FULL_POINTS, 4_000), seconds * 0.6, most=FILL)
    yield filled
    for size in SIZES:
        figure = _figure(collector, f"ingest.binary.{size}", (FULL_POINTS, size), each)
        yield {**figure, "after": filled["readings"]}


def _name(size: int, points: int, signed: str = "") -> str:
    return f"gw-{size}-{points}{signed.replace('.', '-')}"


def _figure(
    collector: CollectorProcess,
    name: str,
    shape: tuple[int, int],
    seconds: float,
    most: int | None = None,
    identities: Identities | None = None,
) -> dict[str, Any]:
    points, per_batch = shape
    called = _name(per_batch, points, "" if identities is None else SIGNED)
    token = collector.add_gateway(called, SITE)
    gateway = BenchGateway(called, token, manifest(called, SITE, points), identities)
    templates = scan_templates(points, per_batch, PERIOD)
    began, used = real_monotonic(), collector.cpu_seconds()
    sent, requests = asyncio.run(_drain(collector.port, gateway, templates, (seconds, most)))
    took, used = real_monotonic() - began, collector.cpu_seconds() - used
    return {
        "name": name,
        "readings_per_second": round(sent / took),
        "cpu_us": round(used / sent * 1e6, 2),
        "readings": sent,
        "points": points,
        "readings_per_request": round(sent / requests),
        "database_mb": round(collector.database.stat().st_size / 1e6),
        "seconds": round(took, 1),
    }


async def _drain(
    port: int, gateway: BenchGateway, templates: list[Template], until: tuple[float, int | None]
) -> tuple[int, int]:
    """Send a backlog for so many seconds or readings; returns readings and requests."""
    seconds, most = until
    per_batch = templates[0].n
    link, stream = Link(port, gateway), gateway.open()
    reply = await link.put_stream(gateway, stream, "backfill")
    assert reply.status == 200, reply
    await _go_live(link, gateway, templates)
    deadline = real_monotonic() + seconds
    nth, requests, credit, ratio = 0, 0, REQUEST, 0.4
    began_at = CLOCK_NOW.now() - 30 * 86_400 * SECOND
    offset = CLOCK_NOW.now() - CLOCK_NOW.mono()
    while real_monotonic() < deadline and (most is None or stream.seq < most):
        batches: list[bytes] = []
        size = 0
        room = min(INFLATED, min(credit, REQUEST) / ratio)
        while size < room and len(batches) * per_batch < READINGS:
            at = began_at + nth * SECOND * max(1, templates[0].n // 500)
            batches.append(stream.seal(templates[nth % len(templates)], at, at - offset))
            size += len(batches[-1])
            nth += 1
        body = packed(batches)
        ratio = max(0.02, len(body[0]) / size * 1.02)
        reply = await link.post(gateway, stream, body, "backfill")
        while reply.status in (429, 503):
            await asyncio.sleep(float(reply.headers.get("retry-after", "1")))
            reply = await link.post(gateway, stream, body, "backfill")
        assert reply.status == 200, (reply.status, reply.body[:300])
        credit = reply.json["credit"]
        requests += 1
    link.close()
    return stream.seq, requests


async def _go_live(link: Link, gateway: BenchGateway, templates: list[Template]) -> None:
    """What happens now goes first, as after every outage: the backlog comes late then."""
    live, now = gateway.open(), CLOCK_NOW.now()
    assert (await link.put_stream(gateway, live, "live")).status == 200
    raw = [live.seal(each, now, CLOCK_NOW.mono()) for each in templates]
    assert (await link.post(gateway, live, packed(raw), "live")).status == 200


@contextmanager
def _watching(collector: CollectorProcess) -> Iterator[None]:
    """A page with an open live stream."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{collector.port}/api/v1/stream",
        headers={"Cookie": collector.door._cookie},
    )
    over = threading.Event()

    def follow() -> None:
        try:
            with urllib.request.urlopen(request, timeout=30) as stream:
                while not over.is_set() and stream.read1(65_536):
                    pass
        except OSError:
            return

    page = threading.Thread(target=follow, daemon=True)
    page.start()
    try:
        yield
    finally:
        over.set()
