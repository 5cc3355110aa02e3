"""Sums, means, extremes, changes and counts over the last minutes to days, each level its own.

A window ends with the reading that is judged and leaves out the moment it began: (t - window, t],
so that a sum counts each minute once; a change is from that moment on: [t - window, t].
It is looked at when a reading comes, never because time passed: a gauge that fell silent must not
look like rain that stopped.
"""

import bisect
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

from protocols.alarms.condition import COMPARE
from protocols.alarms.kinds.kind import Reading, Taken
from protocols.alarms.rule import Level
from protocols.clock import SECOND

MOST: Final = 20_000
"""Readings a window remembers; beyond it the oldest go, and the window is shorter than it says."""


class Aggregate(StrEnum):
    """What is made of the readings of a window."""

    SUM = "sum"
    MEAN = "mean"
    MIN = "min"
    MAX = "max"
    COUNT = "count"
    CHANGE = "change"
    """The newest less the oldest: metres risen in three hours."""


class Counted(NamedTuple):
    """What `count` counts: beginnings of value <op> limit."""

    op: str
    limit: float


class Seen(NamedTuple):
    """Readings in order of time: what each adds, and the last as it was measured."""

    times: tuple[int, ...] = ()
    values: tuple[float, ...] = ()
    last: tuple[int, float] | None = None
    """Of a counter, or of what is counted: the newest reading itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """`seconds` is the window of a level that names none.

    `counter`: readings are of a meter that only goes up, and begins at 0 again: what counts is by
    how much it went up. `allowed_lateness`: seconds behind the newest a reading may come and still
    be put in its place. `min_samples`: good readings below which there is no verdict.
    """

    aggregate: Aggregate
    seconds: float = 3600.0
    counter: bool = False
    counted: Counted | None = None
    allowed_lateness: float = 0.0
    min_samples: int = 1

    @property
    def lateness(self) -> float:
        """Return it. What goes by the reading before cannot be put in its place later."""
        return 0.0 if self.counter or self.counted else self.allowed_lateness

    def begin(self) -> Seen:
        """Return that nothing was seen."""
        return Seen()

    def take(self, memory: Seen, reading: Reading, levels: tuple[Level, ...]) -> Taken:
        """Put the reading in its place and look at every level's window."""
        added = self._added(memory, reading)
        times, values = memory.times, memory.values
        if added is not None:
            at = bisect.bisect_right(times, reading.time)
            times = (*times[:at], reading.time, *times[at:])
            values = (*values[:at], added, *values[at:])
        # A level is judged at the newest reading, however late the one that led to it came.
        newest = max(reading.time, times[-1] if times else reading.time)
        first = self._first(times, newest, levels)
        taken = Seen(times[first:], values[first:], (reading.time, reading.value))
        return Taken(taken, tuple(self._of(taken, newest, level) for level in levels))

    def join(
        self, past: Seen, live: Seen, after: Reading | None, levels: tuple[Level, ...]
    ) -> Seen:
        """Return the live memory with what a past had seen, each in its place.

        `after`: the first good reading beyond the past; a meter's step to it begins at the past's
        last reading, and not at what was known before.
        """
        if past.last is None:
            return live
        added = dict(zip(past.times, past.values, strict=True))
        added |= zip(live.times, live.values, strict=True)
        if after is not None and (self.counter or self.counted is not None):
            if past.last[0] >= after.time:
                return live  # they ran beside each other: whose step is whose, nobody knows
            step = self._added(past, after)
            added[after.time] = step if step is not None else 0.0
        last = past.last if live.last is None else max(live.last, past.last)
        times = tuple(sorted(added))
        first = self._first(times, last[0], levels)
        return Seen(times[first:], tuple(added[time] for time in times[first:]), last)

    def _first(self, times: tuple[int, ...], newest: int, levels: tuple[Level, ...]) -> int:
        """Return from which place on readings still count."""
        longest = max((level.window or self.seconds for level in levels), default=self.seconds)
        first = bisect.bisect_left(times, newest - round((longest + self.lateness) * SECOND))
        return max(first, len(times) - MOST)

    def again(self, before: "Window", held: Taken, levels: tuple[Level, ...], time: int) -> Taken:
        """Look at every level's window; what was added otherwise is no longer of use."""
        seen: Seen = held.memory
        if (before.counter, before.counted) != (self.counter, self.counted):
            seen = self.begin()
        if not seen.times:
            return Taken(seen, (None,) * len(levels))
        return Taken(seen, tuple(self._of(seen, seen.times[-1], level) for level in levels))

    def lose(self, memory: Seen, name: str, time: int) -> Seen:
        """Return the same: what is bad adds nothing and takes nothing."""
        return memory

    def _added(self, memory: Seen, reading: Reading) -> float | None:
        """Return what a reading brings; None: it only begins."""
        if self.counted is not None:
            meets = COMPARE[self.counted.op]
            now = meets(reading.value, self.counted.limit)
            before = memory.last is not None and meets(memory.last[1], self.counted.limit)
            return 1.0 if now and not before else 0.0
        if not self.counter:
            return reading.value
        if memory.last is None:
            return None
        step = reading.value - memory.last[1]
        return step if step >= 0 else reading.value

    def _of(self, seen: Seen, newest: int, level: Level) -> float | None:
        window = round((level.window or self.seconds) * SECOND)
        changes = self.aggregate is Aggregate.CHANGE
        place = bisect.bisect_left if changes else bisect.bisect_right
        own = seen.values[place(seen.times, newest - window) :]
        if len(own) < self.min_samples:
            return None
        match self.aggregate:
            case Aggregate.SUM:
                return sum(own)
            case Aggregate.MEAN:
                return sum(own) / len(own)
            case Aggregate.MIN:
                return min(own)
            case Aggregate.MAX:
                return max(own)
            case Aggregate.COUNT:
                return float(len(own)) if self.counted is None else sum(own)
            case Aggregate.CHANGE:
                return own[-1] - own[0] if len(own) > 1 else None
