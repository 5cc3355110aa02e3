"""An answer that is made while it is sent, and no longer made when nobody takes it.

What goes wrong before the first byte is an error like any other; after it the connection is cut, so
that nobody takes a part for the whole.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from protocols.errors import FengsuiError

logger = logging.getLogger(__name__)

SLOW: Final = 60.0
"""Real seconds in which a caller takes no byte, after which it is taken for gone."""

Give = Callable[[bytes], Awaitable[None]]


class MadeWhileSent(Response):
    """`work` gives the body piece by piece; it is cancelled when the caller goes away."""

    def __init__(self, work: Callable[[Give], Awaitable[None]], media_type: str, name: str) -> None:
        super().__init__(media_type=media_type)
        del self.headers["content-length"]
        self.headers["Content-Disposition"] = f'attachment; filename="{name}"'
        self._work = work
        self._started = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Make and send it. Raises FengsuiError where nothing was sent yet."""

        async def give(piece: bytes) -> None:
            async with asyncio.timeout(SLOW):
                await self._give(send, piece, more=True)

        making = asyncio.ensure_future(self._work(give))
        gone = asyncio.ensure_future(_gone(receive))
        try:
            await asyncio.wait({making, gone}, return_when=asyncio.FIRST_COMPLETED)
            if not making.done():
                logger.info("%s: the caller has gone", scope["path"])
                return
            making.result()
            await self._give(send, b"", more=False)
        except (FengsuiError, OSError) as exc:  # a TimeoutError too
            if not self._started and isinstance(exc, FengsuiError):
                raise
            # Without its end the answer is seen to be cut short.
            logger.warning("%s: cut short: %s", scope["path"], exc)
        finally:
            for task in (making, gone):
                task.cancel()
            with contextlib.suppress(Exception):
                await asyncio.gather(making, gone, return_exceptions=True)

    async def _give(self, send: Send, piece: bytes, *, more: bool) -> None:
        if not self._started:
            self._started = True
            start = {"status": self.status_code, "headers": self.raw_headers}
            await send({"type": "http.response.start", **start})
        await send({"type": "http.response.body", "body": piece, "more_body": more})


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
