"""Episodes and their journal as the tables have them; `writing` writes them.

Nothing is deleted, and a journal line is never changed.
"""

import json
import sqlite3
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Final, NamedTuple

from central.alarms.journal.episode import Acknowledgement
from protocols.alarms.rule import Colour, Level
from protocols.words import Purpose, Value

COLUMNS: Final = (
    "number, id, rule, point, site, state, level, raised, returned, closed, acknowledged, "
    "value_at_raise, occurrence, late, purpose, origin, confirmation"
)
_LADDERS: Final = 4_096
"""Ladders remembered: most points of a plant share theirs with many."""
_LEVEL_FIELDS: Final = tuple(each.name for each in fields(Level))


@dataclass(slots=True)
class EpisodeRow:
    """An episode as the table has it.

    Changed only by the ledger of one commit, which has its own: a storm makes one for each reading,
    and a frozen one takes ten times as long to make.
    """

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


class Line(NamedTuple):
    """One journal line to be written, in the order of the table's columns."""

    episode: int | None
    rule: str
    time: int
    recorded: int
    word: str
    level: str | None = None
    value: Value = None
    actor: str | None = None
    comment: str = ""
    nth: int = 0


NOTHING_BESIDE: Final = (None, "", 0)
"""What a line ends with where nobody acted and there is nothing to remark."""
FREE: Final = (
    "closed IS NULL AND number NOT IN (SELECT e.number FROM overlay o "
    "CROSS JOIN episode e INDEXED BY episode_open ON e.rule = o.rule AND e.closed IS NULL)"
)
"""Open, and nothing lies over its rule: what is shelved is listed and counted apart."""
FAULTS: Final = "number IN (SELECT episode FROM fault)"
ALARMS: Final = "number NOT IN (SELECT episode FROM fault)"
"""Process alarms: what is silent is a fault, listed with them or alone, and counted apart."""
OPEN: Final = (
    "SELECT site, colour, unseen, count(*) FROM episode "  # noqa: S608
    f"WHERE {FREE} AND {ALARMS} AND purpose = 'production' GROUP BY site, colour, unseen"
)


class OpenCount(NamedTuple):
    """How many open episodes of production data a site has of a colour, none shelved.

    `unseen`: nobody has acknowledged them.
    """

    site: str
    colour: Colour
    unseen: bool
    episodes: int


def open_counts(conn: sqlite3.Connection) -> list[OpenCount]:
    """Count what is open, from an index of that alone: a flood of alarms is not read for it."""
    rows = conn.execute(OPEN)
    return [OpenCount(site, Colour(colour), bool(unseen), n) for site, colour, unseen, n in rows]


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
