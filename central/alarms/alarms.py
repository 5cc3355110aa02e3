"""Alarms as people ask for them: lists, one with its history, acknowledging. Lives on the loop."""

import sqlite3
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from sqlite_utils import Database as Tables

from central.alarms.acknowledging import Acknowledging, Outcome, acknowledge
from central.alarms.engine import Engine
from central.alarms.episode import (
    Episode,
    EpisodeDetail,
    EpisodeFilter,
    EpisodePage,
    JournalLine,
)
from central.alarms.records import COLUMNS, EpisodeRow, episode_by_id, read_levels, read_row
from central.alarms.trend import Trends
from central.alarms.view import Names, view
from central.database import Database, Urgency
from central.effects import Effects
from central.store.interface import Store
from protocols.alarms.rule import Colour, Level
from protocols.alarms.state import State
from protocols.wire.bounds import NUMBER

MOST: Final = 500
"""Episodes on a page."""
_STATES: Final = {
    "open": "state <> 'NORMAL'",
    "unacknowledged": "state IN ('UNACK', 'RTN_UNACK')",
    "history": "state = 'NORMAL'",
    "all": "1",
}
_URGENT: Final = "state = 'ACKED', colour DESC, raised DESC, number DESC"
_NEWEST: Final = "raised DESC, number DESC"


class Alarms:
    """Episodes joined with the names and newest readings of their points."""

    def __init__(
        self,
        db: Database,
        engine: Engine,
        names: Names,
        store: Store,
        tell: Callable[[Effects], None],
    ) -> None:
        self._db = db
        self._engine = engine
        self._names = names
        self._store = store
        self._tell = tell
        self.trends = Trends()
        self._ladders: dict[str, tuple[Level, ...]] = {}

    async def load(self) -> None:
        """Read every rule's ladder; the engine's own are held once."""
        self._ladders = await self._db.write(
            lambda tables: _resting(tables.conn) | self._engine.ladders(tables.conn)
        )

    def put_ladders(self, ladders: Mapping[str, tuple[Level, ...]]) -> None:
        """Take ladders that a manifest changed, after the commit."""
        self._ladders.update(ladders)

    def ladder(self, rule: str) -> tuple[Level, ...]:
        """Return a rule's levels from least to most severe."""
        return self._ladders.get(rule, ())

    async def episodes(self, asked: EpisodeFilter | None = None) -> EpisodePage:
        """Return a page of episodes. ValueError: the cursor is not ours, the state is unknown."""
        asked = asked or EpisodeFilter()
        if asked.state not in _STATES:
            raise ValueError(f"state {asked.state!r} is not one of {', '.join(_STATES)}")
        where, values = _where(asked, self._matching(asked.q))
        order = _NEWEST if asked.state in ("history", "all") else _URGENT
        offset, limit = _offset(asked.cursor), max(1, min(asked.limit, MOST))
        total, rows = await self._db.read(
            lambda conn: _page(conn, (where, order), values, limit, offset)
        )
        more = offset + len(rows) < total
        return EpisodePage(
            items=tuple(self.views(rows)),
            total=total,
            next=str(offset + len(rows)) if more else None,
        )

    async def episode(self, id: str) -> EpisodeDetail | None:  # noqa: A002
        """Return one episode with its journal, or None."""
        found = await self._db.read(lambda conn: _detail(conn, id))
        if found is None:
            return None
        row, journal = found
        return EpisodeDetail(
            episode=self.views([row])[0], journal=journal, levels=self.ladder(row.rule)
        )

    async def acknowledge(  # who, what, when, and what goes with it
        self,
        id: str,  # noqa: A002
        person: str,
        comment: str,
        key: str,
        now: int,
        also: Callable[[Tables], None] | None = None,
    ) -> Episode:
        """Acknowledge once; the same `key` again gives the same episode.

        `also` is done in the same transaction if something changed: whoever keeps an audit.

        Raises EpisodeUnknown, or IllegalTransition: ALREADY_ACKNOWLEDGED (`by`, `at`), KEY_USED,
        or ILLEGAL_TRANSITION when there is nothing to acknowledge.
        """
        asked = Acknowledging(episode=id, person=person, comment=comment, key=key, now=now)

        def after(outcome: Outcome) -> None:
            if outcome.changed:
                self._tell(Effects(episodes=self.views([outcome.row])))

        def work(tables: Tables) -> Outcome:
            outcome = acknowledge(tables, self._engine, asked)
            if outcome.changed and also is not None:
                also(tables)
            return outcome

        outcome = await self._db.write(work, after, urgency=Urgency.URGENT)
        if outcome.error is not None:
            raise outcome.error
        return self.views([outcome.row])[0]

    def views(self, rows: Iterable[EpisodeRow]) -> list[Episode]:
        """Return episodes as people see them."""
        return [self._view(row) for row in rows]

    def _view(self, row: EpisodeRow) -> Episode:
        active = row.state in (State.UNACK, State.ACKED)
        ahead = (
            self.trends.next_threshold(row.point, self.ladder(row.rule), row.level)
            if active
            else None
        )
        return view(row, self._names, self._store.head(row.point), ahead)

    def _matching(self, text: str) -> list[int] | None:
        if not text:
            return None
        sought = text.casefold()
        return [
            point.number
            for point in self._names.points()
            if any(
                sought in name.casefold()
                for name in (point.id, point.label.zh, point.label.en, point.device_label.zh)
            )
        ]


