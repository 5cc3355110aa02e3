"""A clock moved by hand, a gateway that seals real batches, and a collector on a temporary file."""

import asyncio
from dataclasses import dataclass, field
from types import SimpleNamespace

from central.collector import Collector
from central.config import CentralConfig
from central.ingest.request import SENT, IngestRequest
from protocols.alarms.rule import Colour, Level
from protocols.clock import ClockState
from protocols.device import Bus, Device, Point
from protocols.errors import IngestError
from protocols.profile import MqttAddress, ProfilePoint
from protocols.quality import Quality
from protocols.wire.batch import Stamp, encode_events, encode_readings, encode_skip
from protocols.wire.chain import chain_next, chain_start
from protocols.wire.headers import (
    ClockReport,
    content_digest,
    format_chain,
    format_clock,
    new_nonce,
)
from protocols.wire.manifest import encode_manifest, manifest_digest
from protocols.wire.opening import Opening, encode_opening, new_stream_id
from protocols.wire.request import compress, pack
from protocols.words import Label, PointId, Purpose, Reading, StreamKind
from tests.central.template import fresh

SECOND = 1_000_000
START = 1_781_272_800_000_000
"""2026-06-12 22:00:00 +08:00."""
BOOT = "b0" * 16


class HandClock:
    """Stands still until moved; who sleeps wakes when the time has come."""

    def __init__(self, time=START, state=ClockState.SYNCHRONISED):
        self.time = time
        self.state = state
        self._sleepers = []

    def now(self):
        return self.time

    def mono(self):
        return self.time - START + 1_000 * SECOND

    async def sleep(self, microseconds):
        if microseconds <= 0:
            return
        sleeper = (self.time + microseconds, asyncio.get_running_loop().create_future())
        self._sleepers.append(sleeper)
        await sleeper[1]

    def move(self, seconds):
        self.time += round(seconds * SECOND)
        waiting = self._sleepers
        self._sleepers = [s for s in waiting if s[0] > self.time and not s[1].done()]
        for end, future in waiting:
            if end <= self.time and not future.done():
                future.set_result(None)


def level(name, limit, op=">=", colour=Colour.YELLOW, **more):
    return Level(
        name=name, limit=limit, op=op, colour=colour, status="E", confirmed_by="示例", **more
    )


HIGH = (level("H", 80.0, deadband=2.0), level("HH", 90.0, colour=Colour.RED, deadband=2.0))
LOW = (level("L", 20.0, "<="), level("LL", 10.0, "<=", Colour.RED))


@dataclass(frozen=True)
class PointSpec:
    """One point of the test site; `limits` are its ladder."""

    name: str
    type: str = "float"
    decimals: int | None = None
    limits: tuple = ()


POINTS = (
    PointSpec("level", decimals=2, limits=HIGH + LOW),
    PointSpec("smoke", "bool", limits=(level("fire", 1.0, "="),)),
    PointSpec("count", "int"),
    PointSpec("note", "text"),
)


def manifest(gateway="gw", points=POINTS, site="site", device="tank"):
    sites = [
        SimpleNamespace(
            name=site,
            label=Label("场所(示例)", "Site (example)"),
            region="441523",
            domain="flood_drought",
            longitude=115.6,
            latitude=23.2,
        )
    ]
    made = tuple(
        Point(
            index=index,
            id=PointId(site, gateway, device, spec.name),
            sheet=ProfilePoint(
                name=spec.name,
                label=Label(f"点位 {spec.name}", spec.name),
                quantity="tank_level",
                unit="%",
                address=MqttAddress(topic=spec.name),
                type=spec.type,
                decimals=spec.decimals,
            ),
            label=Label(f"点位 {spec.name}", spec.name),
            limits=spec.limits,
        )
        for index, spec in enumerate(points)
    )
    unit = Device(
        site=site,
        name=device,
        label=Label("储罐", "Tank"),
        profile="example/x",
        points=made,
        scan=1,
    )
    bus = Bus(name="bus", protocol="mqtt", devices=(unit,))
    return encode_manifest(gateway, Label("网关(示例)", "Gateway"), sites, [], [bus])


