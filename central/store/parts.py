"""Readings of one point in parts that follow each other; what a part is as text is kept with it."""

from collections.abc import Sequence

from central.store.points import PointReadings


class Part:
    """Some readings, in order; `text` is for whoever writes them out, and his alone."""

    __slots__ = ("readings", "text")

    def __init__(self, readings: PointReadings) -> None:
        self.readings = readings
        self.text: tuple[bytes, ...] | None = None

    def __len__(self) -> int:
        return len(self.readings)


def in_order(parts: Sequence[Part]) -> list[Part]:
    """Return those of `parts` that are not empty where each ends before the next; else one of all.

    They are given in order of their first reading.
    """
    parts = [part for part in parts if len(part)]
    ends = -(2**63)
    for part in parts:
        times = part.readings.times
        if times[0] <= ends:
            return [Part(PointReadings.merged([each.readings for each in parts]))]
        ends = times[-1]
    return parts
