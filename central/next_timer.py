"""Sleeps until the next timer is due, and fires it; the time may change meanwhile."""

import asyncio
from collections.abc import Awaitable, Callable

from protocols.clock import Clock


class NextTimer:
    """Calls `fire` when the time has come; whoever fires says when the next is due."""

    def __init__(self, clock: Clock, fire: Callable[[], Awaitable[None]]) -> None:
        self._clock = clock
        self._fire = fire
        self._due: int | None = None
        self._changed = asyncio.Event()

    def at(self, due: int | None) -> None:
        """Take when the next timer is due (µs UTC); None: there is none."""
        if due != self._due:
            self._due = due
            self._changed.set()

    async def run(self) -> None:
        """Fire until cancelled."""
        while True:
            self._changed.clear()
            if self._due is None:
                await self._changed.wait()
                continue
            wait = self._due - self._clock.now()
            if wait > 0 and not await self._slept(wait):
                continue
            await self._fire()

    async def _slept(self, wait: int) -> bool:
        """Return whether that time has passed without the next timer's having changed."""
        sleeping = asyncio.ensure_future(self._clock.sleep(wait))
        changing = asyncio.ensure_future(self._changed.wait())
        try:
            await asyncio.wait({sleeping, changing}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleeping.cancel()
            changing.cancel()
        return sleeping.done() and not sleeping.cancelled()
