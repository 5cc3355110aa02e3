"""The columns points, times and qualities of a batch (docs/wire.md section 4.1).

Each `put_` appends a column's content; each `read_` takes exactly `n` rows and refuses every form
but the one that `put_` writes. Whole lists at a time: a gateway seals thousands of rows a second.
"""

from collections.abc import Sequence
from itertools import accumulate, chain, compress, repeat
from math import gcd
from operator import sub
from typing import Final

from protocols.errors import WireError
from protocols.wire.bounds import POINTS, TIME
from protocols.wire.integers import put_integers, read_integers
from protocols.wire.reader import Reader
from protocols.wire.runs import run_lengths, split_runs
from protocols.wire.varint import put_svar, put_uvar, put_uvars, unzigzag, zigzag

_POWERS: Final = tuple(10**power for power in range(7))
_QUALITY_END: Final = 1 << 32


def put_points(out: bytearray, points: Sequence[int]) -> None:
    """Append `(svar step, uvar count)` for each run of point indices that go up by one."""
    if min(points) < 0 or max(points) >= POINTS:
        raise WireError("WIRE_RANGE", where="points", value=max(points), low=0, high=POINTS - 1)
    n = len(points)
    starts = [0, *compress(range(1, n), map((1).__ne__, map(sub, points[1:], points)))]
    counts = run_lengths(starts, n)
    firsts = [points[start] for start in starts]
    nexts = [0, *(first + count for first, count in zip(firsts, counts, strict=True))]
    steps = [zigzag(first - after) for first, after in zip(firsts, nexts, strict=False)]
    put_uvars(out, list(chain.from_iterable(zip(steps, counts, strict=True))))


def read_points(reader: Reader, n: int) -> list[int]:
    """Return `n` point indices. Raises WireError."""
    numbers = reader.uvars(2 * n)
    steps, counts = list(map(unzigzag, numbers[0::2])), numbers[1::2]
    if len(steps) != len(counts):
        raise reader.cut()
    if sum(counts) != n or 0 in counts:
        raise reader.error("WIRE_SUM", value=sum(counts), expected=n)
    if 0 in steps[1:]:
        raise reader.form("run")
    points: list[int] = []
    after = 0
    for step, count in zip(steps, counts, strict=True):
        first = after + step
        after = first + count
        if first < 0 or after > POINTS:
            raise reader.error("WIRE_RANGE", value=first, low=0, high=POINTS - 1)
        points.extend(range(first, after))
    return points


def put_times(out: bytearray, times: Sequence[int], origin: int) -> None:
    """Append microseconds: groups of equal times, and the steps from group to group."""
    if min(times) < -TIME or max(times) > TIME:
        worst = max(times, key=abs)
        raise WireError("WIRE_RANGE", where="times", value=worst, low=-TIME, high=TIME)
    moments, counts = split_runs(times)
    put_svar(out, moments[0] - origin)
    put_uvars(out, list(chain.from_iterable(zip(*split_runs(counts), strict=True))))
    if len(moments) > 1:
        steps = list(map(sub, moments[1:], moments))
        power = _common_power(steps)
        unit = _POWERS[power]
        out.append(power)
        put_integers(out, [step // unit for step in steps] if power else steps)


def read_times(reader: Reader, n: int, origin: int) -> list[int]:
    """Return the times of `n` rows. Raises WireError."""
    base = origin + reader.svar()
    counts = _read_counts(reader, n)
    steps = _read_steps(reader, len(counts) - 1) if len(counts) > 1 else []
    moments = list(accumulate(steps, initial=base))
    if min(moments) < -TIME or max(moments) > TIME:
        raise reader.error("WIRE_RANGE", value=max(moments, key=abs), low=-TIME, high=TIME)
    if len(moments) == n:
        return moments
    return list(chain.from_iterable(map(repeat, moments, counts)))


def put_qualities(out: bytearray, qualities: Sequence[int]) -> None:
    """Append `(uvar count, u32 StatusCode)` for each run."""
    codes, counts = split_runs(qualities)
    for code, count in zip(codes, counts, strict=True):
        if not 0 <= code < _QUALITY_END:
            high = _QUALITY_END - 1
            raise WireError("WIRE_RANGE", where="qualities", value=code, low=0, high=high)
        put_uvar(out, count)
        out += code.to_bytes(4, "little")


def read_qualities(reader: Reader, n: int) -> list[tuple[int, int]]:
    """Return `(StatusCode, count)` whose counts add up to `n`. Raises WireError."""
    runs: list[tuple[int, int]] = []
    last = -1
    while n:
        count = reader.uvar(1, n)
        code = reader.fixed(4)
        if code == last:
            raise reader.form("run")
        runs.append((code, count))
        last = code
        n -= count
    return runs


def _read_counts(reader: Reader, n: int) -> list[int]:
    """Return the sizes of the groups of `n` rows, held as runs of equal sizes."""
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


def _read_steps(reader: Reader, count: int) -> list[int]:
    power = reader.u8()
    if power >= len(_POWERS):
        raise reader.error("WIRE_UNKNOWN", value=power)
    steps = read_integers(reader, count)
    if 0 in steps:
        raise reader.form("run")
    unit = _POWERS[power]
    if power < len(_POWERS) - 1 and _common_power(steps):
        raise reader.form("power")
    return [step * unit for step in steps] if power else steps


def _common_power(steps: Sequence[int]) -> int:
    """Return the most zeros, up to six, that all `steps` end with."""
    common = gcd(*steps)
    power = 0
    while power < len(_POWERS) - 1 and common % _POWERS[power + 1] == 0:
        power += 1
    return power
