"""Stand-ins for what a gateway's parts talk to: time, a bus, a collector. Small, and honest."""

import asyncio
import json
import random
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from protocols.clock import ClockState
from protocols.device import Device
from protocols.errors import DriverError
from protocols.wire.answer import Answer, encode_answer
from protocols.wire.batch import EventsBatch, ReadingsBatch, SkipBatch, decode_batch
from protocols.wire.chain import chain_next, chain_start, digest
from protocols.wire.cursors import Cursor, Cursors, decode_question, encode_cursors
from protocols.wire.headers import parse_chain, parse_content_digest
from protocols.wire.opening import Opening, decode_opening, encode_opening
from protocols.wire.request import inflate, unpack
from protocols.words import Event, Reading, Sample


class FakeClock:
    """Time that moves only when told; `sleep` returns when time has come."""

    def __init__(self, now: int = 1_700_000_000_000_000) -> None:
        self.time = now
        self._sleepers: list[tuple[int, asyncio.Future[None]]] = []

    @property
    def state(self) -> ClockState:
        return ClockState.STORY

    def now(self) -> int:
        return self.time

    def mono(self) -> int:
        return self.time

    async def sleep(self, microseconds: int) -> None:
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._sleepers.append((self.time + max(0, microseconds), done))
        await done

    async def advance(self, microseconds: int) -> None:
        """Let time pass, waking each sleeper at its own moment."""
        end = self.time + microseconds
        while due := [s for s in self._sleepers if s[0] <= end and not s[1].done()]:
            first = min(due, key=lambda sleeper: sleeper[0])
            self._sleepers.remove(first)
            self.time = max(self.time, first[0])
            first[1].set_result(None)
            await settle()
        self.time = end
        await settle()


async def settle(turns: int = 20) -> None:
    """Let everything that can run do so."""
    for _ in range(turns):
        await asyncio.sleep(0)


class FakePolledDriver:
    """Answers from a script: device name to a function of time that returns readings or raises."""

    def __init__(self, script: dict[str, Callable[[int], Sequence[Reading]]], clock: Any) -> None:
        self.script = script
        self.asked: list[tuple[str, int]] = []
        self.closed = 0
        self.reading = 0
        self._clock = clock

    async def open(self) -> None:
        return

    async def read(self, device: Device) -> Sample:
        self.reading += 1
        assert self.reading == 1, "two requests on one bus"
        try:
            self.asked.append((device.name, self._clock.mono()))
            await asyncio.sleep(0)
            return Sample(self.script[device.name](self._clock.mono()))
        finally:
            self.reading -= 1

    async def close(self) -> None:
        self.closed += 1


class FakePushedDriver:
    """Delivers what is put into `samples`; an exception there is raised."""

    def __init__(self) -> None:
        self.samples: asyncio.Queue[Sample | DriverError | RuntimeError] = asyncio.Queue()
        self.opened = 0
        self.closed = 0

    async def open(self) -> None:
        self.opened += 1

    async def receive(self) -> Sample:
        item = await self.samples.get()
        if isinstance(item, Exception):
            raise item
        return item

    async def close(self) -> None:
        self.closed += 1


@dataclass
class Held:
    """One stream as a collector holds it; `items` are (seq, reading or event)."""

    opening: Opening
    head: bytes
    cursor: int = 0
    items: list[tuple[int, Reading | Event]] = field(default_factory=list)
    skipped: list[SkipBatch] = field(default_factory=list)
    heads: dict[int, bytes] = field(default_factory=dict)

    def restore(self, cursor: int) -> None:
        """Go back to a backup made when the cursor was there."""
        self.items = [item for item in self.items if item[0] <= cursor]
        self.skipped = [skip for skip in self.skipped if skip.header.last <= cursor]
        self.head = self.heads[cursor] if cursor else chain_start(encode_opening(self.opening))
        self.cursor = cursor


Fault = Callable[[str], str | None]
"""Lane (or `PUT`, `health`) to what goes wrong with this request; None: nothing."""


@dataclass(frozen=True)
class Snapshot:
    """Where every stream was, and which manifests were known."""

    cursors: dict[str, int]
    manifests: dict[str, bytes]


