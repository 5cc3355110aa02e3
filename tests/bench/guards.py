"""What the guards cost an honest gateway's request: uvicorn's own protocol and ours, in memory.

Bytes are fed as a socket would bring them, an application answers at once, nothing is sent. The
difference of the two is what the guards cost: parsing's bounds, the path, the limits of a gateway.
"""

import asyncio
import time
from collections.abc import Iterator
from functools import partial
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from central.api.guarded_protocol import GuardedProtocol
from central.guard.guards import Guards
from central.guard.incidents import Incidents
from central.guard.targets import trick
from central.identity.principal import Kind, Principal

REQUESTS = 20_000
ROUNDS = 5
BODY = bytes(2_000)
REQUEST = (
    b"POST /api/v1/ingest/streams/" + b"a" * 32 + b"/batches HTTP/1.1\r\nHost: collector\r\n"
    b"Authorization: Bearer fsg_" + b"x" * 43 + b"\r\nContent-Type: application/x-fengsui-batch\r\n"
    b"Content-Encoding: zstd\r\nContent-Digest: sha-256=:" + b"A" * 43 + b"=:\r\n"
    b"Fengsui-Chain: seq=1;h=" + b"0" * 64 + b"\r\nFengsui-Lane: live\r\nFengsui-Nonce: "
    + b"1" * 32 + b"\r\nContent-Length: 2000\r\n\r\n" + BODY
)  # fmt: skip


class Wire(asyncio.Transport):
    """A socket that forgets what is written."""

    def write(self, data: Any) -> None:
        """Take it."""

    def is_closing(self) -> bool:
        """Return that it is open."""
        return False

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Return where the other side is."""
        return ("192.0.2.1", 5_000) if name in ("peername", "sockname") else default

    def pause_reading(self) -> None:
        """Go on."""

    def resume_reading(self) -> None:
        """Go on."""

    def close(self) -> None:
        """Stay."""


async def answering(scope: Any, receive: Any, send: Any) -> None:
    await receive()
    headers = [(b"content-length", b"2")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"ok"})


def guarded(guards: Guards) -> Any:
    """Return the same application behind what stands on the way of a gateway's request."""
    who = Principal(name="gw-1", kind=Kind.GATEWAY, gateway="gw-1", credential="x")

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if trick(scope["raw_path"], scope["query_string"]) is None and not guards.known(scope, who):
            await answering(scope, receive, send)

    return app


async def _microseconds(make: Any, app: Any) -> float:
    config = uvicorn.Config(app, lifespan="off", log_config=None, access_log=False)
    config.load()
    line = make(config=config, server_state=ServerState(), app_state={})
    line.connection_made(Wire())
    begun = time.process_time()
    for _ in range(REQUESTS):
        line.data_received(REQUEST)
        while not line.cycle.response_complete:  # noqa: ASYNC110  # as soon as it has run
            await asyncio.sleep(0)
    return (time.process_time() - begun) / REQUESTS * 1e6


async def _measure() -> tuple[float, float]:
    clock = time.perf_counter
    incidents: Any = Incidents(None, None, lambda _: None, clock)  # type: ignore[arg-type]
    plain, ours = [], []
    for _ in range(ROUNDS):
        plain.append(await _microseconds(HttpToolsProtocol, answering))
        guards = Guards(incidents)
        guards._machines._each = 0.0  # as fast as one machine asks here, no gateway ever does
        ours.append(await _microseconds(partial(GuardedProtocol, guards), guarded(guards)))
    return min(plain), min(ours)


def measure() -> Iterator[dict[str, object]]:
    """Yield the figure."""
    plain, ours = asyncio.run(_measure())
    yield {
        "name": "guards_per_request",
        "plain_us": round(plain, 1),
        "guarded_us": round(ours, 1),
        "guards_us": round(ours - plain, 1),
        "requests": REQUESTS,
    }
