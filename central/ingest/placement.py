"""Monotonic time to UTC by the anchors of a boot (pure; all times µs)."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from central.store.columns import Integers
from protocols.wire.bounds import TIME

ALWAYS: Final = -TIME
"""The `since` and `mono` of a boot's first anchor: it holds from its beginning."""
DRIFT: Final = 500
"""Parts per million: clocks that move apart faster did not drift."""
JUMP: Final = 2_000_000
"""What drift does not explain beyond this is marked."""


class Anchor(NamedTuple):
    """From `mono` on UTC is monotonic plus `offset`; since `since` it may have been so."""

    since: int
    mono: int
    offset: int


@dataclass(frozen=True, slots=True)
class Placement:
    """The anchors of a boot in order; at least one."""

    anchors: tuple[Anchor, ...]

    @classmethod
    def by(cls, offset: int) -> "Placement":
        """Return the placement of one offset for all."""
        return cls((Anchor(ALWAYS, ALWAYS, offset),))

    @property
    def simple(self) -> int | None:
        """The offset where there is but one."""
        return self.anchors[0].offset if len(self.anchors) == 1 else None

    def offsets(self, times: Integers) -> tuple[Integers, npt.NDArray[np.bool_]]:
        """Return the offset of each monotonic time, and whether it is a guess."""
        found = np.full(len(times), self.anchors[0].offset, np.int64)
        guessed = np.zeros(len(times), np.bool_)
        for before, after in pairwise(self.anchors):
            between = (times > after.since) & (times < after.mono)
            found[times >= after.mono] = after.offset
            guessed[times >= after.mono] = False
            if not between.any():
                continue
            change, span = after.offset - before.offset, after.mono - after.since
            if abs(change) > drift(span) + JUMP:
                found[between], guessed[between] = after.offset, True
            else:
                share = (times[between] - after.since) / span
                found[between] = before.offset + (share * change).astype(np.int64)
        return found, guessed

    def place(self, mono: int) -> int:
        """Return one moment's UTC."""
        offsets, _ = self.offsets(np.array([mono], np.int64))
        return mono + int(offsets[0])


def drift(elapsed: int) -> int:
    """Return how far clocks may drift apart in so much time."""
    return max(0, elapsed) * DRIFT // 1_000_000
