"""Which points nobody can know now, because what carries them is silent; from the table of places.

A rule is held while any of its points is below such a place. Belongs to the writer thread.
"""

import sqlite3
from collections import Counter
from collections.abc import Collection, Iterable
from typing import Final

import numpy as np

_OPEN: Final = "SELECT rule, below, since FROM fault_place WHERE ended IS NULL"


class Silences:
    """Points by the rule of their place."""

    def __init__(self) -> None:
        self._places: dict[str, frozenset[int]] = {}
        self._points = Counter[int]()
        self._since: dict[str, int] = {}

    def load(self, conn: sqlite3.Connection) -> None:
        """Read what is silent."""
        self._places, self._points, self._since = {}, Counter(), {}
        for rule, below, since in conn.execute(_OPEN):
            self.put(rule, read_below(below), since)

    @property
    def points(self) -> Collection[int]:
        """Return every point that is below a silent place."""
        return self._points.keys()

    def since(self, point: int) -> int | None:
        """Return from when on (µs UTC) nobody knows a point, or None; may be asked anywhere."""
        if point not in self._points:
            return None
        places = tuple(self._places.items())
        times = [self._since.get(place) for place, below in places if point in below]
        return min((time for time in times if time is not None), default=None)

    def put(self, place: str, points: Iterable[int], since: int) -> None:
        """Take what is below a place that is silent since then (µs UTC)."""
        self.drop(place)
        self._since[place] = since
        self._places[place] = below = frozenset(points)
        self._points.update(below)

    def drop(self, place: str) -> None:
        """Let a place be silent no more."""
        self._since.pop(place, None)
        for point in self._places.pop(place, ()):
            self._points[point] -= 1
            if not self._points[point]:
                del self._points[point]

    def hold(self, points: Iterable[int]) -> bool:
        """Return whether one of them is below a silent place."""
        return bool(self._points) and any(point in self._points for point in points)


def read_below(body: bytes) -> list[int]:
    """Return the points of `write_below`."""
    found: list[int] = np.frombuffer(body, "<i8").tolist()
    return found


def write_below(points: Collection[int]) -> bytes:
    """Return points as the table keeps them."""
    return np.array(tuple(points), "<i8").tobytes()
