"""The tables of rollups and of what has gone; a family's day is one row for each span.

A row's body is a part for each member that has one: its place and size, then the parts.
"""

import sqlite3
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np

from central.store.chunks import DAY
from central.store.families import Place
from central.store.points import PointReadings
from central.store.squeezed import Damaged
from central.store.tiers.rollups import SPANS, Rollup, decode, encode

COARSE: Final = 400 * DAY
"""µs of a question beyond which rollups of an hour answer it."""
RAW: Final = "raw"
_ENTRY: Final = struct.Struct("<BI")

NAMES: Final = {span: name for name, span in SPANS.items()}
Parts = Mapping[int, Rollup]
"""Rollups by member."""


class Held(NamedTuple):
    """A row of the table."""

    id: int
    n: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Rolled:
    """Gives what is left of a slot's readings: the first and the last. Not to be divided."""

    tier: str
    rollup: Rollup
    place: int

    def __call__(self) -> PointReadings:
        """Return one or two readings."""
        return self.rollup.ends(self.place)


def packed(parts: Parts) -> bytes:
    """Return the body of a row."""
    bodies = [(member, encode(rollup)) for member, rollup in sorted(parts.items()) if len(rollup)]
    entries = b"".join(_ENTRY.pack(member, len(body)) for member, body in bodies)
    return bytes((len(bodies),)) + entries + b"".join(body for _, body in bodies)


def unpacked(body: bytes, member: int | None = None) -> dict[int, Rollup]:
    """Return the rollups of a row by member, or of one member only. Raises Damaged."""
    try:
        at = 1 + _ENTRY.size * body[0]
        found = {}
        for place, size in _ENTRY.iter_unpack(body[1:at]):
            if member is None or place == member:
                found[place] = decode(body[at : at + size])
            at += size
    except (IndexError, struct.error) as exc:
        raise Damaged(what="rollup", reason=str(exc)) from exc
    return found


def held(conn: sqlite3.Connection, family: int, day: int, span: int) -> Held | None:
    """Return a row."""
    row = conn.execute(
        "SELECT id, n, body FROM rollup WHERE family = ? AND day = ? AND span = ?",
        (family, day, span),
    ).fetchone()
    return None if row is None else Held._make(row)


def put(conn: sqlite3.Connection, key: tuple[int, int, int], before: int | None, row: Any) -> None:
    """Write a row (n, body) for (family, day, span), in the place of the one with id `before`."""
    if before is None:
        conn.execute(
            "INSERT INTO rollup(family, day, span, n, body) VALUES (?, ?, ?, ?, ?)", (*key, *row)
        )
    else:
        conn.execute("UPDATE rollup SET n = ?, body = ? WHERE id = ?", (*row, before))


def pieces(
    conn: sqlite3.Connection, place: Place | None, start: int, end: int
) -> Iterator[tuple[Any, Rolled]]:
    """Yield (SUMMARY, load) of what is left of a point's readings that have gone.

    A slot belongs to [start, end) by its first reading. Raises Damaged.
    """
    if place is None:
        return
    finest = "max" if end - start > COARSE else "min"
    rows = conn.execute(
        # The bare columns of a lone min() or max() are those of its row.
        f"SELECT {finest}(span), body FROM rollup WHERE family = ? AND day BETWEEN ? AND ? "  # noqa: S608
        "GROUP BY day",
        (place.family, start // DAY, (end - 1) // DAY),
    )
    for span, body in rows.fetchall():
        rollup = unpacked(body, place.member).get(place.member)
        if rollup is None:
            continue
        first, last = np.searchsorted(rollup.rows["t0"], [start, end]).tolist()
        found = rollup.summaries
        for row in range(first, last):
            yield found[row], Rolled(NAMES[span], rollup, row)


def some(conn: sqlite3.Connection, family: int, start: int, end: int) -> bool:
    """Return whether readings of the days of [start, end) have been rolled up."""
    row = conn.execute(
        "SELECT 1 FROM rollup WHERE family = ? AND day BETWEEN ? AND ? LIMIT 1",
        (family, start // DAY, (end - 1) // DAY),
    )
    return row.fetchone() is not None


class Gone(NamedTuple):
    """A line of the ledger; `tier` is raw, 1min or 1h, times are µs UTC."""

    site: str
    tier: str
    day: int
    readings: int
    bytes: int
    first: int
    last: int
    why: str


def note(conn: sqlite3.Connection, gone: Gone) -> None:
    """Enter what a transaction deletes, inside it."""
    conn.execute(
        "INSERT INTO removed VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET "
        "readings = readings + excluded.readings, bytes = bytes + excluded.bytes, "
        "last = max(last, excluded.last), why = excluded.why",
        gone,
    )


def went(conn: sqlite3.Connection, point: int, day: int) -> bool:
    """Return whether readings of the point's site and day were let go of, as the ledger says."""
    row = conn.execute(
        "SELECT 1 FROM point p JOIN removed r ON r.site = substr(p.id, 1, "
        "instr(p.id, '/') - 1) AND r.tier = 'raw' AND r.day = ? WHERE p.number = ?",
        (day, point),
    ).fetchone()
    return row is not None


def ledger(
    conn: sqlite3.Connection, sites: frozenset[str] | None, limit: int, before: str | None
) -> list[Gone]:
    """Return lines, the youngest day first, of `sites` (None: all), after the cursor `before`.

    ValueError: the cursor is not ours.
    """
    day, site, tier = (2**62, "", "") if before is None else _parse(before)
    wanted = None if sites is None else sorted(sites)
    marks = "" if wanted is None else f"AND site IN ({', '.join('?' * len(wanted))})"
    rows = conn.execute(
        "SELECT site, tier, day, readings, bytes, first, last, why FROM removed "  # noqa: S608
        f"WHERE (-day, site, tier) > (?, ?, ?) {marks} ORDER BY -day, site, tier LIMIT ?",
        (-day, site, tier, *(wanted or ()), limit),
    )
    return [Gone._make(row) for row in rows]


def cursor_after(gone: Gone) -> str:
    """Return the cursor behind a line."""
    return f"{gone.day}~{gone.site}~{gone.tier}"


def _parse(cursor: str) -> tuple[int, str, str]:
    day, site, tier = cursor.split("~")
    return int(day), site, tier
