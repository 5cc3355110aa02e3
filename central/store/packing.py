"""From readings as they arrived to the cells of chunks: a family's and a day's together.

Pure, and array work throughout: a million readings at a time. How much goes into one chunk is
decided here, for new chunks and for those that are made of several.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from central.store.chunks import DAY
from central.store.codec.cells import MEMBERS, Cells
from central.store.codec.slots import alike, slots_of
from central.store.columns import Columns, Integers
from central.store.values import Values
from protocols.clock import HOUR

_MEMBER_BITS: Final = MEMBERS.bit_length() - 1
STRAYS: Final = 8
"""Fewer readings of a family and day than this are no chunk."""
CELLS: Final = 12_000
"""Most cells of a chunk, but for those of its last slot: what one read has to decompress.

An hour of 32 points is less, each read every ten seconds."""
HOURLY: Final = 2_000
"""More cells than this are no more than about an hour."""
SHARING: Final = 2
"""Readings a slot, on the average, that make it worth to keep a family together."""
ALONE: Final = 64
"""Readings a member, on the average, from which each member may have chunks of its own."""


class Readings(NamedTuple):
    """Readings in any order, as parallel columns: of which family and which of its members."""

    families: Integers
    members: Integers
    times: Integers
    streams: Integers
    seqs: Integers
    received: Integers
    values: Values
    qualities: Integers
    flags: Integers


class Part(NamedTuple):
    """Rows of one stream that came together."""

    rows: Columns
    stream: int
    received: int

    def share(self, family: Integers, part: int, parts: int) -> "Part":
        """Return the rows whose family % parts is part; `family` is by number of a point."""
        return self.only(family[self.rows.points] % parts == part)

    def only(self, own: NDArray[np.bool_]) -> "Part":
        """Return the rows that are marked."""
        return self._replace(rows=self.rows.take(np.flatnonzero(own)))


class Packed(NamedTuple):
    """Each (family, UTC day, cells): what becomes a chunk, and what is too little for one."""

    groups: list[tuple[int, int, Cells]]
    strays: list[tuple[int, int, Cells]]


def joined(parts: Sequence[Part], family: Integers, member: Integers) -> Readings:
    """Return the rows of parts (at least one); `family` and `member` are by number of a point."""
    rows = [part.rows for part in parts]
    sizes = [len(each) for each in rows]
    points = np.concatenate([each.points for each in rows]).astype(np.int64)
    return Readings(
        family[points],
        member[points],
        np.concatenate([each.times for each in rows]),
        np.repeat([part.stream for part in parts], sizes),
        np.concatenate([each.seqs for each in rows]),
        np.repeat([part.received for part in parts], sizes),
        Values.joined([each.values for each in rows]),
        np.concatenate([each.qualities for each in rows]),
        np.concatenate([each.flags for each in rows]),
    )


def pack(readings: Readings) -> Packed:
    """Return the readings as cells by family and day."""
    if not len(readings.times):
        return Packed([], [])
    days = readings.times // DAY
    first = int(days.min())
    span = int(days.max()) - first + 1
    keys = readings.families * span
    if span > 1:
        keys += days - first
    keys *= MEMBERS
    keys += readings.members
    order = _order(readings, keys)
    ordered = keys[order]
    ends = _edges(ordered >> _MEMBER_BITS)[1:]
    starts = np.concatenate((np.zeros(1, np.int64), ends[:-1]))
    columns = Cells(
        ordered & (MEMBERS - 1),
        readings.times[order],
        _in_order(readings.streams, order),
        readings.seqs[order],
        readings.received[order],
        readings.values.take(order),
        _in_order(readings.qualities, order),
        _in_order(readings.flags, order),
    )
    packed = Packed([], [])
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        family, day = divmod(int(ordered[start]) // MEMBERS, span)
        cells = columns.take(slice(start, end))
        if len(cells) < STRAYS:
            packed.strays.append((family, day + first, cells))
        else:
            packed.groups.extend((family, day + first, part) for part in split(cells))
    return packed


def _in_order(column: Integers, order: Integers) -> Integers:
    """Return the column in that order (one of equal numbers is in any)."""
    return column if (column == column[0]).all() else column[order]


def merge(parts: Sequence[Cells]) -> list[Cells]:
    """Return the cells of one family and day (at least one) cut anew; parts may overlap."""
    return list(split(Cells.joined(parts)))


def split(cells: Cells) -> Iterator[Cells]:
    """Yield the cells of one family and day as those of single chunks.

    Members that share hardly any slot get chunks of their own where they have enough readings.
    """
    edges = _edges(cells.members)
    whole = _parts(cells) == 1
    alone = 1 < len(edges) - 1 <= len(cells) // ALONE and not alike(cells, len(edges) - 1)
    if whole and not alone:
        yield cells
        return
    slots = slots_of(cells)
    if not alone or len(cells) >= SHARING * len(slots.first):
        yield from _cut(cells, slots.places)
        return
    for start, end in pairwise(edges.tolist()):
        yield from _cut(cells.take(slice(start, end)), np.arange(end - start))


def _cut(cells: Cells, places: Integers) -> Iterator[Cells]:
    """Yield the cells in parts that are not too large; `places` are their slots."""
    parts = _parts(cells)
    if parts == 1:
        yield cells
        return
    sizes = np.bincount(places)
    before = np.cumsum(sizes) - sizes
    part_of = (before * parts // len(cells))[places]
    for part in range(parts):
        own = np.flatnonzero(part_of == part)
        if len(own):
            yield cells.take(own)


def _parts(cells: Cells) -> int:
    """Return how many chunks the cells are to be."""
    size = len(cells)
    span = int(cells.times.max()) - int(cells.times.min()) if size > HOURLY else 0
    return parts_of(size, span)


def parts_of(size: int, span: int) -> int:
    """Return how many chunks so many cells of a family are to be; `span`: from first to last."""
    if size <= HOURLY:
        return 1
    return max(-(-size // CELLS), min(size // HOURLY, -(-span // HOUR)))


def _edges(members: Integers) -> Integers:
    """Return where each member's cells begin, and the end of all."""
    changes = np.flatnonzero(members[1:] != members[:-1]) + 1
    return np.concatenate((np.zeros(1, np.int64), changes, np.array([len(members)])))


