"""The alarm engine: `evaluate(batch, state) -> effects`, in the transaction that stores the batch.

Live readings (newer than the newest judged of their point) step the live alarm; older ones of an
earlier stream go to that stream's own machine (`backfill`); a stray older one inside one stream is
only noted. Quality that is not good, text and times nobody knew neither raise nor clear; bad
quality calls off a return that was only pending. State in memory is a copy of the tables: after an
undone transaction it is read again. What cannot change anything never becomes a row (`quiet`).
"""

import sqlite3
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np
from sqlite_utils import Database as Tables

from central.alarms import backfill, quiet, ruleset
from central.alarms.memory import Memory
from central.alarms.moves import Moves
from central.alarms.records import EpisodeRow
from central.alarms.samples import Coming, Good
from central.alarms.stored import Stored
from central.alarms.tracked import Tracked, stream_purpose
from central.alarms.trend import WINDOW
from central.store.columns import Columns
from central.store.interface import FLAG_ESTIMATED, Row
from protocols.alarms.condition import NOWHERE, advance, interrupt, late, sample, violates
from protocols.alarms.state import Word
from protocols.quality import is_good
from protocols.words import Purpose

GRACE: Final = 2_000_000
"""How long after its due time (µs) a timer waits for a reading still on its way that would undo it.

The event keeps the due time; a batch is sealed within a second and needs a moment to arrive."""


class Evaluation(NamedTuple):
    """A commit's rows of one stream, in order of seq, with UTC times; `arrival` is now.

    `most`: readings the machine may look at one by one; None: as many as there are.
    """

    stream: int
    purpose: Purpose
    arrival: int
    rows: Columns
    most: int | None = None


@dataclass(slots=True)
class Judged:
    """Effects: changed episodes, good samples of the last minutes, and the next timer's time."""

    episodes: list[EpisodeRow] = field(default_factory=list)
    good: list[Good] = field(default_factory=list)
    due: int | None = None


_INT64: Final = 2**63


class Engine:
    """Lives in the writer thread; see the module's promises."""

    def __init__(self, stored: Stored) -> None:
        self._stored = stored
        self._loaded = False
        self._memory = Memory(stored)
        self._timed: dict[str, Tracked] = {}
        self._due: tuple[int | None] | None = None
        """When the next timer fires; None until it is worked out."""

    def forget(self) -> None:
        """Drop the copy of the tables: the next call reads them again."""
        self._loaded = False

    def flush(self, conn: sqlite3.Connection) -> None:
        """Write what is known from the journal alone, in the transaction that shortens it."""
        self._ensure(conn)
        self._memory.flush(conn)

    def evaluate(self, tables: Tables, batch: Evaluation) -> Judged:
        """Judge a commit's rows and write what follows.

        Raises Heavy, with nothing changed, where more than `most` are left to the machine.
        """
        self._ensure(tables.conn)
        rows, since = batch.rows, batch.arrival - WINDOW
        past = self._memory.past(batch.stream)
        coming = Coming(rows, batch.stream, batch.arrival, past, batch.most)
        left, passed, over = quiet.sift(self._memory.live, coming)
        if len(over):
            self._memory.take_over(tables.conn, batch.stream, over)
        judged = self._judge(tables.conn, batch, rows.rows(left)) if len(left) else Judged()
        good = [passed, *judged.good] if judged.good else [passed]
        if rows.span is None or rows.span[0] <= since:
            good = [each.after(since) for each in good]
        judged.good = [each for each in good if len(each.points)]
        judged.due = self.due()
        return judged

    def _judge(self, conn: sqlite3.Connection, batch: Evaluation, rows: list[Row]) -> Judged:
        """Judge reading by reading."""
        moves = Moves(conn, batch.arrival, batch.purpose, self._stored)
        points = dict.fromkeys(row.point for row in rows if self._memory.judged(row.point))
        if not points:
            return Judged()
        self._memory.wake(conn, points)
        here = self._memory.here
        good: list[tuple[int, int, float]] = []
        touched: dict[str, Tracked] = {}
        for row in rows:
            value = _number(row)
            if value is not None and row.point in points:
                good.append((row.point, row.time, float(value)))
            elif is_good(row.quality) or row.flags & FLAG_ESTIMATED:
                continue
            for tracked in here.get(row.point, ()):
                if _step(moves, tracked, batch.stream, row.time, value):
                    touched[tracked.rule.id] = tracked
        for tracked in touched.values():
            backfill.settle(moves, tracked, batch.stream)
        self._keep(conn, touched.values())
        self._memory.put(
            conn, self._memory.moved(points, {each.point for each in touched.values()})
        )
        return Judged(moves.changed(), [_samples(good)] if good else [])

    def tick(self, tables: Tables, now: int) -> Judged:
        """Fire the timers whose time has come; each event carries its own due time."""
        conn = tables.conn
        self._ensure(conn)
        changed: list[EpisodeRow] = []
        fired: list[Tracked] = []
        for tracked in list(self._timed.values()):
            end = tracked.due()
            if end is None or end + GRACE > now:
                continue
            moves = Moves(conn, now, stream_purpose(conn, tracked), self._stored)
            tracked.condition, changes = advance(tracked.rule, tracked.condition, now - GRACE)
            tracked.calm = None
            for change in changes:
                moves.apply(tracked, change, tracked.value)
            self._keep(conn, [tracked])
            fired.append(tracked)
            changed += moves.changed()
        self._memory.put(conn, {each.point for each in fired if each.point in self._memory.here})
        return Judged(changed, [], self.due())

    def due(self) -> int | None:
        """Return when `tick` has something to do."""
        if self._due is None:
            found = (tracked.due() for tracked in self._timed.values())
            ends = [end for end in found if end is not None]
            self._due = (min(ends) + GRACE if ends else None,)
        return self._due[0]

    def take_rules(
        self,
        tables: Tables,
        rules: Sequence[ruleset.Wanted],
        numbers: Mapping[int, int],
        now: int,
    ) -> ruleset.Taken:
        """Make `rules` those of their points; re-evaluates at once."""
        known = self._known(tables.conn)
        self._memory.wake(tables.conn, {numbers[each.place] for each in rules})
        return self._index(tables.conn, ruleset.take(tables.conn, known, rules, numbers, now))

    def retire_rules(
        self, tables: Tables, gateway: str, rules: Sequence[ruleset.Wanted], now: int
    ) -> ruleset.Taken:
        """Let go of the gateway's other rules; their alarms return."""
        known = self._known(tables.conn)
        gone = ruleset.others(tables.conn, gateway, rules)
        found = map(self._memory.rule, gone)
        self._memory.wake(tables.conn, {each.point for each in found if each is not None})
        return self._index(tables.conn, ruleset.retire(tables.conn, known, gone, now))

    def _known(self, conn: sqlite3.Connection) -> ruleset.Known:
        self._ensure(conn)
        return ruleset.Known(self._memory.rule, self._stored)

    def _index(self, conn: sqlite3.Connection, taken: ruleset.Taken) -> ruleset.Taken:
        for tracked in taken.tracked:
            self._memory.place(tracked, active=tracked.rule.id in taken.active)
        self._keep(conn, taken.tracked)
        self._memory.put_all(conn, taken.tracked)
        return taken

    def tracked(self, conn: sqlite3.Connection, rule: str) -> Tracked | None:
        """Return the state of a rule, up to date."""
        self._ensure(conn)
        tracked = self._memory.rule(rule)
        if tracked is not None:
            self._memory.wake(conn, [tracked.point])
        return tracked

    def ladders(self, conn: sqlite3.Connection) -> ruleset.Ladders:
        """Return the ladder of every rule that judges or whose alarm is open."""
        self._ensure(conn)
        return self._memory.ladders()

    def save(self, conn: sqlite3.Connection, tracked: Tracked) -> None:
        """Write the state of a rule whose alarm was stepped, if it changed."""
        self._memory.save(conn, [tracked])

    def _keep(self, conn: sqlite3.Connection, changed: Collection[Tracked]) -> None:
        self._memory.save(conn, changed)
        self._due = None
        for tracked in changed:
            if tracked.condition.pending:
                self._timed[tracked.rule.id] = tracked
            else:
                self._timed.pop(tracked.rule.id, None)

    def _ensure(self, conn: sqlite3.Connection) -> None:
        if self._loaded:
            return
        self._memory = Memory(self._stored)
        self._memory.load(conn)
        self._timed = self._memory.timed()
        self._due = None
        self._loaded = True


