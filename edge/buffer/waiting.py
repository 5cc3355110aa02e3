"""Who waits for what the lifeboat holds: durable is only what the collector or the medium has.

On the event loop. One line per write into the lifeboat, in the order of the numbers.
"""

import asyncio
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from edge.buffer.drawer import Entry, refuse
from edge.buffer.writer import Written


class Waiter(NamedTuple):
    """One entry of a write: what its last number is, and who wants to know."""

    last: int
    done: asyncio.Future[None]


@dataclass(slots=True)
class Line:
    """One write, as far as it is neither durable nor given up."""

    first: int
    last: int
    waiters: list[Waiter]


@dataclass(slots=True)
class Waiting:
    """`items`: how many are held and not durable."""

    lines: dict[str, deque[Line]] = field(default_factory=dict)
    items: int = 0

    def add(self, written: Written, entries: Iterable[Entry]) -> None:
        """Note that `entries` were written into the lifeboat under these numbers."""
        waiters, last = [], written.first - 1
        for entry in entries:
            last += len(entry.items)
            waiters.append(Waiter(min(last, written.last), entry.done))
        line = Line(written.first, written.last, waiters)
        self.lines.setdefault(written.stream, deque()).append(line)
        self.items += written.last - written.first + 1

    def durable(self, stream: str, upto: int) -> list[tuple[str, int, int]]:
        """Tell everybody up to a number; returns what became durable as (stream, first, n)."""
        told: list[tuple[str, int, int]] = []
        lines = self.lines.get(stream, deque())
        while lines and lines[0].first <= upto:
            line = lines[0]
            last = min(line.last, upto)
            told.append((stream, line.first, last - line.first + 1))
            self.items -= last - line.first + 1
            line.first = last + 1
            for waiter in line.waiters:
                if waiter.last <= upto and not waiter.done.done():
                    waiter.done.set_result(None)
            if line.first > line.last:
                lines.popleft()
        if not lines:
            self.lines.pop(stream, None)
        return told

    def lost(self, stream: str, upto: int) -> None:
        """Refuse everything of a stream up to a number: it was given up, the oldest first."""
        lines = self.lines.get(stream, deque())
        while lines and lines[0].first <= upto:
            line = lines[0]
            last = min(line.last, upto)
            self.items -= last - line.first + 1
            before, line.first = line.first, last + 1
            start = before
            for waiter in line.waiters:
                if start <= upto:
                    refuse(waiter.done)
                start = waiter.last + 1
            if line.first > line.last:
                lines.popleft()
        if not lines:
            self.lines.pop(stream, None)

    def refuse_all(self) -> int:
        """Refuse whatever is left; returns how many items that is."""
        left, self.items = self.items, 0
        for lines in self.lines.values():
            for line in lines:
                for waiter in line.waiters:
                    refuse(waiter.done, "BUFFER_CLOSED")
        self.lines.clear()
        return left
