"""Where readings lie in time, and which of them are put aside (pure).

Gateway time is monotonic since a boot; a `Placement` says where that boot lies in UTC. A boot of
which nobody knows is stored under the received time, its newest reading at `now`, and marked
estimated. What is put aside never touches its neighbours.
"""

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from central.ingest.placement import Placement
from central.store.columns import Columns, Integers
from central.store.interface import FLAG_ESTIMATED, FLAG_LATE, FLAG_SOURCE
from central.store.values import Values
from protocols.alarms.condition import LIVE_DELAY
from protocols.clock import ClockState
from protocols.wire.batch import ReadingsBatch
from protocols.wire.bounds import TIME
from protocols.wire.header import Header
from protocols.words import TimeMark, Value

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


@dataclass(frozen=True, slots=True)
class Placed:
    """What goes into the store and what is put aside, both in order of seq."""

    rows: Columns
    aside: list[Aside]


def header_placement(header: Header) -> Placement | None:
    """Return where a batch's own header puts it, or None when its clock was worth nothing."""
    if header.clock_state == ClockState.UNSYNCHRONISED:
        return None
    return Placement.by(header.wall0 - header.mono0)


def place(batch: ReadingsBatch, numbers: Integers, known: Placement | None, now: int) -> Placed:
    """Return rows with UTC times. `numbers` are the registry's, by the manifest's index."""
    estimated = FLAG_ESTIMATED if known is None else 0
    if known is None:
        known = Placement.by(now - newest_gateway_time(batch))
    n = batch.header.n
    points = np.array(batch.points, np.int64)
    times, flags = _times(batch, known, estimated)
    flags[times < now - LIVE_DELAY] |= FLAG_LATE
    quality = batch.qualities[0]
    qualities = (
        np.full(n, quality, np.int64)
        if batch.qualities.count(quality) == n
        else np.array(batch.qualities, np.int64)
    )
    values = Values.of(batch.values)
    columns = (times, np.arange(n) + batch.header.seq0, values, qualities, flags)
    good = (points < len(numbers)) & (times >= 0) & (times <= now + AHEAD)
    if good.all():
        return Placed(Columns(numbers[points], *columns), [])
    kept = np.flatnonzero(good)
    rows = Columns(
        numbers[points[kept]],
        times[kept],
        columns[1][kept],
        values.take(kept),
        qualities[kept],
        flags[kept],
    )
    places = np.flatnonzero(~good).tolist()
    return Placed(rows, [_aside(batch, place, len(numbers), int(times[place])) for place in places])


def _times(batch: ReadingsBatch, known: Placement, estimated: int) -> tuple[Integers, Integers]:
    """Return UTC times, kept within what can be told apart, and where each came from."""
    n = batch.header.n
    times = np.array(batch.times, np.int64)
    flags = np.full(n, estimated, np.int64)
    offset = known.simple
    if offset is None:
        offsets, guessed = known.offsets(times)
        placed = times + offsets
        flags[guessed] |= FLAG_ESTIMATED
    elif abs(offset) <= TIME:
        placed = times + offset
    else:  # clocks no machine has: what does not fit stays as far out
        placed = np.array([max(-TIME, min(t + offset, TIME)) for t in batch.times], np.int64)
    if batch.marks.count(TimeMark.GATEWAY) == n:
        return placed, flags
    source = np.array(batch.marks, np.int64) == TimeMark.SOURCE
    return np.where(source, times, placed), np.where(source, FLAG_SOURCE, flags)


def _aside(batch: ReadingsBatch, place: int, known: int, time: int) -> Aside:
    point = batch.points[place]
    reason = UNKNOWN_POINT if point >= known else CLOCK_BEHIND if time < 0 else CLOCK_AHEAD
    seq = batch.header.seq0 + place
    return Aside(seq, reason, point, time, batch.values[place], batch.qualities[place])


def newest_gateway_time(batch: ReadingsBatch) -> int:
    """Return the newest gateway time of the batch (0 when it has none)."""
    times = zip(batch.times, batch.marks, strict=True)
    return max((time for time, mark in times if mark == TimeMark.GATEWAY), default=0)
