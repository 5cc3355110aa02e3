"""When the next threshold is reached at the present rate: least squares over the last minutes."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from central.alarms.arrays.still import Floats, Integers
from central.alarms.journal.episode import NextThreshold
from central.alarms.samples import Good
from protocols.alarms.rule import Level

WINDOW: Final = 600_000_000
"""Microseconds looked back."""
SPACING: Final = 10_000_000
"""Samples closer together than this are thinned: 60 points are enough for a line."""
LEAST_SPAN: Final = 30_000_000
"""Less than this says nothing about a rate."""
HORIZON: Final = 86_400
"""Seconds ahead beyond which a straight line says nothing."""
_SLOTS: Final = 64
"""Samples kept of a point: more than a window has."""
_LONG: Final = 2**32 - 1
"""A gap that is this long or longer: more than a window."""
_PAGE: Final = 4_096
"""Points of a page; what of it was never written takes no memory."""
_EVER: Final = -(2**62)
_COMMITS: Final = 40
_SAMPLES: Final = 1 << 16
"""What waits to be taken at most: one look at all of it costs little more than one at each. Not as
many commits as heads wait for: the same ones would pay for both."""
_Line = tuple[float, float]
"""The fitted value at the newest sample, and the slope per second."""


class Trends:
    """The last minutes of every point that carries a rule; in memory, on the event loop."""

    def __init__(self) -> None:
        self._next = np.empty(0, np.int64)
        """By point: the earliest time of the next sample."""
        self._rows = np.empty(0, np.int64)
        """By point: its row in the pages, or -1."""
        self._spots = np.empty(0, np.int64)
        """Scratch by point: which of several samples is the first."""
        self._taken = np.empty(0, np.int64)
        """By row: how many samples there have been."""
        self._pages: list[tuple[NDArray[np.uint32], Floats]] = []
        """How long (µs) after the one before it each sample was, and its value."""
        self._used = 0
        self._lines: dict[int, tuple[int, _Line | None]] = {}
        """By row, of points somebody asked for: the line after so many samples."""
        self._waiting: list[Good] = []
        self._size = 0

    def add(self, samples: Good) -> None:
        """Take good samples; one older than the newest of its point is left out."""
        self._waiting.append(samples)
        self._size += len(samples.points)
        if len(self._waiting) >= _COMMITS or self._size >= _SAMPLES:
            self._settle()

    def _settle(self) -> None:
        """Take what waits, all at once: of each point the same samples as one by one."""
        if not self._waiting:
            return
        points, times, values = map(np.concatenate, zip(*self._waiting, strict=True))
        self._waiting.clear()
        self._size = 0
        try:
            due = times >= self._next[points]
        except IndexError:
            self._reach(int(points.max()))
            due = times >= self._next[points]
        while np.count_nonzero(due):
            points, times, values = points[due], times[due], values[due]
            at = np.arange(len(points))
            self._spots[points[::-1]] = at[::-1]  # of several of one point the first stays
            first = self._spots[points] == at
            if first.all():
                self._keep(points, times, values)
                return
            self._keep(points[first], times[first], values[first])
            due = times >= self._next[points]

    def next_threshold(
        self, point: int, levels: Sequence[Level], current: Level
    ) -> NextThreshold | None:
        """Return the nearest more severe level the line reaches, or None."""
        names = [level.name for level in levels]
        beyond = levels[names.index(current.name) + 1 :] if current.name in names else ()
        beyond = [level for level in beyond if level.op[0] in "<>"]
        fitted = self._fitted(point) if beyond else None
        if fitted is None:
            return None
        value, slope = fitted
        for level in beyond:
            ahead = (level.limit - value) if level.op[0] == ">" else (value - level.limit)
            rate = slope if level.op[0] == ">" else -slope
            if rate > 0 and 0 < ahead <= rate * HORIZON:
                return NextThreshold(
                    level=level.name, limit=level.limit, seconds=round(ahead / rate)
                )
        return None

    def _keep(self, points: Integers, times: Integers, values: Floats) -> None:
        """Write one sample for each of `points`."""
        gaps = np.minimum(times - self._next[points] + SPACING, _LONG)
        self._next[points] = times + SPACING
        rows = self._rows[points]
        fresh = rows < 0
        if fresh.any():
            self._give(points[fresh])
            rows = self._rows[points]
        slots = self._taken[rows] % _SLOTS
        self._taken[rows] += 1
        pages = rows // _PAGE
        for page in range(int(pages.min()), int(pages.max()) + 1):
            here = pages == page
            if here.any():
                # Points of one gateway are mostly at one slot: neighbours in memory.
                cells = slots[here], rows[here] - page * _PAGE
                self._pages[page][0][cells], self._pages[page][1][cells] = gaps[here], values[here]

    def _fitted(self, point: int) -> _Line | None:
        """Return the line of a point; it is another only when a sample was kept."""
        self._settle()
        row = self._row(point)
        if row < 0:
            return None
        taken = int(self._taken[row])
        known = self._lines.get(row)
        if known is None or known[0] != taken:
            known = self._lines[row] = taken, _line(self._samples(point))
        return known[1]

    def _row(self, point: int) -> int:
        return int(self._rows[point]) if point < len(self._rows) else -1

    def _samples(self, point: int) -> list[tuple[int, float]]:
        """Return the samples of the last window, in order."""
        self._settle()
        row = self._row(point)
        if row < 0:
            return []
        taken = int(self._taken[row])
        slots = np.arange(max(0, taken - _SLOTS), taken) % _SLOTS
        gaps, values = (column[slots, row % _PAGE] for column in self._pages[row // _PAGE])
        ages = np.cumsum(gaps[:0:-1], dtype=np.int64)[::-1]
        times = self._next[point] - SPACING - np.append(ages, 0)
        within = times >= times[-1] - WINDOW
        return list(zip(times[within].tolist(), values[within].tolist(), strict=True))

    def _give(self, points: Integers) -> None:
        """Give each of `points` a row."""
        last = self._used + len(points)
        while last > len(self._pages) * _PAGE:
            shape = (_SLOTS, _PAGE)
            self._pages.append((np.empty(shape, np.uint32), np.empty(shape, np.float64)))
            self._taken = np.append(self._taken, np.zeros(_PAGE, np.int64))
        self._rows[points] = np.arange(self._used, last)
        self._used = last

    def _reach(self, point: int) -> None:
        more = max(point + 1, 2 * len(self._next)) - len(self._next)
        self._next = np.append(self._next, np.full(more, _EVER, np.int64))
        self._rows = np.append(self._rows, np.full(more, -1, np.int64))
        self._spots = np.append(self._spots, np.zeros(more, np.int64))


def _line(samples: Sequence[tuple[int, float]]) -> _Line | None:
    """Return the fitted value at the newest sample and the slope per second."""
    if len(samples) < 3 or samples[-1][0] - samples[0][0] < LEAST_SPAN:
        return None
    newest = samples[-1][0]
    times = [(time - newest) / 1_000_000 for time, _ in samples]
    values = [value for _, value in samples]
    count = len(samples)
    mean_time, mean = sum(times) / count, sum(values) / count
    spread = sum((time - mean_time) ** 2 for time in times)
    slope = (
        sum((time - mean_time) * (value - mean) for time, value in zip(times, values, strict=True))
        / spread
    )
    return mean - slope * mean_time, slope
