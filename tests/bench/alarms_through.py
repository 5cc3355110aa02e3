"""`make bench ONLY=alarms-through`: alarms through a whole collector, from request to the page.

A real collector process, gateways over the binary door, one page on the live stream (SSE).
`delay.idle`, `delay.busy`, `delay.storm`: ms from when the request that raises an alarm is begun to
its event on the page, with nothing else, beside QUIET readings/s, and in the storm. `storm`: 10,000
alarms a minute of all colours, a fifth red, beside QUIET readings/s, for SECONDS (at most ten
minutes); every alarm is of another point and stays open. `lists`: what each list took meanwhile,
asked each second. At the end the database is counted: every alarm once, its journal whole.
"""

import asyncio
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from os import getloadavg
from pathlib import Path
from typing import Any

from central.ingest.figures import percentile
from protocols.alarms.rule import Colour, Level
from protocols.clock import real_monotonic
from protocols.words import Reading
from tests.bench.alarm_page import Asker, Page
from tests.bench.collector import CollectorProcess
from tests.bench.sender import (
    CLOCK_NOW,
    BenchGateway,
    Link,
    Stream,
    Template,
    manifest,
    packed,
    scan_templates,
)

PER_MINUTE = 10_000
GATEWAYS = 10
LONGEST = 600.0
QUIET = 2_000
"""Readings a second that change nothing, of four gateways."""
QUIET_GATEWAYS = 4
PROBES = 100
"""Alarms of each `delay` without a storm."""
PROBE_EVERY = 0.2
"""Real seconds between two of them."""
SETTLES = 10.0
"""Real seconds in which the page must have heard of the last alarm."""
COLOURS = (
    Colour.RED,
    Colour.RED,
    Colour.ORANGE,
    Colour.ORANGE,
    *[Colour.YELLOW] * 4,
    *[Colour.BLUE] * 2,
)
"""Of every ten points."""


@dataclass
class Feeder:
    """One gateway whose points raise one after another."""

    gateway: BenchGateway
    link: Link
    stream: Stream
    points: int
    next: int = 0
    sent: dict[str, float] = field(default_factory=dict)
    """When (monotonic s) the request was begun that raises a point."""

    async def raise_next(self, several: int) -> None:
        """Raise the next points in one request."""
        batch, now = range(self.next, self.next + several), CLOCK_NOW.now()
        self.next += several
        readings = [Reading(point, 95.0, 0, 0) for point in batch]
        raw = self.stream.seal(Template(readings, [2] * self.points), now, CLOCK_NOW.mono())
        began = real_monotonic()
        for point in batch:
            self.sent[f"{self.gateway.name}/{self.gateway.name}/unit/p{point}"] = began
        reply = await self.link.post(self.gateway, self.stream, packed([raw]), "live")
        assert reply.status == 200, (reply.status, reply.body[:300])


def measure(seconds: float) -> Iterator[dict[str, Any]]:
    """Yield a figure for each way."""
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
        CollectorProcess(Path(folder)) as collector,
    ):
        yield from asyncio.run(_measured(collector, min(seconds, LONGEST)))


async def _measured(collector: CollectorProcess, seconds: float) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    most = round(PER_MINUTE / 60 * seconds / GATEWAYS) + 4 * PROBES
    feeders = [await _feeder(collector, f"storm{n}", most) for n in range(GATEWAYS)]
    page, asker = Page(), Asker()
    with page.watching(collector):
        await _probe(feeders[0])
        found.append(await _delays("idle", page, feeders))
        over = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            for n in range(QUIET_GATEWAYS):
                group.create_task(_quiet(collector, f"quiet{n}", over))
            await _probe(feeders[1])
            found.append(await _delays("busy", page, feeders))
            before, used = page.times, collector.cpu_seconds()
            with asker.asking(collector):
                took = await _storm(feeders, seconds)
            used = collector.cpu_seconds() - used
            found.append(await _delays("storm", page, feeders))
            over.set()
    sent = sum(len(each.sent) for each in feeders)
    found.append(
        {
            "name": "alarms-through.storm",
            "seconds": round(took, 1),
            "alarms_per_minute": round((sent - 2 * PROBES) / took * 60),
            "cpu_cores": round(used / took, 2),
            "events": page.times - before,
            "cut": page.cut,
            "load": round(getloadavg()[0], 1),
            **_kept(collector.database, sent),
        }
    )
    return [*found, *_lists(asker)]


async def _feeder(collector: CollectorProcess, name: str, points: int) -> Feeder:
    def ladder(index: int) -> tuple[Level, ...]:
        colour = COLOURS[index % len(COLOURS)]
        return (Level(name="H", colour=colour, op=">=", limit=80.0, confirmed_by="bench"),)

    gateway = await _gateway(collector, name, manifest(name, name, points, ladder_of=ladder))
    link, stream = Link(collector.port, gateway), gateway.open()
    reply = await link.put_stream(gateway, stream, "live")
    assert reply.status == 200, reply
    link.close()  # or the collector does, before its turn comes
    return Feeder(gateway, link, stream, points)


