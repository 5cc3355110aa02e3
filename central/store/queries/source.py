"""Where a query's readings come from: one point at a time, whole or by pieces with summaries."""

from collections.abc import Callable, Iterator
from typing import Any, Final, Protocol

from central.reader import QueryTooLong
from central.store.columns import Integers
from central.store.points import PointReadings
from central.store.views.gathering import Readings
from protocols.clock import real_monotonic

Check = Callable[[], None]
Load = Callable[[], PointReadings]
Piece = tuple[Any, Load]
"""The SUMMARY row of some readings of one point (None: it is not known), and a way to get them."""
ALLOWED: Final = 10.0
"""Real seconds a query may take."""
BLOCK: Final = 100_000


class PointSource(Protocol):
    """What questions about one point are made of: a snapshot, in which each reading is once."""

    def read(self, number: int, start: int, end: int) -> PointReadings:
        """Return the readings with start <= time < end."""
        ...

    def pieces(self, number: int, start: int, end: int) -> Iterator[Piece]:
        """Return, in no order, pieces that hold all readings of [start, end) and may hold others.

        Nothing is decoded before it is loaded.
        """
        ...

    def rolled(self, number: int, start: int, end: int) -> Iterator[Piece]:
        """Return what is left of readings of [start, end) that are past their time.

        Each piece is a minute or an hour and belongs to where its first reading lies; its loader
        has a `tier` and gives the first and last reading only.
        """
        ...

    def blocks(
        self, number: int, start: int, end: int, size: int = BLOCK
    ) -> Iterator[PointReadings]:
        """Return the readings of [start, end) block by block, each after the one before in order.

        Blocks are of about `size` readings, so that memory is bounded whatever the span; no two of
        one moment are in two blocks.
        """
        ...

    def newest(self, number: int, at: int) -> PointReadings:
        """Return the newest reading with time <= at, or none."""
        ...

    def newest_arrived(self, number: int, by: int) -> PointReadings:
        """Return the newest reading by source time of those received at or before `by`, or none."""
        ...


class Source(PointSource, Protocol):
    """What every query is made of."""

    def newest_of(self, numbers: Integers, at: int, check: Check) -> Readings:
        """Return what `newest` returns of each of many points, those that have one.

        `check` is called now and then, to raise when it takes too long.
        """
        ...

    def newest_arrived_of(self, numbers: Integers, by: int, check: Check) -> Readings:
        """Return what `newest_arrived` returns of each of many points, those that have one."""
        ...

    def together(self, numbers: Integers, check: Check) -> PointSource:
        """Return a source for questions about `numbers` alone: what they share is read once."""
        ...

    def counts(self, numbers: Integers, start: int, end: int, check: Check) -> Integers:
        """Return how many readings of each of `numbers` there are with start <= time < end."""
        ...


class Deadline:
    """Ends a query that takes too long between two pieces of its work."""

    def __init__(self, seconds: float = ALLOWED) -> None:
        self._seconds = seconds
        self._end = real_monotonic() + seconds

    def check(self) -> None:
        """Raise QueryTooLong when the time is up."""
        if real_monotonic() > self._end:
            raise QueryTooLong(seconds=self._seconds)
