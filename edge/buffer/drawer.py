"""What has been taken in but not sealed yet, of one kind; on the event loop, bounded."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from edge.buffer.model import Group
from protocols.clock import Clock, ClockState
from protocols.errors import BufferFault
from protocols.wire.bounds import BATCH_ITEMS
from protocols.words import Event, Reading

HELD: Final = 100_000
"""Items held at most while a commit takes long: about 10 MB; then the oldest are given up."""

Items = Sequence[Reading] | Sequence[Event]


@dataclass(slots=True, kw_only=True)
class Entry:
    """What came in together, readings or events, stamped as the first; one future tells for all."""

    mono0: int
    wall0: int
    clock_state: ClockState
    items: list[Reading | Event]
    done: asyncio.Future[None]


@dataclass(slots=True)
class Drawer:
    """Collects; `begun` is set while there is something, `full` when it makes a whole batch."""

    clock: Clock
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    full: asyncio.Event = field(default_factory=asyncio.Event)
    entries: list[Entry] = field(default_factory=list)
    items: int = 0

    def put(self, items: Items) -> tuple[asyncio.Future[None], int]:
        """Take items in; return what tells when they are durable and how many older ones fell.

        Neighbours share what tells: whoever awaits it shields it from being cancelled.
        """
        entry = self._entry(items)
        entry.items.extend(items)
        self._count(len(items))
        return entry.done, self._overflow()

    def _entry(self, items: Items) -> Entry:
        if self.entries:
            last = self.entries[-1]
            alike = isinstance(last.items[0], Event) is isinstance(items[0], Event)
            if alike and len(last.items) < BATCH_ITEMS and not last.done.done():
                return last
        entry = Entry(
            mono0=self.clock.mono(),
            wall0=self.clock.now(),
            clock_state=self.clock.state,
            items=[],
            done=asyncio.get_running_loop().create_future(),
        )
        self.entries.append(entry)
        return entry

    def take(self) -> list[Entry]:
        """Empty the drawer."""
        entries, self.entries = self.entries, []
        self._count(-self.items)
        return entries

    def put_back(self, entries: list[Entry]) -> int:
        """Return what could not be stored to the front; tell how many items fell."""
        self.entries[:0] = entries
        self._count(sum(len(entry.items) for entry in entries))
        return self._overflow()

    def _count(self, more: int) -> None:
        self.items += more
        (self.begun.set if self.items else self.begun.clear)()
        (self.full.set if self.items >= BATCH_ITEMS else self.full.clear)()

    def _overflow(self) -> int:
        fallen = 0
        while self.items > HELD and len(self.entries) > 1:
            entry = self.entries.pop(0)
            self.items -= len(entry.items)
            fallen += len(entry.items)
            refuse(entry.done)
        return fallen


def refuse(done: asyncio.Future[None], code: str = "BUFFER_OVERFLOW") -> None:
    """Tell whoever waits that this will never be durable; no warning when nobody does."""
    if not done.done():
        done.set_exception(BufferFault(code))
        done.exception()


def merged(entries: Sequence[Entry]) -> list[Group]:
    """Return the entries' groups, neighbours of one sort as one batch, stamped as the first."""
    groups: list[tuple[Entry, list[Reading | Event]]] = []
    for entry in entries:
        if groups and isinstance(groups[-1][1][0], Event) is isinstance(entry.items[0], Event):
            groups[-1][1].extend(entry.items)
        else:
            groups.append((entry, list(entry.items)))
    return [
        Group(
            mono0=first.mono0,
            wall0=first.wall0,
            clock_state=first.clock_state,
            items=items,  # type: ignore[arg-type]  # all of the first one's sort
        )
        for first, items in groups
    ]
