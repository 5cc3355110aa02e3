"""The journal followed by others, each from its own place on: it is its own outbox.

A line is written in the transaction of what led to it and never changed, and numbers rise in the
order of commit. A reader keeps the number of the last line it is done with; until it says so, the
same lines come again, also after a restart of either side: nothing is lost between two systems.
"""

import json
import sqlite3
from collections.abc import Collection
from typing import Final, NamedTuple

from protocols.errors import FengsuiError
from protocols.words import Value

_LINES: Final = (
    "SELECT j.id, e.id, j.rule, coalesce(e.site, substr(p.id, 1, instr(p.id, '/') - 1), ''), "
    "j.time, j.recorded, j.event, j.level, j.value, j.actor, j.comment, j.nth, e.purpose, e.late "
    "FROM (SELECT * FROM alarm_journal WHERE id > ? ORDER BY id LIMIT ?) j "
    "LEFT JOIN episode e ON e.number = j.episode LEFT JOIN rule r ON r.id = j.rule "
    "LEFT JOIN point p ON p.number = coalesce(e.point, r.point) ORDER BY j.id"
)


class JournalPlace(FengsuiError):
    """A reader can only be done with lines there are, and go on from where it is."""

    code = "JOURNAL_PLACE"


class Told(NamedTuple):
    """One line: `episode`, `purpose` and `late` where it is of an alarm, `rule` always."""

    number: int
    episode: str | None
    rule: str
    site: str
    time: int
    recorded: int
    event: str
    level: str | None
    value: Value
    actor: str | None
    comment: str
    nth: int
    purpose: str | None
    late: bool | None


class Pending(NamedTuple):
    """Lines in order; `reached`: the last that was looked at; `newest`: the last there is."""

    lines: list[Told]
    reached: int
    newest: int


def pending(
    conn: sqlite3.Connection, after: int, most: int, sites: Collection[str] | None
) -> Pending:
    """Return what of the next `most` lines is of `sites` (None: everywhere)."""
    rows = [Told(*row) for row in conn.execute(_LINES, (after, most))]
    reached = rows[-1].number if rows else after
    lines = [row for row in rows if sites is None or row.site in sites]
    return Pending(lines, reached, _newest(conn))


def place(conn: sqlite3.Connection, reader: str) -> int:
    """Return the last line a reader (`name_of`) is done with; 0: it has not said so of any."""
    found = conn.execute("SELECT position FROM journal_reader WHERE name = ?", (reader,)).fetchone()
    return int(found[0]) if found else 0


def advance(conn: sqlite3.Connection, reader: str, position: int, now: int) -> int:
    """Let a reader be done with all lines up to `position`; raises JournalPlace."""
    before, newest = place(conn, reader), _newest(conn)
    if not before <= position <= newest:
        name = json.loads(reader)[1]
        raise JournalPlace(reader=name, position=position, least=before, most=newest)
    conn.execute(
        "INSERT INTO journal_reader(name, position, moved) VALUES (?, ?, ?) ON CONFLICT(name) "
        "DO UPDATE SET position = excluded.position, moved = excluded.moved",
        (reader, position, now),
    )
    return position


def name_of(person: str, reader: str) -> str:
    """Return what a reader is kept as: everybody has readers of their own."""
    return json.dumps([person, reader], ensure_ascii=False)


def _newest(conn: sqlite3.Connection) -> int:
    return int(conn.execute("SELECT coalesce(max(id), 0) FROM alarm_journal").fetchone()[0])
