"""One open page of the live stream, and what waits for it."""

import asyncio
from dataclasses import dataclass, field
from typing import Final, NamedTuple, Self

from pydantic import BaseModel

from central.identity.principal import Principal

QUEUE: Final = 512
"""Messages that may wait for one subscriber: some minutes of a busy city."""
BYTES: Final = 16 << 20
"""Bytes that may. A message is shared by all who wait for it, but the last holds it alone."""
_FRAME: Final = len(b"event: \ndata: ")


class Message(NamedTuple):
    """One event of the stream, `frame` as it goes out: the same bytes for everybody."""

    event: str
    frame: bytes

    @classmethod
    def of(cls, event: str, *parts: bytes) -> Self:
        """Frame the parts of a body of JSON, which holds no line break."""
        return cls(event, b"".join((b"event: ", event.encode(), b"\ndata: ", *parts, b"\n\n")))

    @property
    def data(self) -> bytes:
        """The body."""
        return self.frame[_FRAME + len(self.event) : -2]


def message(event: str, body: BaseModel) -> Message:
    """Encode an event."""
    return Message.of(event, body.model_dump_json(by_alias=True).encode())


@dataclass(eq=False, slots=True)
class Subscriber:
    """One open page. `None` in the queue is the end.

    `most` messages of `most_bytes` together may wait in it; `waiting` bytes do.
    """

    who: Principal
    sites: frozenset[str] | None
    queue: asyncio.Queue[Message | None] = field(default_factory=asyncio.Queue)
    most: int = QUEUE
    most_bytes: int = BYTES
    waiting: int = 0
    cut: bool = False

    @property
    def behind(self) -> bool:
        """Whether more waits than may."""
        return self.queue.qsize() >= self.most or self.waiting > self.most_bytes

    @property
    def pressed(self) -> bool:
        """Whether half of what may waits."""
        return 2 * self.queue.qsize() >= self.most or 2 * self.waiting > self.most_bytes

    def put(self, told: Message) -> None:
        """Let a message wait."""
        self.waiting += len(told.frame)
        self.queue.put_nowait(told)

    def pictured(self) -> None:
        """What waits now is the whole picture: the bounds are for what comes on top of it."""
        self.most, self.most_bytes = QUEUE + self.queue.qsize(), BYTES + self.waiting

    def sees(self, site: str) -> bool:
        """Return whether the site was asked for and is in scope."""
        return self.sites is None or site in self.sites

    async def frames(self, most: int) -> bytes:
        """Wait for what comes next; return what is there, about `most` bytes. Empty: the end."""
        parts: list[bytes] = []
        size = 0
        told = await self.queue.get()
        while told is not None:
            parts.append(told.frame)
            size += len(told.frame)
            self.waiting -= len(told.frame)
            if size >= most or self.queue.empty():
                break
            told = self.queue.get_nowait()
        else:
            if parts:
                self.queue.put_nowait(None)  # the end comes next time, after these
        return b"".join(parts)
