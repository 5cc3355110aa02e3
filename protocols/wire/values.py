"""Writes the columns values and texts of a batch (docs/wire.md section 4.1)."""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, compress
from operator import eq, not_, sub
from typing import Any, Final

from protocols.errors import WireError
from protocols.wire.bounds import TEXT_BYTES
from protocols.wire.classes import (
    BOOLEAN,
    DECIMAL,
    FLOAT32,
    FLOAT64,
    INT64,
    SIGNED,
    TEXT,
    UNSIGNED,
    guess_classes,
    refine_floats,
    refine_integers,
    scaled,
)
from protocols.wire.integers import put_integers, put_planes
from protocols.wire.runs import put_runs, split_runs
from protocols.wire.varint import put_uvars

_UINT64: Final = 1 << 64


@dataclass(slots=True)
class _Part:
    """The rows of one class, in point order; `numbers` are the integers of a decimal class."""

    cls: int
    rows: list[range]
    points: list[int]
    values: list[Any]
    numbers: list[int] | None = None


def put_values(
    out: bytearray,
    texts: bytearray,
    points: list[int],
    values: list[Any],
    decimals: Sequence[int | None],
) -> None:
    """Append the column of `values` (in point order) to `out`, and its texts to `texts`."""
    classes = guess_classes(points, values, decimals)
    parts = _gather(classes, points, values)
    changed = [_refine(part, classes) for part in parts.values()]
    if True in changed:
        numbers = {cls: part.numbers for cls, part in parts.items()}
        parts = _gather(classes, points, values)
        for cls, part in parts.items():
            part.numbers = numbers.get(cls)
    put_runs(out, classes)
    for cls in sorted(parts):
        _put_part(out, texts, parts[cls])


def _gather(classes: list[int], points: list[int], values: list[Any]) -> dict[int, _Part]:
    parts: dict[int, _Part] = {}
    start = 0
    for cls, count in zip(*split_runs(classes), strict=True):
        end = start + count
        part = parts.get(cls)
        if part is None:
            part = parts[cls] = _Part(cls, [], [], [])
        part.rows.append(range(start, end))
        part.points += points[start:end]
        part.values += values[start:end]
        start = end
    return parts


def _refine(part: _Part, classes: list[int]) -> bool:
    """Correct the classes of a part's rows by their values; return whether any changed."""
    if part.cls >= DECIMAL:
        part.numbers = scaled(part.values, part.cls - DECIMAL)
        if part.numbers is not None:
            return False
        better = refine_floats(part.values, part.cls - DECIMAL)
    elif part.cls == FLOAT64:
        better = refine_floats(part.values, None)
    elif part.cls == SIGNED:
        better = refine_integers(part.values)
    else:
        return False
    changed = better.count(part.cls) != len(better)
    if changed:
        for row, cls in zip(chain.from_iterable(part.rows), better, strict=True):
            classes[row] = cls
    return changed


def _put_part(out: bytearray, texts: bytearray, part: _Part) -> None:
    cls, values = part.cls, part.values
    if cls >= DECIMAL:
        # None: rows of this class turned out to be of another, so the rest is scaled only now.
        put_numbers(out, part.points, part.numbers or scaled(values, cls - DECIMAL) or [])
    elif cls == SIGNED:
        put_numbers(out, part.points, values)
    elif cls == UNSIGNED:
        put_numbers(out, part.points, [value - INT64 for value in values])
    elif cls == BOOLEAN:
        out += pack_bits(values)
    elif cls == FLOAT64:
        put_planes(out, array("d", values), 8)
    elif cls == FLOAT32:
        put_planes(out, array("f", values), 4)
    elif cls == TEXT:
        _put_texts(out, texts, values)


def put_numbers(out: bytearray, points: list[int], numbers: list[int]) -> None:
    """Append the first number of each point, then every other as its step from the one before."""
    same = list(map(eq, points[1:], points))
    later = numbers[1:]
    steps = list(compress(map(sub, later, numbers), same))
    if steps and (min(steps) < -INT64 or max(steps) >= INT64):
        steps = [(step + INT64) % _UINT64 - INT64 for step in steps]
    put_integers(out, [numbers[0], *compress(later, map(not_, same))])
    put_integers(out, steps)


def pack_bits(flags: Sequence[bool]) -> bytes:
    """Return flags as bits, the first in the low bit of the first byte."""
    digits = bytes(flags[::-1]).translate(_DIGITS).decode()
    return int(digits, 2).to_bytes(len(flags) + 7 >> 3, "little")


def _put_texts(out: bytearray, texts: bytearray, values: list[str]) -> None:
    try:
        coded = [value.encode() for value in values]
    except UnicodeEncodeError as exc:
        raise WireError("WIRE_VALUE", where="values", what="lone surrogate") from exc
    sizes = list(map(len, coded))
    if max(sizes) > TEXT_BYTES:
        raise WireError("WIRE_VALUE", where="values", what="text too long")
    put_uvars(out, sizes)
    texts += b"".join(coded)


_DIGITS: Final = bytes.maketrans(b"\x00\x01", b"01")
