"""Batches of readings (docs/wire.md section 4.1): five columns, whole lists at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import compress
from operator import not_
from typing import Any, Final

from protocols.wire.columns import (
    put_points,
    put_qualities,
    put_times,
    read_points,
    read_qualities,
    read_times,
)
from protocols.wire.header import BatchKind, Header, Stamp, finish_batch, put_header
from protocols.wire.reader import Reader
from protocols.wire.runs import put_runs, read_runs
from protocols.wire.values import put_values
from protocols.wire.values_read import read_values
from protocols.wire.varint import put_uvar
from protocols.words import Reading, TimeMark, Value

COLUMNS: Final = ("points", "times", "qualities", "values", "texts")
_MARKS: Final = (TimeMark.GATEWAY, TimeMark.SOURCE)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingsBatch:
    """A decoded batch: parallel lists in `seq` order.

    `times` are as in `Reading`; `decimals` says for each point index whose floats travelled as
    scaled integers how many places they have.
    """

    header: Header
    points: list[int]
    times: list[int]
    marks: list[TimeMark]
    qualities: list[int]
    values: list[Value]
    decimals: dict[int, int]

    def readings(self) -> list[Reading]:
        """Return the rows as readings."""
        return list(map(Reading, self.points, self.values, self.qualities, self.times, self.marks))


def encode_readings(
    stamp: Stamp, readings: Sequence[Reading], decimals: Sequence[int | None]
) -> bytes:
    """Return the only form of these readings; `decimals` holds the manifest's, by point index.

    Raises WireError: none or too many readings, a value that has no place on the wire (NaN,
    infinity, an integer beyond 64 bits, a text over 4,096 bytes), a batch over 1 MiB.
    """
    out = bytearray()
    put_header(out, BatchKind.READINGS, stamp, len(readings))
    columns: list[Any] = list(zip(*readings, strict=True))
    points, values, qualities, times, marks = columns
    _put_part(out, _points_part(points))
    _put_part(out, _times_part(times, marks, stamp))
    order = point_order(points)
    ordered, sorted_values = [points[row] for row in order], [values[row] for row in order]
    if qualities.count(qualities[0]) != len(qualities):
        qualities = [qualities[row] for row in order]
    part, texts = bytearray(), bytearray()
    put_qualities(part, qualities)
    _put_part(out, part)
    part = bytearray()
    put_values(part, texts, ordered, sorted_values, decimals)
    _put_part(out, part)
    _put_part(out, texts)
    return finish_batch(out)


def decode_readings(data: bytes, header: Header, at: int) -> ReadingsBatch:
    """Return the batch whose body begins at `at`. Raises WireError."""
    reader = Reader(data, "batch", at)
    parts = [reader.part(name) for name in COLUMNS]
    reader.finish()
    n = header.n
    points = read_points(parts[0], n)
    marks = _read_marks(parts[1], n)
    times = _read_times(parts[1], marks, header)
    order = point_order(points)
    qualities = _read_qualities(parts[2], order)
    values, decimals = read_values(parts[3], parts[4], [points[row] for row in order])
    for part in parts:
        part.finish()
    return ReadingsBatch(
        header=header,
        points=points,
        times=times,
        marks=marks,
        qualities=qualities,
        values=_in_rows(order, values),
        decimals=decimals,
    )


def point_order(points: Sequence[int]) -> Sequence[int]:
    """Return the rows by point, rows of one point in their own order."""
    return sorted(range(len(points)), key=points.__getitem__)


def _put_part(out: bytearray, part: bytearray) -> None:
    put_uvar(out, len(part))
    out += part


def _points_part(points: Sequence[int]) -> bytearray:
    part = bytearray()
    put_points(part, points)
    return part


def _times_part(times: Sequence[int], marks: Sequence[TimeMark], stamp: Stamp) -> bytearray:
    part = bytearray()
    put_runs(part, marks)
    source = any(marks)
    if not source:
        put_times(part, times, stamp.mono0)
    elif all(marks):
        put_times(part, times, stamp.wall0)
    else:
        put_times(part, list(compress(times, map(not_, marks))), stamp.mono0)
        put_times(part, list(compress(times, marks)), stamp.wall0)
    return part


def _read_marks(reader: Reader, n: int) -> list[TimeMark]:
    marks: list[TimeMark] = []
    for mark, count in read_runs(reader, n):
        if mark >= len(_MARKS):
            raise reader.error("WIRE_UNKNOWN", value=mark)
        marks += [_MARKS[mark]] * count
    return marks


def _read_times(reader: Reader, marks: list[TimeMark], header: Header) -> list[int]:
    source = sum(marks)
    gateway = len(marks) - source
    own = read_times(reader, gateway, header.mono0) if gateway else []
    others = read_times(reader, source, header.wall0) if source else []
    if not own or not others:
        return own or others
    left = (iter(own), iter(others))
    return [next(left[mark]) for mark in marks]


def _read_qualities(reader: Reader, order: Sequence[int]) -> list[int]:
    runs = read_qualities(reader, len(order))
    cells = [code for code, count in runs for _ in range(count)]
    return cells if len(runs) == 1 else _in_rows(order, cells)


def _in_rows(order: Sequence[int], cells: list[Any]) -> list[Any]:
    """Return cells in point order put back in row order."""
    rows = cells.copy()
    for row, cell in zip(order, cells, strict=True):
        rows[row] = cell
    return rows
