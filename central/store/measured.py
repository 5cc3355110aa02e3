"""What was measured of points, as the alarms look back at it: every reading once, in its time."""

import json
import sqlite3
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from central.store.interface import FLAG_ESTIMATED
from central.store.points import GOOD_BELOW, PointReadings
from central.store.unsealed import Block, of_point
from central.store.views.moments import ALL
from central.store.views.reading import View


class Measured(NamedTuple):
    """A reading whose time was known; `value` None: of bad quality. `stream` by its line."""

    time: int
    point: int
    value: float | None
    stream: int
    received: int
    """µs UTC, to the millisecond."""


def measured(
    view: View, pending: Sequence[Block], number: int, start: int, end: int
) -> list[Measured]:
    """Return the readings of a point with start <= time < end. Raises ChunkUnreadable."""
    span = start, end
    here = (block for block in pending if block.low <= number <= block.high)
    parts = [view.read(number, *span), *of_point(here, number, ALL, span)]
    found = [each for part in parts for each in _of(number, part)]
    lines = _lines(view.conn, {each.stream for each in found})
    return [each._replace(stream=lines.get(each.stream, each.stream)) for each in found]


def _of(number: int, readings: PointReadings) -> list[Measured]:
    """Return what says something of its point: neither texts nor estimated times do."""
    values, bad = readings.values, readings.qualities >= GOOD_BELOW
    timed = (readings.flags & FLAG_ESTIMATED) == 0
    found = []
    for place in np.flatnonzero(timed).tolist():
        value = values[place]
        known = None if bad[place] or isinstance(value, str) or value is None else float(value)
        if known is not None or bad[place]:
            time, stream = int(readings.times[place]), int(readings.streams[place])
            found.append(Measured(time, number, known, stream, int(readings.received[place])))
    return found


def _lines(conn: sqlite3.Connection, streams: set[int]) -> dict[int, int]:
    """Return the lines of streams that continue another."""
    asked = json.dumps(sorted(streams))
    rows = conn.execute(
        "SELECT number, line FROM stream WHERE line IS NOT NULL "
        "AND number IN (SELECT value FROM json_each(?))",
        (asked,),
    )
    return dict(rows.fetchall())