def _order(readings: Readings, keys: Integers) -> Integers:
    """Return the places in order of (key, time, stream, seq)."""
    order = _sorted(keys)
    ordered, times = keys[order], readings.times[order]
    same = ordered[1:] == ordered[:-1]
    astray = same & (times[1:] <= times[:-1])
    if not astray.any():
        return order
    streams, seqs = readings.streams[order], readings.seqs[order]
    equal = times[1:] == times[:-1]
    later = (streams[1:] > streams[:-1]) | (streams[1:] == streams[:-1]) & (seqs[1:] > seqs[:-1])
    astray &= ~(equal & later)
    if not astray.any():
        return order
    # Most points arrive in order of time: only the others are sorted as a whole.
    run = np.concatenate((np.zeros(1, np.int64), np.cumsum(~same)))
    wrong = np.zeros(int(run[-1]) + 1, np.bool_)
    wrong[run[1:][astray]] = True
    held = np.flatnonzero(wrong[run])
    inner = np.lexsort((seqs[held], streams[held], times[held], ordered[held]))
    order[held] = order[held][inner]
    return order


def _sorted(keys: Integers) -> Integers:
    """Return the places in order of key, those of equal keys as they are.

    Sorts 16 bits at a time, which takes the same few ns a number however they lie.
    """
    low = keys - keys.min()
    order = np.argsort(low.astype(np.uint16), kind="stable")
    left = int(low.max()) >> 16
    if left:
        low >>= 16
    while left:
        order = order[np.argsort(low[order].astype(np.uint16), kind="stable")]
        left >>= 16
        low >>= 16
    return order
