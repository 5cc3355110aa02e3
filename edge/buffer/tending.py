"""What is done to the buffer from time to time: cursors made durable, room made."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Final

from edge.buffer.relief import Relief
from edge.buffer.sides import Sides, failed
from edge.buffer.turns import Turns
from protocols.errors import BufferFault
from protocols.words import StreamKind

PERSIST_EVERY: Final = 30.0
"""Real seconds between cursors on the medium: what a restart sends again at most."""
QUOTA_EVERY: Final = 5.0


class Tending:
    """On the event loop; `on_fault` is told when the medium fails it."""

    def __init__(
        self,
        sides: Sides,
        turns: Turns,
        relief: Relief,
        on_fault: Callable[[BufferFault], None],
    ) -> None:
        self._sides = sides
        self._turns = turns
        self._relief = relief
        self._on_fault = on_fault

    async def run(self) -> None:
        """Persist and keep to the quota, for ever."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._keep_doing(self.persist, PERSIST_EVERY))
            group.create_task(self._keep_doing(self.relieve, QUOTA_EVERY))

    async def _keep_doing(self, what: Callable[[], Awaitable[None]], every: float) -> None:
        while True:
            await asyncio.sleep(every)
            with suppress(BufferFault):
                await what()

    async def persist(self) -> None:
        """Make the cursors durable and free what the collector holds safely."""
        if self._sides.lifeboat is not None:
            await self._sides.aboard(lambda boat: boat.housekeeping.persist())
        await self._ashore(self._persist())

    async def _persist(self) -> None:
        async with self._turns.take():
            await self._sides.ashore(lambda store: store.housekeeping.persist())

    async def relieve(self) -> None:
        """Give up, by policy and counted, until there is room on the medium."""
        await self._ashore(self._relief.relieve())

    async def _ashore(self, work: Coroutine[None, None, None]) -> None:
        """Do something to the medium, if it takes anything at all."""
        if self._sides.refused == frozenset(StreamKind):
            work.close()
            return
        try:
            await work
        except BufferFault as exc:
            if not failed(exc):
                raise
            self._on_fault(exc)
