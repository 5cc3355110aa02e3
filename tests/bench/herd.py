"""`make bench ONLY=herd`: a thousand gateways come back at once.

One process simulates them over the real protocol: two connections each, one for alarms, one for
what is live and then for the backlog, with the back-off of the real gateway. Every gateway is known
from before; the streams are new. Afterwards the database is counted: nothing lost, nothing twice.

`make bench ONLY=herd-signed`: the same, then once more over TLS with gateways that sign, which is
how they are delivered. What each gateway spends on its own TLS and signatures is spent by the one
process here.
"""

import asyncio
import contextlib
import random
import resource
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from central.ingest.figures import percentile
from edge.patience import FIRST, MOST
from edge.trust import context_of
from protocols.clock import ClockState, real_monotonic
from protocols.wire.batch import Stamp, encode_events
from protocols.words import Event, Reading, StreamKind
from tests.bench.collector import CollectorProcess
from tests.bench.keys import Identities
from tests.bench.sender import (
    CLOCK_NOW,
    SECOND,
    BenchGateway,
    Link,
    Reply,
    Stream,
    Template,
    manifest,
    packed,
)
from tests.central.stored import with_readings

SITE = "herd"
GATEWAYS = 1_000
POINTS = 20
BACKLOG = 20
"""Batches of a backlog, each of PER_BATCH readings."""
PER_BATCH = 50
PER_REQUEST = 10
PATIENCE = {lane.name.lower(): (FIRST[lane], MOST[lane]) for lane in FIRST}
"""Full jitter as of the real gateway: the first pause's bound and the longest, in seconds."""
LEAST_FILES = 8_192
TOGETHER = 32
"""Gateways introduced side by side before the herd comes."""


@dataclass
class Tally:
    """What all gateways met: seconds from the first try to committed, and refusals, by lane."""

    took: dict[str, list[float]] = field(default_factory=lambda: {lane: [] for lane in PATIENCE})
    refused: Counter[str] = field(default_factory=Counter)
    alarm_errors: int = 0
    stored: Counter[str] = field(default_factory=Counter)


def measure(gateways: int = GATEWAYS) -> Iterator[dict[str, Any]]:
    """Yield the one figure."""
    yield _came_back(gateways, secure=False)


def measure_signed(gateways: int = GATEWAYS) -> Iterator[dict[str, Any]]:
    """Yield the figure of plain gateways, and that of those that sign."""
    plain = _came_back(gateways, secure=False)
    yield plain
    signed = _came_back(gateways, secure=True)
    of_plain = {
        f"{key}_of_plain": round(signed[key] / max(plain[key], 0.01), 2)
        for key in ("alarm_p99_s", "seconds", "cpu_seconds")
    }
    yield {**signed, "name": "herd.signed", "tls": True, **of_plain}


def _came_back(gateways: int, *, secure: bool) -> dict[str, Any]:
    more_files()
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
        tempfile.TemporaryDirectory(prefix="bench-keys-") as keys,
    ):
        names = [f"gw-{nth:04d}" for nth in range(gateways)]
        identities = Identities.made(Path(keys), names) if secure else None
        with CollectorProcess(Path(folder), identities=identities, tls=secure) as collector:
            return _figure(collector, names, identities)


def _figure(
    collector: CollectorProcess, names: list[str], identities: Identities | None
) -> dict[str, Any]:
    herd = _herd(collector, names, identities)
    tally = Tally()
    asyncio.run(_introduce(collector.port, herd))
    template = _scans()
    back = [_returning(gateway, template, _high()) for gateway in herd]
    began, used = real_monotonic(), collector.cpu_seconds()
    asyncio.run(_come_back(collector.port, back, tally, template))
    seconds, used = real_monotonic() - began, collector.cpu_seconds() - used
    held = count(collector.database, herd)
    return {
        "name": "herd",
        "gateways": len(names),
        "seconds": round(seconds, 1),
        "cpu_seconds": round(used, 1),
        **{
            f"{lane}_p{share}_s": round(percentile(took, share / 100), 2)
            for lane, took in tally.took.items()
            for share in (50, 99)
        },
        "refused": dict(tally.refused),
        "alarm_5xx": tally.alarm_errors,
        "readings": sum(tally.stored.values()),
        "lost": sum((tally.stored - held).values()),
        "doubled": sum((held - tally.stored).values()),
    }


def _herd(
    collector: CollectorProcess, names: list[str], identities: Identities | None
) -> list[BenchGateway]:
    """Register gateways; over TLS those with keys, which all know the same of the collector."""
    tokens = collector.add_gateways(names, SITE)
    known = None if identities is None else identities.known(names[0])
    tls = None if known is None else context_of(known, by_clock=True)
    return [
        BenchGateway(name, token, manifest(name, SITE, POINTS), identities, tls)
        for name, token in zip(names, tokens, strict=True)
    ]


