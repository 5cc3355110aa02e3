"""Whether alarms are more than their operators can take in, kept in the transaction of each.

Figures: `protocols.alarms.flood`, times the operators on duty. What is announced of production data
counts, when it happened; what was over when we heard of it called nobody, a fault is no alarm.
Nothing is held back: it says how the list is shown.
"""

import json
import sqlite3
from collections.abc import Sequence
from typing import Final, NamedTuple

from central.alarms.journal.records import Line
from central.alarms.journal.writing import write_lines
from protocols.alarms import flood as floods
from protocols.alarms.flood import Bounds, Flood
from protocols.alarms.word import Word
from protocols.clock import SECOND

RULE: Final = "flood"
"""What the journal's lines say in place of a rule."""
NEWEST: Final = 20
_PUT: Final = (
    "INSERT INTO flood(one, body) VALUES (1, ?) ON CONFLICT(one) DO UPDATE SET body = excluded.body"
)


class Span(NamedTuple):
    """A flood (µs UTC; `ended` None: it is on), and how many alarms were announced in it."""

    began: int
    ended: int | None
    alarms: int


class Flooded(NamedTuple):
    """Whether it floods; `recent`: announced within the window; the newest floods first."""

    flood: Flood
    recent: int
    bounds: Bounds
    spans: tuple[Span, ...]


class Flooding:
    """Belongs to the writer thread; a copy of the table."""

    def __init__(self, bounds: Bounds) -> None:
        self.bounds = bounds
        self.flood = Flood()
        self.turns = 0
        """Rises whenever a flood begins or ends, or is read again."""

    def load(self, conn: sqlite3.Connection) -> None:
        """Read how it was at the last commit."""
        self.flood = _read(conn)
        self.turns += 1

    def due(self) -> int | None:
        """Return when it is over if nothing more is announced."""
        return floods.due(self.bounds, self.flood)

    def announced(self, conn: sqlite3.Connection, times: Sequence[int], now: int) -> None:
        """Take when alarms were announced (µs UTC)."""
        times = sorted(times)
        flood, end = self.flood, self.due()
        if flood.on and end is not None and times[-1] < end and times[0] >= flood.times[-1]:
            # Of a storm only the newest matter.
            kept = (*flood.times, *times[-self.bounds.remembered :])[-self.bounds.remembered :]
            self.flood = flood._replace(times=kept, alarms=flood.alarms + len(times))
            conn.execute(_PUT, (_body(self.flood),))
            return
        for time in times:
            before = self.flood
            self.flood, said = floods.announced(self.bounds, before, time)
            self._say(conn, before, said, now)
        conn.execute(_PUT, (_body(self.flood),))

    def advance(self, conn: sqlite3.Connection, clock: int, now: int) -> None:
        """Let time pass until `clock`."""
        before = self.flood
        self.flood, said = floods.advance(self.bounds, before, clock)
        if said:
            self._say(conn, before, said, now)
            conn.execute(_PUT, (_body(self.flood),))

    def _say(
        self, conn: sqlite3.Connection, before: Flood, said: list[tuple[int, Word]], now: int
    ) -> None:
        for time, word in said:
            on = word is Word.FLOOD_ON
            count = self.flood.alarms if on else before.alarms
            line = Line(
                episode=None, rule=RULE, time=time, recorded=now, word=word.value, value=count
            )
            write_lines(conn, [line])
            if on:
                conn.execute("INSERT INTO flood_span(began, alarms) VALUES (?, ?)", (time, count))
            else:
                conn.execute(
                    "UPDATE flood_span SET ended = ?, alarms = ? WHERE ended IS NULL",
                    (time, count),
                )
            self.turns += 1


def flooded(conn: sqlite3.Connection, bounds: Bounds, now: int) -> Flooded:
    """Return what the tables say."""
    flood = _read(conn)
    since = now - round(bounds.window * SECOND)
    recent = sum(time > since for time in flood.times)
    if recent == len(flood.times) == bounds.remembered:
        recent = _announced(conn, since)
    spans = [
        Span(began, ended, flood.alarms if ended is None else alarms)
        for began, ended, alarms in conn.execute(
            "SELECT began, ended, alarms FROM flood_span ORDER BY id DESC LIMIT ?", (NEWEST,)
        )
    ]
    return Flooded(flood, recent, bounds, tuple(spans))


COUNTED: Final = 10_000
"""Of more it is enough to know that they are."""


def _announced(conn: sqlite3.Connection, since: int) -> int:
    """Count the newest announced since then, as far as COUNTED."""
    row = conn.execute(
        "SELECT count(*) FROM (SELECT 1 FROM alarm_journal j INDEXED BY alarm_journal_called "
        "JOIN episode e ON e.number = j.episode WHERE j.time > ? "
        "AND (j.event = 'RAISE' OR j.event = 'RERAISE' OR j.event = 'REALARM') "
        "AND e.purpose = 'production' AND NOT e.late "
        "AND e.number NOT IN (SELECT episode FROM fault) LIMIT ?)",
        (since, COUNTED),
    ).fetchone()
    return int(row[0])


def _read(conn: sqlite3.Connection) -> Flood:
    row = conn.execute("SELECT body FROM flood").fetchone()
    if row is None:
        return Flood()
    times, on, began, alarms = json.loads(row[0])
    return Flood(tuple(times), on, began, alarms)


def _body(flood: Flood) -> str:
    return json.dumps(flood)
