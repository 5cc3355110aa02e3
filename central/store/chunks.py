"""The table of chunks: found by family and day, written with the number of their seal.

A chunk is there once the watermark has reached its seal; before that readers pass it over.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple, Protocol

from central.store.codec.chunk import Chunk
from central.store.families import Place
from protocols.clock import HOUR

DAY: Final = 24 * HOUR
"""A UTC day: it begins at 08:00 in Beijing, as the hydrological day does."""
MERGED: Final = 0
"""The seal of what was made of chunks that were there already."""


class Found(NamedTuple):
    """A chunk without its content; `n` counts the readings of all its members."""

    id: int
    t0: int
    t1: int
    n: int
    members: int


class Little(NamedTuple):
    """A chunk by which it is known again: no other has the same of all, whatever its id was."""

    id: int
    t0: int
    t1: int
    n: int
    members: int
    received0: int
    received1: int
    size: int
    """Bytes of its content."""


class Summed(NamedTuple):
    """A chunk with what can be known of it without its content."""

    id: int
    t0: int
    t1: int
    members: int
    summary: bytes


class Upto(Protocol):
    """What a chunk has to have begun with: time <= at, received at or before `arrived`."""

    @property
    def at(self) -> int: ...
    @property
    def arrived(self) -> int: ...
    @property
    def watermark(self) -> int: ...


def watermark(conn: sqlite3.Connection) -> int:
    """Return the last journal row that is in chunks."""
    return int(conn.execute("SELECT watermark FROM store").fetchone()[0])


def insert(conn: sqlite3.Connection, seal: int, chunks: Iterable[tuple[int, int, Chunk]]) -> None:
    """Write (family, day, chunk) rows inside the caller's transaction."""
    conn.executemany(
        "INSERT INTO chunk(family, day, t0, t1, n, members, received0, received1, seal, summary, "
        "body) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                family,
                day,
                chunk.t0,
                chunk.t1,
                chunk.n,
                chunk.members,
                chunk.received0,
                chunk.received1,
                seal,
                chunk.summary,
                chunk.body,
            )
            for family, day, chunk in chunks
        ],
    )


def find(conn: sqlite3.Connection, place: Place, start: int, end: int) -> list[Found]:
    """Return the chunks that may hold readings of a point with start <= time < end, by time."""
    rows = conn.execute(
        "SELECT id, t0, t1, n, members FROM chunk WHERE family = ?1 AND day BETWEEN ?2 AND ?3 "
        "AND t0 < ?4 AND t1 >= ?5 AND members & ?6 AND seal <= (SELECT watermark FROM store) "
        "ORDER BY day, t0",
        (place.family, start // DAY, (end - 1) // DAY, end, start, 1 << place.member),
    )
    return [Found._make(row) for row in rows]


def few(
    conn: sqlite3.Connection, place: Place, span: tuple[int, int], watermark: int, most: int
) -> list[Little]:
    """Return what `find` returns, at most so many."""
    start, end = span
    rows = conn.execute(
        "SELECT id, t0, t1, n, members, received0, received1, length(body) FROM chunk "
        "WHERE family = ? AND day BETWEEN ? AND ? AND t0 < ? AND t1 >= ? AND members & ? "
        "AND seal <= ? ORDER BY day, t0 LIMIT ?",
        (
            place.family,
            start // DAY,
            (end - 1) // DAY,
            end,
            start,
            1 << place.member,
            watermark,
            most,
        ),
    )
    return list(map(Little._make, rows))


def of_one_day(
    conn: sqlite3.Connection, key: tuple[int, int], watermark: int, most: int
) -> list[Little]:
    """Return the chunks of a family's day, at most so many, by time."""
    rows = conn.execute(
        "SELECT id, t0, t1, n, members, received0, received1, length(body) FROM chunk "
        "WHERE family = ? AND day = ? AND seal <= ? ORDER BY t0 LIMIT ?",
        (*key, watermark, most),
    )
    return list(map(Little._make, rows))


def of_family(
    conn: sqlite3.Connection, family: int, start: int, end: int, watermark: int
) -> list[Found]:
    """Return what `find` returns of any of a family's points."""
    rows = conn.execute(
        "SELECT id, t0, t1, n, members FROM chunk WHERE family = ? AND day BETWEEN ? AND ? "
        "AND t0 < ? AND t1 >= ? AND seal <= ? ORDER BY day, t0",
        (family, start // DAY, (end - 1) // DAY, end, start, watermark),
    )
    return [Found._make(row) for row in rows]


def summed(
    conn: sqlite3.Connection, family: int, start: int, end: int, watermark: int
) -> Iterator[Summed]:
    """Yield the chunks of a family that may hold readings with start <= time < end."""
    rows = conn.execute(
        "SELECT id, t0, t1, members, summary FROM chunk WHERE family = ? "
        "AND day BETWEEN ? AND ? AND t0 < ? AND t1 >= ? AND seal <= ?",
        (family, start // DAY, (end - 1) // DAY, end, start, watermark),
    )
    return map(Summed._make, rows)


def newest_day(
    conn: sqlite3.Connection, family: int, before: int, members: int, upto: Upto
) -> int | None:
    """Return the newest day before `before` with a chunk that any of `members` (bits) is in."""
    row = conn.execute(
        "SELECT max(day) FROM chunk WHERE family = ? AND day < ? AND members & ? AND t0 <= ? "
        "AND received0 <= ? AND seal <= ?",
        (family, before, members, upto.at, upto.arrived, upto.watermark),
    ).fetchone()
    day: int | None = row[0]
    return day


def of_day(
    conn: sqlite3.Connection, family: int, day: int, members: int, upto: Upto
) -> list[Summed]:
    """Return a day's chunks that any of `members` is in, the one that ends last first."""
    rows = conn.execute(
        "SELECT id, t0, t1, members, summary FROM chunk WHERE family = ? AND day = ? "
        "AND members & ? AND t0 <= ? AND received0 <= ? AND seal <= ? ORDER BY t1 DESC",
        (family, day, members, upto.at, upto.arrived, upto.watermark),
    )
    return [Summed._make(row) for row in rows]


def days(conn: sqlite3.Connection, family: int, upto: int) -> Iterable[int]:
    """Yield the days up to `upto` of which a family has chunks, the newest first."""
    day: int | None = upto + 1
    while True:
        row = conn.execute(
            "SELECT max(day) FROM chunk WHERE family = ? AND day < ?", (family, day)
        ).fetchone()
        day = row[0]
        if day is None:
            return
        yield day


def bodies(conn: sqlite3.Connection, found: Iterable[int]) -> Iterable[bytes]:
    """Yield the content of those chunks that are there, by id."""
    for id_ in found:
        row = conn.execute("SELECT body FROM chunk WHERE id = ?", (id_,)).fetchone()
        if row is not None:
            yield row[0]


def summary_of(conn: sqlite3.Connection, id_: int) -> bytes:
    """Return what can be known of a chunk without its content."""
    summary: bytes = conn.execute("SELECT summary FROM chunk WHERE id = ?", (id_,)).fetchone()[0]
    return summary
