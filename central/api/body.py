"""Receives the body of a request: counted as it comes, never held beyond its bound, never waited
for beyond its time.

Three times hold. Nobody is silent for `SILENCE`. After `GRACE` a body has come at `LEAST` bytes a
second, so that one byte now and then holds no place. And where alarms wait for the room that bodies
under way take up, those older than `GRACE` have come at `PRESSED`: the line of the slowest gateway,
on which an alarm is told in less. A gateway's own bound is much shorter (it chooses requests that
take five seconds), so these are for lines that are dead and for callers that mean harm.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from starlette.requests import ClientDisconnect, Request
from starlette.types import Message, Receive

from central.api.body_here import body_here
from protocols.clock import real_monotonic
from protocols.errors import IngestError

SILENCE: Final = 30.0
"""Real seconds between two pieces of a body."""
GRACE: Final = 10.0
"""Real seconds in which a body may come as slowly as it likes: an alarm goes first on its line."""
LEAST: Final = 1_000
"""Bytes a second: an eighth of what a line of 64 kbit/s carries."""
PRESSED: Final = 8_000
"""Bytes a second while alarms wait for room."""
WHOLE: Final = 300.0
"""Real seconds for all of it: 1 MiB at 30 kbit/s."""
LOOK: Final = 1.0
"""Real seconds between two looks at whether alarms wait, once the grace is over."""


class Pace:
    """How long the next piece of a body may take. `pressed` says whether alarms wait for room."""

    def __init__(
        self,
        pressed: Callable[[], bool] = lambda: False,
        now: Callable[[], float] = real_monotonic,
    ) -> None:
        self._pressed = pressed
        self._now = now
        self._begun = self._last = now()
        self.size = 0

    def came(self, size: int) -> None:
        """Note a piece."""
        self.size += size
        self._last = self._now()

    def left(self) -> float:
        """Return the seconds until this body is too slow; 0 or less: it is."""
        rate = PRESSED if self._pressed() else LEAST
        due = min(self._begun + min(GRACE + self.size / rate, WHOLE), self._last + SILENCE)
        return due - self._now()

    async def piece(self, receive: Callable[[], Awaitable[Message]]) -> Message | None:
        """Return the next message; None when it did not come in time."""
        while (left := self.left()) > 0:
            try:
                async with asyncio.timeout(min(left, max(LOOK, GRACE - self._age()))):
                    message = await receive()
            except TimeoutError:
                continue
            self.came(len(message.get("body", b"")))
            return message
        return None

    def _age(self) -> float:
        return self._now() - self._begun


def stated(length: str | None) -> int | None:
    """Return the size a `Content-Length` states (None: it comes in chunks)."""
    return int(length) if length is not None and length.isdecimal() else None


async def receive(
    request: Request, limit: int, pressed: Callable[[], bool] = lambda: False
) -> bytes:
    """Return the body. Raises IngestError TOO_LARGE (413) above `limit` bytes, SLOW (408).

    Raises ClientDisconnect when the line is cut.
    """
    size = stated(request.headers.get("content-length"))
    return await received(request.receive, size, limit, pressed)


async def received(
    receive: Receive, size: int | None, limit: int, pressed: Callable[[], bool] = lambda: False
) -> bytes:
    """Do the same for a request that states `size` bytes (None: it comes in chunks)."""
    if size is not None and size > limit:
        raise IngestError("TOO_LARGE", 413, size=size, limit=limit)
    whole = body_here(receive)
    if whole is None:
        return await _pieces(receive, limit, pressed)
    if len(whole) > limit:
        raise IngestError("TOO_LARGE", 413, size=len(whole), limit=limit)
    return whole


async def _pieces(receive: Receive, limit: int, pressed: Callable[[], bool]) -> bytes:
    pace, pieces = Pace(pressed), list[bytes]()
    while True:
        message = await pace.piece(receive)
        if message is None:
            raise IngestError("SLOW", 408, size=pace.size)
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        if pace.size > limit:
            raise IngestError("TOO_LARGE", 413, size=pace.size, limit=limit)
        pieces.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(pieces)


def bounded(receive: Receive, limit: int, refuse: Callable[[int, int], Exception]) -> Receive:
    """Return a `receive` that holds a body to `limit` bytes and to its time.

    Raises what `refuse(status, bytes)` returns: 413 or 408. After the body nothing is timed.
    """
    pace, whole = Pace(), False

    async def held() -> Message:
        nonlocal whole
        if whole:
            return await receive()
        message = await pace.piece(receive)
        if message is None:
            raise refuse(408, pace.size)
        if pace.size > limit:
            raise refuse(413, pace.size)
        whole = not message.get("more_body", False)
        return message

    return held
