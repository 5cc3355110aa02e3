"""A column of values as they were sent: the plain numbers as an array, the rest told apart."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from central.store.columns import Integers
from central.store.values import EXACT, Floats

_PLAIN: Final = frozenset({float, int, bool, type(None)})


@dataclass(frozen=True, slots=True)
class Cells:
    """`raw` is what stood there.

    `numbers`: of numbers (true and false among them) below 2^53, NaN elsewhere. `none`: where null
    stood (None: nowhere). `odd`: the places of all else. `types`: of all.
    """

    raw: Sequence[Any]
    numbers: Floats
    none: NDArray[np.bool_] | None
    odd: Integers
    types: set[type]

    @classmethod
    def of(cls, raw: Sequence[Any]) -> Self:
        """Return the column of `raw`."""
        types = set(map(type, raw))
        numbers = _numbers(raw) if types <= _PLAIN else _numbers(list(map(_plain, raw)))
        if numbers is None:
            numbers = np.array(list(map(_plain, raw)), np.float64)
        odd = ~(np.abs(numbers) < EXACT)  # 2^53 may have been more before it was a float
        none = None
        if type(None) in types:
            none = np.array([cell is None for cell in raw], np.bool_)
            odd &= ~none
        places = np.flatnonzero(odd)
        if len(places):
            numbers[places] = np.nan
        return cls(raw, numbers, none, places, types)

    def take(self, places: Integers) -> "Cells":
        """Return the cells at `places`, which go up."""
        odd = np.flatnonzero(np.isin(places, self.odd)) if len(self.odd) else self.odd
        return Cells(
            [self.raw[at] for at in places.tolist()],
            self.numbers[places],
            None if self.none is None else self.none[places],
            odd,
            self.types,
        )

    def __len__(self) -> int:
        return len(self.raw)


def _numbers(raw: Sequence[Any]) -> Floats | None:
    try:
        return np.array(raw, np.float64)
    except OverflowError:  # an integer beyond every float
        return None


def _plain(cell: Any) -> float | None:
    """Return a number as it is; what else stands there, an endless one too, is none."""
    if type(cell) is int:
        return cell if -EXACT <= cell <= EXACT else None
    return cell if type(cell) in _PLAIN else None
