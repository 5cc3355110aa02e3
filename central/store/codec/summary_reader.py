"""Reads what a chunk says of each member (`chunk_summary`): a total function of any bytes."""

import zlib
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from central.store.codec.cells import MEMBERS
from central.store.codec.chunk_summary import (
    CHECK,
    COUNTS,
    FORMAT,
    MEASURES,
    PLAIN,
    RELATIVE,
    SINGLE,
)
from central.store.codec.decimals import BITS, PLACES, unscaled
from central.store.codec.plane_reader import ChunkDamaged, Reader
from central.store.columns import Integers
from central.store.points import RECEIVED_UNIT, SUMMARY
from central.store.values import Floats

_INT64: Final = 2**63


def read_summaries(summary: bytes) -> NDArray[Any]:
    """Return the SUMMARY of each member. Raises ChunkDamaged."""
    reader, members, plain = _opened(summary)
    found = np.zeros(members, SUMMARY)
    found["n"] = n = reader.above(members)
    found["good"] = n - reader.above(members)
    found["late"], found["estimated"] = reader.above(members), reader.above(members)
    found["t0"] = first = reader.above(members)
    found["t1"] = first + reader.above(members)
    arrived = reader.above(members) + first // RECEIVED_UNIT
    found["received0"] = arrived * RECEIVED_UNIT
    found["received1"] = (arrived + reader.above(members)) * RECEIVED_UNIT
    if plain:
        found["worst"] = reader.above(members)
    else:
        for worst, mask in _read_masks(reader, members):
            found["worst"][[row for row in range(members) if mask >> row & 1]] = worst
    good = found["good"] > 0
    relative = not plain and _read_kind(reader) == RELATIVE
    scale = reader.u8() if relative else 0
    least = np.zeros(members, np.int64)
    for name in ("least", "most", "sum"):
        if relative:
            whole = reader.above(members) + least * (found["good"] if name == "sum" else 1)
            numbers = _floats(whole, scale)
            least = whole if name == "least" else least
        else:
            numbers = _read_floats(reader, members)
        found[name] = np.where(good, numbers, np.nan)
    reader.ended()
    return found


def _read_masks(reader: Reader, members: int) -> list[tuple[int, int]]:
    """Return different numbers and the members (bits) that have them."""
    count = reader.uvar(members - 1)
    everybody = (1 << members) - 1
    found = [(reader.svar(), everybody)]
    found += [(reader.svar(), reader.uvar(everybody)) for _ in range(count)]
    return found


def _read_kind(reader: Reader) -> int:
    kind = reader.u8()
    if kind > RELATIVE:
        raise ChunkDamaged("summary measures")
    return kind


def _floats(whole: Integers, scale: int) -> Floats:
    if scale > PLACES:
        raise ChunkDamaged("summary scale")
    return unscaled(whole, scale)


def _read_floats(reader: Reader, count: int) -> Floats:
    scale = reader.u8()
    if scale > PLACES and not BITS <= scale < BITS + 64:
        raise ChunkDamaged("summary scale")
    return unscaled(reader.above(count), scale)


def read_counts(summary: bytes) -> Integers:
    """Return how many readings each member has. Raises ChunkDamaged."""
    reader, members, _ = _opened(summary)
    return reader.above(members)


def read_summary(summary: bytes, row: int) -> Any:
    """Return the SUMMARY of one member, the `row`th there is. Raises ChunkDamaged.

    Without arrays: a long range is a summary of each of its hours.
    """
    reader, members, plain = _opened(summary)
    if not 0 <= row < members:
        raise ChunkDamaged("summary row")
    counts = [reader.one_above(members, row) for _ in range(COUNTS)]
    if plain:
        worst = reader.one_above(members, row)
    else:
        worst = [each for each, mask in _read_masks(reader, members) if mask >> row & 1][-1]
    n, lacking, late, estimated, t0, span, delay, spread = counts
    good = n - lacking
    measures = _one_measures(reader, members, row, good, plain=plain)
    reader.ended()
    arrived = t0 // RECEIVED_UNIT + delay
    least, most, total = (_float(*each) if good > 0 else np.nan for each in measures)
    received = (arrived * RECEIVED_UNIT, (arrived + spread) * RECEIVED_UNIT)
    found = np.zeros((), SUMMARY)
    try:
        found[()] = (n, good, t0, t0 + span, *received, least, most, total, worst, late, estimated)
    except OverflowError as exc:
        raise ChunkDamaged("summary number") from exc
    return found[()]


def _one_measures(
    reader: Reader, members: int, row: int, good: int, *, plain: bool
) -> list[tuple[int, int]]:
    """Return (scale, whole number) of one member's least, most and sum."""
    if plain or _read_kind(reader) == SINGLE:
        return [(reader.u8(), reader.one_above(members, row)) for _ in range(MEASURES)]
    scale = reader.u8()
    if scale > PLACES:
        raise ChunkDamaged("summary scale")
    least, most, total = (reader.one_above(members, row) for _ in range(MEASURES))
    return [(scale, _wrapped(each)) for each in (least, most + least, total + least * good)]


def _wrapped(number: int) -> int:
    return (number + _INT64) % (2 * _INT64) - _INT64


def _opened(summary: bytes) -> tuple[Reader, int, bool]:
    """Return a reader of the columns, how many members they have, and if they are of PLAIN."""
    reader = Reader(summary)
    check = reader.take(CHECK)
    if zlib.crc32(memoryview(summary)[CHECK:]).to_bytes(CHECK, "little") != check:
        raise ChunkDamaged("summary checksum")
    version = reader.u8()
    if version not in (PLAIN, FORMAT):
        raise ChunkDamaged("summary format")
    members = reader.u8()
    if not 1 <= members <= MEMBERS:
        raise ChunkDamaged("summary members")
    return reader, members, version == PLAIN


def _float(scale: int, whole: int) -> float:
    try:
        return float(unscaled(np.array([whole]), scale)[0])
    except ValueError as exc:
        raise ChunkDamaged("summary scale") from exc
