"""The content of a batch of readings as parallel columns, in order of seq."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from central.store.columns import Integers
from central.store.values import Values
from protocols.wire.header import Header
from protocols.wire.readings import ReadingsBatch
from protocols.words import TimeMark

Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class BatchColumns:
    """`points` are places in the manifest, `times` as in `Reading`. Not changed.

    `source` says which times are the source's own; None: all are the gateway's.
    """

    header: Header
    points: Integers
    times: Integers
    source: Flags | None
    qualities: Integers
    values: Values

    @classmethod
    def of(cls, batch: ReadingsBatch) -> Self:
        """Return the same content as columns."""
        marks = batch.marks
        source = np.array(marks, np.bool_) if TimeMark.SOURCE in marks else None
        return cls(
            batch.header,
            integers(batch.points),
            integers(batch.times),
            source,
            integers(batch.qualities),
            Values.of(batch.values),
        )

    def __len__(self) -> int:
        return len(self.points)

    @property
    def newest_gateway_time(self) -> int:
        """The newest gateway time (0 without one)."""
        if self.source is None:
            return int(self.times.max())
        own = self.times[~self.source]
        return int(own.max()) if len(own) else 0


def integers(cells: Iterable[Any]) -> Integers:
    """Return a column of int64."""
    return np.array(list(cells), np.int64)
