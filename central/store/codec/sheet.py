"""Sheets: readings of families whose members are all in every slot, as tables of whole numbers.

What whole scans of decimals are. They become the same chunks as their cells, in a fraction of the
time: nothing is sorted, no float is tried, and several families of as many slots are done at once.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from central.store.codec.axis import Slotted
from central.store.codec.cells import Cells
from central.store.codec.decimals import POWERS, unscaled
from central.store.columns import Integers
from central.store.values import EXACT, Values

NEAR: Final = 1 << 29
"""Whole numbers below this, and what they differ by, are reckoned with in 32 bits."""
_INTEGERS = POWERS.astype(np.int64)


@dataclass(frozen=True, slots=True)
class Sheets:
    """A row for each member of each family, a column for each slot; `rows` are a family's edges.

    `slots` are tables too, with a row for each family, in order of (time, stream), none twice. The
    sequence number of a slot is its first member's; the others' follow. A number is
    whole / 10^scale of its row: int64, or int32 where all are below NEAR. `received` is µs UTC,
    kept to the millisecond.
    """

    rows: Integers
    members: Integers
    slots: Slotted
    qualities: NDArray[Any]
    flags: NDArray[Any]
    scales: Integers
    whole: NDArray[Any]

    def __len__(self) -> int:
        return len(self.rows) - 1

    @property
    def width(self) -> int:
        """How many slots there are."""
        return int(self.whole.shape[1])

    @property
    def cells(self) -> list[Cells]:
        """The cells of each family."""
        return [self._cells(row, first, last) for row, (first, last) in enumerate(self._edges())]

    def between(self, start: int, end: int) -> "Sheets":
        """Return the slots from `start` to before `end`."""
        own = (slice(None), slice(start, end))
        return Sheets(
            self.rows,
            self.members,
            Slotted(*(column[own] for column in self.slots)),
            self.qualities[own],
            self.flags[own],
            self.scales,
            self.whole[own],
        )

    def _edges(self) -> Iterator[tuple[int, int]]:
        return pairwise(self.rows.tolist())

    def _cells(self, row: int, first: int, last: int) -> Cells:
        members, slots = last - first, self.width
        numbers = [
            unscaled(self.whole[each], scale)
            for each, scale in zip(
                range(first, last), self.scales[first:last].tolist(), strict=True
            )
        ]
        times, streams, received, seqs = (np.tile(column[row], members) for column in self.slots)
        return Cells(
            np.repeat(self.members[first:last], slots),
            times,
            streams,
            seqs + np.repeat(np.arange(members), slots),
            received,
            Values.floats(np.concatenate(numbers)),
            self.qualities[first:last].ravel().astype(np.int64),
            self.flags[first:last].ravel().astype(np.int64),
        )


def near(whole: Integers) -> NDArray[Any]:
    """Return the numbers (at least one) in 32 bits where all of them are below NEAR."""
    most = max(int(whole.max()), -int(whole.min()))
    return whole.astype(np.int32) if most < NEAR else whole


def stacked(sheets: Sequence[Sheets]) -> Sheets:
    """Return families of as many slots (at least one) one after the other."""
    if len(sheets) == 1:
        return sheets[0]
    ends = np.cumsum([each.rows[-1] for each in sheets])
    rows = [each.rows[1:] + end - each.rows[-1] for each, end in zip(sheets, ends, strict=True)]
    return Sheets(
        np.concatenate(([0], *rows)),
        np.concatenate([each.members for each in sheets]),
        Slotted(*map(np.concatenate, zip(*(each.slots for each in sheets), strict=True))),
        np.concatenate([each.qualities for each in sheets]),
        np.concatenate([each.flags for each in sheets]),
        np.concatenate([each.scales for each in sheets]),
        np.concatenate([each.whole for each in sheets]),
    )


def joined(parts: Sequence[Sheets]) -> Sheets | None:
    """Return sheets of the same family (at least one each) as one; None: they are not as one is.

    Their members differ, they overlap in time, or a float would not be the same one.
    """
    if len(parts) == 1:
        return parts[0]
    parts = sorted(parts, key=lambda part: int(part.slots.times[0, 0]))
    first = parts[0]
    for before, part in pairwise(parts):
        if part.slots.times[0, 0] <= before.slots.times[0, -1]:
            return None
        if not np.array_equal(part.members, first.members):
            return None
    scales = np.maximum.reduce([part.scales for part in parts])
    if not all(_exact(part, scales) for part in parts):
        return None
    slots = zip(*(part.slots for part in parts), strict=True)
    return Sheets(
        first.rows,
        first.members,
        Slotted(*(np.concatenate(each, axis=1) for each in slots)),
        np.concatenate([part.qualities for part in parts], axis=1),
        np.concatenate([part.flags for part in parts], axis=1),
        scales,
        np.concatenate([_raised(part, scales) for part in parts], axis=1),
    )


def _exact(part: Sheets, scales: Integers) -> bool:
    rise = int((scales - part.scales).max())
    if not rise:
        return True
    most = max(int(part.whole.max()), -int(part.whole.min()))
    return bool(most * 10**rise < EXACT)


def _raised(part: Sheets, scales: Integers) -> NDArray[Any]:
    rises = scales - part.scales
    if not rises.any():
        return part.whole
    raised: Integers = part.whole * _INTEGERS[rises][:, None]
    return raised
