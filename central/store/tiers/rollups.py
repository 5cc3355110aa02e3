"""What is left of readings that have gone: counts, extremes, sums, ends of each minute or hour.

Pure. A rollup's rows are one per slot of its span that had a reading, in order of time. Two rollups
of different readings make one; counts, extremes, worst quality, first and last are exact, sums as
exact as adding floats is.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from central.store.columns import Integers
from central.store.interface import FLAG_ESTIMATED, FLAG_LATE
from central.store.points import SUMMARY, PointReadings
from central.store.squeezed import Damaged, inflated, squeezed
from central.store.values import Values
from protocols.clock import HOUR, MINUTE

SPANS: Final = {"1min": MINUTE, "1h": HOUR}
"""µs of a slot, by the tier's name; the finer first."""
FORMAT: Final = 1
MOST: Final = 64 << 20
_LEVEL: Final = 6
_ENDS: Final = ("first_stream", "first_seq", "last_stream", "last_seq")
ROW: Final = np.dtype(
    [
        *((name, SUMMARY[name]) for name in SUMMARY.names or ()),
        *((end, np.dtype("<i8")) for end in _ENDS),
    ]
)
"""A SUMMARY, and which readings were the first and the last."""


@dataclass(frozen=True, slots=True)
class Rollup:
    """Of one point: `rows` of ROW, and the values of the first and last reading of each."""

    rows: NDArray[Any]
    first: Values
    last: Values

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def n(self) -> int:
        """How many readings it stands for."""
        return int(self.rows["n"].sum())

    @property
    def summaries(self) -> NDArray[Any]:
        """Return the SUMMARY of each row."""
        found = np.zeros(len(self.rows), SUMMARY)
        for name in SUMMARY.names or ():
            found[name] = self.rows[name]
        return found

    def ends(self, place: int) -> PointReadings:
        """Return the first and last reading of a row, with its worst quality and no flags."""
        row = self.rows[place]
        ends = ("first", "last") if row["n"] > 1 else ("first",)
        streams, seqs = (
            np.array([row[f"{end}_{name}"] for end in ends], np.int64) for name in ("stream", "seq")
        )
        return PointReadings(
            times=np.array([row["t0"], row["t1"]][: len(ends)], np.int64),
            streams=streams,
            seqs=seqs,
            received=np.full(len(ends), row["received1"]),
            values=Values.of([self.first[place], self.last[place]][: len(ends)]),
            qualities=np.full(len(ends), row["worst"]),
            flags=np.zeros(len(ends), np.int64),
        )


NOTHING: Final = Rollup(np.zeros(0, ROW), Values.of([]), Values.of([]))


def rolled(readings: PointReadings, span: int) -> Rollup:
    """Return the rollup of readings in order."""
    if not len(readings):
        return NOTHING
    first, last = _slots(readings.times, span)
    good, numbers, flags = readings.good, readings.values.numbers, readings.flags
    rows = np.zeros(len(first), ROW)
    rows["n"] = last - first + 1
    rows["good"] = np.add.reduceat(good, first, dtype=np.int64)
    rows["t0"], rows["t1"] = readings.times[first], readings.times[last]
    rows["received0"] = np.minimum.reduceat(readings.received, first)
    rows["received1"] = np.maximum.reduceat(readings.received, first)
    rows["worst"] = np.maximum.reduceat(readings.qualities, first)
    rows["late"] = np.add.reduceat(flags & FLAG_LATE != 0, first, dtype=np.int64)
    rows["estimated"] = np.add.reduceat(flags & FLAG_ESTIMATED != 0, first, dtype=np.int64)
    _measure(rows, first, (np.where(good, numbers, np.nan),) * 3)
    for end, places in (("first", first), ("last", last)):
        rows[f"{end}_stream"], rows[f"{end}_seq"] = readings.streams[places], readings.seqs[places]
    return Rollup(rows, readings.values.take(first), readings.values.take(last))


