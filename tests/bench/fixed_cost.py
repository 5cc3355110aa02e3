"""What a signed request costs between the socket and the collector's answer, beside its readings.

One gateway's request goes again and again through the server's protocol, the guards, signature,
admission and gate, to the bytes of the signed answer; there is no socket under it. What it holds
was opened and committed once: from then on both are answered from what came of that. Calls are
counted in rounds of their own and are the same on every machine; microseconds are the least
processor time of many rounds, with and without the mathematics of both signatures.
"""

import asyncio
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any, Final

from uvicorn.server import ServerState

from central.api.app import create_app
from central.api.guarded_protocol import GuardedProtocol
from central.api.server import loop_factory, settings
from central.collector import Collector
from central.guard.buckets import Buckets
from central.ingest import request as requests
from protocols.clock import SystemClock
from tests.central.api.test_signed import Site, signed_stream
from tests.central.builders import config_in

READINGS: Final = 10
COUNTED: Final = 100
REPEATS: Final = 100
ROUNDS: Final = 100
OURS: Final = __file__


class Line:
    """A transport that keeps what is written."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.write = self.written.append

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return {"sockname": ("10.0.0.1", 80), "peername": ("10.0.0.7", 5)}.get(name, default)

    def is_closing(self) -> bool:
        return False


class Request:
    """One request and the connection it comes by."""

    def __init__(self, site: Site, raw: bytes) -> None:
        self._raw = raw
        config = settings(create_app(site.rooms, with_demo=False))
        config.load()
        self.line = Line()
        self._protocol = GuardedProtocol(site.rooms.guards, config, ServerState(), {})
        self._protocol.connection_made(self.line)

    async def send(self, times: int = 1) -> None:
        """Send it so often, each time when the one before is answered."""
        for _ in range(times):
            self.line.written.clear()
            self._protocol.data_received(self._raw)
            while not self._protocol.cycle.response_complete:  # noqa: ASYNC110  # a turn or two
                await asyncio.sleep(0)
        if not self.line.written[0].startswith(b"HTTP/1.1 200 "):
            raise RuntimeError(self.line.written)


@asynccontextmanager
async def prepared() -> AsyncIterator[tuple[Site, Request]]:
    """Yield a site that knows its gateway, and the gateway's request."""
    clock = SystemClock()
    with tempfile.TemporaryDirectory(prefix="bench-fixed-") as folder:
        async with await Collector.open(config_in(Path(folder)), clock) as collector:
            await collector.registry.add_gateway("gw", None, None)
            site = Site(collector, clock)
            await site.trust()
            stream = signed_stream(site.gateway)
            await site.register(stream)
            readings = [site.gateway.reading("level", 50.0 + nth) for nth in range(READINGS)]
            site.gateway.seal(stream, *readings)
            path, body, fields = site.batches(stream)
            fields |= {"Host": "collector", "Content-Length": str(len(body))}
            fields["Content-Type"] = "application/vnd.fengsui.batches"
            lines = [f"POST {path} HTTP/1.1", *(f"{k}: {v}" for k, v in fields.items()), "", ""]
            yield site, Request(site, "\r\n".join(lines).encode() + body)


async def remembered(site: Site, request: Request) -> Callable[[], object]:
    """Have it opened and committed once, and never again until what is returned is called."""
    ingest, db = site.collector.ingest, site.collector.db
    open_, write, opened, done = requests.prepare_small, db.write, [], []

    def opening(asked: Any) -> Any:
        opened.append(open_(asked))
        return opened[0]

    async def writing(work: Any, after: Any, **how: Any) -> Any:
        return await write(work, lambda came: (done.append(came), after(came)), **how)

    async def written(_: Any, after: Any, **__: Any) -> Any:
        after(done[0])
        return done[0]

    requests.prepare_small, db.write = opening, writing
    await request.send()
    requests.prepare_small, db.write = lambda _: opened[0], written
    ingest._after = replace(ingest._after, committed=lambda *_: None)
    site.rooms.guards._machines = Buckets(1e9, 1e12)
    await request.send(COUNTED)
    return lambda: (setattr(requests, "prepare_small", open_), setattr(db, "write", write))


async def calls(request: Request) -> tuple[float, float]:
    """Return how many calls of Python and of C one request takes."""
    counts = Counter()

    def note(frame: FrameType, event: str, _: object) -> None:
        if frame.f_code.co_filename != OURS and frame.f_code.co_name not in ("sleep", "__sleep0"):
            counts[event] += 1

    sys.setprofile(note)
    await request.send(COUNTED)
    sys.setprofile(None)
    return counts["call"] / COUNTED, counts["c_call"] / COUNTED


async def microseconds(request: Request) -> float:
    """Return the least processor time of a request."""
    least = float("inf")
    for _ in range(ROUNDS):
        begun = time.process_time()
        await request.send(REPEATS)
        least = min(least, (time.process_time() - begun) / REPEATS)
    return round(least * 1e6, 1)


async def figure() -> dict[str, object]:
    """Return all of it."""
    async with prepared() as (site, request):
        restore = await remembered(site, request)
        try:
            python, c = await calls(request)
            whole = await microseconds(request)
            (key, _), *_ = site.rooms.desk.signatures._known.values()
            object.__setattr__(key.public, "_fits", lambda *_: True)
            site.collector.signer._sign = lambda _: bytes(64)
            plain = await microseconds(request)
        finally:
            restore()
    return {
        "name": "fixed_cost.request",
        "python_calls": round(python, 1),
        "c_calls": round(c, 1),
        "request_us": whole,
        "without_signatures_us": plain,
    }


def measure() -> Iterator[dict[str, object]]:
    """Yield the figure."""
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        yield runner.run(figure())
