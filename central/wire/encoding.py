"""Encodes columns of readings into a batch, without an object a reading.

A twin of `protocols.wire.readings.encode_readings`: the bytes are the same. What is not common it
leaves to that one, and whatever has no place on the wire: so every refusal is told in its words.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from central.store.columns import Integers
from central.wire.columns import ReadingColumns
from central.wire.encoding_values import put_values
from central.wire.reading import Unusual
from central.wire.writing import put_integers, put_pairs, put_runs, run_lengths, run_starts
from protocols.errors import WireError
from protocols.wire.bounds import DECIMALS, POINTS, TIME
from protocols.wire.header import BatchKind, Stamp, finish_batch, put_header
from protocols.wire.readings import encode_readings
from protocols.wire.varint import put_svar, put_uvar

FEW: Final = 12
"""Rows below which arrays cost more than objects."""
_QUALITY_END: Final = 1 << 32
_POWERS: Final = 6


def decimals_of(decimals: Sequence[int | None]) -> Integers:
    """Return a manifest's decimals by point as `encode_columns` takes them."""
    return np.array([-1 if places is None else places for places in decimals], np.int64)


def encode_columns(stamp: Stamp, columns: ReadingColumns, decimals: Integers) -> bytes:
    """Return the only form of these readings. `decimals`: of each point of the manifest, -1 none.

    Raises WireError, as `encode_readings` does.
    """
    if len(columns) >= FEW:
        try:
            return encode_common(stamp, columns, decimals)
        except (Unusual, WireError):
            # Not common, or not to be sealed: the encoder of all forms knows which.
            pass
    places = [known if 0 <= known <= DECIMALS else None for known in decimals.tolist()]
    return encode_readings(stamp, columns.readings(), places)


def encode_common(stamp: Stamp, columns: ReadingColumns, decimals: Integers) -> bytes:
    """Return the form of common readings. Raises Unusual or WireError for all others."""
    points = columns.points
    if np.minimum.reduce(points) < 0 or np.maximum.reduce(points) >= min(len(decimals), POINTS):
        raise Unusual
    out = bytearray()
    put_header(out, BatchKind.READINGS, stamp, len(points))
    steps = points[1:] - points[:-1]
    _put_part(out, _points_part(points, steps))
    _put_part(out, _times_part(columns, stamp))
    order, ordered = None, points
    if np.count_nonzero(steps < 0):
        # 16 bits are sorted by counting. POINTS is below 2^15.
        order = points.astype(np.int16).argsort(kind="stable")
        ordered = points[order]
    _put_part(out, _qualities_part(columns.qualities, order))
    part, texts = bytearray(), bytearray()
    put_values(part, texts, columns.values, order, (ordered, decimals[ordered]))
    _put_part(out, part)
    _put_part(out, texts)
    return finish_batch(out)


def _put_part(out: bytearray, part: bytearray) -> None:
    put_uvar(out, len(part))
    out += part


def _points_part(points: Integers, steps: Integers) -> bytearray:
    part = bytearray()
    changes = np.ones(len(points), np.bool_)
    np.not_equal(steps, 1, out=changes[1:])
    starts = changes.nonzero()[0]
    counts = run_lengths(starts, len(points))
    jumps = points[starts]
    ends = jumps + counts
    jumps[1:] -= ends[:-1]
    put_pairs(part, (jumps << 1) ^ (jumps >> 63), counts)
    return part


def _times_part(columns: ReadingColumns, stamp: Stamp) -> bytearray:
    part = bytearray()
    times, source = columns.times, columns.source
    if np.minimum.reduce(times) < -TIME or np.maximum.reduce(times) > TIME:
        raise Unusual
    sources = 0 if source is None else np.count_nonzero(source)
    if source is None or not sources:
        part.append(0)
        put_uvar(part, len(times))
        _put_times(part, times, stamp.mono0)
    elif sources == len(source):
        part.append(1)
        put_uvar(part, len(times))
        _put_times(part, times, stamp.wall0)
    else:
        put_runs(part, source.astype(np.int64))
        _put_times(part, times[~source], stamp.mono0)
        _put_times(part, times[source], stamp.wall0)
    return part


def _put_times(out: bytearray, times: Integers, origin: int) -> None:
    starts = run_starts(times)
    put_svar(out, int(times[0]) - origin)
    if len(starts) == 1:
        put_uvar(out, len(times))
        put_uvar(out, 1)
        return
    sizes = run_lengths(starts, len(times))
    first = run_starts(sizes)
    put_pairs(out, sizes[first], run_lengths(first, len(sizes)))
    moments = times[starts]
    steps = moments[1:] - moments[:-1]
    power = _common_power(steps)
    out.append(power)
    put_integers(out, steps // 10**power if power else steps)


def _common_power(steps: Integers) -> int:
    """Return the most zeros, up to six, that all `steps` end with."""
    if int(steps[0]) % 10:
        return 0
    common = int(np.gcd.reduce(steps))
    power = 0
    while power < _POWERS and common % 10 ** (power + 1) == 0:
        power += 1
    return power


def _qualities_part(qualities: Integers, order: Integers | None) -> bytearray:
    lowest, highest = int(np.minimum.reduce(qualities)), int(np.maximum.reduce(qualities))
    if lowest < 0 or highest >= _QUALITY_END:
        raise Unusual
    part = bytearray()
    if lowest == highest:
        put_uvar(part, len(qualities))
        part += lowest.to_bytes(4, "little")
        return part
    cells = qualities if order is None else qualities[order]
    starts = run_starts(cells)
    lengths = run_lengths(starts, len(cells)).tolist()
    for code, count in zip(cells[starts].tolist(), lengths, strict=True):
        put_uvar(part, count)
        part += code.to_bytes(4, "little")
    return part
