"""Episodes and their journal in the tables; written only inside the ingest's or operator's commit.

Nothing is deleted, and a journal line is never changed.
"""

import itertools
import json
import sqlite3
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from functools import lru_cache
from typing import Final, NamedTuple

from central.alarms.episode import Acknowledgement
from protocols.alarms.condition import DAY, SITE_OFFSET, day_text
from protocols.alarms.rule import Colour, Level
from protocols.alarms.state import Word
from protocols.words import Purpose, Value

COLUMNS: Final = (
    "number, id, rule, point, site, state, level, raised, returned, closed, acknowledged, "
    "value_at_raise, occurrence, late, purpose, origin, confirmation"
)
_LADDERS: Final = 4_096
"""Ladders remembered: most points of a plant share theirs with many."""
_LEVEL_FIELDS: Final = tuple(each.name for each in fields(Level))


@dataclass(frozen=True, slots=True, kw_only=True)
class EpisodeRow:
    """An episode as the table has it."""

    number: int
    id: str
    rule: str
    point: int
    site: str
    state: str
    level: Level
    raised: int
    returned: int | None
    closed: int | None
    acknowledged: Acknowledgement | None
    value_at_raise: Value
    occurrence: int
    late: bool
    purpose: Purpose
    origin: str = "centre"
    """`gateway`: a gateway said so before the readings did."""
    confirmation: str = ""
    """Of a gateway's: `awaited`, `confirmed` by the readings, `unconfirmed`: they came, and no."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One journal line to be written."""

    episode: int | None
    rule: str
    time: int
    recorded: int
    word: Word
    level: str | None = None
    value: Value = None
    actor: str | None = None
    comment: str = ""
    nth: int = 0


FREE: Final = (
    "state <> 'NORMAL' AND number NOT IN (SELECT e.number FROM overlay o "
    "CROSS JOIN episode e INDEXED BY episode_open ON e.rule = o.rule AND e.state <> 'NORMAL')"
)
"""Open, and nothing lies over its rule: what is shelved is listed and counted apart."""
OPEN: Final = (
    "SELECT site, colour, state, count(*) FROM episode "  # noqa: S608
    f"WHERE {FREE} AND purpose = 'production' GROUP BY site, colour, state"
)


class OpenCount(NamedTuple):
    """How many open episodes of production data a site has of a colour and state, none shelved."""

    site: str
    colour: Colour
    state: str
    episodes: int


def open_counts(conn: sqlite3.Connection) -> list[OpenCount]:
    """Count what is open, from an index of that alone: a flood of alarms is not read for it."""
    rows = conn.execute(OPEN)
    return [OpenCount(site, Colour(colour), state, n) for site, colour, state, n in rows]


def last_number(conn: sqlite3.Connection) -> int:
    """Return the number of the newest episode; the next is one above it."""
    return int(conn.execute("SELECT coalesce(max(number), 0) FROM episode").fetchone()[0])


def insert_episodes(conn: sqlite3.Connection, rows: Sequence[EpisodeRow]) -> None:
    """Write new episodes."""
    if not rows:
        return
    conn.executemany(
        f"INSERT INTO episode({COLUMNS}, colour) "  # noqa: S608  # a constant of ours
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                row.number,
                row.id,
                row.rule,
                row.point,
                row.site,
                row.state,
                level_json(row.level),
                row.raised,
                row.returned,
                row.closed,
                _acknowledged_json(row.acknowledged),
                row.value_at_raise,
                row.occurrence,
                row.late,
                row.purpose.name.lower(),
                row.origin,
                row.confirmation,
                int(row.level.colour),
            )
            for row in rows
        ],
    )


def insert_episode(conn: sqlite3.Connection, row: EpisodeRow) -> int:
    """Write a new episode and return its number; `row.number` and `row.id` are not looked at."""
    number, (name,) = last_number(conn) + 1, take_names(conn, [row])
    insert_episodes(conn, [replace(row, number=number, id=name)])
    return number


def update_episode(conn: sqlite3.Connection, row: EpisodeRow) -> None:
    """Write what may change of an episode, but when it was raised."""
    update_episodes(conn, [row])


def update_episodes(conn: sqlite3.Connection, rows: Sequence[EpisodeRow]) -> None:
    """Write what may change of episodes, but when they were raised: indexes hold that."""
    if not rows:
        return
    conn.executemany(
        "UPDATE episode SET state = ?, level = ?, colour = ?, returned = ?, "
        "closed = ?, acknowledged = ?, occurrence = ?, late = ?, origin = ?, confirmation = ? "
        "WHERE number = ?",
        [
            (
                row.state,
                level_json(row.level),
                int(row.level.colour),
                row.returned,
                row.closed,
                _acknowledged_json(row.acknowledged),
                row.occurrence,
                row.late,
                row.origin,
                row.confirmation,
                row.number,
            )
            for row in rows
        ],
    )


