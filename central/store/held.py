"""Columns as memory holds them until they are sealed: in less than half of the bytes, the same.

What a scan says again and again is kept as its rule: sequence numbers that follow each other as the
first, times as what they are after it, points once for all blocks that name the same.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from central.store.columns import Columns, Integers
from central.store.values import Values

_MOST: Final = 2**31
_lowest: Final = np.minimum.reduce
_highest: Final = np.maximum.reduce
_QUALITY_BITS: Final = 32


class Held(Columns):
    """Made by `held`; columns that are not there are made when somebody asks."""

    def __init__(self, rows: Columns, points: NDArray[Any]) -> None:
        self.points = points
        self.flags = _own(rows.flags)
        values = rows.values
        self.values = Values(_own(values.kinds), _own(values.numbers), values.others)
        self._column = None
        times, qualities = rows.times, rows.qualities
        self._first = int(times[0])
        earliest, latest = rows.span or (int(_lowest(times)), int(_highest(times)))
        if earliest >= self._first - _MOST and latest < self._first + _MOST:
            self._after: NDArray[np.int32] = (times - self._first).astype(np.int32)
        else:
            self.times = _own(times)
        self._count(rows)
        if qualities.strides == (0,):
            self.qualities = qualities
        elif not np.bitwise_or.reduce(qualities) >> _QUALITY_BITS:  # and none is below 0
            self._narrow: NDArray[np.uint32] = qualities.astype(np.uint32)
        else:
            self.qualities = _own(qualities)

    def _count(self, rows: Columns) -> None:
        """Keep the first of numbers that follow each other, else all."""
        if rows.counted is not None:
            self._seq = rows.counted
            return
        seqs = rows.seqs
        self._seq = int(seqs[0])
        if not np.array_equal(seqs, np.arange(self._seq, self._seq + len(seqs))):
            self.seqs = _own(seqs)

    def __getattr__(self, name: str) -> Integers:
        if name == "times":
            return self._after + np.int64(self._first)
        if name == "seqs":
            return np.arange(self._seq, self._seq + len(self))
        if name == "qualities":
            return self._narrow.astype(np.int64)
        raise AttributeError(name)


class Holding:
    """Makes columns small; knows the points that blocks named."""

    def __init__(self) -> None:
        self._points: dict[tuple[int, int, int], NDArray[Any]] = {}

    def held(self, rows: Columns) -> Columns:
        """Return the same rows (at least one) in less memory."""
        points = rows.points
        key = int(points[0]), int(points[-1]), len(points)
        known = self._points.get(key)
        if known is not points and (known is None or not np.array_equal(known, points)):
            known = self._points[key] = points.astype(np.int32, copy=False)
        return Held(rows, known)

    def forget(self) -> None:
        """Let go of points nobody may name again."""
        self._points.clear()


def narrow(column: NDArray[Any]) -> NDArray[Any]:
    """Return the column as the least unsigned type that holds it; as it is where none does."""
    low, high = int(column.min()), int(column.max())
    for kind in (np.uint8, np.uint16, np.uint32):
        if low >= 0 and high <= np.iinfo(kind).max:
            return column.astype(kind)
    return column


def _own(column: NDArray[Any]) -> NDArray[Any]:
    """Return the column without the larger one it may be a part of."""
    return column if column.base is None or column.strides == (0,) else column.copy()
