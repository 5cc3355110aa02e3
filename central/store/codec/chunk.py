"""Readings of a family on one day as bytes, and back: exact, small, readable member by member.

Pure. Decoding is a total function: bytes that are not what was written raise ChunkDamaged, in
memory bounded by `chunk_frame.MOST_BYTES` and MOST_CELLS. The format is described in
docs/decisions/025-the-store.md.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, Final, NamedTuple, overload

import numpy as np
from numpy.typing import NDArray

from central.store.codec.assembling import FULL, Parts, assembled
from central.store.codec.axis import Axis, Slotted, read_axis, read_series
from central.store.codec.batch import Batch, batch_of
from central.store.codec.cells import MEMBERS, Cells
from central.store.codec.chunk_frame import unframed
from central.store.codec.chunk_numbers import Numbers, Span, read_own, read_values
from central.store.codec.chunk_row import Chunk
from central.store.codec.chunk_summary import summarised
from central.store.codec.plane_reader import ChunkDamaged, Reader
from central.store.codec.planes import NearZero, Runs
from central.store.codec.slots import Bits, Matrix, matrix_of
from central.store.codec.summary_reader import read_counts, read_summaries, read_summary
from central.store.columns import Integers
from central.store.points import EMPTY, PointReadings

__all__ = [
    "MOST_CELLS",
    "Cells",
    "Chunk",
    "ChunkDamaged",
    "counts_between",
    "counts_of",
    "decode",
    "encode",
    "encoded",
    "summaries",
    "summary_of",
]

MOST_CELLS: Final = 1 << 16
_AT_ONCE: Final = 20_000
"""Cells encoded together: many enough for array work, few enough for the processor's cache."""


class _Present(NamedTuple):
    """Where the cells of a chunk are: rows are the members there are, columns the slots."""

    members: list[int]
    slots: int
    bits: Bits | None
    """None: every member is in every slot."""
    counts: list[int]


def encode(cells: Cells) -> Chunk:
    """Return the chunk of at least one and at most MOST_CELLS cells.

    ValueError: none or more of them, or a float that is no number.

    Received times are kept to the millisecond; everything else comes back as it is.
    """
    return encoded([cells])[0]


def encoded(chunks: Sequence[Cells]) -> list[Chunk]:
    """Return the chunk of each; of many at a time each costs a third. ValueError as `encode`."""
    for cells in chunks:
        if not 0 < len(cells) <= MOST_CELLS:
            raise ValueError(f"{len(cells)} cells")
    return [chunk for part in _portions(chunks) for chunk in _encoded(part)]


def _portions(chunks: Sequence[Cells]) -> Iterator[Sequence[Cells]]:
    first = size = 0
    for place, cells in enumerate(chunks):
        if size and size + len(cells) > _AT_ONCE:
            yield chunks[first:place]
            first, size = place, 0
        size += len(cells)
    if size:
        yield chunks[first:]


def summaries(summary: bytes) -> NDArray[Any]:
    """Return the SUMMARY of each member of a chunk, in order. Raises ChunkDamaged."""
    return read_summaries(summary)


def summary_of(summary: bytes, row: int) -> Any:
    """Return the SUMMARY of the `row`th of the members there are. Raises ChunkDamaged."""
    return read_summary(summary, row)


def counts_of(summary: bytes) -> Integers:
    """Return how many readings each member of a chunk has, in order. Raises ChunkDamaged."""
    return read_counts(summary)


def counts_between(body: bytes, start: int, end: int) -> Integers:
    """Return of each member there is how many readings have start <= time < end.

    Only the moments are decoded. Raises ChunkDamaged.
    """
    reader = Reader(unframed(body))
    present = _read_present(reader)
    times = read_series(reader, present.slots)
    inside = (times >= start) & (times < end)
    if present.bits is None:
        return np.full(len(present.members), np.count_nonzero(inside))
    found: Integers = np.count_nonzero(present.bits[:, inside], axis=1)
    return found


