"""Sites and names of the connected points as arrays by the registry's number of a point.

What concerns every point of a city each second is told from these: no loop, no record.
"""

from collections.abc import Callable, Iterable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from central.registry_records import PointRecord

Integers = NDArray[np.int64]
NOWHERE: Final = -1
"""The place of a point that is not connected."""
_ROOM: Final = 1_024


class PointIndex:
    """`sites` in the order they were first met; a point's place is its site's place among them."""

    def __init__(self) -> None:
        self.sites: list[str] = []
        self._site_places: dict[str, int] = {}
        self._places = np.full(_ROOM, NOWHERE, np.int32)
        self._ids = np.empty(_ROOM, np.object_)

    def put(self, points: Iterable[PointRecord]) -> None:
        """Take points that are connected now."""
        for point in points:
            place = self._site_places.get(point.site)
            if place is None:
                place = self._site_places[point.site] = len(self.sites)
                self.sites.append(point.site)
            if point.number >= len(self._places):
                self._reach(point.number)
            self._places[point.number] = place
            self._ids[point.number] = point.id

    def drop(self, numbers: Iterable[int]) -> None:
        """Forget points that are connected no more."""
        gone = np.array(list(numbers), np.int64)
        self._places[gone] = NOWHERE
        self._ids[gone] = None

    def places(self, numbers: Integers) -> NDArray[np.int32]:
        """Return the place of each point's site; NOWHERE where it is not connected."""
        if not len(numbers) or int(numbers.max()) < len(self._places):
            return self._places[numbers]
        inside = numbers < len(self._places)
        return np.where(inside, self._places[np.where(inside, numbers, 0)], np.int32(NOWHERE))

    def ids(self, numbers: Integers) -> list[str]:
        """Return the names of connected points."""
        found: list[str] = self._ids[numbers].tolist()
        return found

    def seen(self, sees: Callable[[str], bool]) -> NDArray[np.bool_]:
        """Return by place whether a site is seen; the last cell, NOWHERE's, says no."""
        return np.array([*map(sees, self.sites), False], np.bool_)

    def within(self, numbers: Integers, sees: Callable[[str], bool]) -> Integers:
        """Return those of the points that are connected and whose site is seen, in their order."""
        return numbers[self.seen(sees)[self.places(numbers)]]

    def connected(self, sees: Callable[[str], bool]) -> Integers:
        """Return the numbers of all connected points of sites that are seen."""
        return np.flatnonzero(self.seen(sees)[self._places])

    def by_site(self) -> dict[str, int]:
        """Return how many connected points each site has; sites without any are left out."""
        counts = np.bincount(self._places - NOWHERE, minlength=1)[1:].tolist()
        return {site: count for site, count in zip(self.sites, counts, strict=False) if count}

    def _reach(self, number: int) -> None:
        size = max(number + 1, 2 * len(self._places))
        places, ids = np.full(size, NOWHERE, np.int32), np.empty(size, np.object_)
        places[: len(self._places)] = self._places
        ids[: len(self._ids)] = self._ids
        self._places, self._ids = places, ids