def combined(parts: Sequence[Rollup], span: int) -> Rollup:
    """Return the rollup, by `span`, of all the readings that `parts` stand for."""
    parts = [part for part in parts if len(part)]
    if not parts:
        return NOTHING
    found = np.concatenate([part.rows for part in parts])
    order = np.lexsort((found["first_seq"], found["first_stream"], found["t0"]))
    found = found[order]
    first, last = _slots(found["t0"], span)
    rows = found[first].copy()
    for name in ("n", "good", "late", "estimated"):
        rows[name] = np.add.reduceat(found[name], first)
    rows["received0"] = np.minimum.reduceat(found["received0"], first)
    for name in ("received1", "worst"):
        rows[name] = np.maximum.reduceat(found[name], first)
    _measure(rows, first, (found["least"], found["most"], found["sum"]))
    slots = found["t0"] // span
    ending = np.lexsort((found["last_seq"], found["last_stream"], found["t1"], slots))[last]
    for name in ("t1", "last_stream", "last_seq"):
        rows[name] = found[name][ending]
    values = [Values.joined([getattr(part, end) for part in parts]) for end in ("first", "last")]
    return Rollup(rows, values[0].take(order[first]), values[1].take(order[ending]))


def encode(rollup: Rollup) -> bytes:
    """Return the rollup as bytes."""
    head: dict[str, Any] = {"format": FORMAT, "rows": len(rollup)}
    parts = [_plane(rollup.rows[name]) for name in ROW.names or ()]
    for end, values in (("first", rollup.first), ("last", rollup.last)):
        head[end] = dict(values.others)
        parts += [values.kinds.tobytes(), _plane(values.numbers)]
    line = json.dumps(head, separators=(",", ":")).encode() + b"\n"
    return squeezed(line + b"".join(parts), _LEVEL)


def decode(body: bytes) -> Rollup:
    """Return what `encode` was given. Raises Damaged."""
    data = inflated(body, MOST)
    line, _, planes = data.partition(b"\n")
    try:
        head = json.loads(line)
        count = int(head["rows"])
        if head["format"] != FORMAT:
            raise Damaged(what="rollup", reason=f"format {head['format']}")
        reader = _Planes(planes, count)
        rows = np.zeros(count, ROW)
        for name in ROW.names or ():
            rows[name] = reader.take(ROW[name])
        ends = []
        for end in ("first", "last"):
            kinds = reader.take(np.dtype(np.uint8))
            others = {int(place): value for place, value in head[end].items()}
            ends.append(Values(kinds, reader.take(np.dtype("<f8")), others))
    except (ValueError, KeyError, TypeError) as exc:
        raise Damaged(what="rollup", reason=str(exc)) from exc
    return Rollup(rows, *ends)


def _slots(times: Integers, span: int) -> tuple[Integers, Integers]:
    """Return where each slot's rows begin and end."""
    first = np.append(0, np.flatnonzero(np.diff(times // span)) + 1)
    return first, np.append(first[1:], len(times)) - 1


def _measure(rows: NDArray[Any], first: Integers, measures: tuple[Any, Any, Any]) -> None:
    """Fill in least, most and sum of what is no NaN, NaN where there is nothing."""
    least, most, total = measures
    rows["least"] = np.fmin.reduceat(least, first)
    rows["most"] = np.fmax.reduceat(most, first)
    wide = np.where(np.isnan(total), 0, total).astype(np.longdouble)
    with np.errstate(over="ignore"):
        sums = np.add.reduceat(wide, first).astype(np.float64)
    rows["sum"] = np.where(rows["good"] > 0, sums, np.nan)


def _plane(column: NDArray[Any]) -> bytes:
    """Return a column byte by byte of its numbers: what is alike lies together."""
    whole = column.astype(np.int64) if column.dtype.kind == "i" else column
    if column.dtype.kind == "i":
        whole = np.diff(whole, prepend=0)  # wraps around and back
    return np.ascontiguousarray(whole).view(np.uint8).reshape(len(column), -1).T.tobytes()


class _Planes:
    def __init__(self, data: bytes, count: int) -> None:
        self._data, self._count, self._at = data, count, 0

    def take(self, kind: np.dtype[Any]) -> NDArray[Any]:
        """Return the next column."""
        held = np.dtype(np.int64) if kind.kind == "i" else kind
        size = held.itemsize * self._count
        part = self._data[self._at : self._at + size]
        if len(part) != size:
            raise Damaged(what="rollup", reason="cut")
        self._at += size
        turned = np.frombuffer(part, np.uint8).reshape(held.itemsize, self._count).T
        column = np.ascontiguousarray(turned).view(held).reshape(self._count)
        return np.cumsum(column).astype(kind) if kind.kind == "i" else column
