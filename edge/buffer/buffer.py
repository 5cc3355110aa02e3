"""The buffer's async face: takes readings in, seals them in time, hands batches to the uplink.

What `append` returns is done when its items are durable: on the medium or, while that fails, with
the collector. Alarms and events are sealed at once, routine data at most one second after its first
reading, by *real* time: an SD card's life is counted in real fsyncs, and a story that runs five
times as fast must not cost five times as many.

    append -> Drawer -> seal --> Store on the medium --------------+--> Routes -> uplink
                         |                                         |
                         +-- it fails --> Lifeboat in memory ------+
                                              +-- it works again --> Rescue brings it ashore
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Final, ParamSpec, TypeVar

from edge.buffer.lifeboat import Lifeboat
from edge.buffer.medium import Medium
from edge.buffer.model import Budget, Origin, Pending, Report, Stats, WentBack
from edge.buffer.relief import Relief
from edge.buffer.rescue import Rescue
from edge.buffer.routes import Routes
from edge.buffer.salvager import Salvager
from edge.buffer.sealing import Sealing
from edge.buffer.sides import Sides, blind_number
from edge.buffer.store import Store
from edge.buffer.tending import Tending
from edge.buffer.turns import Turns
from edge.buffer.waiting import Waiting
from edge.config import BufferSettings
from edge.sabotage import Sabotage
from protocols.clock import Clock
from protocols.errors import BufferFault
from protocols.owner_thread import OwnerThread
from protocols.texts import text
from protocols.words import Event, Lane, Reading, StreamKind, Value

logger = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

GOOD_NEWS: Final = {
    "BUFFER_WORKS_AGAIN": logging.WARNING,
    "BUFFER_SALVAGED": logging.WARNING,
    "BUFFER_QUARANTINE_TRIMMED": logging.INFO,
}
"""What is told without anything being wrong just now, and how loud the log says it."""


class Buffer:
    """A durable queue in one folder, used by one process. Make it with `Buffer.open`."""

    def __init__(
        self,
        thread: OwnerThread,
        settings: BufferSettings,
        origin: Origin,
        clock: Clock,
        *,
        report: Report | None = None,
        sabotage: Sabotage | None = None,
    ) -> None:
        loop, spoiler = asyncio.get_running_loop(), sabotage or Sabotage({})

        def tell(code: str, params: Mapping[str, Value]) -> None:
            with suppress(RuntimeError):  # the loop has ended: nobody is left to be told
                loop.call_soon_threadsafe(self._tell, code, params)

        def make() -> Store:
            return Store(settings, origin, clock, tell, report=report, sabotage=spoiler)

        self._thread = thread
        self._clock = clock
        self._turns = Turns()
        self._relief = Relief(self._run, lambda: self._store)
        self._sides = Sides(
            medium=Medium(settings.folder, make),
            thread=thread,
            clock=clock,
            build=lambda highest: Lifeboat(settings.memory_bytes, origin, clock, highest, spoiler),
            blind=lambda: blind_number(settings.folder, clock),
        )
        self._waiting = Waiting()
        self._routes = Routes(self._sides, self._waiting, report, self._on_fault)
        self._rescue = Rescue(
            self._sides,
            self._routes,
            self._turns,
            tell=self._tell,
            relieve=self._relief.relieve,
            wake=self._wake,
        )
        self._sealing = Sealing(
            clock, self._sides, self._waiting, self._turns, self._relief, self._rescue
        )
        self._tending = Tending(self._sides, self._turns, self._relief, self._on_fault)
        self._salvager = Salvager(self._in_turn, self._tell, self._wake)
        self._closed = False

    @classmethod
    async def open(
        cls,
        settings: BufferSettings,
        origin: Origin,
        clock: Clock,
        *,
        report: Report | None = None,
        sabotage: Sabotage | None = None,
        needs_medium: bool = False,
    ) -> "Buffer":
        """Open the folder; earlier processes' streams become backfill.

        A damaged file is moved aside, told as an event, and never stops the start. A folder that
        cannot be used begins in memory and is opened when it can be. Raises BufferFault when
        another process has it or, with `needs_medium`, when it cannot be used.
        """
        thread = OwnerThread("buffer")
        buffer = cls(thread, settings, origin, clock, report=report, sabotage=sabotage)
        try:
            await thread.run(buffer._sides.medium.open)
        except BufferFault as exc:
            if needs_medium or exc.code == "BUFFER_LOCKED":
                await thread.close()
                raise
            buffer._rescue.launch(exc)
        except BaseException:
            await thread.close()
            raise
        return buffer

    @property
    def _store(self) -> Store:
        return self._sides.medium.must()

    def _tell(self, code: str, params: Mapping[str, Value]) -> None:
        logger.log(GOOD_NEWS.get(code, logging.ERROR), "%s", text(code, params, "en"))
        # No subject: it is the gateway itself, which the collector names.
        event = Event(code, "", self._clock.mono(), tuple(params.items()))
        if not self._closed:
            self.append(StreamKind.ALARM, [event])

    def _on_fault(self, fault: BufferFault) -> None:
        """The medium failed a question: it would fail what is written as well."""
        if not self._closed:
            self._rescue.launch(fault)

    def _wake(self) -> None:
        for kind in StreamKind:
            self._sealing.tell(kind)

    def listen(self, callback: Callable[[StreamKind], None]) -> None:
        """Have `callback(kind)` called on the event loop whenever there is more to send."""
        self._sealing.listeners.append(callback)

    def append(
        self, kind: StreamKind, items: Sequence[Reading] | Sequence[Event]
    ) -> asyncio.Future[None]:
        """Take items in; what is returned is done when they are durable.

        Never waits. What neither medium nor memory has room for is given up, the oldest first,
        counted under `memory`, and its futures raise BufferFault. What is taken in together shares
        a future: await it shielded.
        """
        if self._closed:
            raise BufferFault("BUFFER_CLOSED")
        if not items:
            done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            done.set_result(None)
            return done
        return self._sealing.put(kind, items)

    async def run(self) -> None:
        """Seal in time, persist, keep to the quota, watch the medium; runs until cancelled."""
        async with asyncio.TaskGroup() as group:
            for kind in StreamKind:
                group.create_task(self._sealing.run(kind))
            group.create_task(self._tending.run())
            group.create_task(self._rescue.run())
            group.create_task(self._salvager.keep())

    async def seal(self, kind: StreamKind) -> None:
        """Seal everything taken in so far of a kind: onto the medium, into memory if that fails.

        Raises BufferFault when neither takes it; nothing is lost. Cancelling does not stop it.
        """
        await self._sealing.seal(kind)

    async def _run(self, call: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        async with self._turns.take():
            return await self._thread.run(self._store.run, call, *args, **kwargs)

    async def _in_turn(self, call: Callable[[Store], T]) -> T:
        async with self._turns.take():
            return await self._sides.ashore(call)

    async def recover(self) -> bool:
        """Try a medium that failed now; True when it works and has what was in memory."""
        return await self._rescue.recover()

    async def salvage(self) -> None:
        """Put back what damaged files still hold; returns when there is nothing left to try."""
        await self._salvager.work()

    async def rotate(self, kind: StreamKind) -> None:
        """End the live stream of `kind`: what it holds is backfill, what comes is a new stream."""
        if self._sides.lifeboat is not None:
            await self._sides.aboard(lambda boat: boat.rotate([kind]))
        if self._sides.medium.store is not None:
            await self._sides.ashore(lambda store: store.writer.rotate(kind))

    async def pending(
        self, lane: Lane, budget: Budget, without: Collection[str] = ()
    ) -> Pending | None:
        """Return what a lane has to send next, or None; asking again gives the same."""
        return await self._routes.pending(lane, budget, without)

    async def manifest(self, digest: str) -> bytes | None:
        """Return a manifest that some stream refers to."""
        return await self._routes.manifest(digest)

    async def committed(self, stream: str, seq: int, safe: int) -> WentBack | None:
        """Take in an answer: the collector has `stream` up to `seq`, backed up to `safe`.

        When it had confirmed more before, all that is not safe is offered again; told once.
        """
        return await self._routes.committed(stream, seq, safe)

    async def rewind(
        self, stream: str, expected: int, head: bytes | None = None
    ) -> WentBack | None:
        """Go to `expected`; what exists nowhere any more becomes a skip. Returns as `committed`."""
        return await self._routes.rewind(stream, expected, head)

    async def kept(self) -> dict[str, int]:
        """Return how far the collector is said to have each stream of which something is kept."""
        return await self._routes.kept()

    async def learned(self, stream: str, told: int, committed: int, safe: int) -> WentBack | None:
        """Take in how far a stream is at the collector, asked for when `told` was known of it."""
        return await self._routes.learned(stream, told, committed, safe)

    async def offer_again(self) -> None:
        """Offer everything not safe of all streams again; durable if the medium works."""
        await self._routes.offer_again()

    async def meet(self, incarnation: str) -> bool:
        """Note which collector's database answers; True when it is another than before.

        Then everything it may not have (committed, never backed up) is offered again.
        """
        return await self._routes.meet(incarnation)

    async def persist(self) -> None:
        """Make the cursors durable and free what the collector holds safely."""
        await self._tending.persist()

    async def relieve(self) -> None:
        """Give up, by policy and counted, until there is room on the medium."""
        await self._tending.relieve()

    async def stats(self) -> Stats:
        """Return backlog, sizes and what was given up."""
        stats = await self._routes.stats()
        drops = Counter(stats.drops) + self._rescue.drops + Counter(memory=self._sealing.fallen)
        unsealed = self._sealing.unsealed + self._waiting.items
        stuck = self._sealing.stuck
        if stuck is not None:
            stats = replace(stats, medium="failing", failing=stats.failing or stuck.code)
        return replace(stats, drops=dict(drops), unsealed=unsealed)

    async def close(self) -> None:
        """Seal what is left, persist and let go; may be called any number of times."""
        if self._closed:
            return
        for kind in StreamKind:
            with suppress(BufferFault):
                await self.seal(kind)
        if self._sides.lifeboat is not None:
            await self._rescue.recover()
        for kind in StreamKind:
            with suppress(BufferFault):
                await self.seal(kind)
        self._closed = True
        left = self._waiting.refuse_all()
        if left:
            logger.error("%d items ended with the process: the medium did not work again", left)
        with suppress(BufferFault):
            await self._sides.ashore(lambda store: store.close())
        await self._sides.sink()
        await self._thread.close()
