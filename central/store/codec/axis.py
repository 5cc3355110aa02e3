"""The columns of a chunk's slots: times, streams, received times and first sequence numbers.

Times of a poll lie near a grid; a clock that jitters by 4 ms costs half a byte a slot, and the
exact one nothing.
"""

from typing import Final, NamedTuple

import numpy as np

from central.store.codec.plane_reader import ChunkDamaged, Reader
from central.store.codec.planes import NearZero, Runs, stacked, zigzag
from central.store.columns import Integers
from central.store.points import RECEIVED_UNIT
from protocols.wire.varint import put_svar, put_uvar

GRID: Final = 0
"""Numbers near first + place * step."""
STEPS: Final = 1
"""Numbers whose differences are near the step."""
SHARED: Final = 0
"""Received times as a series of their own: many slots arrived together."""
DELAYED: Final = 1
"""Received times as milliseconds after the time."""
_SAMPLES: Final = 9


class Slotted(NamedTuple):
    """Columns of slots."""

    times: Integers
    streams: Integers
    received: Integers
    seqs: Integers


class Axis:
    """The columns of the slots of all chunks; `edges` say where each chunk's begin."""

    def __init__(self, slots: Slotted, edges: Integers) -> None:
        self._size = len(edges) - 1
        self._streams = Runs(slots.streams, edges)
        received = slots.received // RECEIVED_UNIT
        # One after the other, as if they were three times as many chunks.
        self._series = Series(
            np.concatenate((slots.times, slots.seqs, received)), stacked(edges, 3)
        )
        delays = received - slots.times // RECEIVED_UNIT
        middle = _middle(delays, edges)
        delays -= np.repeat(middle, edges[1:] - edges[:-1])
        later = self._series.costs[2 * self._size :]
        self._delayed: list[bool] = (_costs(delays, edges) <= later).tolist()
        self._middle: list[int] = middle.tolist()
        self._delays = NearZero(delays, edges)

    def put(self, out: bytearray, chunk: int) -> int:
        """Append the columns of one chunk; return where what is but noise of its times ends."""
        self._series.put(out, chunk)
        noise = len(out) - self._series.above_noise(chunk)
        self._streams.put(out, chunk)
        if self._delayed[chunk]:
            out.append(DELAYED)
            put_svar(out, self._middle[chunk])
            self._delays.put(out, chunk)
        else:
            out.append(SHARED)
            self._series.put(out, chunk + 2 * self._size)
        self._series.put(out, chunk + self._size)
        return noise


def read_axis(reader: Reader, count: int) -> Slotted:
    """Return the columns of one chunk, of so many slots. Raises ChunkDamaged."""
    times = read_series(reader, count)
    streams = reader.runs(count)
    if reader.u8() == DELAYED:
        middle = reader.svar()
        received = times // RECEIVED_UNIT + (reader.near_zero(count) + np.int64(middle))
    else:
        received = read_series(reader, count)
    return Slotted(times, streams, received * RECEIVED_UNIT, read_series(reader, count))


class Series:
    """Numbers that go up by about the same each time."""

    def __init__(self, numbers: Integers, edges: Integers) -> None:
        begins, sizes = edges[:-1], edges[1:] - edges[:-1]
        steps = _steps(numbers, edges)
        units = np.maximum(np.gcd.reduceat(steps, begins), 1)
        if (units > 1).any():
            steps //= np.repeat(units, sizes)
        step = _middle(steps, edges)
        rest = _from(steps, step, edges)
        even = np.add.reduceat(steps, begins) // np.maximum(sizes - 1, 1)
        lattice = np.cumsum(_from(steps, even, edges))
        lattice -= np.repeat(lattice[begins], sizes)
        self.costs = _costs(rest, edges)
        grid = _costs(lattice, edges) < self.costs
        if grid.any():
            rest = np.where(np.repeat(grid, sizes), lattice, rest)
            step = np.where(grid, even, step)
        self._first: list[int] = numbers[begins].tolist()
        self._units: list[int] = units.tolist()
        self._kinds: list[int] = np.where(grid, GRID, STEPS).tolist()
        self._step: list[int] = step.tolist()
        self._rest = NearZero(rest, edges)

    def put(self, out: bytearray, chunk: int) -> None:
        """Append the series of one chunk."""
        put_svar(out, self._first[chunk])
        put_uvar(out, self._units[chunk])
        out.append(self._kinds[chunk])
        put_svar(out, self._step[chunk])
        self._rest.put(out, chunk)

    def above_noise(self, chunk: int) -> int:
        """Return how many bytes `put` wrote last that are no low bytes of wide numbers."""
        return self._rest.above_low(chunk)


def read_series(reader: Reader, count: int) -> Integers:
    """Return the series of one chunk. Raises ChunkDamaged."""
    first, unit, kind, step = reader.svar(), reader.uvar(), reader.u8(), reader.svar()
    if kind > STEPS:
        raise ChunkDamaged("series")
    width = reader.u8()
    if width and kind == STEPS:
        numbers = reader.steps(width, count)
        numbers[1:] += np.int64(step)
        np.add.accumulate(numbers, out=numbers)
    else:
        numbers = np.arange(count) * np.int64(step)
        if width:
            numbers += reader.steps(width, count)
    if unit > 1:
        numbers *= np.int64(unit)
    numbers += np.int64(first)
    return numbers


def _steps(numbers: Integers, edges: Integers) -> Integers:
    """Return what each number is above the one before it; 0 for the first of a chunk."""
    steps = np.zeros(len(numbers), np.int64)
    np.subtract(numbers[1:], numbers[:-1], out=steps[1:])
    steps[edges[:-1]] = 0
    return steps


def _from(steps: Integers, step: Integers, edges: Integers) -> Integers:
    """Return what each step is above that of its chunk; 0 for the first of a chunk."""
    rest = steps - np.repeat(step, edges[1:] - edges[:-1])
    rest[edges[:-1]] = 0
    return rest


def _middle(numbers: Integers, edges: Integers) -> Integers:
    """Return about the median of each chunk's numbers but the first: that of some of them."""
    begins, last = edges[:-1], np.diff(edges) - 1
    some = begins + np.minimum(1, last)
    places = some[:, None] + np.arange(_SAMPLES) * np.maximum(last - 1, 0)[:, None] // (
        _SAMPLES - 1
    )
    middle: Integers = np.sort(numbers[places], axis=1)[:, _SAMPLES // 2]
    return middle


def _costs(numbers: Integers, edges: Integers) -> Integers:
    """Return about how many bits the numbers of each chunk take."""
    bits = np.log2(zigzag(numbers) + 1.0)
    costs: Integers = np.add.reduceat(bits, edges[:-1]).astype(np.int64)
    return costs
