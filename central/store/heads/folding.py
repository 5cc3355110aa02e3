"""Which rows of many blocks may be their points' newest good numbers: mostly those of the last few.

Looks from the newest block to the oldest: what is older than a good number that was seen already is
passed over, without a look at its value.
"""

from collections.abc import Sequence

import numpy as np

from central.store.columns import Columns, Integers
from central.store.heads.good_numbers import good
from central.store.unsealed import Block


class Folding:
    """`known`: by number of a point, the time of a good number there is already; it is changed."""

    def __init__(self, known: Integers) -> None:
        self._known = known
        self._at: dict[int, slice | Integers] = {}
        self.points: list[Integers] = []
        """The points of all blocks, each column once."""

    def newest(self, blocks: Sequence[Block]) -> list[tuple[Block, Columns]]:
        """Return what is left of blocks, in their order."""
        left = []
        for block in reversed(blocks):
            rows = self._left(block)
            if rows is not None:
                left.append((block, rows))
        left.reverse()
        return left

    def _left(self, block: Block) -> Columns | None:
        rows = block.rows
        places = np.flatnonzero(rows.times >= self._known[self._reach(rows.points)])
        if not len(places):
            return None
        some = rows.take(places)
        _, held = good(some)
        if not len(held):
            return None
        if len(held) < len(places):
            some = some.take(held)
        np.maximum.at(self._known, some.points, some.times)
        return some

    def _reach(self, points: Integers) -> slice | Integers:
        """Return what reaches the points' cells in an array by number."""
        # Blocks that name the same points hold the same column (`held.Holding`), as long as they
        # are here.
        at = self._at.get(id(points))
        if at is None:
            self.points.append(points)
            low, n = int(points[0]), len(points)
            whole = np.array_equal(points, np.arange(low, low + n))
            at = self._at[id(points)] = slice(low, low + n) if whole else points
        return at