class FakeCollector:
    """A real HTTP server that keeps the commit rule, and goes wrong when `fault` says so.

    Faults: `silent` commits and never answers, `cut` closes before committing, `busy` 503, `html` a
    portal's page with 200, `html404`, `gap` refuses though nothing is missing.
    """

    def __init__(self, fault: Fault = lambda _: None) -> None:
        self.fault = fault
        self.streams: dict[str, Held] = {}
        self.manifests: dict[str, bytes] = {}
        self.incarnation = "1c" * 16
        self.safe: Callable[[int], int] = lambda cursor: cursor
        self.credit = 1 << 24
        self.tokens: list[str] = []
        self.asked: list[tuple[str, str]] = []
        self.retry_after = "0"
        self.order: list[tuple[str, str, int]] = []
        self.health: list[dict[str, Any]] = []
        self.duplicates = 0
        self.trust: Callable[[str], bytes] = lambda nonce: b""
        self.lock = threading.Lock()
        self.changed = threading.Condition(self.lock)
        collector = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_PUT(self) -> None:
                collector.serve(self, "PUT")

            def do_POST(self) -> None:
                collector.serve(self, "POST")

            def do_GET(self) -> None:
                with collector.changed:
                    collector.asked.append(("GET", self.path))
                body = collector.trust(self.headers.get("Fengsui-Nonce", ""))
                reply(self, 200 if body else 404, body)

            def log_message(self, *_: object) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def snapshot(self) -> Snapshot:
        """Take a snapshot of all there is, to go back to."""
        with self.lock:
            cursors = {stream: held.cursor for stream, held in self.streams.items()}
            return Snapshot(cursors, dict(self.manifests))

    def go_back(self, to: Snapshot) -> None:
        """Be as at `to`, under the same incarnation: a virtual machine's snapshot put back."""
        with self.lock:
            self.manifests = dict(to.manifests)
            self.streams = {s: held for s, held in self.streams.items() if s in to.cursors}
            for stream, held in self.streams.items():
                held.restore(to.cursors[stream])

    def wait_for(self, holds: Callable[["FakeCollector"], bool], seconds: float = 20.0) -> bool:
        """Return whether `holds` came true in time; looked at after every request."""
        with self.changed:
            return self.changed.wait_for(lambda: holds(self), seconds)

    def count(self) -> int:
        return sum(len(held.items) for held in self.streams.values())

    def values(self, kind: str = "DATA") -> list[Any]:
        """Return the values of all readings of a kind, stream after stream."""
        streams = sorted(self.streams.values(), key=lambda held: held.opening.number)
        return [
            item.value
            for held in streams
            if held.opening.kind.name == kind
            for _, item in held.items
            if isinstance(item, Reading)
        ]

    def events(self) -> list[Event]:
        return [
            item
            for held in self.streams.values()
            for _, item in held.items
            if isinstance(item, Event)
        ]

    # --- one request ---------------------------------------------------------------------------

    def serve(self, request: BaseHTTPRequestHandler, method: str) -> None:
        body = request.rfile.read(int(request.headers.get("Content-Length", 0)))
        parts = request.path.removeprefix("/api/v1/ingest/").split("/")
        named = request.headers.get("Fengsui-Lane", "health")
        lane = "PUT" if method == "PUT" else named
        with self.changed:
            self.asked.append((method, named))
            self.tokens.append(request.headers.get("Authorization", ""))
            self.changed.notify_all()
            fault = self.fault(lane)
            if fault == "cut":
                request.close_connection = True
                return
            if fault is not None and (page := PAGES.get(fault)):
                reply(request, *page, retry_after=self.retry_after)
                return
            status, answer = self._do(method, parts, request, body, fault)
            self.changed.notify_all()
        if fault == "silent":
            request.close_connection = True
            return
        reply(request, status, answer)

    def _do(
        self,
        method: str,
        parts: list[str],
        request: BaseHTTPRequestHandler,
        body: bytes,
        fault: str | None,
    ) -> tuple[int, bytes]:
        if parts[0] == "health":
            self.health.append(json.loads(body))
            return 200, b""
        if parts[0] == "cursors":
            return 200, self._cursors(request.headers["Fengsui-Nonce"], body)
        if parts[0] == "manifests":
            data = inflate(body, request.headers["Content-Encoding"])
            assert digest(data).hex() == parts[1]
            self.manifests[parts[1]] = data
            return 200, b""
        if method == "PUT":
            return self._open(parts[1], body)
        return self._batches(parts[1], request, body, fault)

    def _cursors(self, nonce: str, body: bytes) -> bytes:
        held = {stream: self.streams.get(stream) for stream in decode_question(body)}
        cursors = {stream: found.cursor if found else 0 for stream, found in held.items()}
        streams = {stream: Cursor(at, self.safe(at)) for stream, at in cursors.items()}
        return encode_cursors(Cursors(incarnation=self.incarnation, nonce=nonce, streams=streams))

    def _open(self, stream: str, body: bytes) -> tuple[int, bytes]:
        opening = decode_opening(body)
        assert opening.stream == stream
        if opening.manifest not in self.manifests:
            return 428, b'{"code":"MANIFEST_UNKNOWN","params":{}}'
        self.streams.setdefault(stream, Held(opening, chain_start(body)))
        return 200, b""

    def _batches(
        self, stream: str, request: BaseHTTPRequestHandler, body: bytes, fault: str | None
    ) -> tuple[int, bytes]:
        nonce = request.headers["Fengsui-Nonce"]
        held = self.streams.get(stream)
        if held is None:
            return 404, self._answer(stream, nonce, 0, "STREAM_UNKNOWN", 1)
        assert parse_content_digest(request.headers["Content-Digest"]) == digest(body)
        raw = unpack(body, request.headers["Content-Encoding"])
        batches = [decode_batch(each) for each in raw]
        first, last = batches[0].header.seq0, batches[-1].header.last
        said = parse_chain(request.headers["Fengsui-Chain"])
        assert said[0] == last
        if fault == "gap" or first > held.cursor + 1:
            return 409, self._answer(stream, nonce, held.cursor, "GAP", held.cursor + 1)
        if last <= held.cursor:
            self.duplicates += 1
            return 200, self._answer(stream, nonce, held.cursor)
        new = [(b, r) for b, r in zip(batches, raw, strict=True) if b.header.last > held.cursor]
        if new[0][0].header.seq0 != held.cursor + 1:
            return 409, self._answer(stream, nonce, held.cursor, "NOT_AN_EDGE", held.cursor + 1)
        head = held.head
        for _, each in new:
            head = chain_next(head, each)
        if head != said[1]:
            return 400, self._answer(stream, nonce, held.cursor, "CHAIN", held.cursor + 1)
        self._store(held, [batch for batch, _ in new])
        held.head, held.cursor = head, last
        held.heads[last] = head
        self.order.append((request.headers["Fengsui-Lane"], stream, last))
        return 200, self._answer(stream, nonce, last)

    def _store(
        self, held: Held, batches: Sequence[ReadingsBatch | EventsBatch | SkipBatch]
    ) -> None:
        for batch in batches:
            if isinstance(batch, SkipBatch):
                held.skipped.append(batch)
                continue
            found = batch.events if isinstance(batch, EventsBatch) else batch.readings()
            held.items += list(enumerate(found, batch.header.seq0))

    def _answer(
        self, stream: str, nonce: str, cursor: int, code: str | None = None, expected: int = 0
    ) -> bytes:
        held = self.streams.get(stream)
        head = {"head": held.head.hex()} if held and code else {}
        return encode_answer(
            Answer(
                stream=stream,
                committed=cursor,
                safe=self.safe(cursor),
                incarnation=self.incarnation,
                credit=self.credit,
                retry_after_ms=0,
                now=1_700_000_000_000_000,
                nonce=nonce,
                code=code,
                params=head,
                expected=expected or None,
            )
        )


