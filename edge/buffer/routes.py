"""The reading side over both sides: what to send next, where an answer belongs.

What exists in memory only goes first: it is what a power cut would take. What the medium cannot
tell while it fails is passed over and offered again when it works.
"""

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import TypeVar

from edge.buffer.lifeboat import Told
from edge.buffer.model import Backlog, Budget, Pending, Report, Stats, WentBack
from edge.buffer.sides import Sides, failed
from edge.buffer.store import Store
from edge.buffer.waiting import Waiting
from protocols.errors import BufferDamaged, BufferFault
from protocols.words import Lane

T = TypeVar("T")


class Routes:
    """`on_fault` is told when the medium fails a question."""

    def __init__(
        self,
        sides: Sides,
        waiting: Waiting,
        report: Report | None,
        on_fault: Callable[[BufferFault], None],
    ) -> None:
        self._sides = sides
        self._waiting = waiting
        self._report = report
        self._on_fault = on_fault
        self._last: Stats | None = None

    async def pending(self, lane: Lane, budget: Budget, without: Collection[str]) -> Pending | None:
        """Return what a lane has to send next, or None."""
        if self._sides.lifeboat is not None:
            barred = (*without, *self._unfinished())
            found = await self._sides.aboard(lambda boat: boat.pending(lane, budget, barred))
            if found is not None:
                return found
        without = (*without, *self._sides.landing)
        return await self._ashore(lambda s: s.delivery.pending(lane, budget, without), None)

    def _unfinished(self) -> list[str]:
        """Return the streams of the lifeboat whose beginning must be sent from the medium first."""
        floors = self._sides.floors
        return [stream for stream, (floor, reached) in floors.items() if reached < floor]

    async def _ashore(self, call: Callable[[Store], T], otherwise: T) -> T:
        """Return what the medium says; `otherwise` when it cannot say anything just now."""
        try:
            return await self._sides.ashore(call)
        except BufferFault as exc:
            if not failed(exc):
                raise
            self._sides.medium.unreadable = True
            if self._sides.failing is None:
                self._on_fault(exc)
            return otherwise

    async def committed(self, stream: str, seq: int, safe: int) -> WentBack | None:
        """Take in an answer, on whichever side it concerns."""
        self._reached(stream, seq)
        told = Told(None)
        if self._sides.lifeboat is not None:
            told = await self._sides.aboard(lambda boat: boat.committed(stream, seq, safe))
            await self._tell(stream, told)
        back = await self._ashore(lambda s: s.delivery.committed(stream, seq, safe), None)
        return await self._both_go_back(told.went_back, back)

    async def rewind(self, stream: str, expected: int, head: bytes | None) -> WentBack | None:
        """Go to `expected`, on whichever side has the stream."""
        self._reached(stream, expected - 1)
        told = Told(None)
        if self._sides.lifeboat is not None:
            told = await self._sides.aboard(lambda boat: boat.rewind(stream, expected, head))
            await self._tell(stream, told)
        back = await self._ashore(lambda s: s.delivery.rewind(stream, expected, head), None)
        return await self._both_go_back(told.went_back, back)

    async def kept(self) -> dict[str, int]:
        """Return how far the collector is said to have each stream, on both sides."""
        found: dict[str, int] = {}
        if self._sides.lifeboat is not None:
            found = await self._sides.aboard(lambda boat: boat.delivery.kept())
        nothing: dict[str, int] = {}
        # Where a stream is on both, the medium has its beginning.
        return found | await self._ashore(lambda s: s.delivery.kept(), nothing)

    async def learned(self, stream: str, told: int, committed: int, safe: int) -> WentBack | None:
        """Take in how far a stream is, asked for when `told` was known of it."""
        if self._sides.lifeboat is not None:  # it looks after itself with every answer
            return None
        return await self._ashore(lambda s: s.delivery.learned(stream, told, committed, safe), None)

    def _reached(self, stream: str, seq: int) -> None:
        if stream in self._sides.floors:
            self._sides.floors[stream][1] = seq

    async def _tell(self, stream: str, told: Told) -> None:
        """What the collector has is durable: whoever waits for it is told."""
        if told.upto is None:
            return
        await self.durable(stream, told.upto)

    async def durable(self, stream: str, upto: int) -> None:
        """Tell whoever waits that a stream of the lifeboat is durable up to a number."""
        ranges, report = self._waiting.durable(stream, upto), self._report
        if report is not None and ranges:
            await self._sides.aboard(lambda _: [report(*each) for each in ranges])

    async def _both_go_back(
        self, aboard: WentBack | None, ashore: WentBack | None
    ) -> WentBack | None:
        if self._sides.lifeboat is not None:
            if aboard is not None and ashore is None:
                await self._ashore(lambda s: s.delivery.offer_again(), None)
            if ashore is not None and aboard is None:
                await self._sides.aboard(lambda boat: boat.delivery.offer_again())
            if aboard is not None or ashore is not None:
                await self._look_where_floors_are()
        return aboard or ashore

    async def _look_where_floors_are(self) -> None:
        """Ask how far the beginnings on the medium are, after they may have gone back."""

        def reached(store: Store) -> dict[str, int]:
            return {s.id: s.committed for s in store.holdings.streams.values()}

        nothing: dict[str, int] = {}
        known = await self._ashore(reached, nothing)
        for stream, floor in self._sides.floors.items():
            floor[1] = known.get(stream, floor[0])

    async def offer_again(self) -> None:
        """Offer everything not safe of all streams again; durable where the medium works."""
        if self._sides.lifeboat is not None:
            await self._sides.aboard(lambda boat: boat.delivery.offer_again())
        await self._ashore(lambda s: s.delivery.offer_again(), None)
        await self._look_where_floors_are()

    async def meet(self, incarnation: str) -> bool:
        """Note which collector's database answers; True when it is another than before."""
        another = False
        if self._sides.lifeboat is not None:
            another = await self._sides.aboard(lambda boat: boat.delivery.meet(incarnation))
        another |= await self._ashore(lambda s: s.delivery.meet(incarnation), False)  # noqa: FBT003
        if another:
            await self._look_where_floors_are()
        return another

    async def manifest(self, digest: str) -> bytes | None:
        """Return a manifest that some stream refers to."""
        found = await self._ashore(lambda s: s.holdings.manifest(digest), None)
        if found is None and self._sides.lifeboat is not None:
            found = await self._sides.aboard(lambda boat: boat.holdings.manifest(digest))
        return found

    async def stats(self) -> Stats:
        """Return both sides as one."""
        sides = self._sides
        stats: Stats | None = None
        with suppress(BufferDamaged):  # put aside already: asking again tells what is left
            stats = await self._ashore(lambda s: s.housekeeping.stats(), None)
        stats = self._last = stats or self._last or NOTHING
        if sides.lifeboat is not None:
            stats = together(stats, await sides.aboard(lambda boat: boat.stats()))
        code = None if sides.failing is None else sides.failing.code
        return replace(
            stats,
            failing=code,
            medium="ok" if code is None else "memory",
            failing_since=sides.since,
        )


