"""Which points another stream took over quietly, as the table keeps it: rows for many at once.

A rule's own row says since when its stream is the live one. A gateway that connects again is the
live stream of thousands of points at one moment, and nothing else changes: those are written in one
row a commit, and `Takeovers.flush` makes one a stream of them. Rows are counted in turn; a rule's
own row says after which of them it was written, and what came later holds.
"""

import sqlite3
from base64 import b64decode, b64encode
from collections.abc import Iterator
from typing import Final

import numpy as np

from central.alarms.arrays.still import NEVER, Integers, Live
from central.alarms.saving import put

_MARK: Final = ":"
"""In place of a rule, and after it the turn: no rule begins so."""
TAKEN_OVER: Final = "rule >= ':' AND rule < ';'"
"""Of the table's rows ours."""


class Takeovers:
    """The rows there are, by stream; `turn` is the last one's."""

    def __init__(self) -> None:
        self.turn = 0
        self._rows: dict[int, list[int]] = {}
        self._changed = False

    def load(
        self, conn: sqlite3.Connection, least: int
    ) -> Iterator[tuple[int, list[int], list[int]]]:
        """Yield every row: its turn, points, and since when. `least`: the turns of rules' rows."""
        self.turn = least
        rows = conn.execute(f"SELECT rule, stream, body FROM condition WHERE {TAKEN_OVER}")  # noqa: S608
        for rule, stream, body in rows.fetchall():
            turn = int(rule.removeprefix(_MARK))
            self.turn = max(self.turn, turn)
            self._rows.setdefault(stream, []).append(turn)
            points, since = np.frombuffer(b64decode(body), "<i8").reshape(2, -1).tolist()
            yield turn, points, since
        self._changed = any(len(turns) > 1 for turns in self._rows.values())

    def note(self, conn: sqlite3.Connection, stream: int, taken: tuple[Integers, Integers]) -> None:
        """Write that `stream` took over points, and since when each: as they lie in memory."""
        self.turn += 1
        self._rows.setdefault(stream, []).append(self.turn)
        self._changed = True
        body = b64encode(np.array(taken, "<i8").tobytes()).decode()
        put(conn, [(f"{_MARK}{self.turn}", stream, body)])

    def flush(self, conn: sqlite3.Connection, live: Live) -> None:
        """Make one row of those of a stream, none where rules' own rows say all of it."""
        if not self._changed:
            return
        self._changed = False
        owed = np.flatnonzero(live.since != NEVER)
        owed = owed[live.streams[owed].argsort(kind="stable")]
        streams, starts = np.unique(live.streams[owed], return_index=True)
        left = dict(zip(streams.tolist(), np.split(owed, starts[1:]), strict=False))
        for stream, turns in list(self._rows.items()):
            points = left.get(stream)
            if points is not None and len(turns) == 1:
                continue
            del self._rows[stream]
            for turn in turns:
                conn.execute(
                    "DELETE FROM condition WHERE rule = ? AND stream = ?",
                    (f"{_MARK}{turn}", stream),
                )
            if points is not None:
                self.note(conn, stream, (points, live.since[points]))
        self._changed = False
