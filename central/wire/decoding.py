"""Decodes batches of readings into columns, without an object a reading.

A twin of `protocols.wire.readings.decode_readings`: what it accepts, and as what, is the same.
It takes the common forms itself; at anything else, and at whatever it would have to refuse, it
gives up and the other one decides. So it never accepts what that one refuses, and every refusal is
told in that one's words.
"""

from collections.abc import Callable
from typing import Final

import numpy as np

from central.store.columns import Integers
from central.wire.columns import BatchColumns, Flags
from central.wire.decoding_values import Rows, read_values
from central.wire.reading import ColumnReader, Unusual
from protocols.errors import WireError
from protocols.wire.bounds import POINTS, TIME
from protocols.wire.header import Header
from protocols.wire.readings import COLUMNS, ReadingsBatch, decode_readings
from protocols.wire.varint import unzigzag

FEW: Final = 12
"""Rows below which arrays cost more than objects."""
_FEW_BYTES: Final = 24
"""The same of the bytes of runs."""
_RUN_BYTES: Final = 5
"""A run of qualities whose count takes one byte."""
_POWERS: Final = tuple(10**power for power in range(7))
Decoder = Callable[[bytes, Header, int], ReadingsBatch]


def decode_columns(
    data: bytes, header: Header, at: int, otherwise: Decoder = decode_readings
) -> BatchColumns:
    """Return the batch whose body begins at `at`; what is unusual is `otherwise` decoded.

    Raises WireError.
    """
    if header.n >= FEW:
        try:
            return decode_common(data, header, at)
        except (Unusual, WireError):
            # Another form, or none: the decoder of all forms knows which, and how to say it.
            pass
    return BatchColumns.of(otherwise(data, header, at))


def decode_common(data: bytes, header: Header, at: int) -> BatchColumns:
    """Return a batch of common form. Raises Unusual or WireError, which say nothing of others."""
    n = header.n
    points_part, times_part, qualities_part, values_part, texts = parts = _parts(data, at)
    points, rising = _read_points(points_part, n)
    source = _read_marks(times_part, n)
    times = _read_times_of_both(times_part, source, header)
    # 16 bits are sorted by counting. POINTS is below 2^15.
    order = None if rising else points.astype(np.int16).argsort(kind="stable")
    qualities = _read_qualities(qualities_part, order, n)
    ordered = points if order is None else points[order]
    values = read_values(values_part, texts, Rows(ordered, rising), order)
    if any(part.at != part.end for part in parts):
        raise Unusual
    return BatchColumns(points, times, source, qualities, values, header)


def _parts(data: bytes, at: int) -> list[ColumnReader]:
    cells = np.frombuffer(data, np.uint8)
    whole = ColumnReader(data, "batch", at, len(data), cells)
    parts = []
    for name in COLUMNS:
        size = whole.uvar()
        start = whole.at
        whole.at = end = start + size
        if end > whole.end:
            raise Unusual
        parts.append(ColumnReader(data, name, start, end, cells))
    whole.finish()
    return parts


def _read_points(reader: ColumnReader, n: int) -> tuple[Integers, bool]:
    """Return the points, and whether each is the next one of the manifest: one row a point."""
    start = reader.at
    step = unzigzag(reader.uvar())
    if reader.uvar() == n and reader.at == reader.end:
        if step < 0 or step + n > POINTS:
            raise Unusual
        return np.arange(step, step + n), True
    reader.at = start
    few = reader.end - start <= _FEW_BYTES
    shifts, counts = (_few_runs if few else _many_runs)(reader, n)
    points = shifts.repeat(counts)
    points += np.arange(n)
    if np.minimum.reduce(points) < 0 or np.maximum.reduce(points) >= POINTS:
        raise Unusual
    return points, False


def _few_runs(reader: ColumnReader, n: int) -> tuple[Integers, Integers]:
    """Return of each run how far its points lie from their rows, and how many they are."""
    numbers = reader.uvars(2 * n)
    steps, counts = list(map(unzigzag, numbers[0::2])), numbers[1::2]
    if len(steps) != len(counts) or sum(counts) != n or 0 in counts or 0 in steps[1:]:
        raise Unusual
    if any(abs(step) > POINTS for step in steps):
        raise Unusual
    return np.array(steps).cumsum(), np.array(counts)


