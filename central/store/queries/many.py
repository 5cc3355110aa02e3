"""What is asked of many points at once: each one's newest reading, how many readings each has."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from central.registry_records import PointRecord
from central.store.columns import Integers
from central.store.points import EMPTY, PointReadings
from central.store.queries.source import Check, Source


class State(Mapping[str, PointReadings]):
    """One row, or none, by point; `readings` holds the rows of `held`, in that order."""

    def __init__(
        self, points: Sequence[str], held: Mapping[str, int], readings: PointReadings
    ) -> None:
        self._points = dict.fromkeys(points)
        self._held = held
        self.readings = readings

    @property
    def held(self) -> list[str]:
        """The points that have a reading."""
        return list(self._held)

    @property
    def without(self) -> list[str]:
        """The points that have none."""
        return [point for point in self._points if point not in self._held]

    def __getitem__(self, point: str) -> PointReadings:
        row = self._held.get(point)
        if row is not None:
            return self.readings.take(slice(row, row + 1))
        if point in self._points:
            return EMPTY
        raise KeyError(point)

    def __iter__(self) -> Iterator[str]:
        return iter(self._points)

    def __len__(self) -> int:
        return len(self._points)


@dataclass(frozen=True, slots=True)
class Counted:
    """How many readings each point has, as columns."""

    points: Sequence[str]
    counts: Integers


def state(
    source: Source, points: Sequence[PointRecord], at: int, check: Check, *, arrived: bool
) -> State:
    """Return each point's newest reading with time <= at, or of those received by then."""
    numbers = np.array([point.number for point in points], np.int64)
    newest = source.newest_arrived_of if arrived else source.newest_of
    found = newest(numbers, at, check)
    rows = {number: row for row, number in enumerate(found.points.tolist())}
    held = [point for point in points if point.number in rows]
    places = np.array([rows[point.number] for point in held], np.int64)
    ids = {point.id: row for row, point in enumerate(held)}
    return State([point.id for point in points], ids, found.columns.take(places))


def counted(
    source: Source, points: Sequence[PointRecord], start: int, end: int, check: Check
) -> Counted:
    """Return how many readings each point has with start <= time < end."""
    numbers = np.array([point.number for point in points], np.int64)
    counts = source.counts(numbers, start, end, check)
    return Counted([point.id for point in points], counts)
