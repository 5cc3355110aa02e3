"""What of the past a gateway delivers, noted in the transaction that stores it.

A delivery goes on from the first batch that is the past until `close`: one row for each gateway and
purpose, so a restart goes on with it and nothing counts twice. Belongs to the writing connection.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from central.alarms.journal.records import EpisodeRow
from central.backfills.records import Backfill, PeakRow, one
from central.ingest.streams import Stream
from central.store.columns import Columns, Integers
from protocols.alarms.condition import LIVE_DELAY
from protocols.clock import SECOND

FRESH: Final = 5 * SECOND
"""What waited no longer at its gateway is sent as live."""
_BEGIN: Final = "INSERT INTO backfill(gateway, purpose, stream, began, last) VALUES (?, ?, ?, ?, ?)"
_GO_ON: Final = (
    "UPDATE backfill SET stream = ?, last = ?, first = ?, newest = ?, readings = ?, points = ?, "
    "lost = ?, late = ? WHERE number = ?"
)
_OPEN: Final = (
    "SELECT gateway, purpose, number, stream, first, newest, readings, lost, late, seen "
    "FROM backfill WHERE ended IS NULL"
)
_TOLD: Final = "INSERT OR IGNORE INTO backfill_alarm(episode, backfill) VALUES (?, ?)"
_END: Final = (
    "UPDATE backfill SET ended = ?, seen = x'', peak_point = ?, peak_low = ?, peak = ?, "
    "peak_time = ? WHERE number = ?"
)
_DROP: Final = "DELETE FROM backfill WHERE number = ?"

Key = tuple[str, str]
"""A gateway and a purpose."""


class Came(NamedTuple):
    """What one transaction took of a stream: when its first and last batch were opened (µs UTC;
    None: nobody knows), its readings, and how many numbers it says are lost.
    """

    opened: tuple[int, int] | None
    rows: Columns | None
    lost: int


@dataclass(slots=True)
class _Open:
    """A delivery that goes on."""

    number: int
    stream: int
    first: int | None = None
    newest: int | None = None
    readings: int = 0
    lost: int = 0
    late: int = 0
    seen: npt.NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, np.bool_))
    points: int = 0

    def add(self, rows: Columns) -> bool:
        """Count readings; return whether points are among them that were not before."""
        first, newest = rows.span or (int(rows.times.min()), int(rows.times.max()))
        self.first = first if self.first is None else min(first, self.first)
        self.newest = newest if self.newest is None else max(newest, self.newest)
        self.readings += len(rows)
        return self.mark(rows.points)

    def mark(self, points: Integers) -> bool:
        """Mark points as seen; return whether there are more now."""
        if len(points) and (most := int(points.max()) + 1) > len(self.seen):
            self.seen = np.append(self.seen, np.zeros(most - len(self.seen), np.bool_))
        self.seen[points] = True
        before, self.points = self.points, int(np.count_nonzero(self.seen))
        return self.points > before


class Noting:
    """What it remembers the tables hold, but for which streams were heard last: these matter for
    seconds.
    """

    def __init__(self) -> None:
        self.known: set[str] = set()
        """Gateways whose delivery may be going on; may be asked anywhere."""
        self._open: dict[Key, _Open] = {}
        self._newest: dict[tuple[str, bool], tuple[int, int]] = {}
        self._loaded = False

    def forget(self) -> None:
        """Drop what was remembered of tables whose transaction was undone."""
        self._loaded = False

    def note(
        self,
        conn: sqlite3.Connection,
        stream: Stream,
        came: Came,
        episodes: Sequence[EpisodeRow],
        now: int,
    ) -> None:
        """Take what was just stored, and the `episodes` it changed."""
        past = self._is_past(conn, stream, came, now)
        told = [each for each in episodes if each.late] if episodes else episodes
        key = stream.gateway, stream.purpose
        begins = past and bool(told or came.rows is not None or came.lost)
        if not begins and not (told and stream.gateway in self.known):
            return
        known = (
            self._delivery(conn, key, stream.number, now) if begins else self._going_on(conn, key)
        )
        if known is None:
            return
        if past:
            known.stream = stream.number
            self._take(conn, known, came, now)
            told = [each for each in episodes if each.late or _within(each, known, now)]
        conn.executemany(_TOLD, [(each.number, known.number) for each in told])

    def told(self, conn: sqlite3.Connection, episodes: Iterable[EpisodeRow]) -> None:
        """Take late alarms that the clock led to, while what they belong to goes on."""
        late = [each for each in episodes if each.late] if self.known else []
        for each in late:
            (gateway,) = conn.execute(
                "SELECT gateway FROM point WHERE number = ?", (each.point,)
            ).fetchone()
            known = self._going_on(conn, (gateway, each.purpose.name.lower()))
            if known is not None:
                conn.execute(_TOLD, (each.number, known.number))

    def close(
        self, conn: sqlite3.Connection, key: Key, now: int, peak: PeakRow | None
    ) -> Backfill | None:
        """End a delivery; None: there is none, or it is not worth telling.

        What came less than LIVE_DELAY late and raised nothing is not.
        """
        self._load(conn)
        known = self._open.pop(key, None)
        if not any(key[0] == gateway for gateway, _ in self._open):
            self.known.discard(key[0])
        if known is None:
            return None
        alarms = conn.execute(
            "SELECT 1 FROM backfill_alarm WHERE backfill = ? LIMIT 1", (known.number,)
        ).fetchone()
        if alarms is None and (known.late <= LIVE_DELAY or not known.readings):
            conn.execute(_DROP, (known.number,))
            return None
        found = (None,) * 4 if peak is None else tuple(peak)
        conn.execute(_END, (now, *found, known.number))
        return one(conn, known.number)

    def _is_past(self, conn: sqlite3.Connection, stream: Stream, came: Came, now: int) -> bool:
        """Whether this is the past: it comes more than a minute late; or it was not sent as live,
        and another stream has brought what is newer, or the past already came by this one.
        """
        if came.opened is None:
            return False
        oldest, newest = came.opened
        kind = stream.gateway, b'"kind":"alarm"' in stream.opening
        before = self._newest.get(kind)
        overtaken = before is not None and newest < before[0] and before[1] != stream.number
        if before is None or newest >= before[0]:
            self._newest[kind] = newest, stream.number
        late = now - oldest
        if late <= FRESH or late > LIVE_DELAY or overtaken:
            return late > FRESH
        known = self._going_on(conn, (stream.gateway, stream.purpose))
        return known is not None and known.stream == stream.number

    def _take(self, conn: sqlite3.Connection, known: _Open, came: Came, now: int) -> None:
        known.lost += came.lost
        more = False
        if came.rows is not None and came.opened is not None and len(came.rows):
            known.late = max(known.late, now - came.opened[0])
            more = known.add(came.rows)
        conn.execute(
            _GO_ON,
            (
                *(known.stream, now, known.first, known.newest, known.readings),
                *(known.points, known.lost, known.late, known.number),
            ),
        )
        if more:
            body = np.flatnonzero(known.seen).astype("<i8").tobytes()
            conn.execute("UPDATE backfill SET seen = ? WHERE number = ?", (body, known.number))

    def _delivery(self, conn: sqlite3.Connection, key: Key, stream: int, now: int) -> _Open:
        known = self._going_on(conn, key)
        if known is None:
            number = conn.execute(_BEGIN, (*key, stream, now, now)).lastrowid or 0
            known = self._open[key] = _Open(number, stream)
            self.known.add(key[0])
        return known

    def _going_on(self, conn: sqlite3.Connection, key: Key) -> _Open | None:
        self._load(conn)
        return self._open.get(key)

    def _load(self, conn: sqlite3.Connection) -> None:
        if self._loaded:
            return
        self._open = {}
        for gateway, purpose, *rest, seen in conn.execute(_OPEN):
            known = self._open[gateway, purpose] = _Open(*rest)
            known.mark(np.frombuffer(seen, "<i8").astype(np.int64))
            self.known.add(gateway)
        self._loaded = True


def _within(row: EpisodeRow, known: _Open, now: int) -> bool:
    """Whether an alarm that is not over began in what was delivered."""
    began = known.first is not None and row.raised >= known.first
    return began and row.returned is None and now - row.raised > FRESH
