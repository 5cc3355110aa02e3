"""Makes room, step by step: the buffer's thread goes on with readings and alarms in between."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from edge.buffer.quota import Work
from edge.buffer.store import Store
from protocols.errors import BufferFull
from protocols.words import StreamKind

Run = Callable[..., Awaitable[Any]]


class Relief:
    """Works off what the quota of the present store chooses; on the event loop.

    `run` runs a call in the buffer's thread; `store` returns the present store.
    """

    def __init__(self, run: Run, store: Callable[[], Store]) -> None:
        self._run = run
        self._store = store
        self._lock = asyncio.Lock()

    async def relieve(self) -> None:
        """Give up, by policy and counted, until there is room. Raises BufferFault."""
        async with self._lock:  # two at once would account for the same loss twice
            store = self._store()
            try:
                await self._relieve(store)
            except BufferFull:
                # Not even what is given up could be noted: that is what the ballast is for.
                if not await self._run(store.quota.ballast.release):
                    raise
                await self._relieve(store)
            await self._run(store.quota.tend)

    async def _relieve(self, store: Store) -> None:
        while await self._run(store.quota.over) > 0:
            if not await self._give_up(store):
                return

    async def _give_up(self, store: Store) -> bool:
        """Give up what is next; False when there is nothing, or another store is in its place."""
        await self._run(store.housekeeping.persist)
        work: Work | None = await self._run(store.quota.next)
        if work is None:
            return False
        try:
            while await self._run(self._step, store, work):
                continue
            await self._run(self._finish, store, work)
        except BaseException:
            work.void = True
            raise
        return self._store() is store

    def _step(self, store: Store, work: Work) -> bool:
        return self._store() is store and work.step()

    def _finish(self, store: Store, work: Work) -> None:
        if self._store() is store:
            work.finish()

    async def pressed(self, kind: StreamKind) -> bool:
        """Make room for data that found none; False when nothing is left to give up for it.

        An alarm waits for no ledger. Routine data waits for one, and gives up no alarm.
        """
        if kind is StreamKind.ALARM:
            return bool(await self._run(self._store().quota.make_room_at_once))
        async with self._lock:
            store = self._store()
            if not await self._run(store.quota.short):
                # Full, though the system says that there is room: a quota of the disk's, or a race.
                await self._run(store.quota.ballast.release)
            return await self._give_up(store)