@overload
def decode(body: bytes, member: None = None) -> Cells: ...
@overload
def decode(body: bytes, member: int) -> PointReadings: ...
def decode(body: bytes, member: int | None = None) -> Cells | PointReadings:
    """Return all cells, or the readings of one member (none, if it has none here).

    Raises ChunkDamaged.
    """
    reader = Reader(unframed(body))
    present = _read_present(reader)
    if member is None:
        return _read_all(reader, present)
    if member not in present.members:
        return EMPTY
    return _read_one(reader, present, present.members.index(member))


def _encoded(chunks: Sequence[Cells]) -> list[Chunk]:
    batch = batch_of(chunks)
    cells, edges, rows = batch.cells, batch.edges, batch.rows
    matrices = [
        matrix_of(chunk, batch.counts[first:last])
        for chunk, (first, last) in zip(chunks, pairwise(rows.tolist()), strict=True)
    ]
    numbers = Numbers(batch)
    rests = np.concatenate([matrix.rests for matrix in matrices])
    return assembled(
        Parts(
            cells.members[batch.starts],
            rows,
            [len(matrix.first) for matrix in matrices],
            [matrix.presence for matrix in matrices],
            _axis(batch, matrices),
            (NearZero(rests, edges), Runs(cells.qualities, edges), Runs(cells.flags, edges)),
            numbers,
            summarised(batch, numbers.scales),
        )
    )


def _axis(batch: Batch, matrices: Sequence[Matrix]) -> Axis:
    cells = batch.cells
    starts = batch.edges.tolist()
    first = np.concatenate(
        [each.first + start for each, start in zip(matrices, starts, strict=False)]
    )
    bases = np.concatenate([each.bases for each in matrices])
    slots = Slotted(cells.times[first], cells.streams[first], cells.received[first], bases)
    sizes = [len(each.first) for each in matrices]
    return Axis(slots, np.concatenate(([0], np.cumsum(sizes))))


def _read_present(reader: Reader) -> _Present:
    mask, slots = reader.uvar((1 << MEMBERS) - 1), reader.uvar(MOST_CELLS)
    members = [member for member in range(MEMBERS) if mask >> member & 1]
    if not members or not slots:
        raise ChunkDamaged("no cells")
    if reader.u8() == FULL:
        bits, counts = None, [slots] * len(members)
    else:
        raw = np.frombuffer(reader.take(len(members) * (slots + 7 >> 3)), np.uint8)
        bits = np.unpackbits(raw.reshape(len(members), -1), axis=1, count=slots).view(np.bool_)
        counts = bits.sum(axis=1).tolist()
    if not all(counts) or sum(counts) > MOST_CELLS:
        raise ChunkDamaged("cells")
    return _Present(members, slots, bits, counts)


def _read_all(reader: Reader, present: _Present) -> Cells:
    axis = read_axis(reader, present.slots)
    rows = np.repeat(np.arange(len(present.members)), present.counts)
    if present.bits is None:
        at, ranks = np.tile(np.arange(present.slots), len(present.members)), rows
    else:
        at = np.nonzero(present.bits)[1]
        ranks = (np.cumsum(present.bits, axis=0, dtype=np.int64) - 1)[rows, at]
    total = len(at)
    seqs = axis.seqs[at] + ranks + reader.near_zero(total)
    qualities, flags = reader.runs(total), reader.runs(total)
    values = read_values(reader, np.array(present.counts))
    reader.ended()
    return Cells(
        np.array(present.members)[rows],
        axis.times[at],
        axis.streams[at],
        seqs,
        axis.received[at],
        values,
        qualities,
        flags,
    )


def _read_one(reader: Reader, present: _Present, row: int) -> PointReadings:
    times, streams, received, seqs = read_axis(reader, present.slots)
    ranks: Integers | int = row
    if present.bits is not None:
        at = np.flatnonzero(present.bits[row])
        ranks = present.bits[:row].sum(axis=0)[at]
        times, streams, received, seqs = times[at], streams[at], received[at], seqs[at]
    counts, total = present.counts, sum(present.counts)
    start = sum(counts[:row])
    end = start + counts[row]
    seqs = seqs + (reader.near_zero(total, start, end) + ranks)
    qualities, flags = reader.runs(total, start, end), reader.runs(total, start, end)
    values = read_own(reader, counts, Span(row, start, end))
    return PointReadings(times, streams, seqs, received, values, qualities, flags)