NOTHING = Stats(
    alarm=Backlog(readings=0, batches=0, oldest=None),
    data=Backlog(readings=0, batches=0, oldest=None),
    bytes=0,
    quota_bytes=0,
    written=0,
)


def together(ashore: Stats, aboard: Stats) -> Stats:
    """Return the sum of both."""
    drops = dict(Counter(ashore.drops) + by_memory(aboard.drops))
    mine = {stream.stream: stream for stream in aboard.streams}
    streams = [
        replace(s, last=mine[s.stream].last) if s.stream in mine else s for s in ashore.streams
    ]
    known = {stream.stream for stream in streams}
    return replace(
        ashore,
        alarm=backlog(ashore.alarm, aboard.alarm),
        data=backlog(ashore.data, aboard.data),
        written=ashore.written + aboard.written,
        drops=drops,
        streams=(*streams, *(s for s in aboard.streams if s.stream not in known)),
        memory_bytes=aboard.bytes,
        memory_limit=aboard.quota_bytes,
    )


def by_memory(drops: Mapping[str, int]) -> Counter[str]:
    """Return what a lifeboat gave up, under the reasons people are told."""
    return Counter({"memory" if why == "quota" else why: n for why, n in drops.items()})


def backlog(one: Backlog, other: Backlog) -> Backlog:
    """Return the sum."""
    times = [each.oldest for each in (one, other) if each.oldest is not None]
    return Backlog(
        readings=one.readings + other.readings,
        batches=one.batches + other.batches,
        oldest=min(times, default=None),
    )
