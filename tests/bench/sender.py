"""Gateways for benches: real manifests, streams, batches and requests, sent over HTTP/1.1.

A batch's columns are encoded once and sealed again and again under new numbers and times: times
inside a batch count from its header, so the bytes are those a gateway would have written.
"""

import asyncio
import json
import random
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from edge.proving import Proof
from protocols.alarms.rule import Colour, Level
from protocols.clock import ClockState, SystemClock
from protocols.device import Bus, Device, Point
from protocols.profile import MqttAddress, ProfilePoint
from protocols.wire.batch import BatchKind, Stamp, encode_readings, read_header
from protocols.wire.chain import chain_next, chain_start
from protocols.wire.header import put_header
from protocols.wire.headers import (
    CHAIN,
    CLOCK,
    CONTENT_DIGEST,
    LANE,
    NONCE,
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
from tests.bench.keys import Identities

CLOCK_NOW = SystemClock()
SECOND = 1_000_000


def ladder() -> tuple[Level, ...]:
    """Four confirmed levels: LL, L, H, HH."""
    more: dict[str, Any] = {"status": "E", "confirmed_by": "bench", "deadband": 1.0}
    return tuple(
        Level(name=name, limit=limit, op=op, colour=colour, **more)
        for name, limit, op, colour in (
            ("H", 80.0, ">=", Colour.YELLOW),
            ("HH", 90.0, ">=", Colour.RED),
            ("L", 20.0, "<=", Colour.YELLOW),
            ("LL", 10.0, "<=", Colour.RED),
        )
    )


def manifest(
    gateway: str,
    site: str,
    points: int,
    *,
    decimals: int | None = 2,
    ladder_of: Callable[[int], tuple[Level, ...]] | None = None,
) -> bytes:
    """Return a manifest of `points` numeric points with a ladder each, or that of `ladder_of`."""
    described = SimpleNamespace(
        name=site, label=Label(site), region="441523", domain="lifelines", longitude=1.0, latitude=1
    )
    described.latitude = 1.0
    limits = ladder()
    made = tuple(
        Point(
            index=index,
            id=PointId(site, gateway, "unit", f"p{index}"),
            sheet=ProfilePoint(
                name=f"p{index}",
                label=Label(f"点位 {index}", f"point {index}"),
                quantity="tank_level",
                unit="%",
                address=MqttAddress(topic=f"p{index}"),
                type="float",
                decimals=decimals,
            ),
            label=Label(f"点位 {index}", f"point {index}"),
            limits=limits if ladder_of is None else ladder_of(index),
        )
        for index in range(points)
    )
    unit = Device(
        site=site, name="unit", label=Label("unit"), profile="bench/x", points=made, scan=1
    )
    bus = Bus(name="bus", protocol="mqtt", devices=(unit,))
    return encode_manifest(gateway, Label(gateway), [described], [], [bus])


class Template:
    """One encoded batch whose columns are sealed under any numbers."""

    def __init__(self, readings: list[Reading], decimals: list[int | None]) -> None:
        stamp = Stamp(clock_state=ClockState.SYNCHRONISED, number=1, seq0=1, mono0=0, wall0=0)
        raw = encode_readings(stamp, readings, decimals)
        self.n = len(readings)
        self._body = raw[read_header(raw)[1] :]

    def sealed(self, number: int, seq0: int, mono0: int, wall0: int) -> bytes:
        """Return the batch that begins at `seq0`, opened at these clocks."""
        out = bytearray()
        stamp = Stamp(
            clock_state=ClockState.SYNCHRONISED, number=number, seq0=seq0, mono0=mono0, wall0=wall0
        )
        put_header(out, BatchKind.READINGS, stamp, self.n)
        return bytes(out + self._body)


def scan_templates(points: int, per_batch: int, period: int) -> list[Template]:
    """Return batches as a poller makes them: all points at one moment, scan after scan.

    Values wander between 30 and 70, within every limit; `period` µs between two scans.
    """
    templates = []
    chance = random.Random(points)
    values = [chance.uniform(40, 60) for _ in range(points)]
    decimals: list[int | None] = [2] * points
    row = 0
    for _ in range(max(8, -(-points // per_batch))):
        readings, scan0 = [], row // points
        for _ in range(per_batch):
            scan, point = divmod(row, points)
            values[point] = min(70.0, max(30.0, values[point] + chance.gauss(0, 0.3)))
            readings.append(Reading(point, round(values[point], 2), 0, (scan - scan0) * period))
            row += 1
        templates.append(Template(readings, decimals))
    return templates


@dataclass
class Stream:
    """One stream: what was sealed last, and the head after it."""

    opening: bytes
    id: str
    number: int
    head: bytes = b""
    seq: int = 0

    def seal(self, template: Template, at: int, mono: int) -> bytes:
        """Seal the next batch; `at` is its opening in µs UTC, `mono` that on the boot's clock."""
        raw = template.sealed(self.number, self.seq + 1, mono, at)
        return self.add(raw, template.n)

    def add(self, raw: bytes, n: int) -> bytes:
        """Append a batch of `n` numbers."""
        self.seq += n
        self.head = chain_next(self.head, raw)
        return raw


@dataclass
class BenchGateway:
    """One gateway: a manifest, streams by number, and a token, or a key among `identities`.

    `tls`: how it knows its collector; None: plain HTTP.
    """

    name: str
    token: str
    manifest: bytes
    identities: Identities | None = None
    tls: ssl.SSLContext | None = None
    boot: str = field(default_factory=new_stream_id)
    streams: int = 0

    def open(self, kind: StreamKind = StreamKind.DATA) -> Stream:
        """Mint a stream."""
        self.streams += 1
        opening = Opening(
            stream=new_stream_id(),
            number=self.streams,
            gateway=self.name,
            kind=kind,
            boot=self.boot,
            purpose=Purpose.PRODUCTION,
            manifest=manifest_digest(self.manifest),
            opened=CLOCK_NOW.now(),
            sig_alg="none" if self.identities is None else "ed25519",
        )
        raw = encode_opening(opening)
        return Stream(raw, opening.stream, self.streams, chain_start(raw))


@dataclass(frozen=True)
class Reply:
    """What the collector answered."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        found = json.loads(self.body) if self.body else {}
        return found if isinstance(found, dict) else {}


class Link:
    """One kept HTTP/1.1 connection of a gateway, made when needed.

    Requests are proved as the product does it. What a gateway does with an answer is left out: here
    one process stands for all of them.
    """

    def __init__(self, port: int, gateway: BenchGateway) -> None:
        self._port = port
        self._gateway = gateway
        known = gateway.identities
        self._proof: Proof | None = None if known is None else known.proof(gateway.name)
        self._ends: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(
        self, method: str, path: str, body: bytes, fields: dict[str, str] | None = None
    ) -> Reply:
        """Send a request and read its answer. Raises OSError, asyncio.IncompleteReadError."""
        reply = await self._ask_once(method, path, body, fields or {})
        if self._proof is not None and self._proof.asks_again(reply.status, reply.body):
            reply = await self._ask_once(method, path, body, fields or {})
        return reply

    async def _ask_once(
        self, method: str, path: str, body: bytes, fields: Mapping[str, str]
    ) -> Reply:
        if self._ends is None:
            tls = self._gateway.tls
            self._ends = await asyncio.open_connection("127.0.0.1", self._port, ssl=tls)
        reader, writer = self._ends
        target = f"/api/v1/ingest/{path}"
        lines = [
            f"{method} {target} HTTP/1.1",
            "Host: bench",
            f"Content-Length: {len(body)}",
            *(f"{k}: {v}" for k, v in self._proved(method, target, body, fields).items()),
        ]
        try:
            writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
            await writer.drain()
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            headers = {
                name.lower(): value.strip()
                for name, _, value in (line.partition(":") for line in head[1:] if line)
            }
            content = await reader.readexactly(int(headers.get("content-length", "0")))
        except BaseException:
            self.close()
            raise
        if headers.get("connection") == "close":
            self.close()
        return Reply(int(head[0].split()[1]), headers, content)

    def _proved(
        self, method: str, target: str, body: bytes, fields: Mapping[str, str]
    ) -> Mapping[str, str]:
        if self._proof is None:
            return {"Authorization": f"Bearer {self._gateway.token}", **fields}
        return self._proof.fields(method, target, body, fields)

    def close(self) -> None:
        """Let go of the connection."""
        if self._ends is not None:
            self._ends[1].close()
            self._ends = None

    async def put_stream(self, gateway: BenchGateway, stream: Stream, lane: str) -> Reply:
        """Open a stream; the manifest goes first when it is not known."""
        fields = {LANE: lane}
        opening = {**fields, CLOCK: format_clock(self._report())}
        reply = await self.ask("PUT", f"streams/{stream.id}", stream.opening, opening)
        if reply.status == 428:
            body, encoding = compress(gateway.manifest)
            digest = manifest_digest(gateway.manifest)
            sent = await self.ask(
                "PUT", f"manifests/{digest}", body, {**fields, "Content-Encoding": encoding}
            )
            if sent.status != 200:
                return sent
            reply = await self.ask("PUT", f"streams/{stream.id}", stream.opening, opening)
        return reply

    async def post(
        self, gateway: BenchGateway, stream: Stream, packed: tuple[bytes, str], lane: str
    ) -> Reply:
        """Send a request that ends at the stream's newest batch."""
        return await self.post_at(gateway, stream, packed, (stream.seq, stream.head, lane))

    async def post_at(
        self,
        gateway: BenchGateway,
        stream: Stream,
        packed: tuple[bytes, str],
        where: tuple[int, bytes, str],
    ) -> Reply:
        """Send a request; `where` is its last number, the head after it, and the lane."""
        body, encoding = packed
        seq, head, lane = where
        fields = {
            "Content-Encoding": encoding,
            CONTENT_DIGEST: content_digest(body),
            CHAIN: format_chain(seq, head),
            CLOCK: format_clock(self._report()),
            LANE: lane,
            NONCE: new_nonce(),
        }
        return await self.ask("POST", f"streams/{stream.id}/batches", body, fields)

    def _report(self) -> ClockReport:
        return ClockReport(
            boot=self._gateway.boot,
            mono=CLOCK_NOW.mono(),
            wall=CLOCK_NOW.now(),
            state=ClockState.SYNCHRONISED,
        )


def packed(batches: list[bytes]) -> tuple[bytes, str]:
    """Return a request's body and its content coding."""
    return pack(batches)
