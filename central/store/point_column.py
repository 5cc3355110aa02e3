"""What is known of a column of points, so that it need not be found out for each commit anew.

A scan names the same points each time, mostly one number after the other: then `at` is a slice, by
which arrays are reached without a copy or a look-up for each.
"""

from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]
_KEPT: Final = 512
_INTEGER: Final = np.dtype(np.int64)


class PointColumn:
    """At least one point; not changed after it was made.

    `compact` are the same numbers in half the memory. `distinct`: none is there twice (False: one
    may be). `at` picks the points' cells out of an array by number; as a slice it is a view.
    """

    __slots__ = ("at", "compact", "distinct", "high", "low", "numbers")

    def __init__(self, numbers: NDArray[Any]) -> None:
        self.numbers = numbers
        self.low = int(np.minimum.reduce(numbers))
        self.high = int(np.maximum.reduce(numbers))
        n = len(numbers)
        rising = np.count_nonzero(numbers[1:] > numbers[:-1]) == n - 1
        self.distinct = bool(rising)
        whole = rising and self.high - self.low == n - 1
        self.at: slice | Integers = slice(self.low, self.high + 1) if whole else numbers
        self.compact: NDArray[Any] = numbers.astype(np.int32)


@lru_cache(maxsize=_KEPT)
def constant(value: int, n: int, kind: np.dtype[Any] = _INTEGER) -> NDArray[Any]:
    """Return a column that says but one thing, in one cell; it cannot be written."""
    column: NDArray[Any] = np.ndarray((n,), kind, np.array([value], kind), strides=(0,))
    column.setflags(write=False)
    return column


def as_constant(column: NDArray[Any]) -> NDArray[Any]:
    """Return the column in one cell if it says but one thing, else as it is."""
    if not len(column) or column.strides == (0,):
        return column
    first = column[0]
    if first != column[-1] or not np.logical_and.reduce(column == first):
        return column
    return constant(int(first), len(column), column.dtype)
