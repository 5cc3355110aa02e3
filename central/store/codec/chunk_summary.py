"""What a chunk says of each member without being read: SUMMARY, six to ten bytes each.

Written so that columns are narrow: the worst qualities as masks of members (most chunks know two),
and where all measures are decimals the greatest and the sum by what they are above the least.
"""

import zlib
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from central.store.codec.batch import Batch
from central.store.codec.decimals import PLACES, POWERS, scaled
from central.store.codec.planes import Above, stacked
from central.store.columns import Integers
from central.store.interface import FLAG_ESTIMATED, FLAG_LATE
from central.store.points import GOOD_BELOW, RECEIVED_UNIT, SUMMARY
from central.store.values import FLOAT, NONE
from protocols.wire.varint import put_svar, put_uvar

FORMAT: Final = 2
PLAIN: Final = 1
"""The format of earlier chunks: the worst quality is a column, and measures stand by themselves."""
COUNTS: Final = 8
MEASURES: Final = 3
SINGLE: Final = 0
"""Measures each with a scale of its own."""
RELATIVE: Final = 1
"""Measures of one scale: least, greatest above it, sum above as many times the least."""
CHECK: Final = 4
_FOLDS: Final = (
    ("least", np.minimum, np.inf),
    ("most", np.maximum, -np.inf),
    ("sum", np.add, 0.0),
)
_EXACT: Final = 2.0**53
_MOST: Final = 2**63 - 1


class Measures(Protocol):
    """`whole`: least, most and sum as whole numbers, `scales` of each chunk (rows: measures)."""

    @property
    def whole(self) -> Integers: ...
    @property
    def scales(self) -> Integers: ...
    @property
    def relative(self) -> NDArray[np.bool_]: ...


class Summaries:
    """`found`: the SUMMARY of each run of a batch, though its measures are those of `measures`."""

    def __init__(self, found: NDArray[Any], rows: Integers, measures: Measures) -> None:
        self.found = found
        first, arrived = found["t0"], found["received0"] // RECEIVED_UNIT
        self._chunks = len(rows) - 1
        self._sizes: list[int] = (rows[1:] - rows[:-1]).tolist()
        self._worst = _Masks(found["worst"], rows)
        self._scales: list[int] = measures.scales.ravel().tolist()
        self._relative: list[bool] = measures.relative.tolist()
        columns = (
            found["n"],
            found["n"] - found["good"],
            found["late"].astype(np.int64),
            found["estimated"].astype(np.int64),
            first,
            found["t1"] - first,
            arrived - first // RECEIVED_UNIT,
            found["received1"] // RECEIVED_UNIT - arrived,
            measures.whole.ravel(),
        )
        # One after the other, as if they were so many times as many chunks.
        self._columns = Above(np.concatenate(columns), stacked(rows, COUNTS + MEASURES))

    def of(self, chunk: int) -> bytes:
        """Return the summaries of one chunk as bytes."""
        out = bytearray((FORMAT, self._sizes[chunk]))
        for column in range(COUNTS):
            self._columns.put(out, column * self._chunks + chunk)
        self._worst.put(out, chunk)
        relative = self._relative[chunk]
        out.append(RELATIVE if relative else SINGLE)
        for measure in range(MEASURES):
            if not (relative and measure):
                out.append(self._scales[measure * self._chunks + chunk])
            self._columns.put(out, (COUNTS + measure) * self._chunks + chunk)
        return zlib.crc32(out).to_bytes(CHECK, "little") + bytes(out)


def summarised(batch: Batch, scales: Integers) -> Summaries:
    """Return the summaries of a batch; `scales` are those of its numbers."""
    found = _summarised(batch)
    _rounded(found, scales)
    return Summaries(found, batch.rows, _Measures(found, batch.rows))


class _Masks:
    """Few different numbers of many members: each but the first with a bit for who has it."""

    def __init__(self, numbers: Integers, rows: Integers) -> None:
        begins, sizes = rows[:-1], rows[1:] - rows[:-1]
        firsts = numbers[begins]
        other = numbers != np.repeat(firsts, sizes)
        bits = np.left_shift(1, np.arange(len(numbers)) - np.repeat(begins, sizes))
        least = np.minimum.reduceat(np.where(other, numbers, _MOST), begins)
        most = np.maximum.reduceat(np.where(other, numbers, -_MOST), begins)
        self._rows: list[int] = rows.tolist()
        self._numbers = numbers
        self._firsts: list[int] = firsts.tolist()
        self._others: list[int] = most.tolist()
        self._few: list[bool] = (most <= least).tolist()
        """Whether there are no more than two."""
        self._masks: list[int] = np.add.reduceat(np.where(other, bits, 0), begins).tolist()

    def put(self, out: bytearray, chunk: int) -> None:
        """Append those of one chunk."""
        if self._few[chunk]:
            mask = self._masks[chunk]
            out.append(mask != 0)
            put_svar(out, self._firsts[chunk])
            if mask:
                put_svar(out, self._others[chunk])
                put_uvar(out, mask)
            return
        masks: dict[int, int] = {}
        own = self._numbers[self._rows[chunk] : self._rows[chunk + 1]].tolist()
        for bit, number in enumerate(own):
            masks[number] = masks.get(number, 0) | 1 << bit
        put_uvar(out, len(masks) - 1)
        for place, (number, mask) in enumerate(masks.items()):
            put_svar(out, number)
            if place:
                put_uvar(out, mask)


class _Measures:
    """Measures of those that are floats in `found`."""

    def __init__(self, found: NDArray[Any], rows: Integers) -> None:
        good = found["good"]
        columns = [np.where(good > 0, found[name], 0.0) for name in ("least", "most", "sum")]
        edges = stacked(rows, MEASURES)
        sizes = rows[1:] - rows[:-1]
        scales, whole = scaled(np.concatenate(columns), edges[:-1], edges[1:] - edges[:-1])
        self.scales = scales.reshape(MEASURES, -1)
        self.whole = whole.reshape(MEASURES, -1)
        common = self.scales.max(axis=0)
        decimal = common <= PLACES
        rises = np.where(decimal, common - self.scales, 0)
        reach = np.maximum.reduceat(np.abs(self.whole.astype(np.float64)), rows[:-1], axis=1)
        self.relative = decimal & (reach * POWERS[rises] < _EXACT).all(axis=0)
        rises[:, ~self.relative] = 0
        self.scales = np.where(self.relative, common, self.scales)
        self.whole *= np.repeat(POWERS[rises].astype(np.int64), sizes, axis=1)
        least, most, total = self.whole
        own = np.repeat(self.relative, sizes)
        total -= np.where(own, least * good, 0)
        most -= np.where(own, least, 0)


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
