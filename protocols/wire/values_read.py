"""Reads the columns values and texts of a batch; refuses a row in another class than its own."""

from array import array
from collections.abc import Iterator
from itertools import accumulate, chain, compress, islice, pairwise
from operator import ne
from typing import Any, Final

from protocols.wire.bounds import DECIMAL_INTEGER, DECIMALS, TEXT_BYTES
from protocols.wire.classes import (
    BOOLEAN,
    DECIMAL,
    FLOAT32,
    FLOAT64,
    INT64,
    NONE,
    SCALES,
    SIGNED,
    TEXT,
    UNSIGNED,
    check_finite,
    is_float32,
    scaled,
)
from protocols.wire.integers import join_planes, read_integers
from protocols.wire.reader import Reader
from protocols.wire.runs import read_runs

_UINT64: Final = 1 << 64
_CLASSES: Final = frozenset(range(NONE, TEXT + 1)) | frozenset(
    range(DECIMAL, DECIMAL + DECIMALS + 1)
)


def read_values(
    reader: Reader, texts: Reader, points: list[int]
) -> tuple[list[Any], dict[int, int]]:
    """Return the values of the rows of `points` (in point order), and the decimals of points.

    Raises WireError.
    """
    runs = read_runs(reader, len(points))
    rows = _rows_by_class(reader, runs, points)
    values: dict[int, list[Any]] = {}
    decimals: dict[int, int] = {}
    for cls in sorted(rows):
        values[cls] = _read_class(reader, texts, cls, rows[cls])
        if cls >= DECIMAL:
            _note_decimals(reader, decimals, rows[cls], cls - DECIMAL)
    for cls in (FLOAT64, FLOAT32):
        if cls in rows:
            _check_no_decimal(reader, decimals, rows[cls], values[cls])
    if len(runs) == 1:
        return values[runs[0][0]], decimals
    left: dict[int, Iterator[Any]] = {cls: iter(cells) for cls, cells in values.items()}
    joined = chain.from_iterable(islice(left[cls], count) for cls, count in runs)
    return list(joined), decimals


def _rows_by_class(
    reader: Reader, runs: list[tuple[int, int]], points: list[int]
) -> dict[int, list[int]]:
    rows: dict[int, list[int]] = {}
    start = 0
    for cls, count in runs:
        if cls not in _CLASSES:
            raise reader.error("WIRE_UNKNOWN", value=cls)
        rows.setdefault(cls, []).extend(points[start : start + count])
        start += count
    return rows


def _read_class(reader: Reader, texts: Reader, cls: int, points: list[int]) -> list[Any]:
    count = len(points)
    if cls >= DECIMAL:
        return _read_decimals(reader, points, SCALES[cls - DECIMAL])
    if cls == SIGNED:
        return _read_signed(reader, points)
    if cls == UNSIGNED:
        return [number + INT64 for number in _read_numbers(reader, points, 0, INT64)]
    if cls == BOOLEAN:
        return _read_bits(reader, count)
    if cls in (FLOAT64, FLOAT32):
        return _read_floats(reader, cls, count)
    return _read_texts(reader, texts, count) if cls == TEXT else [None] * count


def _read_decimals(reader: Reader, points: list[int], scale: float) -> list[float]:
    numbers = _read_numbers(reader, points, 1 - DECIMAL_INTEGER, DECIMAL_INTEGER)
    return [number / scale for number in numbers]


def _read_signed(reader: Reader, points: list[int]) -> list[int]:
    numbers = _sum_up(reader, points)
    if min(numbers) < -INT64 or max(numbers) >= INT64:
        # Steps are modulo 2**64.
        return [(number + INT64) % _UINT64 - INT64 for number in numbers]
    return numbers


def _read_numbers(reader: Reader, points: list[int], low: int, end: int) -> list[int]:
    numbers = _sum_up(reader, points)
    if min(numbers) < low or max(numbers) >= end:
        raise reader.error("WIRE_RANGE", value=max(numbers, key=abs), low=low, high=end - 1)
    return numbers


def _sum_up(reader: Reader, points: list[int]) -> list[int]:
    """Return the numbers of rows: the first of each point as it is, the others from steps."""
    count = len(points)
    starts = list(compress(range(1, count), map(ne, points[1:], points)))
    firsts = read_integers(reader, len(starts) + 1)
    steps = read_integers(reader, count - len(firsts))
    if not steps:
        return firsts
    numbers: list[int] = []
    at = 0
    for first, (start, end) in zip(firsts, pairwise([0, *starts, count]), strict=True):
        after = at + end - start - 1
        numbers.extend(accumulate(steps[at:after], initial=first))
        at = after
    return numbers


def _read_bits(reader: Reader, count: int) -> list[bool]:
    bits = int.from_bytes(reader.take(count + 7 >> 3), "little")
    if bits >> count:
        raise reader.form("padding")
    return [digit == "1" for digit in reversed(f"{bits:0{count}b}")]


def _read_floats(reader: Reader, cls: int, count: int) -> list[float]:
    width, whole, code = (8, "Q", "d") if cls == FLOAT64 else (4, "I", "f")
    cells = join_planes(reader.take(width * count), whole, count, width)
    floats: array[float] = array(code, cells.tobytes())
    values = floats.tolist()
    check_finite(values)
    if cls == FLOAT64 and any(is_float32(values)):
        raise reader.form("class")
    return values


def _read_texts(reader: Reader, texts: Reader, count: int) -> list[str]:
    sizes = [reader.uvar(0, TEXT_BYTES) for _ in range(count)]
    try:
        return [texts.take(size).decode() for size in sizes]
    except UnicodeDecodeError as exc:
        raise texts.error("WIRE_TEXT") from exc


def _note_decimals(
    reader: Reader, decimals: dict[int, int], points: list[int], places: int
) -> None:
    held = set(points)
    if not decimals.keys().isdisjoint(held):
        raise reader.form("decimals")
    decimals |= dict.fromkeys(held, places)


def _check_no_decimal(
    reader: Reader, decimals: dict[int, int], points: list[int], values: list[float]
) -> None:
    if decimals.keys().isdisjoint(points):
        return
    for point, value in zip(points, values, strict=True):
        if point in decimals and scaled([value], decimals[point]) is not None:
            raise reader.form("class")
