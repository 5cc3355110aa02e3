"""What a chunk says of each member without being read: SUMMARY, about ten bytes each."""

import zlib
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from central.store.codec.batch import Batch
from central.store.codec.cells import MEMBERS
from central.store.codec.decimals import BITS, PLACES, POWERS, scaled, unscaled
from central.store.codec.plane_reader import ChunkDamaged, Reader
from central.store.codec.planes import Above, stacked
from central.store.columns import Integers
from central.store.interface import FLAG_ESTIMATED, FLAG_LATE
from central.store.points import GOOD_BELOW, RECEIVED_UNIT, SUMMARY
from central.store.values import FLOAT, NONE, Floats

FORMAT: Final = 1
_COUNTS: Final = 9
_MEASURES: Final = 3
_CHECK: Final = 4
_FOLDS: Final = (
    ("least", np.minimum, np.inf),
    ("most", np.maximum, -np.inf),
    ("sum", np.add, 0.0),
)
_EXACT: Final = 2.0**53


class Summaries:
    """`found`: the SUMMARY of each run of a batch. `scales` are those of its numbers."""

    def __init__(self, batch: Batch, scales: Integers) -> None:
        self.found = _summarised(batch)
        _rounded(self.found, scales)
        found, rows = self.found, batch.rows
        first, arrived = found["t0"], found["received0"] // RECEIVED_UNIT
        self._chunks = len(rows) - 1
        self._sizes: list[int] = (rows[1:] - rows[:-1]).tolist()
        measures, whole = _measures(found, rows)
        self._scales: list[int] = measures.tolist()
        columns = (
            found["n"],
            found["n"] - found["good"],
            found["late"].astype(np.int64),
            found["estimated"].astype(np.int64),
            first,
            found["t1"] - first,
            arrived - first // RECEIVED_UNIT,
            found["received1"] // RECEIVED_UNIT - arrived,
            found["worst"],
            whole,
        )
        # One after the other, as if they were so many times as many chunks.
        self._columns = Above(np.concatenate(columns), stacked(rows, _COUNTS + _MEASURES))

    def of(self, chunk: int) -> bytes:
        """Return the summaries of one chunk as bytes."""
        out = bytearray((FORMAT, self._sizes[chunk]))
        for column in range(_COUNTS + _MEASURES):
            if column >= _COUNTS:
                out.append(self._scales[(column - _COUNTS) * self._chunks + chunk])
            self._columns.put(out, column * self._chunks + chunk)
        return zlib.crc32(out).to_bytes(_CHECK, "little") + bytes(out)


def _summarised(batch: Batch) -> NDArray[Any]:
    cells, starts, counts = batch.cells, batch.starts, batch.counts
    found = np.zeros(len(starts), SUMMARY)
    found["n"] = counts
    found["t0"], found["t1"] = cells.times[starts], cells.times[starts + counts - 1]
    found["received0"] = np.minimum.reduceat(cells.received, starts)
    found["received1"] = np.maximum.reduceat(cells.received, starts)
    found["worst"] = np.maximum.reduceat(cells.qualities, starts)
    for name, flag in (("late", FLAG_LATE), ("estimated", FLAG_ESTIMATED)):
        found[name] = _lacking(cells.flags & flag != 0, starts)[0]
    kinds = cells.values.kinds
    bad = cells.qualities >= GOOD_BELOW
    if kinds.max() > FLOAT or not kinds.min():
        bad |= (kinds > FLOAT) | (kinds == NONE)
    lacking, places = _lacking(bad, starts)
    found["good"] = counts - lacking
    numbers = cells.values.numbers.copy() if len(places) else cells.values.numbers
    with np.errstate(over="ignore", invalid="ignore"):
        for name, function, neutral in _FOLDS:
            numbers[places] = neutral
            found[name] = function.reduceat(numbers, starts)
    none = found["good"] == 0
    for name, *_ in _FOLDS:
        found[name][none] = np.nan
    return found


