"""The alarm engine: `evaluate(batch, state) -> effects`, in the transaction that stores the batch.

Live readings (newer than the newest judged of their point) step the live alarm; older ones of an
earlier stream go to that stream's own machine (`backfill`); a stray older one inside one stream is
only noted. Quality that is not good, text and times nobody knew neither raise nor clear; bad
quality calls off a return that was only pending. State in memory is a copy of the tables: after an
undone transaction it is read again.
"""

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from sqlite_utils import Database as Tables

from central.alarms import backfill, quiet, ruleset
from central.alarms.moves import Moves
from central.alarms.records import EpisodeRow
from central.alarms.tracked import Tracked, load, save, save_quiet, stream_purpose
from central.alarms.trend import WINDOW
from central.store.columns import Columns
from central.store.interface import FLAG_ESTIMATED, Row
from protocols.alarms.condition import advance, calm, interrupt, late, sample, violates
from protocols.alarms.state import Word
from protocols.quality import is_good
from protocols.words import Purpose

GRACE: Final = 2_000_000
"""How long after its due time (µs) a timer waits for a reading still on its way that would undo it.

The event keeps the due time; a batch is sealed within a second and needs a moment to arrive."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """A commit's rows of one stream, in order of seq, with UTC times; `arrival` is now."""

    stream: int
    purpose: Purpose
    arrival: int
    rows: Columns


@dataclass(slots=True)
class Judged:
    """Effects: changed episodes, good samples (point, time, value), and the next timer's time."""

    episodes: list[EpisodeRow] = field(default_factory=list)
    good: list[tuple[int, int, float]] = field(default_factory=list)
    due: int | None = None


_INT64: Final = 2**63


