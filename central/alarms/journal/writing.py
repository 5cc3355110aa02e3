"""Writes episodes and their journal, only inside the ingest's or an operator's commit.

Statements name the columns that changed: an index of others is left alone. What happens all the
time (it returns, it comes again) touches one index of an episode.
"""

import itertools
import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any, Final

from central.alarms.journal import at_once
from central.alarms.journal.at_once import Rows
from central.alarms.journal.episode import Acknowledgement
from central.alarms.journal.records import COLUMNS, NOTHING_BESIDE, EpisodeRow, Line, level_json
from protocols.alarms.condition import DAY, SITE_OFFSET, day_text
from protocols.words import Purpose

SEEN: Final = ("ACKED", "LATCHED_ACKED")
"""States nobody has to see any more."""
_PURPOSES: Final = {purpose: purpose.name.lower() for purpose in Purpose}
_INSERT: Final = Rows(
    f"INSERT INTO episode({COLUMNS}, colour, unseen) VALUES ",  # noqa: S608  # a constant of ours
    f"({', '.join('?' * (len(COLUMNS.split(', ')) + 2))})",
)
_STEP: Final = Rows(
    "UPDATE episode SET state = new.column2, returned = new.column3, occurrence = new.column4 "
    "FROM (VALUES ",
    "(?, ?, ?, ?)",
    ") AS new WHERE number = new.column1",
)
"""Still open, at its level, seen or unseen as before."""
_CHANGE: Final = (
    "UPDATE episode SET state = ?, returned = ?, acknowledged = ?, occurrence = ?, level = ?, "
    "colour = ?, closed = ?, late = ?, origin = ?, confirmation = ?, unseen = ? WHERE number = ?"
)
_JOURNAL: Final = Rows(
    "INSERT INTO alarm_journal(episode, rule, time, recorded, event, level, value, actor, "
    "comment, nth) VALUES ",
    "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
)
_HEARD: Final = Rows(_JOURNAL.before, "(?, ?, ?, ?, ?, ?, ?, NULL, '', 0)")
"""A reading's: nobody acted, and there is nothing to remark."""


def last_number(conn: sqlite3.Connection) -> int:
    """Return the number of the newest episode; the next is one above it."""
    return int(conn.execute("SELECT coalesce(max(number), 0) FROM episode").fetchone()[0])


def insert_episodes(conn: sqlite3.Connection, rows: Sequence[EpisodeRow]) -> None:
    """Write new episodes."""
    at_once.write(conn, _INSERT, [_whole(row) for row in rows])


def _whole(row: EpisodeRow) -> tuple[Any, ...]:
    return (
        row.number,
        row.id,
        row.rule,
        row.point,
        row.site,
        row.state,
        level_text(row),
        row.raised,
        row.returned,
        row.closed,
        acknowledged_json(row.acknowledged),
        row.value_at_raise,
        row.occurrence,
        row.late,
        _PURPOSES[row.purpose],
        row.origin,
        row.confirmation,
        int(row.level.colour),
        row.state not in SEEN,
    )


def update_episodes(
    conn: sqlite3.Connection, rows: Iterable[tuple[EpisodeRow, EpisodeRow]]
) -> None:
    """Write what changed of episodes: each as the table has it, and as it is now."""
    steps, changes, moved = [], [], []
    for before, row in rows:
        if _only_stepped(before, row):
            steps.append((row.number, str(row.state), row.returned, row.occurrence))
        else:
            step = (row.state, row.returned, acknowledged_json(row.acknowledged), row.occurrence)
            changes.append((*step, *_rest(row), row.number))
        if row.raised != before.raised:
            moved.append((row.raised, row.number))
    at_once.write(conn, _STEP, steps)
    if changes:
        conn.executemany(_CHANGE, changes)
    if moved:
        conn.executemany("UPDATE episode SET raised = ? WHERE number = ?", moved)


def _only_stepped(before: EpisodeRow, row: EpisodeRow) -> bool:
    return (
        row.level is before.level
        and row.closed is before.closed is None
        and row.acknowledged is before.acknowledged
        and row.late == before.late
        and row.confirmation == before.confirmation
        and row.origin == before.origin
        and (row.state in SEEN) == (before.state in SEEN)
    )


def _rest(row: EpisodeRow) -> tuple[Any, ...]:
    return (
        level_text(row),
        int(row.level.colour),
        row.closed,
        row.late,
        row.origin,
        row.confirmation,
        row.state not in SEEN,
    )


def write_line(conn: sqlite3.Connection, line: Line) -> None:
    """Append to the journal."""
    write_lines(conn, [line])


def write_lines(conn: sqlite3.Connection, lines: Sequence[Line], *, remarked: bool = True) -> None:
    """Append to the journal: whoever tells of it keeps the last `id` it has told of.

    `remarked`: whether some end with more than NOTHING_BESIDE.
    """
    if remarked:
        at_once.write(conn, _JOURNAL, lines)
    else:
        at_once.write(conn, _HEARD, [line[: -len(NOTHING_BESIDE)] for line in lines])


def level_text(row: EpisodeRow) -> str:
    """Return an episode's level as the table keeps it."""
    return level_json(row.level)


def acknowledged_json(acknowledged: Acknowledgement | None) -> str | None:
    """Return who has seen it as the table keeps it."""
    return None if acknowledged is None else json.dumps(asdict(acknowledged), ensure_ascii=False)


def take_names(conn: sqlite3.Connection, rows: Sequence[EpisodeRow]) -> list[str]:
    """Count the episodes of the site's day on which each of these was raised: their ids."""
    numbers = [(row.raised + SITE_OFFSET) // DAY for row in rows]
    last = {}
    for day, count in Counter(numbers).items():
        text = day_text(day).replace("-", "")
        conn.execute(
            "INSERT INTO episode_day(day, last) VALUES (?, ?) "
            "ON CONFLICT(day) DO UPDATE SET last = last + excluded.last",
            (text, count),
        )
        found = conn.execute("SELECT last FROM episode_day WHERE day = ?", (text,)).fetchone()
        last[day] = text, itertools.count(found[0] - count + 1)
    return [f"A-{last[day][0]}-{next(last[day][1]):04d}" for day in numbers]
