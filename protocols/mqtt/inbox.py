"""The bounded hand-over of messages from the network thread to the event loop."""

import asyncio
import threading
from collections import deque
from typing import Final, NamedTuple

MESSAGES: Final = 2_000
BYTES: Final = 8 * 1024 * 1024
"""What may wait between the network thread and the event loop."""
TAKEN: Final = 250
"""Messages handed out at once: one batch's worth, not a backlog's."""


class Message(NamedTuple):
    """One message as it came; `payload` is None where it was too large to keep."""

    topic: str
    payload: bytes | None
    mid: int
    qos: int
    retain: bool
    again: bool
    arrived: int


class Inbox:
    """A bounded queue between one thread that puts and one event loop that takes."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._room = threading.Condition()
        self._messages: deque[Message] = deque()
        self._bytes = 0
        self._open = True
        self._arrived = asyncio.Event()

    def put(self, message: Message) -> None:
        """Add a message; the calling thread waits while there is no room.

        After `close` nothing is taken any more: what is not acknowledged stays at the broker.
        """
        size = len(message.payload or b"")
        with self._room:
            while self._open and (len(self._messages) >= MESSAGES or self._bytes + size > BYTES):
                self._room.wait()
            if not self._open:
                return
            self._messages.append(message)
            self._bytes += size
            first = len(self._messages) == 1
        if first:
            self.wake()

    def take(self) -> list[Message]:
        """Return what waits, the oldest first, at most TAKEN."""
        taken: list[Message] = []
        with self._room:
            while self._messages and len(taken) < TAKEN:
                message = self._messages.popleft()
                self._bytes -= len(message.payload or b"")
                taken.append(message)
            if not self._messages:
                self._arrived.clear()
            self._room.notify()
        return taken

    def close(self) -> None:
        """Let a waiting thread, and whoever awaits `arrived`, go on (from the event loop)."""
        with self._room:
            self._open = False
            self._room.notify()
        self._arrived.set()

    def wake(self) -> None:
        """Make `arrived` return (from any thread)."""
        self._loop.call_soon_threadsafe(self._arrived.set)

    async def arrived(self) -> None:
        """Return when something may wait."""
        await self._arrived.wait()