class Engine:
    """Lives in the writer thread; see the module's promises."""

    def __init__(self) -> None:
        self._loaded = False
        self._rules: dict[str, Tracked] = {}
        self._by_point: dict[int, list[Tracked]] = {}
        self._timed: dict[str, Tracked] = {}

    def forget(self) -> None:
        """Drop the copy of the tables: the next call reads them again."""
        self._loaded = False

    def evaluate(self, tables: Tables, batch: Evaluation) -> Judged:
        """Judge a commit's rows and write what follows."""
        self._ensure(tables.conn)
        rows, stream = batch.rows, batch.stream
        if len(rows) < quiet.LEAST:
            return self._judge(tables, batch, rows.rows())
        sifted = quiet.sift(self._by_point, rows, stream, batch.arrival - WINDOW)
        judged = self._judge(tables, batch, rows.rows(sifted.left))
        # Only points that the machine was not given are here: neither saw the other's.
        save_quiet(tables.conn, quiet.settle(sifted.passed, rows, stream, batch.arrival), stream)
        return Judged(judged.episodes, sifted.good, self.due())

    def _judge(self, tables: Tables, batch: Evaluation, rows: list[Row]) -> Judged:
        """Judge reading by reading."""
        moves = Moves(tables.conn, batch.arrival, batch.purpose)
        good: list[tuple[int, int, float]] = []
        touched: dict[str, Tracked] = {}
        for row in rows:
            tracked_here = self._by_point.get(row.point)
            if tracked_here is None:
                continue
            value = _number(row)
            if value is not None:
                good.append((row.point, row.time, value))
            elif is_good(row.quality) or row.flags & FLAG_ESTIMATED:
                continue
            for tracked in tracked_here:
                if (
                    _lose(moves, tracked, batch.stream, row.time)
                    if value is None
                    else self._take(moves, tracked, batch.stream, row.time, value)
                ):
                    touched[tracked.rule.id] = tracked
        for tracked in touched.values():
            backfill.settle(moves, tracked, batch.stream)
            self._keep(tables.conn, tracked)
        return Judged(moves.changed(), good, self.due())

    def tick(self, tables: Tables, now: int) -> Judged:
        """Fire the timers whose time has come; each event carries its own due time."""
        self._ensure(tables.conn)
        changed: list[EpisodeRow] = []
        for tracked in list(self._timed.values()):
            end = tracked.due()
            if end is None or end + GRACE > now:
                continue
            moves = Moves(tables.conn, now, stream_purpose(tables.conn, tracked))
            tracked.condition, changes = advance(tracked.rule, tracked.condition, now - GRACE)
            for change in changes:
                moves.apply(tracked, change, tracked.value)
            self._keep(tables.conn, tracked)
            changed += moves.changed()
        return Judged(changed, [], self.due())

    def due(self) -> int | None:
        """Return when `tick` has something to do."""
        ends = [end for tracked in self._timed.values() if (end := tracked.due()) is not None]
        return min(ends) + GRACE if ends else None

    def take_rules(
        self,
        tables: Tables,
        rules: Sequence[ruleset.Wanted],
        numbers: Mapping[int, int],
        now: int,
    ) -> ruleset.Taken:
        """Make `rules` those of their points; re-evaluates at once."""
        self._ensure(tables.conn)
        return self._index(tables.conn, ruleset.take(tables.conn, self._rules, rules, numbers, now))

    def retire_rules(
        self, tables: Tables, gateway: str, rules: Sequence[ruleset.Wanted], now: int
    ) -> ruleset.Taken:
        """Let go of the gateway's other rules; their alarms return."""
        self._ensure(tables.conn)
        return self._index(
            tables.conn, ruleset.retire(tables.conn, self._rules, gateway, rules, now)
        )

    def _index(self, conn: sqlite3.Connection, taken: ruleset.Taken) -> ruleset.Taken:
        for tracked in taken.tracked:
            self._rules[tracked.rule.id] = tracked
            here = self._by_point.setdefault(tracked.point, [])
            here[:] = [other for other in here if other.rule.id != tracked.rule.id]
            if tracked.rule.id in taken.active:
                here.append(tracked)
            self._keep(conn, tracked)
        return taken

    def tracked(self, conn: sqlite3.Connection, rule: str) -> Tracked | None:
        """Return the state of a rule."""
        self._ensure(conn)
        return self._rules.get(rule)

    def _take(self, moves: Moves, tracked: Tracked, stream: int, time: int, value: float) -> bool:
        """Judge one sample; return whether more than the newest sample may have changed."""
        if tracked.newest is None or time > tracked.newest:
            return _take_live(moves, tracked, stream, time, value)
        if stream != tracked.stream:
            backfill.take(moves, tracked, stream, time, value)
            return True
        if time == tracked.newest:
            if value != tracked.value:
                moves.note(tracked, Word.CONFLICT, time, value, None)
        elif place := violates(tracked.rule, time, value):
            moves.note(tracked, Word.LATE_ALARM, time, value, tracked.rule.levels[place - 1].name)
        return False

    def _keep(self, conn: sqlite3.Connection, tracked: Tracked) -> None:
        save(conn, tracked)
        if tracked.condition.quiet or all(step.since is None for step in tracked.condition.steps):
            self._timed.pop(tracked.rule.id, None)
        else:
            self._timed[tracked.rule.id] = tracked

    def _ensure(self, conn: sqlite3.Connection) -> None:
        if self._loaded:
            return
        self._rules, self._by_point, self._timed = {}, {}, {}
        active = {row[0] for row in conn.execute("SELECT id FROM rule WHERE active")}
        for tracked in load(conn):
            self._rules[tracked.rule.id] = tracked
            if tracked.rule.id in active:
                self._by_point.setdefault(tracked.point, []).append(tracked)
            if any(step.since is not None for step in tracked.condition.steps):
                self._timed[tracked.rule.id] = tracked
        self._loaded = True


def _take_live(moves: Moves, tracked: Tracked, stream: int, time: int, value: float) -> bool:
    switched = tracked.stream != stream
    if switched:
        backfill.hand_over(moves, tracked, stream, time)
    tracked.newest, tracked.value = time, value
    lagged, tracked.lagging = tracked.lagging, late(time, moves.now)
    if tracked.calm is not None and tracked.calm[0] < value < tracked.calm[1]:
        return switched
    tracked.condition, changes = sample(tracked.rule, tracked.condition, time, value)
    if tracked.lagging:
        tracked.condition, more = advance(tracked.rule, tracked.condition, time)
        changes += more
    for change in changes:
        moves.apply(tracked, change, value)
    if lagged and not tracked.lagging:
        moves.caught_up(tracked)
    tracked.calm = calm(tracked.rule) if tracked.condition.quiet else None
    return True


def _lose(moves: Moves, tracked: Tracked, stream: int, time: int) -> bool:
    """The value is not known from `time` on; return whether that changed anything."""
    if tracked.newest is not None and time < tracked.newest:
        return stream != tracked.stream and backfill.lose(moves, tracked, stream, time)
    before = tracked.condition
    tracked.condition, changes = interrupt(tracked.rule, before, time)
    for change in changes:
        moves.apply(tracked, change, tracked.value)
    return tracked.condition is not before


def _number(row: Row) -> float | None:
    """Return the value if it may be judged; what SQLite cannot hold as an integer as a float."""
    value = row.value
    if isinstance(value, str) or not is_good(row.quality) or row.flags & FLAG_ESTIMATED:
        return None
    return float(value) if value is not None and value >= _INT64 else value