def move_raises(conn: sqlite3.Connection, rows: Sequence[EpisodeRow]) -> None:
    """Write when episodes were raised, where that is told otherwise now."""
    if rows:
        conn.executemany(
            "UPDATE episode SET raised = ? WHERE number = ?",
            [(row.raised, row.number) for row in rows],
        )


def write_line(conn: sqlite3.Connection, line: Line) -> None:
    """Append to the journal, and to the outbox for whoever must be told later."""
    write_lines(conn, [line])


def write_lines(conn: sqlite3.Connection, lines: Sequence[Line]) -> None:
    """Append to the journal, and to the outbox for whoever must be told later."""
    if not lines:
        return
    conn.executemany(
        "INSERT INTO alarm_journal(episode, rule, time, recorded, event, level, value, actor, "
        "comment, nth) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                line.episode,
                line.rule,
                line.time,
                line.recorded,
                line.word.value,
                line.level,
                line.value,
                line.actor,
                line.comment,
                line.nth,
            )
            for line in lines
        ],
    )
    conn.executemany(
        "INSERT INTO outbox(recorded, kind, body) VALUES (?, 'alarm', ?)",
        [(line.recorded, _outbox(line)) for line in lines],
    )


def _outbox(line: Line) -> str:
    return json.dumps(
        {"episode": line.episode, "rule": line.rule, "event": line.word, "time": line.time}
    )


def episode_by_number(conn: sqlite3.Connection, number: int) -> EpisodeRow:
    """Return an episode that is known to exist."""
    found = conn.execute(f"SELECT {COLUMNS} FROM episode WHERE number = ?", (number,))  # noqa: S608
    return read_row(found.fetchone())


def episode_by_id(conn: sqlite3.Connection, id_: str) -> EpisodeRow | None:
    """Return the episode `A-YYYYMMDD-NNNN`."""
    row = conn.execute(f"SELECT {COLUMNS} FROM episode WHERE id = ?", (id_,)).fetchone()  # noqa: S608
    return read_row(row) if row else None


def read_row(row: tuple[object, ...]) -> EpisodeRow:
    """Return a row of COLUMNS as a struct."""
    found = dict(zip(COLUMNS.split(", "), row, strict=True))
    acknowledged = found["acknowledged"]
    return EpisodeRow(
        **found  # type: ignore[arg-type]  # the columns are the fields
        | {
            "level": read_level(str(found["level"])),
            "acknowledged": Acknowledgement(**json.loads(str(acknowledged)))
            if acknowledged
            else None,
            "late": bool(found["late"]),
            "purpose": Purpose[str(found["purpose"]).upper()],
        }
    )


@lru_cache(maxsize=_LADDERS)
def level_json(level: Level) -> str:
    """Return a level as the tables keep it."""
    return json.dumps(_plain(level), ensure_ascii=False, sort_keys=True)


def _plain(level: Level) -> dict[str, object]:
    # What asdict gives, without copying: a manifest has tens of thousands of these.
    return {name: getattr(level, name) for name in _LEVEL_FIELDS}


@lru_cache(maxsize=_LADDERS)
def read_level(text: str) -> Level:
    """Return the level of `level_json`."""
    found = json.loads(text)
    return Level(**found | {"colour": Colour(found["colour"])})


def levels_json(levels: tuple[Level, ...]) -> str:
    """Return a ladder as the tables keep it; equal ladders give equal text."""
    return json.dumps([_plain(level) for level in levels], ensure_ascii=False, sort_keys=True)


@lru_cache(maxsize=_LADDERS)
def read_levels(text: str) -> tuple[Level, ...]:
    """Return the ladder of `levels_json`."""
    return tuple(Level(**found | {"colour": Colour(found["colour"])}) for found in json.loads(text))


def _acknowledged_json(acknowledged: Acknowledgement | None) -> str | None:
    return None if acknowledged is None else json.dumps(asdict(acknowledged), ensure_ascii=False)


def take_names(conn: sqlite3.Connection, rows: Sequence[EpisodeRow]) -> list[str]:
    """Count the episodes of the site's day on which each of these was raised: their ids."""
    days = [day_text((row.raised + SITE_OFFSET) // DAY).replace("-", "") for row in rows]
    last = {}
    for day, count in Counter(days).items():
        conn.execute(
            "INSERT INTO episode_day(day, last) VALUES (?, ?) "
            "ON CONFLICT(day) DO UPDATE SET last = last + excluded.last",
            (day, count),
        )
        found = conn.execute("SELECT last FROM episode_day WHERE day = ?", (day,)).fetchone()
        last[day] = itertools.count(found[0] - count + 1)
    return [f"A-{day}-{next(last[day]):04d}" for day in days]
