"""What one request costs a server that does nothing: by it another machine's figures are known.

The application, the body (21 KB), the connections (8) and the libraries are those of the reference
the goals were written on, where the CPU of it was `THERE` (performance.md, C2).
"""

import asyncio
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from protocols.clock import real_monotonic
from protocols.simulators.demo import free_port

THERE: Final = 15.7
"""Microseconds of CPU a request."""
BODY: Final = 21_000
CONNECTIONS: Final = 8
REQUESTS: Final = 2_000
"""Of each connection, three times."""
PATIENCE: Final = 20.0
_TICKS: Final = os.sysconf("SC_CLK_TCK")
_ANSWER: Final = b'{"ok":true}'
_Message = MutableMapping[str, Any]


async def app(
    scope: _Message,
    receive: Callable[[], Awaitable[_Message]],
    send: Callable[[_Message], Awaitable[None]],
) -> None:
    """Read the body, and say yes."""
    if scope["type"] != "http":
        return
    while (await receive()).get("more_body"):
        pass
    kind = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(_ANSWER))]
    await send({"type": "http.response.start", "status": 200, "headers": kind})
    await send({"type": "http.response.body", "body": _ANSWER})


def figure() -> dict[str, Any]:
    """Return what a request costs here, the least of three, and by how much more than there."""
    with _served() as (pid, port):
        asyncio.run(_asked(port, REQUESTS // 10))
        taken = []
        for _ in range(3):
            before = _cpu(pid)
            asyncio.run(_asked(port, REQUESTS))
            taken.append((_cpu(pid) - before) / (REQUESTS * CONNECTIONS) * 1e6)
    least = min(taken)
    return {
        "name": "central.machine.bare_request",
        "cpu_us": round(least, 1),
        "cpu_us_of_the_reference": THERE,
        "times": round(least / THERE, 2),
    }


@contextmanager
def _served() -> Iterator[tuple[int, int]]:
    port = free_port()
    named = f"{__name__}:{app.__name__}"
    options = ["--port", str(port), "--no-access-log", "--log-level", "error"]
    options += ["--loop", "uvloop", "--http", "httptools", "--lifespan", "off"]
    with subprocess.Popen([sys.executable, "-m", "uvicorn", named, *options]) as server:
        try:
            asyncio.run(_reached(port))
            yield server.pid, port
        finally:
            server.terminate()


async def _reached(port: int) -> None:
    until = real_monotonic() + PATIENCE
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except ConnectionError:
            if real_monotonic() > until:
                raise
            await asyncio.sleep(0.05)
        else:
            writer.close()
            return


async def _asked(port: int, requests: int) -> None:
    await asyncio.gather(*(_connection(port, requests) for _ in range(CONNECTIONS)))


async def _connection(port: int, requests: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    request = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % BODY + bytes(BODY)
    for _ in range(requests):
        writer.write(request)
        await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(len(_ANSWER))
    writer.close()


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS
