"""How much came of what was owed: counts, gaps, completeness, time on line (完整率、实时在线率).

The formulas: docs/api-queries.md. Excluded intervals are taken out of what is owed and of what is
counted alike. Pure; a month of readings passes block by block.
"""

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from central.calendar.intervals import NOTHING, Intervals
from central.store.columns import Integers
from central.store.interface import FLAG_ESTIMATED, FLAG_LATE
from central.store.points import GOOD_BELOW, PointReadings
from central.store.queries.source import Deadline, PointSource
from protocols.clock import HOUR
from protocols.quality import Quality

BAD_FROM: Final = 0x80000000
MOST_SLOTS: Final = 20_000_000
MOST_GAPS: Final = 10_000
WINDOW: Final = 7 * 24 * HOUR
"""µs looked at together for the time on line: bounds memory, whatever the span."""
AHEAD: Final = 300_000_000
"""µs a source time may lie ahead of its arrival; beyond that it is quarantined."""
SILENT: Final = np.array(
    [
        Quality.BAD_COMMUNICATION_ERROR,
        Quality.BAD_TIMEOUT,
        Quality.BAD_NO_COMMUNICATION,
        Quality.BAD_NOT_CONNECTED,
    ]
)
"""Qualities that say nobody answered (通信类无效): such a reading keeps nothing on line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Of one point: [start, end), a gap is longer than `gap`, a reading is owed `every`; all µs."""

    number: int
    start: int
    end: int
    now: int
    """What could have arrived: silence that has not yet lasted is no gap."""
    gap: int
    every: int | None = None
    within: int = 0
    """µs the newest reading that had arrived may be old while the point is on line."""
    listed: int = MOST_GAPS
    """Longest gaps listed; all of them are counted."""
    excluded: Intervals = NOTHING


@dataclass(frozen=True, slots=True)
class Gap:
    """Nothing between two readings, cut at the span's ends; `counted` is what is not excluded."""

    start: int
    end: int
    counted: int


@dataclass(slots=True)
class Counts:
    """What one point delivered. Slots and time on line are 0 where nothing was owed `every`.

    `gaps` holds the longest, in order of time; `gap_count` and `gap_total` speak of all of them.
    """

    count: int = 0
    good: int = 0
    uncertain: int = 0
    bad: int = 0
    late: int = 0
    estimated: int = 0
    first: int | None = None
    last: int | None = None
    gap_count: int = 0
    gap_total: int = 0
    gap_longest: int = 0
    gaps: list[Gap] = field(default_factory=list)
    owed: int = 0
    """µs of the span that are not excluded."""
    slots_owed: int = 0
    slots_filled: int = 0
    online: int = 0
    """µs of what is owed during which the newest reading that had arrived was recent."""


def count(source: PointSource, asked: Asked, deadline: Deadline) -> Counts:
    """Return what the point delivered."""
    found = Counts()
    found.owed = asked.end - asked.start - asked.excluded.within(asked.start, asked.end).total
    gaps, slots = _Gaps(source, asked), _Slots(asked)
    for block in source.blocks(asked.number, asked.start, asked.end):
        deadline.check()
        gaps.add(block.times)
        if len(asked.excluded):
            block = block.take(np.flatnonzero(~asked.excluded.holds(block.times)))
        _tally(found, block)
        slots.add(block)
    gaps.finish(source, found)
    if asked.every is not None:
        found.slots_owed, found.slots_filled = slots.done()
        for start in range(asked.start, asked.end, WINDOW):
            window = (start, min(start + WINDOW, asked.end))
            on_line = online(*_arrivals(source, asked, window, deadline), asked.within)
            found.online += on_line.within(*window).difference(asked.excluded).total
    return found


def truncated_percent(part: int, whole: int) -> float | None:
    """Return the percentage to two decimals, never rounded up (99.496 is 99.49); None: of none."""
    return None if whole <= 0 else part * 10_000 // whole / 100


def online(
    received: Integers, times: Integers, silent: NDArray[np.bool_], within: int
) -> Intervals:
    """Return when the newest reading that had arrived was younger than `within` and not silent.

    Exact: between two arrivals nothing changes but the newest one's age. What is backfilled changes
    nothing that was before it arrived.
    """
    order = np.lexsort((times, received))
    received, times, silent = received[order], times[order], silent[order]
    newest = times >= np.maximum.accumulate(times) if len(times) else np.array([], np.bool_)
    received, times, silent = received[newest], times[newest], silent[newest]
    until = np.append(received[1:], np.iinfo(np.int64).max)
    ends = np.minimum(until, times + within)
    kept = ~silent & (received < ends)
    return Intervals.between(received[kept], ends[kept])


_NONE: Final = np.array([], np.int64)


def _arrivals(
    source: PointSource, asked: Asked, window: tuple[int, int], deadline: Deadline
) -> tuple[Integers, Integers, NDArray[np.bool_]]:
    """Return received time, source time and silence of all that can be newest in the window."""
    before = source.newest_arrived(asked.number, window[0])
    first = int(before.times[0]) if len(before) else window[0] - asked.within
    columns = []
    for block in source.blocks(asked.number, first, window[1] + AHEAD):
        deadline.check()
        columns.append((block.received, block.times, _silent(block)))
    if not columns:
        return _NONE, _NONE, _NONE.astype(np.bool_)
    received, times, silent = (np.concatenate(column) for column in zip(*columns, strict=True))
    return received, times, silent


def _silent(block: PointReadings) -> NDArray[np.bool_]:
    return np.isin(block.qualities & 0xFFFF0000, SILENT)


def _tally(found: Counts, block: PointReadings) -> None:
    if not len(block):
        return
    qualities = block.qualities
    good, bad = qualities < GOOD_BELOW, qualities >= BAD_FROM
    found.count += len(block)
    found.good += int(np.count_nonzero(good))
    found.bad += int(np.count_nonzero(bad))
    found.uncertain += len(block) - int(np.count_nonzero(good | bad))
    found.late += int(np.count_nonzero(block.flags & FLAG_LATE))
    found.estimated += int(np.count_nonzero(block.flags & FLAG_ESTIMATED))
    if found.first is None:
        found.first = int(block.times[0])
    found.last = int(block.times[-1])


class _Gaps:
    """Finds them across blocks, and across the ends of the span: those are cut, not missed."""

    def __init__(self, source: PointSource, asked: Asked) -> None:
        self._asked = asked
        before = source.newest(asked.number, asked.start - 1)
        # Before the very first reading silence counts from the start of the span.
        self._last = int(before.times[0]) if len(before) else asked.start
        self._starts: list[Integers] = []
        self._ends: list[Integers] = []

    def add(self, times: Integers) -> None:
        """Take the next readings, in order."""
        edges = np.append(self._last, times)
        wide = np.flatnonzero(edges[1:] - edges[:-1] > self._asked.gap)
        self._starts.append(edges[wide])
        self._ends.append(edges[wide + 1])
        self._last = int(edges[-1])

    def finish(self, source: PointSource, found: Counts) -> None:
        """Take the end of the span, and tell what was found."""
        asked = self._asked
        after = source.read(asked.number, asked.end, asked.end + asked.gap)
        reach = asked.end + asked.gap if asked.end + asked.gap <= asked.now else asked.end
        self.add(after.times[:1] if len(after) else np.array([reach]))
        starts = np.maximum(np.concatenate(self._starts), asked.start)
        ends = np.minimum(np.concatenate(self._ends), asked.end)
        counted = ends - starts - asked.excluded.lengths(starts, ends)
        kept = counted > 0
        if len(asked.excluded):
            kept &= (counted > asked.gap) | (counted == ends - starts)
        starts, ends, counted = starts[kept], ends[kept], counted[kept]
        found.gap_count, found.gap_total = len(counted), int(counted.sum())
        found.gap_longest = int(counted.max(initial=0))
        longest = np.sort(np.argsort(-counted, kind="stable")[: asked.listed])
        columns = (column[longest].tolist() for column in (starts, ends, counted))
        found.gaps = [Gap(*row) for row in zip(*columns, strict=True)]


class _Slots:
    """Which slots of `every` hold a good or uncertain reading; the last one is whole or not one."""

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self._every = asked.every or 1
        slots = 0 if asked.every is None else max(0, asked.end - asked.start) // asked.every
        self._filled = np.zeros(slots, np.bool_)

    def add(self, block: PointReadings) -> None:
        """Take the next readings that are not excluded."""
        if not len(self._filled):
            return
        times = block.times[block.qualities < BAD_FROM]
        slots = (times - self._asked.start) // self._every
        self._filled[slots[slots < len(self._filled)]] = True

    def done(self) -> tuple[int, int]:
        """Return how many slots were owed, none of which touches what is excluded, and filled."""
        owed = np.ones(len(self._filled), np.bool_)
        if len(self._asked.excluded):
            starts = self._asked.start + np.arange(len(owed)) * self._every
            owed = self._asked.excluded.lengths(starts, starts + self._every) == 0
        return int(np.count_nonzero(owed)), int(np.count_nonzero(owed & self._filled))
