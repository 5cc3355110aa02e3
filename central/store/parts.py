"""Readings of one point in parts that follow each other; what a part is as text is kept with it."""

from collections.abc import Sequence

from central.store.points import PointReadings


class Part:
    """Some readings, in order; `text` is for whoever writes them out, and his alone."""

    __slots__ = ("count", "cut", "first", "last", "readings", "text")

    def __init__(self, readings: PointReadings) -> None:
        self.readings = readings
        self.count = len(readings)
        self.first = int(readings.times[0]) if self.count else 0
        """Its first and last time, µs UTC; of none 0."""
        self.last = int(readings.times[-1]) if self.count else 0
        self.text: tuple[bytes, ...] | None = None
        self.cut: tuple[Part, int, int] | None = None
        """What it was cut from, and which readings of it these are."""

    def __len__(self) -> int:
        return self.count

    def within(self, start: int, end: int) -> "Part":
        """Return it, or the part of it with start <= time < end."""
        whole = start <= self.first and self.last < end
        return self if whole else self.between(start, end)

    def between(self, start: int, end: int) -> "Part":
        """Return the part of it with start <= time < end."""
        first, last = self.readings.times.searchsorted([start, end]).tolist()
        found = Part(self.readings.take(slice(first, last)))
        found.cut = (self, first, last)
        return found


def in_order(parts: Sequence[Part]) -> list[Part]:
    """Return those of `parts` that are not empty where each ends before the next; else one of all.

    They are given in order of their first reading.
    """
    parts = [part for part in parts if part.count]
    ends = -(2**63)
    for part in parts:
        if part.first <= ends:
            return [Part(PointReadings.merged([each.readings for each in parts]))]
        ends = part.last
    return parts
