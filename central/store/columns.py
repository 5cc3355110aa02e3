"""Readings as parallel columns: what ingest places, the engine judges and the store writes.

A row costs nothing until somebody asks for it. Columns are in the order of arrival (seq).
"""

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any, Self, overload

import numpy as np
from numpy.typing import NDArray

from central.store.interface import Row
from central.store.point_column import PointColumn
from central.store.values import Values
from protocols.words import Value

Integers = NDArray[np.int64]


class Columns(Sequence[Row]):
    """Rows of one stream; `points` are the registry's numbers. Not changed after it was made."""

    seqs: Integers
    counted: int | None = None
    """The first of `seqs` where they are known to follow each other: made when somebody asks."""
    span: tuple[int, int] | None = None
    """The earliest and the latest of `times`, where whoever made them knows it."""

    def __init__(  # one column each
        self,
        points: Integers,
        times: Integers,
        seqs: Integers | int,
        values: Values | Iterable[Value],
        qualities: Integers,
        flags: Integers,
    ) -> None:
        """`seqs`: each row's, or the first of rows that follow each other."""
        self.points = points
        self.times = times
        if isinstance(seqs, int):
            self.counted = seqs
        else:
            self.seqs = seqs
        self.values = values if isinstance(values, Values) else Values.of(values)
        self.qualities = qualities
        self.flags = flags
        self._column: PointColumn | None = None

    @classmethod
    def of(cls, rows: Iterable[Row]) -> Self:
        """Return the same rows as columns."""
        columns: list[Sequence[Any]] = list(zip(*rows, strict=True)) or [()] * len(Row._fields)
        points, times, seqs, values, qualities, flags = columns
        return cls(
            np.array(points, np.int64),
            np.array(times, np.int64),
            np.array(seqs, np.int64),
            values,
            np.array(qualities, np.int64),
            np.array(flags, np.int64),
        )

    @classmethod
    def joined(cls, parts: Sequence["Columns"]) -> "Columns":
        """Return the rows of all parts (at least one), one part after the other."""
        if len(parts) == 1:
            return parts[0]
        made = cls(
            np.concatenate([part.points for part in parts]),
            np.concatenate([part.times for part in parts]),
            _counted(parts) or np.concatenate([part.seqs for part in parts]),
            Values.joined([part.values for part in parts]),
            np.concatenate([part.qualities for part in parts]),
            np.concatenate([part.flags for part in parts]),
        )
        spans = [part.span for part in parts if part.span is not None]
        if len(spans) == len(parts):
            made.span = min(first for first, _ in spans), max(last for _, last in spans)
        return made

    @overload
    def __getitem__(self, place: int) -> Row: ...
    @overload
    def __getitem__(self, place: slice) -> list[Row]: ...
    def __getitem__(self, place: int | slice) -> Row | list[Row]:
        if isinstance(place, slice):
            return self.rows(np.arange(len(self))[place])
        return self.rows(np.array([place]))[0]

    def __len__(self) -> int:
        return len(self.points)

    def __getattr__(self, name: str) -> Integers:
        if name != "seqs" or self.counted is None:
            raise AttributeError(name)
        made = self.seqs = np.arange(self.counted, self.counted + len(self.points))
        return made

    def of_column(self, column: PointColumn | None) -> Self:
        """Take what is known of the points already; return itself."""
        self._column = column
        return self

    @property
    def column(self) -> PointColumn:
        """What is known of the points (of at least one row)."""
        if self._column is None:
            self._column = PointColumn(self.points)
        return self._column

    @cached_property
    def order(self) -> Integers:
        """The places by point and time, those of one moment in order of arrival."""
        return np.lexsort((self.times, self.points))

    def rows(self, places: Integers | None = None) -> list[Row]:
        """Return the rows at `places` (None: all of them)."""
        at: Any = slice(None) if places is None else places
        values = self.values if places is None else self.values.take(places)
        return list(
            map(
                Row,
                self.points[at].tolist(),
                self.times[at].tolist(),
                self.seqs[at].tolist(),
                values.tolist(),
                self.qualities[at].tolist(),
                self.flags[at].tolist(),
            )
        )

    def take(self, places: Integers) -> "Columns":
        """Return the rows at `places`, in their order."""
        return Columns(
            self.points[places],
            self.times[places],
            self.seqs[places],
            self.values.take(places),
            self.qualities[places],
            self.flags[places],
        )


def _counted(parts: Sequence[Columns]) -> int | None:
    """Return the first number of all rows where they follow each other through all parts."""
    expected = first = parts[0].counted
    for part in parts:
        if expected is None or part.counted != expected:
            return None
        expected += len(part)
    return first
