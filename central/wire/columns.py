"""Readings as parallel columns, as they travel: points by their place in the manifest."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import repeat
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from central.store.columns import Integers
from central.store.values import Values
from protocols.wire.header import Header
from protocols.wire.readings import ReadingsBatch
from protocols.words import Reading, TimeMark

Flags = NDArray[np.bool_]
_MARKS = (TimeMark.GATEWAY, TimeMark.SOURCE)


@dataclass(slots=True, eq=False)
class ReadingColumns:
    """`points` are places in the manifest, `times` as in `Reading`. Not changed.

    `source` says which times are the source's own; None: all are the gateway's.
    """

    points: Integers
    times: Integers
    source: Flags | None
    qualities: Integers
    values: Values

    def __len__(self) -> int:
        return len(self.points)

    @property
    def newest_gateway_time(self) -> int:
        """The newest gateway time (0 without one)."""
        if self.source is None:
            return int(self.times.max())
        own = self.times[~self.source]
        return int(own.max()) if len(own) else 0

    def readings(self) -> list[Reading]:
        """Return an object for each."""
        marks: Iterable[TimeMark] = repeat(TimeMark.GATEWAY)
        if self.source is not None:
            marks = map(_MARKS.__getitem__, self.source.tolist())
        columns = (self.points, self.values, self.qualities, self.times)
        return list(map(Reading, *(column.tolist() for column in columns), marks))

    def part(self, start: int, end: int) -> "ReadingColumns":
        """Return the rows from `start` to before `end`."""
        places = slice(start, end)
        return ReadingColumns(
            self.points[places],
            self.times[places],
            None if self.source is None else self.source[places],
            self.qualities[places],
            self.values.take(places),
        )

    def sealed(self, header: Header) -> "BatchColumns":
        """Return the same rows as the content of the batch with that header."""
        return BatchColumns(
            self.points, self.times, self.source, self.qualities, self.values, header
        )


@dataclass(slots=True, eq=False)
class BatchColumns(ReadingColumns):
    """The content of a batch of readings, in order of seq. Not changed."""

    header: Header
    span: tuple[int, int] | None = None
    """The least and the greatest of `times`, where whoever decoded them knows it."""

    @classmethod
    def of(cls, batch: ReadingsBatch) -> Self:
        """Return the same content as columns."""
        marks = batch.marks
        return cls(
            integers(batch.points),
            integers(batch.times),
            np.array(marks, np.bool_) if TimeMark.SOURCE in marks else None,
            integers(batch.qualities),
            Values.of(batch.values),
            batch.header,
        )


def integers(cells: Iterable[Any]) -> Integers:
    """Return a column of int64."""
    return np.array(list(cells), np.int64)
