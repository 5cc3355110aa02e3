"""The newest reading of each of many points at a time: a chunk is decoded once for all its members.

Days are walked from the newest, of a day the chunks by their last reading; a point is done once
what it has is newer than all that is left.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

import numpy as np

from central.store import chunks, late
from central.store.codec.cells import MEMBERS
from central.store.codec.chunk import ChunkDamaged, decode, summaries
from central.store.columns import Integers
from central.store.damage import unreadable
from central.store.families import UNKNOWN
from central.store.views.gathering import Readings, gather, joined, newest
from central.store.views.snapshot import Check, Snapshot

_NEVER: Final = -(2**62)
_FEW: Final = 2
"""Members that are decoded one by one; for more the whole chunk is."""


class Asked(NamedTuple):
    """Time <= at, received at or before `arrived`, in chunks up to the watermark."""

    at: int
    arrived: int
    watermark: int


class _Family:
    """The members that are asked for, and the time of the newest that was found of each."""

    def __init__(self, number: int, points: dict[int, int], times: dict[int, int]) -> None:
        self.number = number
        self.points = points
        """By member."""
        self.times = times

    def before(self, time: int) -> list[int]:
        """Return the members of which nothing so new was found."""
        return [member for member, found in self.times.items() if found < time]


def newest_of(
    snapshot: Snapshot, numbers: Integers, at: int, arrived: int, check: Check
) -> Readings:
    """Return the newest reading of each of `numbers` (in order, each once) that has one.

    Of those with time <= at that had arrived by `arrived`.
    """
    if not len(numbers):
        return joined([])
    conn, asked = snapshot.conn, Asked(at, arrived, snapshot.watermark)
    memory = gather(snapshot.pieces, numbers, asked.watermark, (0, asked.at + 1))
    rows = late.newest_of(conn, numbers.tolist(), asked.at, asked.arrived)
    found = newest(_arrived(joined([memory, rows]), asked.arrived))
    parts = [found]
    times = dict(zip(found.points.tolist(), found.columns.times.tolist(), strict=True))
    for family in _families(snapshot, numbers, times):
        check()
        parts += _sealed(conn, family, asked)
    return newest(joined(parts))


def _families(snapshot: Snapshot, numbers: Integers, times: dict[int, int]) -> Iterable[_Family]:
    found: dict[int, _Family] = {}
    columns = (numbers.tolist(), *(column.tolist() for column in snapshot.families.places(numbers)))
    for number, family, member in zip(*columns, strict=True):
        if family != UNKNOWN:
            own = found.setdefault(family, _Family(family, {}, {}))
            own.points[member] = number
            own.times[member] = times.get(number, _NEVER)
    return found.values()


def _sealed(conn: sqlite3.Connection, family: _Family, asked: Asked) -> Iterator[Readings]:
    """Yield what chunks have that is newer than what was found, or of the same time."""
    day = asked.at // chunks.DAY + 1
    while wanted := family.before(day * chunks.DAY):
        found = chunks.newest_day(conn, family.number, day, _mask(wanted), asked)
        if found is None:
            return
        day = found
        wanted = family.before((day + 1) * chunks.DAY)
        for one in chunks.of_day(conn, family.number, day, _mask(wanted), asked):
            members = [
                member
                for member in wanted
                if one.members >> member & 1 and family.times[member] <= one.t1
            ]
            if members:
                yield from _of_chunk(conn, family, one, members, asked)


def _of_chunk(
    conn: sqlite3.Connection,
    family: _Family,
    one: chunks.Summed,
    members: list[int],
    asked: Asked,
) -> Iterator[Readings]:
    try:
        # Of many of which nothing was found yet the chunk is decoded whole, whatever it says.
        if len(members) <= _FEW or any(family.times[each] != _NEVER for each in members):
            members = _promising(one, family, members, asked)
        if not members:
            return
        (body,) = chunks.bodies(conn, (one.id,))
        for last in _last_of(body, members, asked):
            places = last.points.tolist()
            for member, time in zip(places, last.columns.times.tolist(), strict=True):
                family.times[member] = max(family.times[member], time)
            points = np.array([family.points[member] for member in places], np.int64)
            yield Readings(points, last.columns)
    except ChunkDamaged as exc:
        raise unreadable(conn, one.id, exc.params["why"]) from exc


def _promising(one: chunks.Summed, family: _Family, members: list[int], asked: Asked) -> list[int]:
    """Return the members that may have something newer here, by the summary."""
    rows = summaries(one.summary)
    if len(rows) != one.members.bit_count():
        raise ChunkDamaged("members")
    first, last, came = (rows[name].tolist() for name in ("t0", "t1", "received0"))
    kept = []
    for member in members:
        row = (one.members & ((1 << member) - 1)).bit_count()
        here = first[row] <= asked.at and came[row] <= asked.arrived
        if here and last[row] >= family.times[member]:
            kept.append(member)
    return kept


def _last_of(body: bytes, members: list[int], asked: Asked) -> Iterator[Readings]:
    """Yield the last reading that fits of each member, by member."""
    if len(members) <= _FEW:
        for member in members:
            own = decode(body, member)
            fits = np.flatnonzero((own.times <= asked.at) & (own.received <= asked.arrived))
            if len(fits):
                yield Readings(np.full(1, member, np.int64), own.take(fits[-1:]))
        return
    cells = decode(body, None)
    wanted = np.zeros(MEMBERS, np.bool_)
    wanted[members] = True
    fits = np.flatnonzero(
        wanted[cells.members] & (cells.times <= asked.at) & (cells.received <= asked.arrived)
    )
    own_members = cells.members[fits]
    last = fits[np.append(own_members[1:] != own_members[:-1], True)] if len(fits) else fits
    yield Readings(cells.members[last], cells.columns.take(last))


def _arrived(found: Readings, by: int) -> Readings:
    kept = found.columns.received <= by
    return found if kept.all() else found.take(np.flatnonzero(kept))


def _mask(members: list[int]) -> int:
    return sum(1 << member for member in members)
