"""The answer that has no end: events go out as the bytes they were made of.

Written for `text/event-stream` alone: what waits goes out together, a comment when nothing does,
and the subscriber is gone when its page is.
"""

import asyncio
from typing import Final

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from central.api.hub import Hub
from central.api.subscriber import Subscriber
from central.identity.principal import Principal

RECONNECT: Final = 3_000
"""Milliseconds a page waits before it connects again."""
SILENCE: Final = 15.0
"""Real seconds without an event after which a comment says that somebody is there."""
TOGETHER: Final = 256 * 1024
"""Bytes that go out at once, about: what waits in the queue is not copied whole."""
_OPENING: Final = b": fengsui\nretry: %d\n\n" % RECONNECT
_COMMENT: Final = b": ping\n\n"
_HEADERS: Final = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-cache",
    "X-Accel-Buffering": "no",  # or nginx keeps events back
}


class EventStream(Response):
    """Subscribes when it is sent, so that a refusal is still an answer of its own."""

    def __init__(self, hub: Hub, who: Principal, sites: frozenset[str] | None) -> None:
        super().__init__(headers=_HEADERS)
        del self.headers["content-length"]
        self._hub = hub
        self._who = who
        self._sites = sites

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Tell until the hub ends it or nobody listens any more."""
        subscriber = await self._hub.subscribe(self._who, self._sites)
        try:
            start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
            await send(start)
            await _until_gone(receive, asyncio.create_task(_tell(subscriber, send)))
        finally:
            self._hub.leave(subscriber)


async def _until_gone(receive: Receive, telling: asyncio.Task[None]) -> None:
    gone = asyncio.create_task(_gone(receive))
    try:
        await asyncio.wait((telling, gone), return_when=asyncio.FIRST_COMPLETED)
        if telling.done():
            telling.result()
    finally:
        telling.cancel()
        gone.cancel()
        await asyncio.gather(telling, gone, return_exceptions=True)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _tell(subscriber: Subscriber, send: Send) -> None:
    body = _OPENING
    try:
        while body:
            await send({"type": "http.response.body", "body": body, "more_body": True})
            body = await _next(subscriber)
        await send({"type": "http.response.body", "body": b"", "more_body": False})
    except OSError:
        return  # nobody listens any more


async def _next(subscriber: Subscriber) -> bytes:
    try:
        async with asyncio.timeout(SILENCE):
            return await subscriber.frames(TOGETHER)
    except TimeoutError:
        return _COMMENT
