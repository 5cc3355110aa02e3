"""What a chunk says of each member without being read: SUMMARY, about ten bytes each."""

import zlib
from typing import Final

import numpy as np
from numpy.typing import NDArray

from central.store.cells import MEMBERS, Cells
from central.store.columns import Integers
from central.store.decimals import BITS, PLACES, scaled, unscaled
from central.store.interface import FLAG_ESTIMATED, FLAG_LATE
from central.store.planes import ChunkDamaged, Reader, put_above
from central.store.points import GOOD_BELOW, RECEIVED_UNIT, SUMMARY
from central.store.values import FLOAT, NONE, Floats

FORMAT: Final = 1
_CHECK: Final = 4
_ONE: Final = np.zeros(1, np.int64)


def summarised(cells: Cells, starts: Integers, counts: Integers) -> NDArray[np.void]:
    """Return the SUMMARY of each member, which has so many cells from `starts` on."""
    found = np.zeros(len(starts), SUMMARY)
    kinds = cells.values.kinds
    good = (cells.qualities < GOOD_BELOW) & (kinds <= FLOAT) & (kinds != NONE)
    found["n"] = counts
    found["t0"], found["t1"] = cells.times[starts], cells.times[starts + counts - 1]
    found["received0"] = np.minimum.reduceat(cells.received, starts)
    found["received1"] = np.maximum.reduceat(cells.received, starts)
    found["worst"] = np.maximum.reduceat(cells.qualities, starts)
    if cells.flags.any():
        found["late"] = np.add.reduceat(cells.flags & FLAG_LATE != 0, starts, dtype=np.int64)
        late = cells.flags & FLAG_ESTIMATED != 0
        found["estimated"] = np.add.reduceat(late, starts, dtype=np.int64)
    _measures(found, cells.values.numbers, good, starts)
    return found


def _measures(
    found: NDArray[np.void], numbers: Floats, good: NDArray[np.bool_], starts: Integers
) -> None:
    """Fill in what is of the good numbers."""
    found["good"] = np.add.reduceat(good, starts, dtype=np.int64)
    least = most = sums = numbers
    if not good.all():
        least, most = np.where(good, numbers, np.inf), np.where(good, numbers, -np.inf)
        sums = np.where(good, numbers, 0.0)
    with np.errstate(over="ignore", invalid="ignore"):
        found["least"] = np.minimum.reduceat(least, starts)
        found["most"] = np.maximum.reduceat(most, starts)
        found["sum"] = np.add.reduceat(sums, starts)
    none = found["good"] == 0
    if none.any():
        for name in ("least", "most", "sum"):
            found[name][none] = np.nan


def put_summaries(found: NDArray[np.void]) -> bytes:
    """Return the summaries as bytes."""
    out = bytearray((FORMAT, len(found)))
    n, first, arrived = found["n"], found["t0"], found["received0"] // RECEIVED_UNIT
    put_above(out, n)
    put_above(out, n - found["good"])
    put_above(out, found["late"].astype(np.int64))
    put_above(out, found["estimated"].astype(np.int64))
    put_above(out, first)
    put_above(out, found["t1"] - first)
    put_above(out, arrived - first // RECEIVED_UNIT)
    put_above(out, found["received1"] // RECEIVED_UNIT - arrived)
    put_above(out, found["worst"])
    some = found["good"] > 0
    if some.any():
        for name in ("least", "most", "sum"):
            _put_floats(out, found[name][some])
    return zlib.crc32(out).to_bytes(_CHECK, "little") + bytes(out)


def read_summaries(summary: bytes) -> NDArray[np.void]:
    """Return the SUMMARY of each member. Raises ChunkDamaged."""
    reader = Reader(summary)
    check = reader.take(_CHECK)
    if zlib.crc32(memoryview(summary)[_CHECK:]).to_bytes(_CHECK, "little") != check:
        raise ChunkDamaged("summary checksum")
    if reader.u8() != FORMAT:
        raise ChunkDamaged("summary format")
    members = reader.u8()
    if not 1 <= members <= MEMBERS:
        raise ChunkDamaged("summary members")
    found = np.zeros(members, SUMMARY)
    found["n"] = n = reader.above(members)
    found["good"] = n - reader.above(members)
    found["late"], found["estimated"] = reader.above(members), reader.above(members)
    found["t0"] = first = reader.above(members)
    found["t1"] = first + reader.above(members)
    arrived = reader.above(members) + first // RECEIVED_UNIT
    found["received0"] = arrived * RECEIVED_UNIT
    found["received1"] = (arrived + reader.above(members)) * RECEIVED_UNIT
    found["worst"] = reader.above(members)
    some = found["good"] > 0
    count = int(np.count_nonzero(some))
    for name in ("least", "most", "sum"):
        column = found[name]
        column[:] = np.nan
        if count:
            column[some] = _read_floats(reader, count)
    reader.ended()
    return found


def _put_floats(out: bytearray, numbers: Floats) -> None:
    scales, whole = scaled(numbers, _ONE, np.array([len(numbers)]))
    out.append(int(scales[0]))
    put_above(out, whole)


def _read_floats(reader: Reader, count: int) -> Floats:
    scale = reader.u8()
    if scale > PLACES and not BITS <= scale < BITS + 64:
        raise ChunkDamaged("summary scale")
    return unscaled(reader.above(count), scale)
