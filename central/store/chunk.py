"""Readings of a family on one day as bytes, and back: exact, small, readable member by member.

Pure. Decoding is a total function: bytes that are not what was written raise ChunkDamaged, in
memory bounded by `chunk_frame.MOST_BYTES` and MOST_CELLS. The format is described in
docs/decisions/025-the-store.md.
"""

from dataclasses import dataclass
from typing import Final, NamedTuple, overload

import numpy as np
from numpy.typing import NDArray

from central.store.axis import Axis, put_axis, put_presence, read_axis, read_presence, slots_of
from central.store.cells import MEMBERS, Cells
from central.store.chunk_frame import framed, unframed
from central.store.chunk_numbers import Span, put_values, read_own, read_values
from central.store.chunk_summary import put_summaries, read_summaries, summarised
from central.store.columns import Integers
from central.store.planes import ChunkDamaged, Reader, put_near_zero, put_runs
from central.store.points import EMPTY, PointReadings
from protocols.wire.varint import put_uvar

__all__ = ["MOST_CELLS", "Cells", "Chunk", "ChunkDamaged", "decode", "encode", "summaries"]

MOST_CELLS: Final = 1 << 16
FULL: Final = 0
SPARSE: Final = 1


@dataclass(frozen=True, slots=True)
class Chunk:
    """A row of the table `chunk`: times of the first and last reading, and of their arrival."""

    members: int
    """A bit for each member that has readings in it."""
    t0: int
    t1: int
    n: int
    received0: int
    received1: int
    summary: bytes
    body: bytes


class _Matrix(NamedTuple):
    """Where the cells are: rows are the members there are, columns the slots."""

    members: list[int]
    slots: int
    present: NDArray[np.bool_] | None
    """None: every member is in every slot."""
    counts: Integers


def encode(cells: Cells) -> Chunk:
    """Return the chunk of at least one and at most MOST_CELLS cells. ValueError: of none or more.

    Received times are kept to the millisecond; everything else comes back as it is.
    """
    if not 0 < len(cells) <= MOST_CELLS:
        raise ValueError(f"{len(cells)} cells")
    changes = np.flatnonzero(cells.members[1:] != cells.members[:-1]) + 1
    starts = np.concatenate((np.zeros(1, np.int64), changes))
    counts = np.diff(starts, append=len(cells))
    mask = 0
    for member in cells.members[starts].tolist():
        mask |= 1 << member
    found = summarised(cells, starts, counts)
    return Chunk(
        members=mask,
        t0=int(found["t0"].min()),
        t1=int(found["t1"].max()),
        n=len(cells),
        received0=int(found["received0"].min()),
        received1=int(found["received1"].max()),
        summary=put_summaries(found),
        body=framed(_columns(cells, mask, counts)),
    )


def summaries(summary: bytes) -> NDArray[np.void]:
    """Return the SUMMARY of each member of a chunk, in order. Raises ChunkDamaged."""
    return read_summaries(summary)


@overload
def decode(body: bytes, member: None = None) -> Cells: ...
@overload
def decode(body: bytes, member: int) -> PointReadings: ...
def decode(body: bytes, member: int | None = None) -> Cells | PointReadings:
    """Return all cells, or the readings of one member (none, if it has none here).

    Raises ChunkDamaged.
    """
    reader = Reader(unframed(body))
    matrix = _read_matrix(reader)
    if member is None:
        return _read_all(reader, matrix)
    if member not in matrix.members:
        return EMPTY
    return _read_one(reader, matrix, matrix.members.index(member))


def _columns(cells: Cells, mask: int, counts: Integers) -> bytes:
    slots = slots_of(cells, len(counts))
    out = bytearray()
    put_uvar(out, mask)
    put_uvar(out, len(slots.first))
    out.append(FULL if slots.full else SPARSE)
    ranks = put_presence(out, slots, cells, counts)
    base = (cells.seqs - ranks)[slots.first]
    streams, received = cells.streams[slots.first], cells.received[slots.first]
    put_axis(out, Axis(cells.times[slots.first], streams, received, base))
    put_near_zero(out, cells.seqs - ranks - base[slots.places])
    put_runs(out, cells.qualities)
    put_runs(out, cells.flags)
    put_values(out, cells.values, counts)
    return bytes(out)


def _read_matrix(reader: Reader) -> _Matrix:
    mask, slots = reader.uvar((1 << MEMBERS) - 1), reader.uvar(MOST_CELLS)
    members = [member for member in range(MEMBERS) if mask >> member & 1]
    if not members or not slots:
        raise ChunkDamaged("no cells")
    if reader.u8() == FULL:
        present, counts = None, np.full(len(members), slots)
    else:
        present = read_presence(reader, len(members), slots)
        counts = present.sum(axis=1)
    if not counts.all() or counts.sum() > MOST_CELLS:
        raise ChunkDamaged("cells")
    return _Matrix(members, slots, present, counts)


def _read_all(reader: Reader, matrix: _Matrix) -> Cells:
    axis = read_axis(reader, matrix.slots)
    rows = np.repeat(np.arange(len(matrix.members)), matrix.counts)
    if matrix.present is None:
        at, ranks = np.tile(np.arange(matrix.slots), len(matrix.members)), rows
    else:
        at = np.nonzero(matrix.present)[1]
        ranks = (np.cumsum(matrix.present, axis=0, dtype=np.int64) - 1)[rows, at]
    total = len(at)
    seqs = axis.seqs[at] + ranks + reader.near_zero(total)
    qualities, flags = reader.runs(total), reader.runs(total)
    values = read_values(reader, matrix.counts)
    reader.ended()
    return Cells(
        np.array(matrix.members)[rows],
        axis.times[at],
        axis.streams[at],
        seqs,
        axis.received[at],
        values,
        qualities,
        flags,
    )


def _read_one(reader: Reader, matrix: _Matrix, row: int) -> PointReadings:
    times, streams, received, seqs = read_axis(reader, matrix.slots)
    seqs = seqs + row
    if matrix.present is not None:
        at = np.flatnonzero(matrix.present[row])
        ranks = matrix.present[:row].sum(axis=0)
        times, streams, received = times[at], streams[at], received[at]
        seqs = (seqs - row + ranks)[at]
    total = int(matrix.counts.sum())
    start = int(matrix.counts[:row].sum())
    span = Span(row, start, start + int(matrix.counts[row]))
    seqs = seqs + reader.near_zero(total, span.start, span.end)
    qualities = reader.runs(total, span.start, span.end)
    flags = reader.runs(total, span.start, span.end)
    values = read_own(reader, matrix.counts, span)
    return PointReadings(times, streams, seqs, received, values, qualities, flags)
