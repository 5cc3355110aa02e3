"""The gateway's own few pages over HTTP/1.0, on loopback and on a socket in its folder.

As JSON: `/health` the whole picture, `/alarms` what stands and what happened, `/buffer` streams and
sizes, `/modules` the top-level modules loaded (so that a test can see what the running process
imports). As Prometheus text: `/metrics`.
Reads nothing but the request line. What changes something is taken on the socket alone, from the
gateway's own account or root: whoever that is could change the gateway's files as well.
"""

import asyncio
import json
import logging
import os
import socket
import struct
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl

from edge.metrics_page import CONTENT_TYPE as TEXT
from protocols.errors import FengsuiError

logger = logging.getLogger(__name__)

SOCKET: Final = "gateway.sock"
PATIENCE: Final = 5.0
"""Seconds a caller may take to say what it wants."""
LOOK_EVERY: Final = 5.0
"""Seconds between looks whether the socket in the folder is still there."""
LINE: Final = 2048
CALLERS: Final = 8
"""Most served at a time, and most let in at once; another one is turned away at the door. Who only
holds connections open must not take the descriptors that devices, buffer and uplink need."""
REASONS: Final = {
    200: "OK",
    404: "Not Found",
    405: "Method Not Allowed",
    503: "Service Unavailable",
}

JSON: Final = "application/json"

Pages = dict[str, Callable[[], Awaitable[Any]]]
"""By path; a text is served as figures for Prometheus, everything else as JSON."""
Acts = dict[str, Callable[[dict[str, str]], Awaitable[Any]]]
"""By path, taken by POST with what the query says."""


async def modules() -> list[str]:
    """Return the top-level modules this process has loaded."""
    loaded = {name.partition(".")[0] for name, found in sys.modules.items() if found is not None}
    return sorted(loaded)


class LocalPages:
    """Serves `pages` by path, and on the socket in the folder `acts`."""

    def __init__(self, pages: Pages, acts: Acts | None = None) -> None:
        self._pages = pages
        self._acts = acts or {}
        self._servers: list[asyncio.Server] = []
        self._callers = 0

    async def listen(self, host: str, port: int) -> int:
        """Serve on a TCP address; returns the port. Raises OSError when it is taken."""
        server = await asyncio.start_server(self._serve, host, port, limit=LINE, backlog=CALLERS)
        self._servers.append(server)
        return int(server.sockets[0].getsockname()[1])

    async def listen_in(self, folder: Path) -> None:
        """Serve on a socket in `folder`, for whoever may read the folder."""
        with reachable(folder) as path:
            path.unlink(missing_ok=True)
            server = await asyncio.start_unix_server(self._serve, path, limit=LINE, backlog=CALLERS)
        self._servers.append(server)

    async def stay_in(self, folder: Path, look_every: float = LOOK_EVERY) -> None:
        """Make the socket in `folder` anew whenever it is gone, until cancelled.

        Whoever deletes the folder while the gateway runs deletes the way to ask it, too.
        """
        while True:
            await asyncio.sleep(look_every)
            with suppress(OSError):
                if not there(folder):
                    await self.listen_in(folder)

    async def close(self) -> None:
        """Stop serving."""
        for server in self._servers:
            server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._callers >= CALLERS:
            writer.close()
            return
        self._callers += 1
        try:
            async with asyncio.timeout(PATIENCE):
                line = await reader.readline()
            status, body, kind = await self._answer(line, own=_own(writer))
            head = (
                f"HTTP/1.0 {status} {REASONS[status]}\r\nContent-Type: {kind}\r\n"
                f"Content-Length: {len(body)}\r\nCache-Control: no-store\r\n\r\n"
            )
            writer.write(head.encode() + body)
            async with asyncio.timeout(PATIENCE):
                await writer.drain()
        except (OSError, ValueError) as exc:
            logger.debug("local page not served: %s", exc)
        finally:
            self._callers -= 1
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def _answer(self, line: bytes, *, own: bool) -> tuple[int, bytes, str]:
        method, _, rest = line.decode("latin-1").partition(" ")
        path, _, query = rest.split(" ")[0].partition("?")
        path = path.rstrip("/")
        act, page = self._acts.get(path), self._pages.get(path)
        if method != "GET" and not (method == "POST" and act and own):
            return 405, b"{}", JSON
        try:
            if method == "POST" and act is not None:
                said = await act(dict(parse_qsl(query.strip())))
            elif page is None:
                return 404, json.dumps({"pages": sorted(self._pages)}).encode(), JSON
            else:
                said = await page()
        except FengsuiError as exc:
            return 503, json.dumps({"code": exc.code, "params": exc.params}).encode(), JSON
        if isinstance(said, str):
            return 200, said.encode(), TEXT
        return 200, json.dumps(said, ensure_ascii=False).encode(), JSON


def _own(writer: asyncio.StreamWriter) -> bool:
    """Whether a caller came by the socket in the folder, from this account or root."""
    link = writer.get_extra_info("socket")
    if link is None or link.family != socket.AF_UNIX:
        return False
    said = link.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    return struct.unpack("3i", said)[1] in (0, os.geteuid())


def there(folder: Path) -> bool:
    """Whether the folder has a socket. Raises OSError when the medium refuses."""
    return (folder / SOCKET).exists()


class reachable:  # noqa: N801  # used as a context: `with reachable(folder) as path`
    """A path to the socket in `folder` short enough for the system, however deep the folder is."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __enter__(self) -> Path:
        self._descriptor = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
        return Path(f"/proc/self/fd/{self._descriptor}/{SOCKET}")

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)


async def ask(folder: Path, page: str, method: str = "GET") -> Any:
    """Return a page of the gateway running on `folder`, or with POST what an act led to.

    Raises OSError when none runs there, FengsuiError when it runs and cannot say.
    """
    with reachable(folder) as path:
        reader, writer = await asyncio.open_unix_connection(path)
    try:
        writer.write(f"{method} {page} HTTP/1.0\r\n\r\n".encode())
        async with asyncio.timeout(PATIENCE):
            reply = await reader.read()
    finally:
        writer.close()
    head, _, body = reply.partition(b"\r\n\r\n")
    said = json.loads(body)
    if b" 200 " not in head.partition(b"\r\n")[0]:
        raise FengsuiError(said["code"], **said["params"])
    return said