@dataclass
class Stream:
    """A stream of a gateway: what it sealed, in order, and the head after each batch."""

    opening: bytes
    id: str
    number: int
    batches: list = field(default_factory=list)
    heads: list = field(default_factory=list)
    seq: int = 0

    def seal(self, raw, n):
        self.heads.append(chain_next(self.head, raw))
        self.batches.append((self.seq + 1, n, raw))
        self.seq += n
        return len(self.batches) - 1

    @property
    def head(self):
        return self.heads[-1] if self.heads else chain_start(self.opening)


class Gateway:
    """Seals and sends like a gateway; its monotonic clock is the hand clock's."""

    def __init__(self, clock, name="gw", points=POINTS, boot=BOOT, wall_error=0):
        self.clock = clock
        self.name = name
        self.points = points
        self.boot = boot
        self.wall_error = wall_error
        self.manifest = manifest(name, points)
        self.streams = 0

    def open(self, kind=StreamKind.DATA, purpose=Purpose.PRODUCTION):
        self.streams += 1
        opening = Opening(
            stream=new_stream_id(),
            number=self.streams,
            gateway=self.name,
            kind=kind,
            boot=self.boot,
            purpose=purpose,
            manifest=manifest_digest(self.manifest),
            opened=self.clock.now() + self.wall_error,
        )
        return Stream(encode_opening(opening), opening.stream, self.streams)

    def stamp(self, stream, mono=None, state=None):
        return Stamp(
            clock_state=self.clock.state if state is None else state,
            number=stream.number,
            seq0=stream.seq + 1,
            mono0=self.clock.mono() if mono is None else mono,
            wall0=self.clock.now() + self.wall_error,
        )

    def reading(self, point, value, quality=Quality.GOOD, ago=0.0):
        names = [spec.name for spec in self.points]
        index = names.index(point) if isinstance(point, str) else point
        return Reading(index, value, int(quality), self.clock.mono() - round(ago * SECOND))

    def seal(self, stream, *readings, state=None):
        decimals = [spec.decimals for spec in self.points]
        top = max(reading.point for reading in readings)
        decimals += [None] * (top + 1 - len(decimals))
        raw = encode_readings(self.stamp(stream, state=state), list(readings), decimals)
        return stream.seal(raw, len(readings))

    def seal_events(self, stream, *events):
        return stream.seal(encode_events(self.stamp(stream), list(events)), len(events))

    def seal_skip(self, stream, reason, ledger):
        raw = encode_skip(self.stamp(stream), reason, ledger)
        return stream.seal(raw, sum(line.count for line in ledger))

    async def register(self, collector, stream, sent=SENT):
        body, encoding = compress(self.manifest)
        digest = manifest_digest(self.manifest)
        await collector.ingest.put_manifest(self.name, digest, body, encoding)
        await collector.ingest.put_stream(self.name, stream.id, stream.opening, sent)

    def request(self, stream, first=0, last=None, lane="live", **changed):
        """Return the request for the batches first..last (places in the stream's list)."""
        last = len(stream.batches) - 1 if last is None else last
        chosen = stream.batches[first : last + 1]
        body, encoding = pack([raw for _, _, raw in chosen])
        end = chosen[-1][0] + chosen[-1][1] - 1
        fields = {
            "body": body,
            "encoding": encoding,
            "content_digest": content_digest(body),
            "chain": format_chain(end, stream.heads[last]),
            "clock": self.clock_field(),
            "lane": lane,
            "nonce": new_nonce(),
        }
        return IngestRequest(**fields | changed)

    def clock_field(self):
        return format_clock(
            ClockReport(
                boot=self.boot,
                mono=self.clock.mono(),
                wall=self.clock.now() + self.wall_error,
                state=self.clock.state,
            )
        )

    async def send(self, collector, stream, first=0, last=None, **changed):
        request = self.request(stream, first, last, **changed)
        return await collector.ingest.post_batches(self.name, stream.id, request)

    async def deliver(self, collector, stream, *readings):
        """Seal one batch of `readings` and send it."""
        place = self.seal(stream, *readings)
        return await self.send(collector, stream, place)


async def refused(awaitable):
    """Return the refusal's code, status and params."""
    try:
        await awaitable
    except IngestError as exc:
        return exc.code, exc.status, exc.params
    raise AssertionError("was not refused")


def config_in(folder):
    return CentralConfig(file=folder / "central.yaml", database=folder / "collector.db")


async def open_collector(folder, clock):
    """Open the collector of `folder`; a new one begins with a copy of today's empty tables."""
    config = config_in(folder)
    fresh(config.database)
    return await Collector.open(config, clock)