async def _gateway(collector: CollectorProcess, name: str, described: bytes) -> BenchGateway:
    token = await asyncio.to_thread(collector.add_gateway, name, name)
    return BenchGateway(name, token, described)


async def _probe(feeder: Feeder) -> None:
    for _ in range(PROBES):
        await asyncio.gather(feeder.raise_next(1), asyncio.sleep(PROBE_EVERY))
    feeder.link.close()


async def _storm(feeders: list[Feeder], seconds: float) -> float:
    """Every gateway raises a share each second, one gateway after another; returns the seconds."""
    begun = real_monotonic()

    async def one(nth: int, feeder: Feeder) -> None:
        at, first = nth / GATEWAYS, feeder.next
        while at < seconds:
            await asyncio.sleep(begun + at - real_monotonic())
            at += 1.0
            owed = round(min(at, seconds) * PER_MINUTE / 60 / GATEWAYS)
            if (several := owed - (feeder.next - first)) > 0:
                await feeder.raise_next(several)

    async with asyncio.TaskGroup() as group:
        for nth, feeder in enumerate(feeders):
            group.create_task(one(nth, feeder))
    return real_monotonic() - begun


async def _quiet(collector: CollectorProcess, name: str, over: asyncio.Event) -> None:
    """Send a scan of all points each second."""
    points = QUIET // QUIET_GATEWAYS
    gateway = await _gateway(collector, name, manifest(name, name, points))
    link, stream = Link(collector.port, gateway), gateway.open()
    assert (await link.put_stream(gateway, stream, "live")).status == 200
    scans, nth, begun = scan_templates(points, points, 1), 0, real_monotonic()
    while not over.is_set():
        raw = stream.seal(scans[nth % len(scans)], CLOCK_NOW.now(), CLOCK_NOW.mono())
        reply = await link.post(gateway, stream, packed([raw]), "live")
        assert reply.status == 200, (reply.status, reply.body[:300])
        nth += 1
        await asyncio.sleep(begun + nth - real_monotonic())
    link.close()


async def _delays(name: str, page: Page, feeders: list[Feeder]) -> dict[str, Any]:
    """Return how long the alarms raised since the last look took to the page."""
    sent = {point: at for each in feeders for point, at in each.sent.items()}
    sent = {point: at for point, at in sent.items() if point not in page.looked}
    page.looked.update(sent)
    await asyncio.to_thread(page.wait_for, set(sent), SETTLES)
    took = {point: page.heard[point] - at for point, at in sent.items() if point in page.heard}
    red = [each for point, each in took.items() if _colour(point) is Colour.RED]
    return {
        "name": f"alarms-through.delay.{name}",
        "alarms": len(sent),
        "unheard": len(sent) - len(took),
        **_spread(list(took.values())),
        "red_max_ms": round(max(red, default=0.0) * 1e3, 1),
        "load": round(getloadavg()[0], 1),
    }


def _colour(point: str) -> Colour:
    return COLOURS[int(point.rpartition("/p")[2]) % len(COLOURS)]


def _spread(seconds: list[float]) -> dict[str, float]:
    return {
        "p50_ms": round(percentile(seconds, 0.5) * 1e3, 1),
        "p99_ms": round(percentile(seconds, 0.99) * 1e3, 1),
        "max_ms": round(max(seconds, default=0.0) * 1e3, 1),
    }


def _lists(asker: Asker) -> Iterator[dict[str, Any]]:
    for name, took in asker.took.items():
        yield {"name": f"alarms-through.lists.{name}", "asked": len(took), **_spread(took)}
    yield {"name": "alarms-through.lists.walked", "alarms": asker.pages * 500}


def _kept(database: Path, sent: int) -> dict[str, int]:
    """Count the process alarms that were stored; nothing is missing, nothing is there twice.

    A gateway that waits for its turn is silent, which is a fault and counted apart.
    """
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as conn:
        own = "rule NOT LIKE 'fault:%'"

        def one(sql: str) -> int:
            return int(conn.execute(sql).fetchone()[0])

        return {
            "sent": sent,
            "episodes": one(f"SELECT count(*) FROM episode WHERE {own}"),
            "doubled": one(f"SELECT count(*) - count(DISTINCT rule) FROM episode WHERE {own}"),
            "raises": one(f"SELECT count(*) FROM alarm_journal WHERE event = 'RAISE' AND {own}"),
            "without_journal": one(
                "SELECT count(*) FROM episode e WHERE NOT EXISTS "
                "(SELECT 1 FROM alarm_journal j WHERE j.episode = e.number AND j.event = 'RAISE')"
            ),
        }
