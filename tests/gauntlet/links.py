"""The lines between gateways and collector: TCP relays in one thread, each of which can fail.

- `refuse`: every connection is reset and new ones are refused, as with a router that is off.
- `half-open`: connections stay and new ones are accepted, but nothing comes through; afterwards
  what was on its way arrives late.
- `lost-answers`: what the gateway sends arrives, what is answered never does.
- `trickle`: a few bytes at a time, in both directions.
- `garbled`: a bit of some of what comes through is another. For lines over TLS: without it nothing
  on the way is held against anything but the checksum of TCP.
"""

import asyncio
import random
import socket
import struct
import threading
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, Final

KINDS: Final = ("refuse", "half-open", "lost-answers", "trickle")
GARBLED: Final = "garbled"
OPEN: Final = "open"
CHUNK: Final = 64 * 1024
AT_ONCE: Final = struct.pack("ii", 1, 0)
TRICKLE: Final = (64, 0.05)
"""Bytes at a time, and seconds between."""
SPOILT: Final = 8
"""One in so many pieces, while a line garbles."""


class Link:
    """One relay: `port` is ours, `target` the collector's. Lives on the loop of `Links`."""

    def __init__(self, port: int, target: int) -> None:
        self.port = port
        self._target = target
        self._dice = random.Random(port)
        self._mode = OPEN
        self._whole = asyncio.Event()
        self._whole.set()
        self._server: asyncio.Server | None = None
        self._pairs: set[tuple[asyncio.StreamWriter, asyncio.StreamWriter]] = set()
        self._robbed: set[asyncio.StreamWriter] = set()

    async def listen(self) -> None:
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", self.port)

    async def set(self, mode: str) -> None:
        """Fail in this way, or be whole again."""
        self._mode = mode
        if mode == "half-open":
            self._whole.clear()
        else:
            self._whole.set()
        if mode == "refuse":
            self._close()
        elif self._server is None:
            await self.listen()
        if mode == OPEN:  # a connection that lacks bytes must not go on
            for writer in self._robbed:
                reset(writer)
            self._robbed.clear()

    def _close(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        for pair in self._pairs:
            for writer in pair:
                reset(writer)

    async def close(self) -> None:
        self._whole.set()
        self._close()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(asyncio.CancelledError):  # the stream's own callback would trip over it
                await self._relay(reader, writer)
        finally:
            writer.transport.abort()  # also where the other side was not reached yet

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._whole.wait()
        try:
            back_reader, back = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            reset(writer)
            return
        pair = (writer, back)
        self._pairs.add(pair)
        try:
            await asyncio.gather(
                self._pump(reader, back, answers=False),
                self._pump(back_reader, writer, answers=True),
            )
        finally:
            self._pairs.discard(pair)
            for each in pair:
                each.transport.abort()

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, answers: bool
    ) -> None:
        with suppress(OSError):
            while data := await reader.read(TRICKLE[0] if self._mode == "trickle" else CHUNK):
                await self._whole.wait()
                if self._mode == "lost-answers" and answers:
                    self._robbed.add(writer)
                    continue
                if self._mode == "trickle":
                    await asyncio.sleep(TRICKLE[1])
                if self._mode == GARBLED and self._dice.randrange(SPOILT) == 0:
                    data = spoilt(data, self._dice.randrange(8 * len(data)))
                writer.write(data)
                await writer.drain()
            with suppress(RuntimeError):
                writer.write_eof()


def spoilt(data: bytes, bit: int) -> bytes:
    """Return `data` with one bit turned over."""
    out = bytearray(data)
    out[bit // 8] ^= 1 << bit % 8
    return bytes(out)


def reset(writer: asyncio.StreamWriter) -> None:
    """End a connection as a broken line does: no goodbye, and what waits is thrown away."""
    carrier = writer.get_extra_info("socket")
    if carrier is not None and carrier.fileno() >= 0:
        carrier.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
    writer.transport.abort()


class Links:
    """All relays of a site, in a thread of their own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._links: dict[int, Link] = {}
        self._thread.start()

    def add(self, gateway: int, port: int, target: int) -> None:
        """Open the relay of a gateway."""
        link = self._run(self._make(port, target))
        self._links[gateway] = link

    async def _make(self, port: int, target: int) -> Link:
        link = Link(port, target)
        await link.listen()
        return link

    def set(self, gateway: int, mode: str) -> None:
        """Have a gateway's line fail in one of `KINDS`, or be `OPEN`."""
        self._run(self._links[gateway].set(mode))

    def close(self) -> None:
        """Drop every connection and end the thread."""
        for link in self._links.values():
            self._run(link.close())
        self._run(end_tasks())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def _run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)


async def end_tasks() -> None:
    """Cancel what still runs on this loop and wait for it."""
    others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
