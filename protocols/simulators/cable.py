"""A network cable one can pull: a TCP relay between a gateway and the collector.

Pulled, every connection through it dies and new ones are refused at once, as when the plug is out
of the socket. A tiny HTTP control on loopback says and sets its state: `GET` and `PUT` of
`{"connected": true}`.
"""

import asyncio
import contextlib
import json
from collections.abc import Callable

from protocols.clock import SECOND, Clock

CHUNK = 64 * 1024
MAX_CONTROL = 4096


class Cable:
    """Relays `port` (ours) to `target`; `connected` may be set at any time."""

    def __init__(self, gateway: str, target_host: str, target_port: int) -> None:
        self.gateway = gateway
        self.port = 0
        self._target = (target_host, target_port)
        self._connected = True
        self._writers: set[asyncio.StreamWriter] = set()
        self._servers: list[asyncio.Server] = []

    @property
    def connected(self) -> bool:
        return self._connected

    @connected.setter
    def connected(self, value: bool) -> None:
        self._connected = value
        if not value:
            for writer in self._writers:
                writer.transport.abort()

    async def open(self, control_port: int) -> None:
        """Listen on a free loopback port, and for the control on `control_port`."""
        relay = await asyncio.start_server(self._relay, "127.0.0.1", 0)
        control = await asyncio.start_server(self._control, "127.0.0.1", control_port)
        self._servers = [relay, control]
        self.port = int(relay.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Stop listening and drop every connection."""
        for server in self._servers:
            server.close()
        for writer in list(self._writers):
            writer.transport.abort()

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._connected:
            writer.transport.abort()
            return
        try:
            there, back = await asyncio.open_connection(*self._target)
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, back}
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(_pump(reader, back))
                group.create_task(_pump(there, writer))
        finally:
            self._writers -= {writer, back}
            writer.close()
            back.close()

    async def _control(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, ValueError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
            length = 0
            for line in head.split("\r\n"):
                if line.startswith("content-length:"):
                    length = int(line.split(":", 1)[1])
            body = await reader.readexactly(min(length, MAX_CONTROL))
            if head.startswith("put "):
                self.connected = bool(json.loads(body)["connected"])
            answer = json.dumps({"gateway": self.gateway, "connected": self._connected}).encode()
            writer.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n"
                + f"Content-Length: {len(answer)}\r\n\r\n".encode()
                + answer
            )
            await writer.drain()
        writer.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(CHUNK):
            writer.write(data)
            await writer.drain()
        writer.close()


async def follow(cable: Cable, clock: Clock, plugged: Callable[[int], bool]) -> None:
    """Set the cable as `plugged(now)` says, at its changes only: a hand may pull it in between."""
    last: bool | None = None
    while True:
        wanted = plugged(clock.now())
        if wanted != last:
            cable.connected = last = wanted
        await clock.sleep(SECOND)