PAGES = {
    "busy": (503, b'{"code":"BUSY","params":{}}'),
    "html": (200, b"<html><body>Please log in</body></html>"),
    "html404": (404, b"<html>no such page</html>"),
    "slow": (408, b'{"code":"SLOW","params":{}}'),
    "refused": (401, b'{"code":"UNAUTHENTICATED","params":{}}'),
    "foreign": (403, b'{"code":"FORBIDDEN","params":{}}'),
    "slow headers": (408, b'{"code":"HEADERS_SLOW","params":{},"request":""}'),
    "target": (400, b'{"code":"TARGET_REFUSED","params":{},"request":""}'),
    "malformed": (400, b'{"code":"HTTP_MALFORMED","params":{},"request":""}'),
    "headers": (431, b'{"code":"HEADERS_TOO_LARGE","params":{},"request":""}'),
    "many": (429, b'{"code":"TOO_MANY","params":{"seconds":1}}'),
}


def reply(
    request: BaseHTTPRequestHandler, status: int, body: bytes, retry_after: str = "0"
) -> None:
    request.send_response(status)
    request.send_header("Content-Length", str(len(body)))
    if status == 503:
        request.send_header("Retry-After", retry_after)
    request.end_headers()
    request.wfile.write(body)


def lossy(seed: int, share: float) -> Fault:
    """Return faults of every sort at random, for `share` of the requests."""
    dice = random.Random(seed)
    kinds = ("silent", "cut", "busy", "html", "html404", "gap")

    def fault(lane: str) -> str | None:
        if dice.random() >= share:
            return None
        return dice.choice(kinds if lane in ("alarm", "live", "backfill") else kinds[1:5])

    return fault
