"""Which numbers of which streams were seen, as ranges: finds a reading that is there twice.

The readings of a day are compared with one another, and each day with those before it. Of a family
that is polled a day is a range a poll; where there are more than MOST, those of the oldest days are
let go of, which bounds memory and leaves a gap only for what comes again much later.
"""

from collections import deque
from typing import Final, NamedTuple

import numpy as np

from central.store.columns import Integers

MOST: Final = 8_000_000
"""Ranges remembered."""


class _Ranges(NamedTuple):
    """Of one stream and day, in order: first and last number of each."""

    stream: int
    firsts: Integers
    lasts: Integers


class SeenNumbers:
    """Of one family; days are given one after the other."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._held: deque[_Ranges] = deque()
        self._size = 0

    def twice(self, streams: Integers, seqs: Integers) -> list[tuple[int, int]]:
        """Return what of a day's readings is there twice, as (stream, number); remember them."""
        found: set[tuple[int, int]] = set()
        order = np.lexsort((seqs, streams))
        streams, seqs = streams[order], seqs[order]
        bounds = np.flatnonzero(np.diff(streams)) + 1
        for own in np.split(np.arange(len(seqs)), bounds):
            if len(own):
                found |= self._of_stream(int(streams[own[0]]), seqs[own])
        return sorted(found)

    def _of_stream(self, stream: int, seqs: Integers) -> set[tuple[int, int]]:
        again = seqs[1:][seqs[1:] == seqs[:-1]].tolist()
        seqs = np.unique(seqs)
        breaks = np.flatnonzero(np.diff(seqs) != 1)
        firsts = seqs[np.append(0, breaks + 1)]
        lasts = seqs[np.append(breaks, len(seqs) - 1)]
        for held in self._held:
            if (
                held.stream == stream
                and held.firsts[0] <= lasts[-1]
                and held.lasts[-1] >= firsts[0]
            ):
                again += seqs[_inside(seqs, held)].tolist()
        self._remember(_Ranges(stream, firsts, lasts))
        return {(stream, seq) for seq in again}

    def _remember(self, ranges: _Ranges) -> None:
        self._held.append(ranges)
        self._size += len(ranges.firsts)
        while self._size > self._most and len(self._held) > 1:
            self._size -= len(self._held.popleft().firsts)


def _inside(seqs: Integers, held: _Ranges) -> Integers:
    """Return the places of the numbers that lie in a range."""
    at = np.searchsorted(held.firsts, seqs, side="right") - 1
    return np.flatnonzero((at >= 0) & (seqs <= held.lasts[np.maximum(at, 0)]))
