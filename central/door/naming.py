"""Which points the names of a request mean, found once for a list that comes again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Any, Final

import numpy as np

from central.store.columns import Integers

KEPT: Final = 4_096
"""Names of lists that are remembered, beside four for each point of the manifest."""


@dataclass(frozen=True, slots=True)
class Named:
    """The index of each name's point, -1 where it names none. Not changed.

    `distinct`: each names one, and none is named twice.
    """

    places: Integers
    distinct: bool


class Naming:
    """Finds points by their whole id and by `site/device/point`; safe to ask from any thread.

    Whoever has the same list again hands over the very same object (`names.py`).
    """

    def __init__(self, places: Mapping[str, int], points: int) -> None:
        self._find = places.get
        self._points = points
        self._known: dict[tuple[int, bool], tuple[Sequence[Any], Named]] = {}
        self._kept = 0

    def of(self, names: Sequence[Any], *, indexes: bool) -> Named:
        """Return what is meant; `indexes`: a number may stand for a point."""
        key = (id(names), indexes)
        found = self._known.get(key)
        if found is not None and found[0] is names:
            return found[1]
        named = self._named(names, indexes=indexes)
        if named.distinct:
            if self._kept + len(names) > KEPT + 4 * self._points:
                self._known, self._kept = {}, 0
            self._known[key] = names, named
            self._kept += len(names)
        return named

    def _named(self, names: Sequence[Any], *, indexes: bool) -> Named:
        find, points = self._find, self._points
        try:
            found = np.fromiter(map(find, names, repeat(-1)), np.int64, len(names))
        except TypeError:  # lists and objects name nothing
            listed = [find(name, -1) if type(name) is str else -1 for name in names]
            found = np.array(listed, np.int64)
        if indexes:
            numbers = [name if type(name) is int else -1 for name in names]
            listed = [name if 0 <= name < points else -1 for name in numbers]
            found = np.maximum(found, np.array(listed, np.int64))
        distinct = bool(len(found)) and int(np.minimum.reduce(found)) >= 0
        if distinct:
            distinct = int(np.maximum.reduce(np.bincount(found))) == 1
        found.setflags(write=False)
        return Named(found, distinct)
