"""What of a family's day is past its time, a step at a time, and what is left of it."""

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from central.store import chunks, late
from central.store.chunks import DAY
from central.store.codec.chunk import decode
from central.store.families import numbers_of
from central.store.points import PointReadings
from central.store.tiers import tiers
from central.store.tiers.rollups import SPANS, Rollup, combined, rolled
from central.store.tiers.tiers import Held

CELLS: Final = 300_000
"""Readings a step takes, about: bounds memory and how long the writer is held."""
LATE: Final = 50_000
"""Rows a step takes."""
PAGE: Final = 200
ROLLUPS: Final = 32

Rows = Mapping[int, tuple[int | None, tuple[int, bytes]]]
"""By span: the id of the row that is replaced (None: there is none), the new count and body."""


@dataclass(slots=True)
class SiteSize:
    """What the store holds of a site, as of the last round."""

    chunks: int = 0
    readings: int = 0
    bytes: int = 0
    rollup_bytes: int = 0


class Expired(NamedTuple):
    """A rollup that is past its time."""

    id: int
    day: int
    readings: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Work:
    """A family: its site, by tier the last day that goes and why."""

    family: int
    site: str
    ends: Mapping[str, int]
    why: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Step:
    """What goes: chunks by id with their bodies, or rows of points by (member, number)."""

    day: int
    ids: tuple[int, ...]
    bodies: tuple[bytes, ...]
    rows: tuple[tuple[int, int, PointReadings], ...]
    members: int
    readings: int
    bytes: int
    rollups: Mapping[int, Held | None]
    """By span, those that are to be written: what is there now."""


def families(conn: sqlite3.Connection, after: int) -> list[tuple[int, str]]:
    """Return (number, site) of some families; a site nobody knows is empty."""
    rows = conn.execute(
        "SELECT number, substr(device, 1, instr(device, '/') - 1) FROM family WHERE number > ? "
        "ORDER BY number LIMIT ?",
        (after, PAGE),
    )
    return rows.fetchall()


def without_family(conn: sqlite3.Connection) -> list[int]:
    """Return the points of which there are rows but no place in a family."""
    placed = {point for (point,) in conn.execute("SELECT point FROM family_member")}
    return [number for number in late.points(conn) if number not in placed]


