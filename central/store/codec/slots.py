"""Slots: the moments that members of a chunk share, and which member is in which.

Cells of one poll have time, stream and received time in common, and sequence numbers that follow
each other; so these are kept once for all members. A member with two readings of one moment and
stream is in two slots.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from central.store.codec.cells import Cells
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


def alike(cells: Cells, members: int) -> bool:
    """Return whether all members are in the same slots."""
    count = len(cells) // members
    return count * members == len(cells) and all(
        bool((column.reshape(members, count) == column[:count]).all())
        for column in (cells.times, cells.streams, cells.received)
    )


class Matrix(NamedTuple):
    """Where the cells of a chunk are."""

    first: Integers
    """A cell of each slot."""
    bases: Integers
    """The sequence number of rank 0 in each slot."""
    rests: Integers
    """What each cell's sequence number is beyond that of its slot and its rank among its cells."""
    presence: bytes | None
    """A row of bits for each member; None: all are in all."""


def matrix_of(cells: Cells, counts: Integers) -> Matrix:
    """Return the slots of a chunk whose members have so many cells."""
    members = len(counts)
    if counts[0] * members == len(cells) and alike(cells, members):
        count = len(cells) // members
        bases = cells.seqs[:count]
        rests = cells.seqs.reshape(members, count) - bases
        rests -= np.arange(members)[:, None]
        return Matrix(np.arange(count), bases, rests.ravel(), None)
    slots = slots_of(cells)
    rows = np.repeat(np.arange(members), counts)
    bits = np.zeros((members, len(slots.first)), np.bool_)
    bits[rows, slots.places] = True
    ranks = (np.cumsum(bits, axis=0, dtype=np.uint8) - np.uint8(1))[rows, slots.places]
    seqs = cells.seqs - ranks
    bases = seqs[slots.first]
    rests = seqs - bases[slots.places]
    return Matrix(slots.first, bases, rests, np.packbits(bits, axis=1).tobytes())
