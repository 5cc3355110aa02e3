"""The cells of several chunks one after the other, so that array work is done once for all.

A run is the cells of one member in one chunk.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from central.store.codec.cells import Cells
from central.store.columns import Integers
from central.store.values import Values


@dataclass(frozen=True, slots=True)
class Batch:
    """`edges` are where chunks begin in the cells, `rows` where they do in the runs (and ends)."""

    chunks: Sequence[Cells]
    cells: Cells
    edges: Integers
    starts: Integers
    """The first cell of each run."""
    counts: Integers
    """The cells of each run."""
    rows: Integers


def batch_of(chunks: Sequence[Cells]) -> Batch:
    """Return the batch of at least one chunk; each has cells."""
    cells = chunks[0] if len(chunks) == 1 else _joined(chunks)
    edges = np.concatenate(([0], np.cumsum([len(chunk) for chunk in chunks])))
    begins = np.ones(len(cells), np.bool_)
    np.not_equal(cells.members[1:], cells.members[:-1], out=begins[1:])
    begins[edges[:-1]] = True
    starts = np.flatnonzero(begins)
    counts = np.diff(starts, append=len(cells))
    return Batch(chunks, cells, edges, starts, counts, np.searchsorted(starts, edges))


def _joined(chunks: Sequence[Cells]) -> Cells:
    names = ("members", "times", "streams", "seqs", "received", "qualities", "flags")
    members, times, streams, seqs, received, qualities, flags = (
        np.concatenate([getattr(chunk, name) for chunk in chunks]) for name in names
    )
    values = Values.joined([chunk.values for chunk in chunks])
    return Cells(members, times, streams, seqs, received, values, qualities, flags)