def _resting(conn: sqlite3.Connection) -> dict[str, tuple[Level, ...]]:
    rows = conn.execute("SELECT id, levels FROM rule WHERE NOT active")
    return {id_: read_levels(levels) for id_, levels in rows}


def _offset(cursor: str | None) -> int:
    offset = int(cursor or 0)
    if not 0 <= offset <= NUMBER:
        raise ValueError("the cursor is not ours")
    return offset


def _where(asked: EpisodeFilter, points: list[int] | None) -> tuple[str, list[object]]:
    clauses, values = [_STATES[asked.state]], list[object]()
    if asked.level is not None:
        clauses.append("colour = ?")
        values.append(
            int(Colour[asked.level.upper()]) if asked.level.upper() in Colour.__members__ else 0
        )
    if asked.sites is not None:
        clauses.append(f"site IN ({', '.join('?' * len(asked.sites))})")
        values += sorted(asked.sites)
    if points is not None:
        marks = ", ".join(str(number) for number in points)
        clauses.append(f"(point IN ({marks}) OR id LIKE ? ESCAPE '\\')")
        escaped = asked.q.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        values.append(f"%{escaped}%")
    return " AND ".join(clauses), values


def _page(
    conn: sqlite3.Connection, parts: tuple[str, str], values: list[Any], limit: int, offset: int
) -> tuple[int, list[EpisodeRow]]:
    where, order = parts
    total = conn.execute(f"SELECT count(*) FROM episode WHERE {where}", values)  # noqa: S608
    found = conn.execute(
        f"SELECT {COLUMNS} FROM episode WHERE {where} ORDER BY {order} LIMIT ? OFFSET ?",  # noqa: S608
        [*values, limit, offset],
    )
    return int(total.fetchone()[0]), [read_row(row) for row in found.fetchall()]


def _detail(
    conn: sqlite3.Connection, id_: str
) -> tuple[EpisodeRow, tuple[JournalLine, ...]] | None:
    row = episode_by_id(conn, id_)
    if row is None:
        return None
    lines = conn.execute(
        "SELECT time, recorded, event, level, value, actor, comment FROM alarm_journal "
        "WHERE episode = ? ORDER BY id",
        (row.number,),
    )
    return row, tuple(
        JournalLine(
            time=line[0],
            recorded=line[1],
            event=line[2],
            level=line[3],
            value=line[4],
            actor=line[5],
            comment=line[6],
        )
        for line in lines
    )
