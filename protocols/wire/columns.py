"""The columns points, times and qualities of a batch (docs/wire.md section 4.1).

Each `put_` appends a column's content, each `read_` takes exactly `n` rows and refuses a split of
runs that is not the longest possible, so that a column has one form.
"""

from collections.abc import Iterator, Sequence
from itertools import chain, groupby, repeat
from math import gcd
from operator import sub
from typing import Final

from protocols.errors import WireError
from protocols.wire.bounds import POINTS, TIME
from protocols.wire.integers import put_integers, read_integers
from protocols.wire.reader import Reader
from protocols.wire.varint import put_svar, put_uvar

_POWERS: Final = tuple(10**power for power in range(7))
_QUALITY_END: Final = 1 << 32


def put_points(out: bytearray, points: Sequence[int]) -> None:
    """Append runs of point indices that go up by one."""
    if min(points) < 0 or max(points) >= POINTS:
        raise WireError("WIRE_RANGE", where="points", value=max(points), low=0, high=POINTS - 1)
    starts = [0]
    starts += [row for row, step in enumerate(map(sub, points[1:], points), 1) if step != 1]
    last = -1
    for start, end in zip(starts, [*starts[1:], len(points)], strict=True):
        put_svar(out, points[start] - last - 1)
        put_uvar(out, end - start)
        last = points[end - 1]


def read_points(reader: Reader, n: int) -> list[int]:
    """Return `n` point indices."""
    points: list[int] = []
    last = -1
    while len(points) < n:
        step = reader.svar()
        if step == 0 and points:
            raise reader.form("run")
        first = last + 1 + step
        count = reader.uvar(1, n - len(points))
        last = first + count - 1
        if first < 0 or last >= POINTS:
            raise reader.error("WIRE_RANGE", value=first, low=0, high=POINTS - 1)
        points.extend(range(first, last + 1))
    return points


def put_runs(out: bytearray, cells: Sequence[int]) -> None:
    """Append `(u8 cell, uvar count)` for each longest run of equal cells."""
    for cell, count in _runs(cells):
        out.append(cell)
        put_uvar(out, count)


def read_runs(reader: Reader, n: int) -> list[tuple[int, int]]:
    """Return `(cell, count)` whose counts add up to `n`."""
    runs: list[tuple[int, int]] = []
    last = -1
    while n:
        cell = reader.u8()
        if cell == last:
            raise reader.form("run")
        count = reader.uvar(1, n)
        runs.append((cell, count))
        last = cell
        n -= count
    return runs


def put_times(out: bytearray, times: Sequence[int], origin: int) -> None:
    """Append microseconds: groups of equal times, and the steps from group to group."""
    if min(times) < -TIME or max(times) > TIME:
        worst = max(times, key=abs)
        raise WireError("WIRE_RANGE", where="times", value=worst, low=-TIME, high=TIME)
    groups = list(_runs(times))
    moments = [moment for moment, _ in groups]
    put_svar(out, moments[0] - origin)
    for count, again in _runs([count for _, count in groups]):
        put_uvar(out, count)
        put_uvar(out, again)
    if len(moments) > 1:
        steps = list(map(sub, moments[1:], moments))
        power = _common_power(steps)
        out.append(power)
        put_integers(out, [step // _POWERS[power] for step in steps] if power else steps)


def read_times(reader: Reader, n: int, origin: int) -> list[int]:
    """Return the times of `n` rows."""
    moment = origin + reader.svar()
    counts = _read_counts(reader, n)
    moments = [moment]
    if len(counts) > 1:
        power = reader.u8()
        if power >= len(_POWERS):
            raise reader.error("WIRE_UNKNOWN", value=power)
        steps = read_integers(reader, len(counts) - 1)
        if 0 in steps:
            raise reader.form("run")
        if power:
            steps = [step * _POWERS[power] for step in steps]
        if _common_power(steps) != power:
            raise reader.form("power")
        for step in steps:
            moment += step
            moments.append(moment)
    if min(moments) < -TIME or max(moments) > TIME:
        raise reader.error("WIRE_RANGE", value=max(moments, key=abs), low=-TIME, high=TIME)
    return list(chain.from_iterable(map(repeat, moments, counts)))


def put_qualities(out: bytearray, qualities: Sequence[int]) -> None:
    """Append `(uvar count, u32 StatusCode)` for each longest run."""
    for quality, count in _runs(qualities):
        if not 0 <= quality < _QUALITY_END:
            raise WireError(
                "WIRE_RANGE", where="qualities", value=quality, low=0, high=_QUALITY_END - 1
            )
        put_uvar(out, count)
        out += quality.to_bytes(4, "little")


def read_qualities(reader: Reader, n: int) -> list[int]:
    """Return `n` StatusCodes."""
    qualities: list[int] = []
    last = -1
    while len(qualities) < n:
        count = reader.uvar(1, n - len(qualities))
        quality = reader.fixed(4)
        if quality == last:
            raise reader.form("run")
        qualities.extend(repeat(quality, count))
        last = quality
    return qualities


def _runs(cells: Sequence[int]) -> Iterator[tuple[int, int]]:
    return ((cell, len(list(run))) for cell, run in groupby(cells))


def _read_counts(reader: Reader, n: int) -> list[int]:
    """Return the sizes of the groups of n rows, held as runs of equal sizes."""
    counts: list[int] = []
    last = 0
    while n:
        count = reader.uvar(1, n)
        again = reader.uvar(1, n // count)
        if count == last:
            raise reader.form("run")
        counts.extend(repeat(count, again))
        last = count
        n -= count * again
    return counts


def _common_power(steps: Sequence[int]) -> int:
    common = gcd(*steps)
    power = 0
    while power < len(_POWERS) - 1 and common % _POWERS[power + 1] == 0:
        power += 1
    return power
