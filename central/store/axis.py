"""The slots of a chunk: moments that its members share, and which member is in which.

Cells of one poll have time, stream and received time in common, and sequence numbers that follow
each other; so these are kept once for all members. A member with two readings of one moment and
stream is in two slots.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from central.store.cells import Cells
from central.store.columns import Integers
from central.store.planes import ChunkDamaged, Reader, put_near_zero, put_runs, zigzag
from central.store.points import RECEIVED_UNIT
from protocols.wire.varint import put_svar, put_uvar

Bits = NDArray[np.bool_]

GRID: Final = 0
"""Numbers near first + place * step."""
STEPS: Final = 1
"""Numbers whose differences are near the step."""
SHARED: Final = 0
"""Received times beside each other: many slots arrived together."""
DELAYED: Final = 1
"""Received times as milliseconds after the time."""


class Slots(NamedTuple):
    """`places`: each cell's slot; `first`: a cell of each slot; `full`: every member in each."""

    places: Integers
    first: Integers
    full: bool


def slots_of(cells: Cells, members: int) -> Slots:
    """Return the slots of cells that have so many members, in order of (time, stream)."""
    size = len(cells)
    count = size // members
    if count * members == size and all(
        bool((column.reshape(members, count) == column[:count]).all())
        for column in (cells.times, cells.streams, cells.received)
    ):
        first = np.arange(count)
        return Slots(np.tile(first, members), first, full=True)
    keys = [cells.received, _again(cells), cells.streams, cells.times]
    keys = [key for key in keys if len(key) and (key != key[0]).any()]
    if not keys:
        return Slots(np.zeros(size, np.int64), np.zeros(1, np.int64), full=members == size)
    order = np.lexsort(keys)
    changed = np.zeros(size, np.bool_)
    for key in keys:
        ordered = key[order]
        changed[1:] |= ordered[1:] != ordered[:-1]
    changed[0] = True
    places = np.empty(size, np.int64)
    places[order] = np.cumsum(changed) - 1
    return Slots(places, order[changed], full=False)


def _again(cells: Cells) -> Integers:
    """Return how many readings of its member, time and stream come before each cell."""
    same = np.zeros(len(cells), np.bool_)
    same[1:] = (
        (cells.times[1:] == cells.times[:-1])
        & (cells.members[1:] == cells.members[:-1])
        & (cells.streams[1:] == cells.streams[:-1])
    )
    if not same.any():
        return np.zeros(len(cells), np.int64)
    at = np.arange(len(cells))
    return at - np.maximum.accumulate(np.where(same, 0, at))


class Axis(NamedTuple):
    """Columns of the slots."""

    times: Integers
    streams: Integers
    received: Integers
    seqs: Integers
    """The number a member of rank 0 has; the next member in the slot has the next."""


def put_axis(out: bytearray, axis: Axis) -> None:
    """Append the columns of the slots."""
    put_series(out, axis.times)
    put_runs(out, axis.streams)
    received = axis.received // RECEIVED_UNIT
    delays = received - axis.times // RECEIVED_UNIT
    middle = int(np.partition(delays, len(delays) // 2)[len(delays) // 2])
    delays -= middle
    if _cost(delays) < _cost(np.diff(received)):
        out.append(DELAYED)
        put_svar(out, middle)
        put_near_zero(out, delays)
    else:
        out.append(SHARED)
        put_series(out, received)
    put_series(out, axis.seqs)


def read_axis(reader: Reader, count: int) -> Axis:
    """Return what `put_axis` was given. Raises ChunkDamaged."""
    times = read_series(reader, count)
    streams = reader.runs(count)
    if reader.u8() == DELAYED:
        received = np.int64(reader.svar()) + times // RECEIVED_UNIT + reader.near_zero(count)
    else:
        received = read_series(reader, count)
    return Axis(times, streams, received * RECEIVED_UNIT, read_series(reader, count))


def put_series(out: bytearray, numbers: Integers) -> None:
    """Append at least one number of a series that goes up by about the same each time."""
    put_svar(out, int(numbers[0]))
    count = len(numbers) - 1
    if not count:
        return
    steps = np.diff(numbers)
    unit = max(int(np.gcd.reduce(steps)), 1)
    put_uvar(out, unit)
    if unit > 1:
        steps //= unit
    step = int(np.partition(steps, count // 2)[count // 2])
    rest = steps - step
    even = round(int(steps.sum()) / count)
    lattice = np.cumsum(steps - even)
    if rest.any() and _cost(lattice) < _cost(rest):
        out.append(GRID)
        step, rest = even, lattice
    else:
        out.append(STEPS)
    put_svar(out, step)
    put_near_zero(out, rest)


def read_series(reader: Reader, count: int) -> Integers:
    """Return what `put_series` was given. Raises ChunkDamaged."""
    numbers = np.empty(count, np.int64)
    numbers[0] = reader.svar()
    if count == 1:
        return numbers
    unit, kind, step = reader.uvar(), reader.u8(), reader.svar()
    rest = reader.near_zero(count - 1)
    if kind == GRID:
        rest += np.arange(1, count) * np.int64(step)
    elif kind == STEPS:
        rest = np.cumsum(rest + np.int64(step))
    else:
        raise ChunkDamaged("series")
    numbers[1:] = rest * np.int64(unit) + numbers[0]
    return numbers


def _cost(numbers: Integers) -> float:
    """Return about how many bits the numbers take."""
    return float(np.log2(zigzag(numbers) + 1.0).sum())


def put_presence(out: bytearray, slots: Slots, cells: Cells, counts: Integers) -> Integers:
    """Append which member is in which slot; return each cell's rank in its slot."""
    rows = np.repeat(np.arange(len(counts)), counts)
    if slots.full:
        return rows
    present = np.zeros((len(counts), len(slots.first)), np.bool_)
    present[rows, slots.places] = True
    out += np.packbits(present, axis=1).tobytes()
    ranks: Integers = (np.cumsum(present, axis=0, dtype=np.int64) - 1)[rows, slots.places]
    return ranks


def read_presence(reader: Reader, members: int, count: int) -> Bits:
    """Return a row of slots for each member. Raises ChunkDamaged."""
    raw = np.frombuffer(reader.take(members * (count + 7 >> 3)), np.uint8)
    return np.unpackbits(raw.reshape(members, -1), axis=1, count=count).view(np.bool_)
