"""Readings of one point as columns, and what can be known of many of them without reading each."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from central.store.columns import Integers
from central.store.interface import FLAG_ESTIMATED, FLAG_LATE
from central.store.values import FLOAT, NONE, Values

GOOD_BELOW: Final = 0x40000000
"""StatusCodes below this are good (OPC UA Part 4, 7.39.1: the severity's two top bits)."""
RECEIVED_UNIT: Final = 1_000
"""µs: received times are kept to the millisecond."""


@dataclass(frozen=True, slots=True)
class PointReadings:
    """Parallel columns of one point, in order of (time, stream, seq)."""

    times: Integers
    streams: Integers
    seqs: Integers
    received: Integers
    """µs UTC, to the millisecond."""
    values: Values
    qualities: Integers
    flags: Integers

    def __len__(self) -> int:
        return len(self.times)

    @property
    def good(self) -> NDArray[np.bool_]:
        """Which readings are good numbers: what min, max, mean and sums are made of."""
        kinds = self.values.kinds
        good: NDArray[np.bool_] = (self.qualities < GOOD_BELOW) & (kinds <= FLOAT) & (kinds != NONE)
        return good

    def take(self, places: Integers | slice) -> "PointReadings":
        """Return the readings at `places`."""
        return PointReadings(
            self.times[places],
            self.streams[places],
            self.seqs[places],
            self.received[places],
            self.values.take(places),
            self.qualities[places],
            self.flags[places],
        )

    def between(self, start: int, end: int) -> "PointReadings":
        """Return those with start <= time < end."""
        if len(self) and self.times[0] >= start and self.times[-1] < end:
            return self
        first, last = np.searchsorted(self.times, [start, end])
        return self if last - first == len(self) else self.take(slice(int(first), int(last)))

    @staticmethod
    def merged(parts: Sequence["PointReadings"]) -> "PointReadings":
        """Return all readings of `parts` in order; parts may overlap in time."""
        parts = [part for part in parts if len(part)] or list(parts[:1]) or [EMPTY]
        if len(parts) == 1:
            return parts[0]
        columns = [
            np.concatenate([getattr(part, name) for part in parts])
            for name in ("times", "streams", "seqs", "received", "qualities", "flags")
        ]
        values = Values.joined([part.values for part in parts])
        times, streams, seqs, received, qualities, flags = columns
        joined = PointReadings(times, streams, seqs, received, values, qualities, flags)
        if all(a.times[-1] < b.times[0] for a, b in pairwise(parts)):
            return joined
        return joined.take(np.lexsort((seqs, streams, times)))


_NONE: Final = np.array([], np.int64)
EMPTY: Final = PointReadings(_NONE, _NONE, _NONE, _NONE, Values.of([]), _NONE, _NONE)

SUMMARY: Final = np.dtype(
    [
        ("n", "<i8"),
        ("good", "<i8"),
        ("t0", "<i8"),
        ("t1", "<i8"),
        ("received0", "<i8"),
        ("received1", "<i8"),
        ("least", "<f8"),
        ("most", "<f8"),
        ("sum", "<f8"),
        ("worst", "<i8"),
        ("late", "<i4"),
        ("estimated", "<i4"),
    ]
)
"""Of some readings of one point: how many, how many good numbers, first and last time and received
time, least, most and sum of the good numbers (NaN where there is none), the worst quality, how many
came late and how many have an estimated time."""


def summary(readings: PointReadings) -> Any:
    """Return the SUMMARY of at least one reading."""
    good = readings.values.numbers[readings.good]
    one = np.zeros((), SUMMARY)
    one["n"], one["good"] = len(readings), len(good)
    one["t0"], one["t1"] = readings.times[0], readings.times[-1]
    one["received0"], one["received1"] = readings.received.min(), readings.received.max()
    one["least"] = good.min() if len(good) else np.nan
    one["most"] = good.max() if len(good) else np.nan
    with np.errstate(over="ignore"):  # infinite: beyond what a float holds
        one["sum"] = good.sum() if len(good) else np.nan
    one["worst"] = readings.qualities.max()
    one["late"] = np.count_nonzero(readings.flags & FLAG_LATE)
    one["estimated"] = np.count_nonzero(readings.flags & FLAG_ESTIMATED)
    return one[()]
