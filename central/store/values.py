"""A column of values without an object for each: kinds, numbers, and what is neither.

Every value comes back as it went in: its class, all 64 bits of a float (-0.0 too), texts and
integers beyond 2^53 as themselves. NaN is never a value; in `numbers` it stands for "no number".
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from protocols.words import Value

NONE: Final = 0
BOOLEAN: Final = 1
INTEGER: Final = 2
"""|value| <= 2^53: a float holds it exactly."""
FLOAT: Final = 3
OTHER: Final = 4
"""A text or a larger integer: in `others`."""
EXACT: Final = 2**53

_KINDS: Final[dict[type, int]] = {type(None): NONE, bool: BOOLEAN, int: INTEGER, float: FLOAT}
Bytes = NDArray[np.uint8]
Floats = NDArray[np.float64]


class Values(Sequence[Value]):
    """`kinds` and `numbers` (NaN for NONE and OTHER) by place, `others` by place. Not changed."""

    __slots__ = ("kinds", "numbers", "others")

    def __init__(self, kinds: Bytes, numbers: Floats, others: dict[int, Value]) -> None:
        self.kinds = kinds
        self.numbers = numbers
        self.others = others

    @classmethod
    def of(cls, values: Iterable[Value]) -> Self:
        """Return the column of `values`."""
        cells = list(values)
        types = set(map(type, cells))
        if types == {float}:
            return cls.floats(np.array(cells, np.float64))
        kinds = np.array([_KINDS.get(type(cell), OTHER) for cell in cells], np.uint8)
        others: dict[int, Value] = {
            place: cell
            for place, cell in enumerate(cells)
            if isinstance(cell, str) or (isinstance(cell, int) and not -EXACT <= cell <= EXACT)
        }
        kinds[list(others)] = OTHER
        plain = [
            np.nan if cell is None or place in others else cell for place, cell in enumerate(cells)
        ]
        return cls(kinds, np.array(plain, np.float64), others)

    @classmethod
    def floats(cls, numbers: Floats) -> Self:
        """Return a column of floats."""
        return cls(np.full(len(numbers), FLOAT, np.uint8), numbers, {})

    @classmethod
    def joined(cls, parts: Sequence["Values"]) -> Self:
        """Return one part after the other (at least one)."""
        others: dict[int, Value] = {}
        start = 0
        for part in parts:
            others |= {start + place: value for place, value in part.others.items()}
            start += len(part)
        return cls(
            np.concatenate([part.kinds for part in parts]),
            np.concatenate([part.numbers for part in parts]),
            others,
        )

    def take(self, places: NDArray[np.int64] | slice) -> "Values":
        """Return the values at `places`, in their order."""
        if isinstance(places, slice):
            if not self.others:
                return Values(self.kinds[places], self.numbers[places], {})
            places = np.arange(*places.indices(len(self)))
        others: dict[int, Value] = {}
        if self.others:
            held = np.flatnonzero(self.kinds[places] == OTHER).tolist()
            others = {place: self.others[int(places[place])] for place in held}
        return Values(self.kinds[places], self.numbers[places], others)

    def __len__(self) -> int:
        return len(self.kinds)

    def __getitem__(self, place):  # type: ignore[no-untyped-def]  # int: a value; slice: a list
        if isinstance(place, slice):
            return self.take(place).tolist()
        kind = self.kinds[place]
        if kind == FLOAT:
            return float(self.numbers[place])
        if kind == OTHER:
            return self.others[place % len(self)]
        if kind == NONE:
            return None
        return bool(self.numbers[place]) if kind == BOOLEAN else int(self.numbers[place])

    def __iter__(self) -> Iterator[Value]:
        return iter(self.tolist())

    def __eq__(self, other: object) -> bool:
        """Equal where class and value are; bits of floats included."""
        if not isinstance(other, Values):
            return NotImplemented
        return (
            bool(np.array_equal(self.kinds, other.kinds))
            and self.numbers.tobytes() == other.numbers.tobytes()
            and self.others == other.others
        )

    __hash__ = None  # type: ignore[assignment]

    def tolist(self) -> list[Value]:
        """Return every value as an object."""
        cells: list[Value] = self.numbers.tolist()
        if not len(cells) or (self.kinds == FLOAT).all():
            return cells
        for place in np.flatnonzero(self.kinds != FLOAT).tolist():
            cells[place] = self[place]
        return cells
