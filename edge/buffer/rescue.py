"""Turns to the lifeboat when the medium fails, and brings everything ashore when it works again.

A medium that failed is asked again after one second, then at most every ten. When it takes what is
written, new data goes there at once; then the lifeboat's streams follow, alarms first, each with
its numbers and its chain, in small commits between those of new data. A kill in between costs what
was in memory and undelivered, and was never called durable.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Final

from edge.buffer.lifeboat import Cargo, Lifeboat
from edge.buffer.medium import land, reserve, take
from edge.buffer.routes import Routes, by_memory
from edge.buffer.sides import Sides
from edge.buffer.store import Store
from edge.buffer.turns import Turns
from edge.buffer.writer import Unsure, Written
from protocols.clock import SECOND
from protocols.errors import BufferFault, BufferFull
from protocols.words import StreamKind, Value

logger = logging.getLogger(__name__)

RETRY_FIRST: Final = 1.0
RETRY_LAST: Final = 10.0
"""Real seconds before a medium that failed is asked again, doubled each time."""


class Rescue:
    """`tell` sends an event, `wake` says that there is more to send, `relieve` makes room on the
    medium; `drops` collects what memory gave up.
    """

    def __init__(
        self,
        sides: Sides,
        routes: Routes,
        turns: Turns,
        *,
        tell: Callable[[str, Mapping[str, Value]], None],
        relieve: Callable[[], Awaitable[None]],
        wake: Callable[[], None],
    ) -> None:
        self.drops: Counter[str] = Counter()
        self._sides = sides
        self._routes = routes
        self._turns = turns
        self._tell = tell
        self._relieve = relieve
        self._wake = wake
        self._needed = asyncio.Event()
        self._one_at_a_time = asyncio.Lock()

    def launch(self, fault: BufferFault, kind: StreamKind | None = None) -> None:
        """Turn to the lifeboat; told as one event, however often it fails before it works.

        A medium that is only full for routine data goes on taking alarms.
        """
        full = isinstance(fault, BufferFull) and kind is StreamKind.DATA
        kinds = (StreamKind.DATA,) if full else tuple(StreamKind)
        fresh = self._sides.since is None
        if not self._sides.launch(fault, kinds):
            return
        self._needed.set()
        if fresh:
            reason = str(fault.params.get("reason", fault.code))
            self._tell("BUFFER_FAILING", {"reason": reason})

    async def doubtful(self, kind: StreamKind) -> Written | None:
        """Take what the medium may or may not have into the lifeboat; None when there is none."""
        if self._sides.medium.store is None:
            return None
        found = await self._sides.ashore(lambda s: (s.writer.unsure(kind), s))
        unsure = found[0]
        if unsure is None:
            return None
        head, reached = await self._sides.thread.run(before, found[1].delivery.head_at, unsure)
        self._sides.floors[unsure.stream.id] = [unsure.base, reached]
        return await self._sides.aboard(lambda boat: boat.board(unsure, head))

    async def run(self) -> None:
        """Ask a medium that failed again until it works, for ever."""
        while True:
            await self._needed.wait()
            delay = RETRY_FIRST
            while self._sides.lifeboat is not None:
                await asyncio.sleep(delay)
                delay = min(RETRY_LAST, delay * 2)
                await self.recover()
            self._needed.clear()

    async def recover(self) -> bool:
        """Try the medium now; True when it works and holds all that the lifeboat held."""
        async with self._one_at_a_time:
            if self._sides.lifeboat is None:
                return True
            try:
                if self._sides.failing is not None:
                    await self._turn_back()
                await self._bring_ashore()
            except BufferFault as exc:
                logger.debug("the medium does not work yet: %s", exc)
                self.launch(exc, StreamKind.DATA)  # a full medium still has room for alarms
                return False
            if not await self._sides.aboard(lambda boat: boat.empty):
                return False  # only by number: it is sent from memory, then this ends
            await self._end()
            return True

    async def _turn_back(self) -> None:
        """Open the medium anew and let new data go there. Raises BufferFault."""
        sides, full = self._sides, self._sides.failing
        # Full when the gateway began, or again in between: it is not even open, and has to be.
        closed = sides.medium.store is None
        if isinstance(full, BufferFull) and not closed:
            await self._must_have_room(full)
        aboard = await sides.aboard(lambda boat: boat.aboard())
        highest = sides.lifeboat.holdings.highest if sides.lifeboat else 0
        await sides.thread.run(sides.medium.reopen, aboard, highest)
        if isinstance(full, BufferFull) and closed:
            await self._must_have_room(full)
        sides.landing.clear()
        async with sides.locks[StreamKind.ALARM], sides.locks[StreamKind.DATA]:
            highest = await sides.aboard(lambda boat: boat.holdings.highest)
            await sides.ashore(lambda store: reserve(store.holdings, highest))
            taken = await sides.ashore(known_numbers)
            await sides.aboard(lambda boat: boat.rotate(list(StreamKind)))
            await sides.aboard(lambda boat: boat.strand(taken))
            sides.turn_back()
        self._wake()
        logger.warning("the buffer's medium works again")

    async def _must_have_room(self, full: BufferFull) -> None:
        """Raise while the medium that was full still is."""
        await self._relieve()
        if not await self._sides.ashore(lambda store: store.quota.has_room(StreamKind.DATA)):
            raise full

    async def _bring_ashore(self) -> None:
        sides = self._sides
        while (cargo := await sides.aboard(lambda boat: boat.cargo())) is not None:
            await self._land(cargo)

    async def _land(self, cargo: Cargo) -> None:
        """Bring one stream ashore. Raises BufferFault; then the lifeboat still has all of it."""
        sides, stream, seq = self._sides, cargo.record.id, cargo.record.base + 1
        sides.landing.add(stream)
        while rows := await sides.aboard(partial(Lifeboat.rows, stream_id=stream, seq=seq)):
            await self._commit(partial(take, cargo=cargo, rows=rows))
            seq = rows[-1].last + 1
        landing = await sides.aboard(lambda boat: boat.landing(stream))
        if landing is not None:
            await self._commit(partial(land, cargo=cargo, landing=landing))
        await sides.aboard(lambda boat: boat.release(stream))
        await self._routes.durable(stream, cargo.last)
        sides.landing.discard(stream)
        sides.floors.pop(stream, None)

    async def _commit(self, call: Callable[..., None]) -> None:
        if self._sides.failing is not None:  # meanwhile, by what others wrote
            raise self._sides.failing
        async with self._turns.take():
            await self._sides.ashore(call)

    async def _end(self) -> None:
        sides = self._sides
        given = by_memory(await sides.aboard(lambda boat: boat.holdings.drops))
        self.drops.update(given)
        seconds = (sides.clock.now() - (sides.since or 0)) // SECOND
        await sides.sink()
        sides.since = None
        self._tell("BUFFER_WORKS_AGAIN", {"seconds": seconds, "given_up": given["memory"]})


def known_numbers(store: Store) -> dict[int, str]:
    """Return whose the numbers on the medium are."""
    return {stream.number: stream.id for stream in store.holdings.streams.values()}


def before(head_at: Callable[..., bytes | None], unsure: Unsure) -> tuple[bytes | None, int]:
    """Return the chain head before what is in doubt, None when it cannot be read, and how far the
    collector has its stream.
    """
    try:
        head = head_at(unsure.stream, unsure.base)
    except (BufferFault, OSError):
        head = None
    return head, unsure.stream.committed
