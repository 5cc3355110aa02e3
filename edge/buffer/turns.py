"""One commit at a time on a medium, alarms first: an alarm waits for one commit, never for two."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Turns:
    """Hands out the turn to commit; on the event loop."""

    def __init__(self) -> None:
        self._taken = False
        self._urgent: deque[asyncio.Future[None]] = deque()
        self._routine: deque[asyncio.Future[None]] = deque()

    @asynccontextmanager
    async def take(self, *, urgent: bool = False) -> AsyncIterator[None]:
        """Hold the turn. The urgent pass everybody who waits; nobody is interrupted."""
        if self._taken:
            await self._wait(self._urgent if urgent else self._routine)
        self._taken = True
        try:
            yield
        finally:
            self._hand_on()

    async def _wait(self, queue: deque[asyncio.Future[None]]) -> None:
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        queue.append(mine)
        try:
            await mine
        except asyncio.CancelledError:
            if mine in queue:
                queue.remove(mine)
            elif not mine.cancelled():  # handed to us in the same moment
                self._hand_on()
            raise

    def _hand_on(self) -> None:
        for queue in (self._urgent, self._routine):
            while queue:
                next_one = queue.popleft()
                if not next_one.done():
                    next_one.set_result(None)  # `_taken` stays: the turn passes on
                    return
        self._taken = False