def _many_runs(reader: ColumnReader, n: int) -> tuple[Integers, Integers]:
    numbers = reader.uvars_left(2 * n)
    if len(numbers) & 1:
        raise Unusual
    zigzag, counts = numbers[0::2], numbers[1::2]
    steps = (zigzag >> 1) ^ -(zigzag & 1)
    runs = len(counts)
    if np.add.reduce(counts) != n or np.count_nonzero(counts) < runs:
        raise Unusual
    if np.count_nonzero(steps[1:]) < runs - 1:
        raise Unusual
    return steps.cumsum(), counts


def _read_marks(reader: ColumnReader, n: int) -> Flags | None:
    start = reader.at
    mark = reader.u8()
    if mark <= 1 and reader.uvar() == n:
        return np.ones(n, np.bool_) if mark else None
    reader.at = start
    marks, counts = reader.runs(n)
    if np.maximum.reduce(marks) > 1:
        raise Unusual
    return marks.astype(np.bool_).repeat(counts)


def _read_times_of_both(reader: ColumnReader, source: Flags | None, header: Header) -> Integers:
    n = header.n
    if source is None:
        return _read_times(reader, n, header.mono0)
    others = int(np.count_nonzero(source))
    if others == n:
        return _read_times(reader, n, header.wall0)
    times = np.empty(n, np.int64)
    times[~source] = _read_times(reader, n - others, header.mono0)
    times[source] = _read_times(reader, others, header.wall0)
    return times


def _read_times(reader: ColumnReader, n: int, origin: int) -> Integers:
    base = origin + reader.svar()
    start = reader.at
    size, groups = reader.uvar(1, n), reader.uvar(1, n)
    counts = None
    if size * groups != n:
        reader.at = start
        sizes, repeated = reader.repeated(n)
        counts = sizes.repeat(repeated)
        groups = len(counts)
    if groups == 1:
        if not -TIME <= base <= TIME:
            raise Unusual
        return np.full(n, base, np.int64)
    moments = np.empty(groups, np.int64)
    reach = _read_steps(reader, moments[1:])
    if not -TIME <= base - reach <= base + reach <= TIME:
        raise Unusual
    moments[0] = base
    moments.cumsum(out=moments)
    if counts is not None:
        return moments.repeat(counts)
    return moments if size == 1 else moments.repeat(size)


def _read_steps(reader: ColumnReader, steps: Integers) -> int:
    """Read the steps from moment to moment; return how far apart two moments are at most."""
    power = reader.u8()
    if power >= len(_POWERS):
        raise Unusual
    unit = _POWERS[power]
    numbers, reach = reader.integers(len(steps))
    reach *= unit * len(steps)
    if reach > TIME or np.count_nonzero(numbers) < len(numbers):
        raise Unusual
    if power < len(_POWERS) - 1 and not (int(numbers[0]) % 10 or np.count_nonzero(numbers % 10)):
        raise Unusual
    np.multiply(numbers, unit, out=steps)
    return int(reach)


def _read_qualities(reader: ColumnReader, order: Integers | None, n: int) -> Integers:
    codes, counts = _quality_runs(reader, n)
    if len(codes) == 1:
        return np.full(n, codes[0], np.int64)
    cells = np.array(codes, np.int64).repeat(counts)
    if order is None:
        return cells
    rows = np.empty(n, np.int64)
    rows[order] = cells
    return rows


def _quality_runs(reader: ColumnReader, n: int) -> tuple[list[int], list[int]]:
    """Return the codes and how often each follows; a count takes one byte or two."""
    data, at, end = reader.data, reader.at, reader.end
    codes: list[int] = []
    counts: list[int] = []
    last, left = -1, n
    while left > 0 and at + _RUN_BYTES <= end:
        count = data[at]
        if count > 127:
            at += 1
            count += (data[at] << 7) - 128
            if not 127 < count < 1 << 14 or at + _RUN_BYTES > end:
                raise Unusual
        at += _RUN_BYTES
        code = int.from_bytes(data[at - 4 : at], "little")
        if code == last or not count:
            raise Unusual
        codes.append(code)
        counts.append(count)
        last, left = code, left - count
    if left:
        raise Unusual
    reader.at = at
    return codes, counts
