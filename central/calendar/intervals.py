"""Sets of moments as half-open intervals [start, end) of whole microseconds, and their algebra.

Pure. Kept in order, apart and not touching: two sets with the same moments are the same arrays.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Intervals:
    """Made by `of`; `starts` and `ends` are parallel and ascending."""

    starts: Integers
    ends: Integers

    @classmethod
    def of(cls, pairs: Iterable[tuple[int, int]] = ()) -> "Intervals":
        """Return the moments of all pairs (start, end); a pair that does not end later is empty."""
        held = [pair for pair in pairs if pair[0] < pair[1]]
        columns = np.array(held, np.int64).reshape(-1, 2)
        return _merged(columns[:, 0], columns[:, 1])

    @classmethod
    def between(cls, starts: Integers, ends: Integers) -> "Intervals":
        """Return the moments of all pairs, given as columns; each ends later than it starts."""
        return _merged(starts, ends)

    def __len__(self) -> int:
        return len(self.starts)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Intervals):
            return NotImplemented
        return bool(
            np.array_equal(self.starts, other.starts) and np.array_equal(self.ends, other.ends)
        )

    def __hash__(self) -> int:
        return hash((self.starts.tobytes(), self.ends.tobytes()))

    @property
    def total(self) -> int:
        """How many microseconds lie inside."""
        return int((self.ends - self.starts).sum())

    def pairs(self) -> list[tuple[int, int]]:
        """Return the intervals, in order."""
        return list(zip(self.starts.tolist(), self.ends.tolist(), strict=True))

    def union(self, other: "Intervals") -> "Intervals":
        """Return the moments that are in either."""
        starts = np.concatenate([self.starts, other.starts])
        return _merged(starts, np.concatenate([self.ends, other.ends]))

    def intersection(self, other: "Intervals") -> "Intervals":
        """Return the moments that are in both."""
        return _swept(self, other, 2)

    def difference(self, other: "Intervals") -> "Intervals":
        """Return the moments that are in this one and not in the other."""
        if not len(self) or not len(other):
            return self
        first, last = int(self.starts[0]), int(self.ends[-1])
        starts = np.concatenate([[first], np.clip(other.ends, first, last)])
        ends = np.concatenate([np.clip(other.starts, first, last), [last]])
        outside = starts < ends
        return self.intersection(Intervals(starts[outside], ends[outside]))

    def within(self, start: int, end: int) -> "Intervals":
        """Return the moments from start on and before end."""
        starts, ends = np.clip(self.starts, start, end), np.clip(self.ends, start, end)
        kept = starts < ends
        return Intervals(starts[kept], ends[kept])

    def holds(self, times: Integers) -> NDArray[np.bool_]:
        """Return which of `times` lie inside."""
        place = np.searchsorted(self.starts, times, side="right")
        inside: NDArray[np.bool_] = np.append(_NEVER, self.ends)[place] > times
        return inside

    def lengths(self, starts: Integers, ends: Integers) -> Integers:
        """Return how many microseconds lie inside each [start, end) given."""
        if not len(self):
            return np.zeros(len(starts), np.int64)
        return self._before(ends) - self._before(starts)

    def _before(self, times: Integers) -> Integers:
        """How many microseconds lie inside before each time."""
        done = np.concatenate([[0], np.cumsum(self.ends - self.starts)])
        place = np.searchsorted(self.starts, times, side="right")
        last = np.append(times.min(initial=0), self.ends)[place]
        before: Integers = done[place] - np.maximum(last - times, 0) * (place > 0)
        return before


_NEVER: Final = np.iinfo(np.int64).min
NOTHING: Final = Intervals(np.array([], np.int64), np.array([], np.int64))


def _merged(starts: Integers, ends: Integers) -> Intervals:
    """Return intervals in any order, overlapping or touching, as a set."""
    if len(starts) < 2:
        return Intervals(starts, ends)
    order = np.argsort(starts, kind="stable")
    starts, reach = starts[order], np.maximum.accumulate(ends[order])
    first = np.append(True, starts[1:] > reach[:-1])
    return Intervals(starts[first], reach[np.append(first[1:], True)])


def _swept(one: Intervals, other: Intervals, depth: int) -> Intervals:
    """Return where at least `depth` of two sets hold."""
    times = np.concatenate([one.starts, other.starts, one.ends, other.ends])
    opening = len(one) + len(other)
    steps = np.concatenate([np.ones(opening, np.int64), -np.ones(opening, np.int64)])
    order = np.lexsort((steps, times))  # what ends goes before what begins: half-open
    times, height = times[order], np.cumsum(steps[order])
    begins = (height == depth) & (steps[order] > 0)
    stops = (height == depth - 1) & (steps[order] < 0)
    starts, ends = times[begins], times[stops]
    kept = starts < ends
    return _merged(starts[kept], ends[kept])
