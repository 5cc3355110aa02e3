"""Aggregates over adjoining periods: counts, extremes, sums, first and last, worst quality.

Extremes are exact. A piece that lies within one period, and touches no excluded interval, counts by
its summary and is not read; only the first and the last piece of a period are, for their values.
Pure.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from central.calendar.intervals import Intervals
from central.store.columns import Integers
from central.store.interface import FLAG_ESTIMATED, FLAG_LATE
from central.store.points import SUMMARY, PointReadings
from central.store.queries.source import BLOCK, Deadline, Load, Piece
from protocols.words import Value

Floats = NDArray[np.float64]
Wide = NDArray[np.longdouble]
_FAR: Final = np.iinfo(np.int64).max
RAW: Final = "raw"
TIERS: Final = (RAW, "1min", "1h")
TOGETHER: Final = 64
"""Most pieces added at once."""
_ADDED: Final = ("n", "good", "late", "estimated")


@dataclass(frozen=True, slots=True)
class Aggregates:
    """Columns by period; of `edges` there is one more. NaN: no good number; None: no reading.

    `good` counts good numbers, which least, most, mean and sum are made of; `worst` is the worst
    quality. `excluded` is how much of the period (µs) does not count, nor what was read in it.
    `mean` is within 1e-9 of the exact one, relative to the greatest number of the period.
    """

    edges: Integers
    count: Integers
    """Where it is 0 the times of first and last mean nothing."""
    good: Integers
    least: Floats
    most: Floats
    mean: Floats
    sum: Floats
    first: list[Value]
    first_times: Integers
    last: list[Value]
    last_times: Integers
    worst: Integers
    late: Integers
    estimated: Integers
    excluded: Integers
    tier: str = "raw"
    """The coarsest of what this was made of: raw, 1min or 1h (some readings have gone: what is left
    of them lies in the period of its first reading)."""


def aggregate(
    pieces: Iterable[Piece],
    edges: Integers,
    excluded: Intervals,
    deadline: Deadline,
    *,
    firsts: bool = True,
) -> Aggregates:
    """Return the aggregates of the periods between `edges`; pieces may hold readings outside.

    Without `firsts` nothing is read to know the first readings, and what stands there is nothing.
    """
    tally = _Tally(edges, excluded, firsts=firsts)
    rows, loads = [], []
    for row, load in pieces:
        if row is None:
            deadline.check()
            tally.add(load())
        else:
            rows.append(row)
            loads.append(load)
    if not rows:
        return tally.done(RAW)
    summaries = np.array(rows, SUMMARY)
    tiers = [getattr(load, "tier", RAW) for load in loads]
    undivided = np.array([tier != RAW for tier in tiers], np.bool_)
    whole, places = _whole(summaries, edges, excluded, undivided)
    tally.add_summaries(summaries[whole], places[whole])
    cut = np.flatnonzero(~whole & (places >= 0))
    for readings in _loaded(cut[np.argsort(summaries["t0"][cut])], loads, deadline):
        tally.add(readings)
    ends = tally.ends(summaries, whole, places, firsts=firsts)
    for readings in _loaded(ends[np.argsort(summaries["t0"][ends])], loads, deadline):
        tally.add_ends(readings)
    return tally.done(max(tiers, key=TIERS.index, default=RAW))


def _loaded(which: Integers, loads: Sequence[Load], deadline: Deadline) -> Iterator[PointReadings]:
    """Load pieces; many small ones are handed on together."""
    held: list[PointReadings] = []
    for at in which.tolist():
        deadline.check()
        held.append(loads[at]())
        if len(held) >= TOGETHER or sum(map(len, held)) >= BLOCK:
            yield PointReadings.merged(held)
            held = []
    if held:
        yield PointReadings.merged(held)


def _whole(
    summaries: Any, edges: Integers, excluded: Intervals, undivided: NDArray[np.bool_]
) -> tuple[NDArray[np.bool_], Integers]:
    """Return which summaries stand for their pieces, and the period of each (-1: none)."""
    t0 = summaries["t0"]
    # What cannot be read one by one any more lies where its first reading does.
    t1 = np.where(undivided, t0, summaries["t1"])
    places = np.searchsorted(edges, t0, side="right") - 1
    same = np.searchsorted(edges, t1, side="right") - 1 == places
    inside = same & (places >= 0) & (places < len(edges) - 1)
    taken = excluded.lengths(t0, t1 + 1)
    # A sum beyond what a float holds is made again from the numbers.
    summed = np.isfinite(summaries["sum"]) | (summaries["good"] == 0) | undivided
    whole = inside & (taken == 0) & summed
    outside = (t1 < edges[0]) | (t0 >= edges[-1]) | (taken > t1 - t0)
    return whole, np.where(outside, -1, np.maximum(places, 0))


class _Tally:
    """What was added so far, by period."""

    def __init__(self, edges: Integers, excluded: Intervals, *, firsts: bool) -> None:
        self._edges = edges
        self._firsts = firsts
        self._excluded = excluded
        n = len(edges) - 1
        self._added = {name: np.zeros(n, np.int64) for name in _ADDED}
        self._least = np.full(n, np.inf)
        self._most = np.full(n, -np.inf)
        self._sum: Wide = np.zeros(n, np.longdouble)
        self._worst = np.zeros(n, np.int64)
        self._first = _End(n, _FAR)
        self._last = _End(n, -_FAR)

    def add_summaries(self, rows: Any, places: Integers) -> None:
        """Add pieces by their summaries; their first and last values are still to be looked up."""
        for name in _ADDED:
            np.add.at(self._added[name], places, rows[name])
        some = rows["good"] > 0
        np.minimum.at(self._least, places[some], rows["least"][some])
        np.maximum.at(self._most, places[some], rows["most"][some])
        np.add.at(self._sum, places[some], rows["sum"][some].astype(np.longdouble))
        np.maximum.at(self._worst, places, rows["worst"])

    def add(self, readings: PointReadings) -> None:
        """Add readings one by one, those within the periods that are not excluded."""
        readings = self._counted(readings)
        if not len(readings):
            return
        starts, at, counts = self._segments(readings)
        good = readings.good
        numbers = readings.values.numbers
        flags = readings.flags
        self._added["n"][at] += counts
        every = bool(good.all())
        self._added["good"][at] += counts if every else _counted(good, starts)
        for name, flag in (("late", FLAG_LATE), ("estimated", FLAG_ESTIMATED)):
            marked = flags & flag
            if marked.any():
                self._added[name][at] += _counted(marked != 0, starts)
        low = np.minimum.reduceat(numbers if every else np.where(good, numbers, np.inf), starts)
        high = np.maximum.reduceat(numbers if every else np.where(good, numbers, -np.inf), starts)
        self._least[at] = np.minimum(self._least[at], low)
        self._most[at] = np.maximum(self._most[at], high)
        exact = (numbers if every else np.where(good, numbers, 0.0)).astype(np.longdouble)
        self._sum[at] += np.add.reduceat(exact, starts)
        worst = np.maximum.reduceat(readings.qualities, starts)
        self._worst[at] = np.maximum(self._worst[at], worst)
        self._take_ends(readings, starts, at, counts)

    def ends(
        self, summaries: Any, whole: NDArray[np.bool_], places: Integers, *, firsts: bool
    ) -> Integers:
        """Return which of the pieces that counted by summary hold a first or last reading."""
        n = len(self._edges) - 1
        first, last = np.full(n, _FAR), np.full(n, -_FAR)
        at = places[whole]
        np.minimum.at(first, at, summaries["t0"][whole])
        np.maximum.at(last, at, summaries["t1"][whole])
        wanted = (summaries["t1"] == last[places]) & (last >= self._last.times)[places]
        if firsts:
            wanted |= (summaries["t0"] == first[places]) & (first <= self._first.times)[places]
        return np.flatnonzero(wanted & whole)

    def add_ends(self, readings: PointReadings) -> None:
        """Take the first and last readings of what was counted already."""
        readings = self._counted(readings)
        if len(readings):
            self._take_ends(readings, *self._segments(readings))

    def done(self, tier: str) -> Aggregates:
        """Return the columns."""
        good = self._added["good"]
        none = good == 0
        with np.errstate(over="ignore"):
            total = self._sum.astype(np.float64)
            mean = (self._sum / np.maximum(good, 1)).astype(np.float64)
        # A mean is never outside its numbers, whatever was rounded.
        mean = np.maximum(np.minimum(mean, self._most), self._least)
        for column in (total, mean, self._least, self._most):
            column[none] = np.nan
        some, rest = self._added["n"] > 0, self._excluded
        return Aggregates(
            edges=self._edges,
            count=self._added["n"],
            good=good,
            least=self._least,
            most=self._most,
            mean=mean,
            sum=np.where(np.isinf(total), np.nan, total),
            first=self._first.values,
            first_times=np.where(some, self._first.times, 0),
            last=self._last.values,
            last_times=np.where(some, self._last.times, 0),
            worst=self._worst,
            late=self._added["late"],
            estimated=self._added["estimated"],
            excluded=rest.lengths(self._edges[:-1], self._edges[1:]) if len(rest) else 0 * good,
            tier=tier,
        )

    def _counted(self, readings: PointReadings) -> PointReadings:
        readings = readings.between(int(self._edges[0]), int(self._edges[-1]))
        if not len(self._excluded) or not len(readings):
            return readings
        out = self._excluded.holds(readings.times)
        return readings.take(np.flatnonzero(~out)) if out.any() else readings

    def _segments(self, readings: PointReadings) -> tuple[Integers, Integers, Integers]:
        """Return where the readings of each period begin, which periods these are, and how many."""
        bounds = readings.times.searchsorted(self._edges)
        counts = bounds[1:] - bounds[:-1]
        at = counts.nonzero()[0]
        return bounds[at], at, counts[at]

    def _take_ends(
        self, readings: PointReadings, starts: Integers, at: Integers, counts: Integers
    ) -> None:
        if self._firsts:
            self._first.take(readings, starts, at, sign=-1)
        self._last.take(readings, starts + counts - 1, at, sign=1)


def _counted(marked: NDArray[np.bool_], starts: Integers) -> Integers:
    found: Integers = np.add.reduceat(marked, starts, dtype=np.int64)
    return found


class _End:
    """The first or the last reading of each period, in order of (time, stream, seq)."""

    def __init__(self, n: int, none: int) -> None:
        self.times: Integers = np.full(n, none)
        self._values: NDArray[np.object_] = np.full(n, None, np.object_)
        self._streams: Integers = np.zeros(n, np.int64)
        self._seqs: Integers = np.zeros(n, np.int64)
        self._none = True

    @property
    def values(self) -> list[Value]:
        """What was taken, by period."""
        held: list[Value] = self._values.tolist()
        return held

    def take(self, readings: PointReadings, which: Integers, at: Integers, sign: int) -> None:
        """Take the readings `which` for the periods `at` where they come further out."""
        if self._none:
            self._none = False
            self._put(readings, which, at)
            return
        held = (sign * self.times[at], sign * self._streams[at], sign * self._seqs[at])
        columns = (readings.times[which], readings.streams[which], readings.seqs[which])
        further = np.zeros(len(at), np.bool_)
        for column, before in zip(reversed(columns), reversed(held), strict=True):
            ahead = sign * column
            further = (ahead > before) | ((ahead == before) & further)
        if further.any():
            self._put(readings, which[further], at[further])

    def _put(self, readings: PointReadings, which: Integers, at: Integers) -> None:
        self.times[at] = readings.times[which]
        self._streams[at] = readings.streams[which]
        self._seqs[at] = readings.seqs[which]
        cells = np.empty(len(which), np.object_)
        cells[:] = readings.values.take(which).tolist()
        self._values[at] = cells
