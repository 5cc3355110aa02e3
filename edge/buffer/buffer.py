"""The buffer's async face: takes readings in, seals them in time, hands batches to the uplink.

What `append` returns is done when its items are durable. Alarms and events are sealed at once,
routine data at most one second after its first reading, by *real* time: an SD card's life is
counted in real fsyncs, and a story that runs five times as fast must not cost five times as many.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Final, ParamSpec, TypeVar

from edge.buffer.drawer import Drawer, Entry, merged
from edge.buffer.model import Budget, Origin, Pending, Report, Stats, WentBack
from edge.buffer.relief import Relief
from edge.buffer.store import Store
from edge.config import BufferSettings
from edge.sabotage import Sabotage
from protocols.clock import Clock
from protocols.errors import BufferFault, BufferFull
from protocols.owner_thread import OwnerThread
from protocols.texts import text
from protocols.words import Event, Lane, Reading, StreamKind, Value

logger = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

SEAL_AFTER: Final = 0.9
"""Real seconds from the first reading to sealing; the rest of the second is for the commit."""
RETRY_AFTER: Final = 1.0
"""Real seconds before a medium that failed is asked again."""
PERSIST_EVERY: Final = 30.0
"""Real seconds between cursors on the medium: what a restart sends again at most."""
QUOTA_EVERY: Final = 5.0


class Buffer:
    """A durable queue in one folder, used by one process. Make it with `Buffer.open`."""

    def __init__(self, thread: OwnerThread, store: Store, clock: Clock) -> None:
        self._thread = thread
        self._store = store
        self._clock = clock
        self._drawers = {kind: Drawer(clock) for kind in StreamKind}
        self._locks = {kind: asyncio.Lock() for kind in StreamKind}
        self._relief = Relief(self._run, lambda: self._store)
        self._listeners: list[Callable[[StreamKind], None]] = []
        self._writing: set[asyncio.Task[None]] = set()
        self._fallen: Counter[str] = Counter()
        self._failing: str | None = None
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
    ) -> "Buffer":
        """Open the folder; earlier processes' streams become backfill.

        A damaged file is moved aside, told as an event, and never stops the start. Raises
        BufferFault when another process has the folder or nothing can be written at all.
        """
        loop = asyncio.get_running_loop()
        opened: list[Buffer] = []
        early: list[tuple[str, Mapping[str, Value]]] = []

        def tell(code: str, params: Mapping[str, Value]) -> None:
            if opened:
                loop.call_soon_threadsafe(opened[0]._tell, code, params)
            else:
                early.append((code, params))

        thread = OwnerThread("buffer")
        try:
            store = await thread.run(
                lambda: Store(settings, origin, clock, tell, report=report, sabotage=sabotage)
            )
        except BaseException:
            await thread.close()
            raise
        buffer = cls(thread, store, clock)
        opened.append(buffer)
        for code, params in early:
            buffer._tell(code, params)
        return buffer

    def _tell(self, code: str, params: Mapping[str, Value]) -> None:
        logger.error("%s", text(code, params, "en"))
        gateway, now = self._store.holdings.origin.gateway, self._clock.mono()
        if not self._closed:
            self.append(StreamKind.ALARM, [Event(code, gateway, now, tuple(params.items()))])

    def listen(self, callback: Callable[[StreamKind], None]) -> None:
        """Have `callback(kind)` called on the event loop whenever something became durable."""
        self._listeners.append(callback)

    def append(
        self, kind: StreamKind, items: Sequence[Reading] | Sequence[Event]
    ) -> asyncio.Future[None]:
        """Take items in; what is returned is done when they are durable.

        Never waits. When the medium fails for long the oldest unsealed items are given up, counted
        under `memory`, and their futures raise BufferFault.
        """
        if self._closed:
            raise BufferFault("BUFFER_CLOSED")
        if not items:
            done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            done.set_result(None)
            return done
        done, fallen = self._drawers[kind].put(items)
        self._fallen["memory"] += fallen
        return done

    async def run(self) -> None:
        """Seal in time, persist, keep to the quota; runs until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._keep_sealing(StreamKind.ALARM, 0))
            group.create_task(self._keep_sealing(StreamKind.DATA, SEAL_AFTER))
            group.create_task(self._keep_persisting())
            group.create_task(self._keep_quota())

    async def _keep_sealing(self, kind: StreamKind, after: float) -> None:
        drawer = self._drawers[kind]
        while True:
            await drawer.begun.wait()
            if after:
                with suppress(TimeoutError):
                    async with asyncio.timeout(after):
                        await drawer.full.wait()
            try:
                await self.seal(kind)
            except BufferFault:
                await asyncio.sleep(RETRY_AFTER)

    async def _keep_persisting(self) -> None:
        while True:
            await asyncio.sleep(PERSIST_EVERY)
            with suppress(BufferFault):
                await self.persist()

    async def _keep_quota(self) -> None:
        while True:
            await asyncio.sleep(QUOTA_EVERY)
            with suppress(BufferFault):
                await self.relieve()

    async def seal(self, kind: StreamKind) -> None:
        """Make everything taken in so far of a kind durable. Raises BufferFault; nothing is lost.

        Cancelling the await does not stop it.
        """
        task = asyncio.create_task(self._seal(kind))
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)
        await asyncio.shield(task)

    async def _seal(self, kind: StreamKind) -> None:
        async with self._locks[kind]:
            entries = self._drawers[kind].take()
            if not entries:
                return
            try:
                await self._store_entries(kind, entries)
            except BufferFault as exc:
                self._fallen["memory"] += self._drawers[kind].put_back(entries)
                self._note_failure(exc)
                raise
            self._note_success()
        for entry in entries:
            if not entry.done.done():
                entry.done.set_result(None)
        for callback in self._listeners:
            callback(kind)

    async def _store_entries(self, kind: StreamKind, entries: list[Entry]) -> None:
        groups = merged(entries)
        while True:
            try:
                return await self._run(self._store.write, kind, groups)
            except BufferFull:
                if not await self._relief.pressed(kind):
                    raise

    async def _run(self, call: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await self._thread.run(self._store.run, call, *args, **kwargs)

    def _note_failure(self, exc: BufferFault) -> None:
        if self._failing is None:
            logger.error("the buffer cannot store: %s", exc)
        self._failing = exc.code

    def _note_success(self) -> None:
        if self._failing is not None:
            logger.warning("the buffer stores again")
        self._failing = None

    async def rotate(self, kind: StreamKind) -> None:
        """End the live stream of `kind`: what it holds is backfill, what comes is a new stream."""
        await self._run(self._store.writer.rotate, kind)

    async def pending(
        self, lane: Lane, budget: Budget, without: Collection[str] = ()
    ) -> Pending | None:
        """Return what a lane has to send next, or None; asking again gives the same."""
        return await self._run(self._store.delivery.pending, lane, budget, without)

    async def manifest(self, digest: str) -> bytes | None:
        """Return a manifest that some stream refers to."""
        return await self._run(self._store.holdings.manifest, digest)

    async def committed(self, stream: str, seq: int, safe: int) -> WentBack | None:
        """Take in an answer: the collector has `stream` up to `seq`, backed up to `safe`.

        When it had confirmed more before, all that is not safe is offered again; told once.
        """
        return await self._run(self._store.delivery.committed, stream, seq, safe)

    async def rewind(
        self, stream: str, expected: int, head: bytes | None = None
    ) -> WentBack | None:
        """Go to `expected`; what exists nowhere any more becomes a skip. Returns as `committed`."""
        return await self._run(self._store.delivery.rewind, stream, expected, head)

    async def offer_again(self) -> None:
        """Offer everything not safe of all streams again; durable on return."""
        await self._run(self._store.delivery.offer_again)

    async def meet(self, incarnation: str) -> bool:
        """Note which collector's database answers; True when it is another than before.

        Then everything it may not have (committed, never backed up) is offered again.
        """
        return await self._run(self._store.delivery.meet, incarnation)

    async def persist(self) -> None:
        """Make the cursors durable and free what the collector holds safely."""
        await self._run(self._store.housekeeping.persist)

    async def relieve(self) -> None:
        """Give up, by policy and counted, until there is room."""
        await self._relief.relieve()

    async def stats(self) -> Stats:
        """Return backlog, sizes and what was given up."""
        stats = await self._run(self._store.housekeeping.stats)
        drops = dict(Counter(stats.drops) + self._fallen)
        waiting = {kind: self._drawers[kind].items for kind in StreamKind}
        return replace(stats, drops=drops, failing=self._failing, unsealed=sum(waiting.values()))

    async def close(self) -> None:
        """Seal what is left, persist and let go; may be called any number of times."""
        if self._closed:
            return
        for kind in StreamKind:
            with suppress(BufferFault):
                await self.seal(kind)
        self._closed = True
        with suppress(BufferFault):
            await self._run(self._store.close)
        await self._thread.close()