def raw_days(conn: sqlite3.Connection, family: int, upto: int) -> list[int]:
    """Return the days up to `upto` of which there are readings, the oldest first."""
    found = {
        day
        for (day,) in conn.execute(
            "SELECT DISTINCT day FROM chunk WHERE family = ? AND day <= ?", (family, upto)
        )
    }
    for number in numbers_of(conn, family).values():
        start = 0
        while True:
            row = conn.execute(
                "SELECT min(time) FROM late WHERE point = ? AND time >= ? AND time < ?",
                (number, start, (upto + 1) * DAY),
            ).fetchone()
            if row[0] is None:
                break
            found.add(row[0] // DAY)
            start = (row[0] // DAY + 1) * DAY
    return sorted(found)


def next_step(conn: sqlite3.Connection, work: Work, day: int) -> Step | None:
    """Return what goes next of a day: chunks first, then rows; None: nothing is left of it."""
    ids, members, readings, size = _chunks(conn, work.family, day)
    bodies: tuple[bytes, ...] = ()
    rows: tuple[tuple[int, int, PointReadings], ...] = ()
    if ids:
        bodies = tuple(chunks.bodies(conn, ids))
    else:
        rows = _late(conn, work.family, day)
        readings = sum(len(held) for *_, held in rows)
        if not readings:
            return None
    return Step(day, ids, bodies, rows, members, readings, size, _written(conn, work, day))


def rolled_up(step: Step) -> Rows:
    """Return the rollups that are to be written. Raises ChunkDamaged and Damaged."""
    fine = {member: rolled(held, SPANS["1min"]) for member, held in _by_member(step)}
    found: dict[int, tuple[int | None, tuple[int, bytes]]] = {}
    for span, before in step.rollups.items():
        parts: dict[int, Rollup] = {} if before is None else tiers.unpacked(before.body)
        for member, one in fine.items():
            parts[member] = combined([*([parts[member]] if member in parts else []), one], span)
        total = sum(rollup.n for rollup in parts.values())
        found[span] = (None if before is None else before.id, (total, tiers.packed(parts)))
    return found


def unchanged(conn: sqlite3.Connection, work: Work, step: Step) -> bool:
    """Whether all that goes is there as it was read, and the rollups too."""
    marks = ", ".join("?" * len(step.ids))
    count = conn.execute(f"SELECT count(*) FROM chunk WHERE id IN ({marks})", step.ids)  # noqa: S608
    if count.fetchone()[0] != len(step.ids):
        return False
    for _, number, held in step.rows:
        row = conn.execute(
            "SELECT count(*) FROM late WHERE point = ? AND time BETWEEN ? AND ?",
            (number, int(held.times[0]), int(held.times[-1])),
        ).fetchone()
        if row[0] != len(held):
            return False
    now = _written(conn, work, step.day)
    return {span: one and one[:2] for span, one in now.items()} == {
        span: one and one[:2] for span, one in step.rollups.items()
    }


def delete(conn: sqlite3.Connection, step: Step) -> None:
    """Delete what goes."""
    conn.executemany("DELETE FROM chunk WHERE id = ?", [(id_,) for id_ in step.ids])
    for _, number, held in step.rows:
        late.delete(conn, number, int(held.times[0]), int(held.times[-1]) + 1)


def expired(conn: sqlite3.Connection, family: int, span: int, upto: int) -> list[Expired]:
    """Return some rollups of a family up to a day, the oldest first."""
    rows = conn.execute(
        "SELECT id, day, n, length(body) FROM rollup WHERE family = ? AND span = ? AND day <= ? "
        "ORDER BY day LIMIT ?",
        (family, span, upto, ROLLUPS),
    )
    return [Expired._make(row) for row in rows]


def size(conn: sqlite3.Connection, family: int) -> tuple[int, int, int, int]:
    """Return the chunks, readings, bytes, and bytes of rollups of a family."""
    held = conn.execute(
        "SELECT count(*), coalesce(sum(n), 0), "
        "coalesce(sum(length(body) + length(summary)), 0) FROM chunk WHERE family = ?",
        (family,),
    ).fetchone()
    rest = conn.execute(
        "SELECT coalesce(sum(length(body)), 0) FROM rollup WHERE family = ?", (family,)
    ).fetchone()
    return (*held, *rest)


def add_size(total: dict[str, SiteSize], site: str, found: tuple[int, int, int, int]) -> None:
    """Add a family's size to its site's."""
    one = total.setdefault(site, SiteSize())
    one.chunks += found[0]
    one.readings += found[1]
    one.bytes += found[2]
    one.rollup_bytes += found[3]


def _chunks(
    conn: sqlite3.Connection, family: int, day: int
) -> tuple[tuple[int, ...], int, int, int]:
    """Return ids, members, readings and bytes of some chunks, the earliest first."""
    ids: list[int] = []
    members = readings = size = 0
    for id_, mask, n, length in conn.execute(
        "SELECT id, members, n, length(body) + length(summary) FROM chunk WHERE family = ? "
        "AND day = ? AND seal <= (SELECT watermark FROM store) ORDER BY t0",
        (family, day),
    ):
        if ids and readings + n > CELLS:
            break
        ids.append(id_)
        members |= mask
        readings += n
        size += length
    return tuple(ids), members, readings, size


def _late(
    conn: sqlite3.Connection, family: int, day: int
) -> tuple[tuple[int, int, PointReadings], ...]:
    found = []
    total = 0
    for member, number in numbers_of(conn, family).items():
        held = late.read(conn, number, day * DAY, (day + 1) * DAY)
        if len(held):
            found.append((member, number, held))
            total += len(held)
        if total >= LATE:
            break
    return tuple(found)


def _written(conn: sqlite3.Connection, work: Work, day: int) -> dict[int, Held | None]:
    """Return which rollups a day gets, by span, and what is there.

    Not those that would go at once. And where minutes have gone and hours have not, no minutes
    come back: they would speak of a part of the day only.
    """
    found = {}
    for tier, span in SPANS.items():
        if day > work.ends[tier]:
            found[span] = tiers.held(conn, work.family, day, span)
    fine, coarse = SPANS.values()
    if found.get(fine, 0) is None and found.get(coarse) is not None:
        del found[fine]
    return found


def _by_member(step: Step) -> Iterable[tuple[int, PointReadings]]:
    """Yield each member's readings; one at a time bounds memory."""
    for member, _, held in step.rows:
        yield member, held
    if step.ids:
        for member in range(step.members.bit_length()):
            if step.members >> member & 1:
                yield member, PointReadings.merged([decode(body, member) for body in step.bodies])
