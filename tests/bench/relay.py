"""A TCP relay that counts every byte of both directions, and may be a slow or a long way.

It stands between a gateway and a collector. `rate` bounds the bytes a second of each direction over
all connections together, as one link does; `delay` is added to each direction, in seconds.
"""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Awaitable, Callable
from typing import Final

PIECE: Final = 4096
"""Bytes in hand at once where the rate is bounded: connections share the link piece by piece."""


class Relay:
    """Listens on `host` (port 0) in a thread of its own; use as a context."""

    def __init__(
        self, target: int, *, host: str = "127.0.0.1", rate: float | None = None, delay: float = 0.0
    ) -> None:
        self.up = self.down = self.requests = 0
        self.port = 0
        self._target, self._host = target, host
        self._rate, self._delay = rate, delay
        self._loop = asyncio.new_event_loop()
        self._links: dict[str, asyncio.Lock] = {}
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._ready = threading.Event()

    def __enter__(self) -> "Relay":
        self._thread.start()
        self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def reset(self) -> None:
        """Count from nothing again."""
        self.up = self.down = self.requests = 0

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        listening = socket.create_server((self._host, 0))
        if self._rate is not None:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 * 1024)
        self.port = listening.getsockname()[1]
        limit = PIECE if self._rate is not None else 2**16
        server = asyncio.start_server(self._relay, sock=listening, limit=limit)
        self._loop.run_until_complete(server)
        self._links = {name: asyncio.Lock() for name in ("up", "down")}
        self._ready.set()
        self._loop.run_forever()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        with contextlib.suppress(RuntimeError):
            self._loop.run_until_complete(asyncio.sleep(0))

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", self._target)
        with contextlib.suppress(OSError, asyncio.CancelledError):
            await asyncio.gather(
                self._pump(reader, back, self._count_up, "up"),
                self._pump(there, writer, self._count_down, "down"),
            )
        writer.close()
        back.close()

    def _count_up(self, data: bytes) -> None:
        self.up += len(data)
        self.requests += data.count(b" HTTP/1.1\r\n")

    def _count_down(self, data: bytes) -> None:
        self.down += len(data)

    async def _pump(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        count: Callable[[bytes], None],
        link: str,
    ) -> None:
        under_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._arrive(under_way, writer))
            while data := await reader.read(PIECE if self._rate else 2**16):
                count(data)
                if self._rate is not None:
                    async with self._links[link]:
                        await asyncio.sleep(len(data) / self._rate)
                under_way.put_nowait((self._loop.time() + self._delay, data))
            under_way.put_nowait((self._loop.time() + self._delay, b""))

    async def _arrive(
        self, under_way: "asyncio.Queue[tuple[float, bytes]]", writer: asyncio.StreamWriter
    ) -> None:
        get: Callable[[], Awaitable[tuple[float, bytes]]] = under_way.get
        while True:
            at, data = await get()
            await asyncio.sleep(max(0.0, at - self._loop.time()))
            if not data:
                writer.close()
                return
            writer.write(data)
            await writer.drain()
