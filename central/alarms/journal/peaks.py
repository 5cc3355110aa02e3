"""The worst value of an episode and when: looked up in the store's own readings once it is over.

Not on the event loop and not in the commit: a page hears of the return at once, and again with the
peak. Only what is held against its point's own value has one: a ladder with limits. What was not
looked up when the collector ended is looked up when it starts, of the newest episodes.
"""

import asyncio
import json
import logging
import sqlite3
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Final, NamedTuple, Protocol, TypeVar

from sqlite_utils import Database as Tables

from central.alarms.journal.records import EpisodeRow, episode_by_id, episode_by_number
from central.database import Database, Urgency
from central.effects import Effects
from central.faults.places import is_fault
from central.reader import QueryTooLong
from central.store.queries.extreme import Extreme, extreme
from central.store.queries.source import Deadline, PointSource
from central.store.squeezed import Damaged
from protocols.clock import real_monotonic

logger = logging.getLogger(__name__)

T = TypeVar("T")
PORTION: Final = 16
"""Episodes looked up in one go."""
REST: Final = 4.0
"""So many times as long as a look took, it rests: a storm's peaks leave time to its alarms."""
WAITING: Final = 20_000
"""Episodes that may wait; further ones are looked up when somebody asks for one of them."""
NEWEST: Final = 5_000
"""Episodes looked through at the start."""
LONGEST: Final = 2.0
"""Real seconds one look may take."""


class Ask(Protocol):
    """A store that answers in a thread."""

    def __call__(self, work: Callable[[PointSource], T]) -> Awaitable[T]: ...


class Wanted(NamedTuple):
    """Which readings of which point an episode's peak is among."""

    episode: int
    point: int
    start: int
    end: int
    highest: bool


def of(conn: sqlite3.Connection, numbers: Iterable[int]) -> dict[int, Extreme]:
    """Return the peaks that were looked up, by the numbers of their episodes."""
    rows = conn.execute(
        "SELECT episode, value, time, quality FROM episode_peak "
        "WHERE episode IN (SELECT value FROM json_each(?))",
        (json.dumps(list(numbers)),),
    )
    return {number: Extreme(*peak) for number, *peak in rows}


def wanted(row: EpisodeRow, kind: str, end: int) -> Wanted | None:
    """Return what to look up of an episode of a rule of that kind, up to `end`; None: nothing."""
    if kind != "limit" or row.level.op[0] not in "<>" or is_fault(row.rule):
        return None
    return Wanted(row.number, row.point, row.raised, end + 1, row.level.op[0] == ">")


class Peaks:
    """Looks up peaks one portion after another; lives on the event loop."""

    def __init__(
        self,
        db: Database,
        ask: Ask,
        changed: Callable[[list[EpisodeRow]], None],
    ) -> None:
        self._db = db
        self._ask = ask
        self._changed = changed
        self._waiting: dict[str, None] = {}
        self._came = asyncio.Event()

    async def load(self) -> None:
        """Let those wait that a start finds without their peak."""
        self._want(await self._db.read(_left))

    def listen(self, effects: Effects) -> None:
        """Take episodes that are over (called after the commit)."""
        self._want(each.id for each in effects.episodes if each.returned is not None)

    def _want(self, episodes: Iterable[str]) -> None:
        for id_ in episodes:
            if len(self._waiting) < WAITING:
                self._waiting[id_] = None
                self._came.set()

    async def run(self) -> None:
        """Look up until cancelled."""
        while True:
            await self._came.wait()
            began = real_monotonic()
            await self.once()
            await asyncio.sleep(REST * (real_monotonic() - began))

    async def once(self) -> bool:
        """Look up a portion; False: nothing waits."""
        portion = list(self._waiting)[:PORTION]
        if portion:
            await self._look(portion)
        for id_ in portion:
            self._waiting.pop(id_, None)
        if not self._waiting:
            self._came.clear()
        return bool(portion)

    async def at(self, row: EpisodeRow, kind: str, end: int) -> Extreme | None:
        """Return the worst value of an episode until `end` (µs UTC), as far as it can be read."""
        sought = wanted(row, kind, end)
        found = await self.look_up([] if sought is None else [sought])
        return found[0][1] if found else None

    async def _look(self, episodes: Sequence[str]) -> None:
        rows = await self._db.read(lambda conn: _over(conn, episodes))
        sought = [wanted(row, "limit", row.returned or 0) for row in rows]
        found = await self.look_up([each for each in sought if each is not None])
        if found:
            # What is told is what stands then: somebody may have acknowledged it meanwhile.
            await self._db.write(
                lambda tables: _put(tables, found), self._changed, urgency=Urgency.PATIENT
            )

    async def look_up(self, sought: Sequence[Wanted]) -> list[tuple[Wanted, Extreme]]:
        """Return the extremes that can be read now, of what is sought."""

        def work(source: PointSource) -> list[tuple[Wanted, Extreme]]:
            deadline = Deadline(LONGEST)
            found = [(each, _extreme(source, each, deadline)) for each in sought]
            return [(each, peak) for each, peak in found if peak is not None]

        try:
            return await self._ask(work) if sought else []
        except (QueryTooLong, Damaged, sqlite3.Error) as exc:
            logger.warning("peaks of %d alarms are not known: %s", len(sought), exc)
            return []


def _extreme(source: PointSource, each: Wanted, deadline: Deadline) -> Extreme | None:
    span = each.point, each.start, each.end
    return extreme(source, *span, highest=each.highest, deadline=deadline)


def _over(conn: sqlite3.Connection, episodes: Sequence[str]) -> list[EpisodeRow]:
    """Return those that are over, of rules with a peak, and have none for that return yet."""
    found = []
    for row in filter(None, (episode_by_id(conn, id_) for id_ in episodes)):
        known = conn.execute(
            "SELECT until FROM episode_peak WHERE episode = ?", (row.number,)
        ).fetchone()
        if row.returned is not None and (known or (None,))[0] != row.returned and _own(conn, row):
            found.append(row)
    return found


def _own(conn: sqlite3.Connection, row: EpisodeRow) -> bool:
    """Return whether the rule is held against its point's own value."""
    kind = conn.execute(
        "SELECT json_extract(definition, '$.kind.kind') FROM rule WHERE id = ?", (row.rule,)
    ).fetchone()
    return kind is not None and kind[0] in (None, "limit")


def _put(tables: Tables, found: Sequence[tuple[Wanted, Extreme]]) -> list[EpisodeRow]:
    tables.conn.executemany(
        "INSERT OR REPLACE INTO episode_peak(episode, value, time, quality, until) "
        "VALUES (?, ?, ?, ?, ?)",
        [(each.episode, *peak, each.end - 1) for each, peak in found],
    )
    return [episode_by_number(tables.conn, each.episode) for each, _ in found]


def _left(conn: sqlite3.Connection) -> list[str]:
    rows = conn.execute(
        "SELECT e.id FROM episode e WHERE e.number > "
        "(SELECT coalesce(max(number), 0) FROM episode) - ? AND e.returned IS NOT NULL "
        "AND NOT EXISTS (SELECT 1 FROM episode_peak p WHERE p.episode = e.number "
        "AND p.until = e.returned)",
        (NEWEST,),
    )
    return [id_ for (id_,) in rows]
