"""What is known of a column of points, so that it need not be found out for each commit anew.

A scan names the same points each time, mostly one number after the other: then `at` is a slice, by
which arrays are reached without a copy or a look-up for each.
"""

from functools import lru_cache
from typing import Any, Final, Self

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

    __slots__ = (
        *("at", "compact", "distinct", "high", "low", "numbers"),
        *("_looked", "_scan"),
    )

    def __init__(self, numbers: NDArray[Any]) -> None:
        self.numbers = numbers
        self._looked = False
        self._scan: Self | None = None
        self.low = int(np.minimum.reduce(numbers))
        self.high = int(np.maximum.reduce(numbers))
        n = len(numbers)
        rising = np.count_nonzero(numbers[1:] > numbers[:-1]) == n - 1
        self.distinct = bool(rising)
        whole = rising and self.high - self.low == n - 1
        self.at: slice | Integers = slice(self.low, self.high + 1) if whole else numbers
        self.compact: NDArray[Any] = numbers.astype(np.int32)

    @property
    def scan(self) -> Self | None:
        """The points that all of it names again and again, each of them once; None: it does not."""
        if not self._looked:
            self._scan = self if self.distinct else self._found()
            self._looked = True
        return self._scan

    def repeated(self, times: int) -> Self:
        """Return the column that says the same so often, one after the other."""
        if times == 1:
            return self
        made = type(self).__new__(type(self))
        made.numbers = made.at = np.tile(self.numbers, times)
        made.compact = np.tile(self.compact, times)
        made.low, made.high, made.distinct = self.low, self.high, False
        made._scan, made._looked = (self, True) if self.distinct else (None, False)
        return made

    def _found(self) -> Self | None:
        numbers = self.numbers
        first = (numbers == numbers[0]).nonzero()[0]
        width = int(first[1]) if len(first) > 1 else len(numbers)
        if len(numbers) % width:
            return None
        scan = type(self)(numbers[:width])
        if not scan.distinct and len(np.unique(scan.numbers)) < width:
            return None
        scan.distinct = True
        if not np.logical_and.reduce(numbers.reshape(-1, width) == scan.numbers, axis=None):
            return None
        return scan


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