def _lacking(lacks: NDArray[np.bool_], starts: Integers) -> tuple[Integers, Integers]:
    """Return of each run how many cells lack something, and all their places: mostly few."""
    places = np.flatnonzero(lacks)
    runs = np.searchsorted(starts, places, "right") - 1
    return np.bincount(runs, minlength=len(starts)), places


def _rounded(found: NDArray[Any], scales: Integers) -> None:
    """Take from the sums of decimals what adding floats left behind their last place."""
    decimal = scales <= PLACES
    powers = np.where(decimal, POWERS[np.where(decimal, scales, 0)], 1.0)
    with np.errstate(over="ignore", invalid="ignore"):
        whole = found["sum"] * powers
        exact = decimal & (np.abs(whole) < _EXACT)
        found["sum"] = np.where(exact, np.rint(whole) / powers, found["sum"])


def _measures(found: NDArray[Any], rows: Integers) -> tuple[Integers, Integers]:
    """Return least, most and sum as whole numbers, one after the other, and their scales."""
    good = found["good"] > 0
    columns = [np.where(good, found[name], 0.0) for name in ("least", "most", "sum")]
    edges = stacked(rows, _MEASURES)
    return scaled(np.concatenate(columns), edges[:-1], edges[1:] - edges[:-1])


def read_summaries(summary: bytes) -> NDArray[Any]:
    """Return the SUMMARY of each member. Raises ChunkDamaged."""
    reader, members = _opened(summary)
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
    good = found["good"] > 0
    for name in ("least", "most", "sum"):
        found[name] = np.where(good, _read_floats(reader, members), np.nan)
    reader.ended()
    return found


def _read_floats(reader: Reader, count: int) -> Floats:
    scale = reader.u8()
    if scale > PLACES and not BITS <= scale < BITS + 64:
        raise ChunkDamaged("summary scale")
    return unscaled(reader.above(count), scale)


def read_counts(summary: bytes) -> Integers:
    """Return how many readings each member has. Raises ChunkDamaged."""
    reader, members = _opened(summary)
    return reader.above(members)


def read_summary(summary: bytes, row: int) -> Any:
    """Return the SUMMARY of one member, the `row`th there is. Raises ChunkDamaged.

    Without arrays: a long range is a summary of each of its hours.
    """
    reader, members = _opened(summary)
    if not 0 <= row < members:
        raise ChunkDamaged("summary row")
    counts = [reader.one_above(members, row) for _ in range(_COUNTS)]
    measures = [(reader.u8(), reader.one_above(members, row)) for _ in range(_MEASURES)]
    reader.ended()
    n, lacking, late, estimated, t0, span, delay, spread, worst = counts
    arrived = t0 // RECEIVED_UNIT + delay
    good = n - lacking
    least, most, total = (_float(*each) if good > 0 else np.nan for each in measures)
    received = (arrived * RECEIVED_UNIT, (arrived + spread) * RECEIVED_UNIT)
    found = np.zeros((), SUMMARY)
    try:
        found[()] = (n, good, t0, t0 + span, *received, least, most, total, worst, late, estimated)
    except OverflowError as exc:
        raise ChunkDamaged("summary number") from exc
    return found[()]


def _opened(summary: bytes) -> tuple[Reader, int]:
    """Return a reader of the columns and how many members they have."""
    reader = Reader(summary)
    check = reader.take(_CHECK)
    if zlib.crc32(memoryview(summary)[_CHECK:]).to_bytes(_CHECK, "little") != check:
        raise ChunkDamaged("summary checksum")
    if reader.u8() != FORMAT:
        raise ChunkDamaged("summary format")
    members = reader.u8()
    if not 1 <= members <= MEMBERS:
        raise ChunkDamaged("summary members")
    return reader, members


def _float(scale: int, whole: int) -> float:
    try:
        return float(unscaled(np.array([whole]), scale)[0])
    except ValueError as exc:
        raise ChunkDamaged("summary scale") from exc