def _step(moves: Moves, tracked: Tracked, stream: int, time: int, value: float | None) -> bool:
    """Take a value or, with None, that it is not known; return whether more may have changed."""
    if value is None:
        return _lose(moves, tracked, stream, time)
    return _take(moves, tracked, stream, time, value)


def _take(moves: Moves, tracked: Tracked, stream: int, time: int, value: float) -> bool:
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


def _take_live(moves: Moves, tracked: Tracked, stream: int, time: int, value: float) -> bool:
    switched = tracked.stream != stream
    if switched:
        backfill.hand_over(moves, tracked, stream, time)
    tracked.newest, tracked.value = time, value
    lagged, tracked.lagging = tracked.lagging, late(time, moves.now)
    caught_up = lagged and not tracked.lagging
    low, high = tracked.calm or NOWHERE
    if low < value < high and not caught_up:
        return switched
    tracked.calm = None
    tracked.condition, changes = sample(tracked.rule, tracked.condition, time, value)
    if tracked.lagging:
        tracked.condition, more = advance(tracked.rule, tracked.condition, time)
        changes += more
    for change in changes:
        moves.apply(tracked, change, value)
    if caught_up:
        moves.caught_up(tracked)
    tracked.bounds()
    return True


def _lose(moves: Moves, tracked: Tracked, stream: int, time: int) -> bool:
    """The value is not known from `time` on; return whether that changed anything."""
    if tracked.newest is not None and time < tracked.newest:
        return stream != tracked.stream and backfill.lose(moves, tracked, stream, time)
    before = tracked.condition
    tracked.condition, changes = interrupt(tracked.rule, before, time)
    for change in changes:
        moves.apply(tracked, change, tracked.value)
    if tracked.condition is before:
        return False
    tracked.calm = None
    return True


def _number(row: Row) -> float | None:
    """Return the value if it may be judged; what SQLite cannot hold as an integer as a float."""
    value = row.value
    if isinstance(value, str) or not is_good(row.quality) or row.flags & FLAG_ESTIMATED:
        return None
    return float(value) if value is not None and value >= _INT64 else value


def _samples(good: list[tuple[int, int, float]]) -> Good:
    points, times, values = zip(*good, strict=True)
    return Good(np.array(points, np.int64), np.array(times, np.int64), np.array(values, np.float64))
