"""Which row of a batch is of which point, and how rows in point order become rows in order of seq.

Follows from the column points alone (docs/wire.md section 4.1), which recurs: whole scans are the
same bytes each time. Common forms only.
"""

from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from central.store.columns import Integers
from central.wire.reading import ColumnReader, Unusual
from central.wire.recurring import Recurring
from protocols.wire.bounds import POINTS
from protocols.wire.varint import put_uvar, unzigzag

_FEW_BYTES: Final = 24
"""Bytes of runs below which arrays cost more than objects."""
_KEPT: Final = 256
_KEPT_BYTES: Final = 4 << 20
T = TypeVar("T", bound=np.generic)


class Layout:
    """The points of a batch's rows. Not changed.

    `order`: the row of each place in point order; None: the same. `distinct`: each point has one
    row. `scans`: how many times the rows are the same points, which go up; 0: they are not.
    `count` is the number of rows as a varint, as runs of all rows have it.
    """

    __slots__ = ("count", "distinct", "order", "ordered", "points", "scans")

    def __init__(self, points: Integers, *, rising: bool) -> None:
        n = len(points)
        count = bytearray()
        put_uvar(count, n)
        self.count = bytes(count)
        self.points = self.ordered = points
        self.distinct = rising
        self.order: Integers | None = None
        self.scans = 1 if rising else 0
        if not rising:
            # 16 bits are sorted by counting. POINTS is below 2^15.
            order: Integers = points.astype(np.int16).argsort(kind="stable")
            self.ordered = points[order]
            self.scans = _scans(points)
            if self.scans != n:
                self.order = order
        for column in (points, self.ordered, self.order):
            if column is not None:
                column.setflags(write=False)

    @property
    def size(self) -> int:
        """Bytes held."""
        held = {id(column): column for column in (self.points, self.ordered, self.order)}
        return sum(column.nbytes for column in held.values() if column is not None)

    def in_rows(self, cells: NDArray[T]) -> NDArray[T]:
        """Return cells in point order put back in row order."""
        if self.order is None:
            return cells
        if self.scans:
            return cells.reshape(-1, self.scans).T.flatten()
        rows = np.empty(len(cells), cells.dtype)
        rows[self.order] = cells
        return rows


def read_layout(section: bytes, n: int) -> Layout:
    """Return the layout of `n` rows whose column points is `section`. Raises Unusual, WireError."""
    key = (n, section)
    layout = _KNOWN.find(key)
    if layout is None:
        layout = _read(section, n)
        _KNOWN.offer(key, layout, layout.size + len(section))
    return layout


_KNOWN: Final = Recurring[Layout](_KEPT, _KEPT_BYTES)
"""A pure function's results, as those of `functools.cache`, but bounded in bytes."""


def _read(section: bytes, n: int) -> Layout:
    reader = ColumnReader(section, "points", 0, len(section))
    few = len(section) <= _FEW_BYTES
    steps, counts = (_few_runs if few else _many_runs)(reader, n)
    # A run begins `step` points beyond the end of the one before.
    points: Integers = steps.cumsum().repeat(counts)
    points += np.arange(n)
    later = steps[1:]
    rising = not len(later) or int(np.minimum.reduce(later)) > 0
    lowest, highest = points[0], points[-1]
    if not rising:
        if len(later.nonzero()[0]) < len(later):
            raise Unusual
        lowest, highest = np.minimum.reduce(points), np.maximum.reduce(points)
    if lowest < 0 or highest >= POINTS:
        raise Unusual
    return Layout(points, rising=rising)


def _few_runs(reader: ColumnReader, n: int) -> tuple[Integers, Integers]:
    """Return each run's step, and how many points it covers."""
    numbers = reader.uvars(2 * n)
    steps, counts = list(map(unzigzag, numbers[0::2])), numbers[1::2]
    if len(steps) != len(counts) or sum(counts) != n or 0 in counts:
        raise Unusual
    if any(abs(step) > POINTS for step in steps):
        raise Unusual
    return np.array(steps, np.int64), np.array(counts, np.int64)


def _many_runs(reader: ColumnReader, n: int) -> tuple[Integers, Integers]:
    numbers = reader.uvars_left(2 * n)
    if len(numbers) & 1:
        raise Unusual
    zigzag, counts = numbers[0::2], numbers[1::2]
    if np.add.reduce(counts) != n or len(counts.nonzero()[0]) < len(counts):
        raise Unusual
    return (zigzag >> 1) ^ -(zigzag & 1), counts


def _scans(points: Integers) -> int:
    """Return how many times the rows are the same points, which go up; 0: they are not."""
    n = len(points)
    width = int((points[1:] <= points[:-1]).argmax()) + 1
    if n % width:
        return 0
    table = points.reshape(-1, width)
    return n // width if len((table != table[0]).nonzero()[0]) == 0 else 0
