"""The registry's numbers of a manifest's points, and what of batches' points came again and again.

Whole scans name the same points each time; who decodes them hands over the very same column then.
"""

from typing import Final

import numpy as np

from central.store.columns import Integers
from central.store.point_column import PointColumn

KEPT: Final = 4_096
"""Cells of columns that are remembered, beside four for each point of the manifest."""
SEEN: Final = 256
FEW: Final = 16
"""Stretches of numbers side by side beyond which a map is no short one."""


class PointMap:
    """`numbers` by the manifest's index; `stretches` are (first index, number - index), if few."""

    def __init__(self, numbers: Integers) -> None:
        self.numbers = numbers
        self.stretches = _stretches(numbers)
        self._known: dict[int, tuple[Integers, PointColumn]] = {}
        self._cells = 0
        self._seen: set[int] = set()
        """Columns that came once, by a number that may be another's by now: a hint."""

    def __len__(self) -> int:
        return len(self.numbers)

    def column(self, points: Integers) -> PointColumn | None:
        """Return what a column that comes again is; None: it may be another each time."""
        found = self._known.get(id(points))
        if found is not None:
            return found[1]
        # Whoever may still write it made it for this one batch.
        if points.flags.writeable or np.maximum.reduce(points) >= len(self.numbers):
            return None
        column = PointColumn(self.numbers[points])
        self._keep(points, column)
        return column

    def _keep(self, points: Integers, column: PointColumn) -> None:
        if id(points) not in self._seen:
            if len(self._seen) >= SEEN:
                self._seen.clear()
            self._seen.add(id(points))
            return
        if self._cells + len(points) > KEPT + 4 * len(self.numbers):
            self._known.clear()
            self._cells = 0
        self._known[id(points)] = points, column
        self._cells += len(points)


def _stretches(numbers: Integers) -> tuple[tuple[int, int], ...] | None:
    offsets = numbers - np.arange(len(numbers))
    firsts = (
        [0, *(np.flatnonzero(offsets[1:] != offsets[:-1]) + 1).tolist()] if len(numbers) else []
    )
    if len(firsts) > FEW:
        return None
    return tuple((first, int(offsets[first])) for first in firsts)
