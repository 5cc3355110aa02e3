"""Slots: the moments that members of a chunk share, and which member is in which.

Cells of one poll have time, stream and received time in common, and sequence numbers that follow
each other; so these are kept once for all members. A member with two readings of one moment and
stream is in two slots.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from central.store.batch import Batch
from central.store.cells import Cells
from central.store.columns import Integers

Bits = NDArray[np.bool_]


class Slots(NamedTuple):
    """`places`: the slot of each cell; `first`: a cell of each slot. In order of time, stream."""

    places: Integers
    first: Integers


def slots_of(cells: Cells) -> Slots:
    """Return the slots of the cells of one chunk."""
    size = len(cells)
    columns = (cells.received, _again(cells), cells.streams, cells.times)
    keys = [key for key in columns if (key != key[0]).any()]
    if not keys:
        return Slots(np.zeros(size, np.int64), np.zeros(1, np.int64))
    order = np.lexsort(keys)
    begins = np.zeros(size, np.bool_)
    begins[0] = True
    for key in keys:
        ordered = key[order]
        begins[1:] |= ordered[1:] != ordered[:-1]
    places = np.empty(size, np.int64)
    places[order] = np.cumsum(begins) - 1
    return Slots(places, order[begins])


def _again(cells: Cells) -> Integers:
    """Return how many readings of its member, time and stream come before each cell."""
    same = np.zeros(len(cells), np.bool_)
    same[1:] = (
        (cells.times[1:] == cells.times[:-1])
        & (cells.members[1:] == cells.members[:-1])
        & (cells.streams[1:] == cells.streams[:-1])
    )
    at = np.arange(len(cells))
    return at - np.maximum.accumulate(np.where(same, 0, at))


def full(batch: Batch) -> Bits:
    """Return of which chunks every member is in every slot; what that needs is few comparisons."""
    cells, sizes = batch.cells, np.diff(batch.rows)
    own = np.repeat(batch.counts[batch.rows[:-1]], sizes)
    even = np.logical_and.reduceat(batch.counts == own, batch.rows[:-1])
    # Each cell against that of the same place in the run before it; the first run's with itself.
    back = np.where((batch.ranks == 0) | ~np.repeat(even, sizes), 0, own)
    before = np.arange(len(cells)) - np.repeat(back, batch.counts)
    same = cells.times == cells.times[before]
    for column in (cells.streams, cells.received):
        if (column != column[0]).any():
            same &= column == column[before]
    return even & np.logical_and.reduceat(same, batch.edges[:-1])


@dataclass(frozen=True, slots=True)
class Matrix:
    """Of a batch: for each chunk how many slots, a cell of each, and who is in which."""

    sizes: Integers
    first: Integers
    """A cell of each slot, of all chunks."""
    ranks: Integers
    """Each cell's rank among those of its slot."""
    bases: Integers
    """The sequence number of rank 0 in each slot."""
    rests: Integers
    """What each cell's sequence number is beyond that of its slot and its rank."""
    presence: list[bytes | None]
    """A row of bits for each member; None: all are in all."""


def matrix_of(batch: Batch) -> Matrix:
    """Return the slots of all chunks."""
    alike = full(batch)
    width = batch.counts[batch.rows[:-1]]
    ranks = np.repeat(batch.ranks, batch.counts)
    inside = np.arange(len(ranks)) - np.repeat(batch.starts, batch.counts)
    anchor = np.repeat(batch.edges[:-1], np.diff(batch.edges)) + inside
    firsts: list[Integers] = []
    presence: list[bytes | None] = []
    for chunk, (start, count) in enumerate(zip(batch.edges.tolist(), width.tolist(), strict=False)):
        if alike[chunk]:
            firsts.append(np.arange(start, start + count))
            presence.append(None)
            continue
        end = int(batch.edges[chunk + 1])
        slots = slots_of(batch.chunks[chunk])
        rows = ranks[start:end].copy()
        bits = np.zeros((int(rows[-1]) + 1, len(slots.first)), np.bool_)
        bits[rows, slots.places] = True
        ranks[start:end] = (np.cumsum(bits, axis=0, dtype=np.int64) - 1)[rows, slots.places]
        anchor[start:end] = slots.first[slots.places] + start
        firsts.append(slots.first + start)
        presence.append(np.packbits(bits, axis=1).tobytes())
    first = np.concatenate(firsts)
    bases = batch.cells.seqs - ranks
    rests = bases - bases[anchor]
    sizes = np.array([len(each) for each in firsts])
    return Matrix(sizes, first, ranks, bases[first], rests, presence)
