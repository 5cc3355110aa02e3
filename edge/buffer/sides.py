"""The two sides of the buffer, each in a thread of its own: the medium and, if need be, a lifeboat.

While `failing` is set everything new of the kinds in `refused` goes into the lifeboat: of both
kinds, unless the medium is only full and keeps its last room for alarms. The lifeboat stays, and is
read from, until what it holds is with the collector or on the medium.
"""

import asyncio
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from secrets import randbelow
from typing import Final, TypeVar

from edge.buffer.lifeboat import Lifeboat
from edge.buffer.medium import Medium
from edge.buffer.numbers import read_highest
from edge.buffer.store import Store
from protocols.clock import MINUTE, Clock
from protocols.errors import BufferFault
from protocols.owner_thread import OwnerThread
from protocols.words import StreamKind

T = TypeVar("T")

APART: Final = 16
"""Numbers left out between the medium's and the lifeboat's: a stream may be beginning there."""
BLIND_EPOCH: Final = 1_577_836_800_000_000
"""2020-01-01, µs."""
BLIND_STEP: Final = 4 * MINUTE
BLIND_SPREAD: Final = 10_000
"""Where nothing can be read numbers go by time, one in so long: faster than any gateway begins
streams, so that no number is given twice, and slow enough for a century."""


def blind_number(folder: Path, clock: Clock) -> int:
    """Return a number that no stream of a folder which does not open can have reached."""
    noted = read_highest(folder)
    if noted:
        return noted + APART
    # Apart from what another start without a medium, a moment ago, may have given.
    return max(0, (clock.now() - BLIND_EPOCH) // BLIND_STEP) + randbelow(BLIND_SPREAD)


def failed(fault: BufferFault) -> bool:
    """Whether a fault is the medium's: not a full, a damaged or a later file, which have their own
    cures, and no answer that is only not known yet.
    """
    return type(fault) is BufferFault


@dataclass(slots=True, kw_only=True)
class Sides:
    """`build(highest)` makes a lifeboat whose streams are numbered above `highest`.

    `floors`: of each stream whose end is in the lifeboat and whose beginning is on the medium,
    where the beginning ends and how far the collector has it. `landing`: streams on their way.
    `locks`: held while a kind is sealed.
    """

    medium: Medium
    thread: OwnerThread
    clock: Clock
    build: Callable[[int], Lifeboat]
    blind: Callable[[], int]
    """A number that no stream of an unreadable medium can have reached."""
    lifeboat: Lifeboat | None = None
    failing: BufferFault | None = None
    refused: frozenset[StreamKind] = frozenset()
    since: int | None = None
    floors: dict[str, list[int]] = field(default_factory=dict)
    landing: set[str] = field(default_factory=set)
    locks: dict[StreamKind, asyncio.Lock] = field(
        default_factory=lambda: {kind: asyncio.Lock() for kind in StreamKind}
    )
    _boat_thread: OwnerThread | None = None

    async def ashore(self, call: Callable[[Store], T]) -> T:
        """Return what `call` returns of the medium's store. Raises BufferFault."""
        return await self.thread.run(self._on_store, call)

    def _on_store(self, call: Callable[[Store], T]) -> T:
        store = self.medium.must()
        return store.run(call, store)

    async def aboard(self, call: Callable[[Lifeboat], T]) -> T:
        """Return what `call` returns of the lifeboat, which there must be."""
        boat, thread = self.lifeboat, self._boat_thread
        if boat is None or thread is None:
            raise BufferFault("BUFFER_IO", file="memory", reason="no lifeboat")
        return await thread.run(call, boat)

    def launch(self, fault: BufferFault, kinds: Collection[StreamKind]) -> bool:
        """Turn to the lifeboat with `kinds`; returns whether that is news."""
        if self.refused.issuperset(kinds):
            return False
        self.failing, self.refused = fault, self.refused.union(kinds)
        self.since = self.since or self.clock.now()
        store = self.medium.store
        highest = self.blind() if store is None else store.holdings.highest + APART
        if self.lifeboat is None:
            self.lifeboat = self.build(highest)
            self._boat_thread = OwnerThread("lifeboat")
        else:
            held = self.lifeboat.holdings
            held.highest = max(held.highest, highest)
        return True

    def turn_back(self) -> None:
        """Let new data go to the medium again."""
        self.failing, self.refused = None, frozenset()

    async def sink(self) -> None:
        """Let go of the lifeboat, of which nothing is needed any more."""
        boat, thread = self.lifeboat, self._boat_thread
        self.lifeboat = self._boat_thread = None
        self.floors.clear()
        self.landing.clear()
        if boat is not None and thread is not None:
            with suppress(BufferFault):
                await thread.run(boat.close)
            await thread.close()