def more_files() -> None:
    """Let this process, and what it starts, hold two connections a gateway."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < LEAST_FILES:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (min(LEAST_FILES, hard), hard))


def count(database: Path, herd: list[BenchGateway]) -> Counter[str]:
    """Return how many readings and events of each gateway are stored."""
    held: Counter[str] = Counter()
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as conn:
        held.update(
            dict(
                with_readings(conn).execute(
                    "SELECT s.gateway, count(*) FROM reading r JOIN stream s ON s.number = r.stream"
                    " GROUP BY s.gateway"
                )
            )
        )
        for gateway in herd:
            events = conn.execute(
                "SELECT count(*) FROM event WHERE code = 'DEVICE_UNREACHABLE' AND subject = ?",
                (f"{gateway.name}/{SITE}/unit",),
            )
            held[gateway.name] += events.fetchone()[0]
    return held


async def _introduce(port: int, herd: list[BenchGateway]) -> None:
    """Before the outage every gateway was here once: its manifest is known."""
    room = asyncio.Semaphore(TOGETHER)

    async def one(gateway: BenchGateway) -> None:
        async with room:
            link = Link(port, gateway)
            reply = await link.put_stream(gateway, gateway.open(), "live")
            assert reply.status == 200, reply
            link.close()

    async with asyncio.TaskGroup() as group:
        for gateway in herd:
            group.create_task(one(gateway))


@dataclass
class Returning:
    """A gateway with what it sealed while it was away: the herd's time is the collector's."""

    gateway: BenchGateway
    alarms: Stream
    first: tuple[bytes, str]
    live: Stream
    now: tuple[bytes, str]
    late: Stream


def _returning(gateway: BenchGateway, template: Template, high: Template) -> Returning:
    now, mono = CLOCK_NOW.now(), CLOCK_NOW.mono()
    alarms, live, late = gateway.open(StreamKind.ALARM), gateway.open(), gateway.open()
    first = packed([alarms.seal(high, now, mono), _event(alarms, now, mono)])
    return Returning(gateway, alarms, first, live, packed([live.seal(template, now, mono)]), late)


async def _come_back(port: int, herd: list[Returning], tally: Tally, template: Template) -> None:
    async with asyncio.TaskGroup() as group:
        for each in herd:
            group.create_task(_alarms(Link(port, each.gateway), each, tally))
            group.create_task(_data(Link(port, each.gateway), each, tally, template))


async def _alarms(link: Link, back: Returning, tally: Tally) -> None:
    gateway, stream = back.gateway, back.alarms
    await _until_open(link, gateway, stream, ("alarm", tally))
    await _until_committed(link, gateway, stream, (back.first, "alarm", tally))
    tally.stored[gateway.name] += 3
    high = _high()
    for nth in (1, 2):
        now, mono = CLOCK_NOW.now(), CLOCK_NOW.mono()
        sealed = [stream.seal(high, now, mono), _event(stream, now, mono)]
        await _until_committed(link, gateway, stream, (packed(sealed), "alarm", tally))
        tally.stored[gateway.name] += 3
        await asyncio.sleep(random.uniform(0, 0.1) * nth)
    link.close()


async def _data(link: Link, back: Returning, tally: Tally, template: Template) -> None:
    gateway, late = back.gateway, back.late
    now, mono = CLOCK_NOW.now(), CLOCK_NOW.mono()
    await _until_open(link, gateway, back.live, ("live", tally))
    await _until_committed(link, gateway, back.live, (back.now, "live", tally))
    await _until_open(link, gateway, late, ("backfill", tally))
    for first in range(0, BACKLOG, PER_REQUEST):
        ago = 3_600 * SECOND
        sealed = packed(
            [
                late.seal(template, now - ago + nth * 3 * SECOND, mono - ago + nth * 3 * SECOND)
                for nth in range(first, min(first + PER_REQUEST, BACKLOG))
            ]
        )
        await _until_committed(link, gateway, late, (sealed, "backfill", tally))
    tally.stored[gateway.name] += PER_BATCH * (1 + BACKLOG)
    link.close()


@cache
def _high() -> Template:
    return Template([Reading(0, 95.0, 0, 0), Reading(1, 50.0, 0, 0)], [2] * POINTS)


def _scans() -> Template:
    readings = [
        Reading(row % POINTS, 50.0 + row % 7, 0, row // POINTS * SECOND) for row in range(PER_BATCH)
    ]
    return Template(readings, [2] * POINTS)


def _event(stream: Stream, now: int, mono: int) -> bytes:
    stamp = Stamp(
        clock_state=ClockState.SYNCHRONISED,
        number=stream.number,
        seq0=stream.seq + 1,
        mono0=mono,
        wall0=now,
    )
    event = Event("DEVICE_UNREACHABLE", f"{SITE}/unit", mono, ())
    return stream.add(encode_events(stamp, [event]), 1)


async def _until_open(
    link: Link, gateway: BenchGateway, stream: Stream, how: tuple[str, Tally]
) -> None:
    lane, tally = how
    began = real_monotonic()
    for tries in range(1_000):
        reply = await _try(link.put_stream(gateway, stream, lane))
        if reply is not None and reply.status == 200:
            break
        await _wait(reply, lane, tries, tally)
    tally.took[lane].append(real_monotonic() - began)


async def _until_committed(
    link: Link,
    gateway: BenchGateway,
    stream: Stream,
    what: tuple[tuple[bytes, str], str, Tally],
) -> None:
    body, lane, tally = what
    began = real_monotonic()
    for tries in range(1_000):
        reply = await _try(link.post(gateway, stream, body, lane))
        if reply is not None and reply.status == 200:
            assert reply.json["committed"] == stream.seq, reply
            break
        await _wait(reply, lane, tries, tally)
    tally.took[lane].append(real_monotonic() - began)


async def _try(asking: Any) -> Reply | None:
    try:
        return await asking
    except (OSError, asyncio.IncompleteReadError):
        return None


async def _wait(reply: Reply | None, lane: str, tries: int, tally: Tally) -> None:
    code = "unreachable" if reply is None else f"{reply.status} {reply.json.get('code', '')}"
    tally.refused[f"{lane} {code}"] += 1
    if lane == "alarm" and reply is not None and reply.status >= 500:
        tally.alarm_errors += 1
    multiplier, most = PATIENCE[lane]
    pause = random.uniform(0, min(most, multiplier * 2 ** min(tries, 10)))
    asked = float(reply.headers.get("retry-after", "0")) if reply is not None else 0.0
    await asyncio.sleep(max(pause, asked))
