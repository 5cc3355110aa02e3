"""Readings of one family on one day, as parallel columns: what a chunk is made of.

A family is up to 32 points of one device, its members; a cell is a reading of one of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from central.store.columns import Integers
from central.store.points import PointReadings
from central.store.values import Values

MEMBERS: Final = 32
"""Most members of a family."""


@dataclass(frozen=True, slots=True)
class Cells:
    """In order of (member, time, stream, seq). `received` is µs UTC, kept to the millisecond."""

    members: Integers
    times: Integers
    streams: Integers
    seqs: Integers
    received: Integers
    values: Values
    qualities: Integers
    flags: Integers

    def __len__(self) -> int:
        return len(self.times)

    def take(self, places: Integers | slice) -> "Cells":
        """Return the cells at `places`."""
        return Cells(
            self.members[places],
            self.times[places],
            self.streams[places],
            self.seqs[places],
            self.received[places],
            self.values.take(places),
            self.qualities[places],
            self.flags[places],
        )

    @property
    def columns(self) -> PointReadings:
        """The readings of all members, one member after the other."""
        return PointReadings(
            self.times,
            self.streams,
            self.seqs,
            self.received,
            self.values,
            self.qualities,
            self.flags,
        )

    def of(self, member: int) -> PointReadings:
        """Return the readings of one member."""
        first, last = np.searchsorted(self.members, [member, member + 1]).tolist()
        return self.columns.take(slice(first, last))

    @staticmethod
    def joined(parts: Sequence["Cells"]) -> "Cells":
        """Return the cells of all parts (at least one) in order."""
        if len(parts) == 1:
            return parts[0]
        parts = sorted(parts, key=lambda part: int(part.times.min()))
        ends = [int(part.times.max()) for part in parts[:-1]]
        apart = all(end < int(part.times.min()) for end, part in zip(ends, parts[1:], strict=True))
        names = ("members", "times", "streams", "seqs", "received")
        members, times, streams, seqs, received = (
            np.concatenate([getattr(part, name) for part in parts]) for name in names
        )
        joined = Cells(
            members,
            times,
            streams,
            seqs,
            received,
            Values.joined([part.values for part in parts]),
            np.concatenate([part.qualities for part in parts]),
            np.concatenate([part.flags for part in parts]),
        )
        if apart:  # each member's cells are in order already
            return joined.take(np.argsort(members.astype(np.uint8), kind="stable"))
        return joined.take(np.lexsort((seqs, streams, times, members)))
