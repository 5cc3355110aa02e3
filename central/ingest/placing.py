"""Where readings lie in time, and which of them are put aside (pure).

Gateway time is monotonic since a boot; a `Placement` says where that boot lies in UTC. A boot of
which nobody knows is stored under the received time, its newest reading at `now`, and marked
estimated. What is put aside never touches its neighbours.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from central.ingest.placement import Placement
from central.store.columns import Columns, Integers
from central.store.interface import FLAG_ESTIMATED, FLAG_LATE, FLAG_SOURCE
from central.store.point_column import PointColumn, constant
from central.store.values import Values
from central.wire.columns import BatchColumns
from protocols.alarms.condition import LIVE_DELAY
from protocols.clock import ClockState
from protocols.wire.bounds import TIME
from protocols.wire.header import Header
from protocols.words import Value

AHEAD: Final = 300_000_000
"""A stamp further ahead than this (µs) is a broken clock, not a measurement of tomorrow."""

UNKNOWN_POINT: Final = "UNKNOWN_POINT"
CLOCK_AHEAD: Final = "CLOCK_AHEAD"
CLOCK_BEHIND: Final = "CLOCK_BEHIND"
"""Before 1970: no clock ever showed it; an integer of a damaged device."""
UNDECODABLE: Final = "UNDECODABLE"


class Aside(NamedTuple):
    """A reading that was put aside: `point` is the index it named."""

    seq: int
    reason: str
    point: int
    time: int
    value: Value
    quality: int


class Placed(NamedTuple):
    """What goes into the store and what is put aside, both in order of seq."""

    rows: Columns
    aside: list[Aside]


def header_placement(header: Header) -> Placement | None:
    """Return where a batch's own header puts it, or None when its clock was worth nothing."""
    if header.clock_state == ClockState.UNSYNCHRONISED:
        return None
    return Placement.by(header.wall0 - header.mono0)


def place(
    batch: BatchColumns,
    numbers: Integers,
    known: Placement | None,
    now: int,
    column: PointColumn | None = None,
) -> Placed:
    """Return rows with UTC times. `numbers` are the registry's, by the manifest's index.

    `column`: the batch's points by number, where that is known and the manifest has them all.
    """
    estimated = FLAG_ESTIMATED if known is None else 0
    if known is None:
        known = Placement.by(now - batch.newest_gateway_time)
    times, flags = _times(batch, known, estimated)
    earliest, latest = _span(batch, known, times)
    if earliest < now - LIVE_DELAY:
        flags = _with_late(flags, times, now)
    first = batch.header.seq0
    points = batch.points
    inside = column is not None or np.maximum.reduce(points) < len(numbers)
    if inside and earliest >= 0 and latest <= now + AHEAD:
        named = numbers[points] if column is None else column.numbers
        rows = Columns(named, times, first, batch.values, batch.qualities, flags)
        rows.span = earliest, latest
        return Placed(rows.of_column(column), [])
    good = (points < len(numbers)) & (times >= 0) & (times <= now + AHEAD)
    kept = np.flatnonzero(good)
    rows = Columns(
        numbers[points[kept]],
        times[kept],
        first + kept,
        batch.values.take(kept),
        batch.qualities[kept],
        flags[kept],
    )
    places = np.flatnonzero(~good).tolist()
    return Placed(rows, [_aside(batch, place, len(numbers), int(times[place])) for place in places])


def together(batches: Sequence[BatchColumns]) -> BatchColumns | None:
    """Return several batches as one whose header says where it begins and how much it holds.

    None: they do not continue each other.
    """
    first, expected = batches[0], batches[0].header.seq0
    for batch in batches:
        if batch.header.seq0 != expected:
            return None
        expected += batch.header.n
    source = None
    if any(batch.source is not None for batch in batches):
        source = np.concatenate(
            [np.zeros(len(b), np.bool_) if b.source is None else b.source for b in batches]
        )
    return BatchColumns(
        np.concatenate([batch.points for batch in batches]),
        np.concatenate([batch.times for batch in batches]),
        source,
        np.concatenate([batch.qualities for batch in batches]),
        Values.joined([batch.values for batch in batches]),
        first.header._replace(n=expected - first.header.seq0),
    )


def _span(batch: BatchColumns, known: Placement, times: Integers) -> tuple[int, int]:
    """Return the earliest and the latest of the batch's `times`, once placed."""
    offset, span = known.simple, batch.span
    if span is None or offset is None or abs(offset) > TIME or batch.source is not None:
        return int(np.minimum.reduce(times)), int(np.maximum.reduce(times))
    return span[0] + offset, span[1] + offset


def _times(batch: BatchColumns, known: Placement, estimated: int) -> tuple[Integers, Integers]:
    """Return UTC times, kept within what can be told apart, and where each came from."""
    times = batch.times
    flags: Integers = constant(estimated, len(times))
    offset = known.simple
    if offset is None:
        offsets, guessed = known.offsets(times)
        placed = times + offsets
        if np.logical_or.reduce(guessed):
            flags = np.where(guessed, estimated | FLAG_ESTIMATED, flags)
    elif abs(offset) <= TIME:
        placed = times + offset
    else:  # clocks no machine has: what does not fit stays as far out
        moved = (max(-TIME, min(time + offset, TIME)) for time in times.tolist())
        placed = np.array(list(moved), np.int64)
    source = batch.source
    if source is None:
        return placed, flags
    return np.where(source, times, placed), np.where(source, FLAG_SOURCE, flags)


def _with_late(flags: Integers, times: Integers, now: int) -> Integers:
    late = times < now - LIVE_DELAY
    if flags.strides == (0,) and np.logical_and.reduce(late):
        return constant(int(flags[0]) | FLAG_LATE, len(flags))
    return np.where(late, flags | FLAG_LATE, flags)


def _aside(batch: BatchColumns, place: int, known: int, time: int) -> Aside:
    point = int(batch.points[place])
    reason = UNKNOWN_POINT if point >= known else CLOCK_BEHIND if time < 0 else CLOCK_AHEAD
    seq, quality = batch.header.seq0 + place, int(batch.qualities[place])
    return Aside(seq, reason, point, time, batch.values[place], quality)
