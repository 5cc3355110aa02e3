"""The highest or lowest good number of a point in a span, with its time and quality. Pure.

Pieces that lie within the span count by their summary; of these only the one that holds the extreme
is read, for its time. Of what is past its time and was rolled up, the time is that of the minute or
hour.
"""

from typing import NamedTuple

import numpy as np

from central.store.points import PointReadings
from central.store.queries.source import Deadline, Load, PointSource


class Extreme(NamedTuple):
    """A good number than which none is greater (or less); `time` in µs UTC."""

    value: float
    time: int
    quality: int


def extreme(
    source: PointSource, number: int, start: int, end: int, *, highest: bool, deadline: Deadline
) -> Extreme | None:
    """Return that of the readings with start <= time < end, or None. Raises QueryTooLong."""
    found: list[Extreme] = []
    whole: list[tuple[float, int, Load]] = []
    for row, load in source.pieces(number, start, end):
        deadline.check()
        if row is None or row["t0"] < start or row["t1"] >= end:
            found += _best(load().between(start, end), highest=highest)
        elif row["good"]:
            whole.append((float(row["most" if highest else "least"]), int(row["t0"]), load))
    for row, _ in source.rolled(number, start, end):
        if row["good"]:
            value = float(row["most" if highest else "least"])
            found.append(Extreme(value, int(row["t0"]), 0))
    if whole:
        _, _, load = min(whole, key=lambda each: (_order(each[0], highest=highest), each[1]))
        found += _best(load(), highest=highest)
    if not found:
        return None
    return min(found, key=lambda each: (_order(each.value, highest=highest), each.time))


def _order(value: float, *, highest: bool) -> float:
    return -value if highest else value


def _best(readings: PointReadings, *, highest: bool) -> list[Extreme]:
    places = np.flatnonzero(readings.good)
    if not len(places):
        return []
    numbers = readings.values.numbers[places]
    place = int(places[int(numbers.argmax() if highest else numbers.argmin())])
    value, time = float(readings.values.numbers[place]), int(readings.times[place])
    return [Extreme(value, time, int(readings.qualities[place]))]
