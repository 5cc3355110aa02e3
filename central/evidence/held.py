"""What the store holds of a point, for comparing: a chunk that cannot be read is a finding."""

import sqlite3

from central.store.damage import ChunkUnreadable
from central.store.points import EMPTY, PointReadings
from central.store.views.unhurried import look_unhurried
from protocols.verify.model import Findings


class Held:
    """Reads; `at` is where a finding is said to be: stream and number."""

    def __init__(self, conn: sqlite3.Connection, findings: Findings) -> None:
        self._view = look_unhurried(conn)
        self._findings = findings
        self._spoilt: set[int] = set()
        self.at: tuple[str, int | None] = ("", None)

    def read(
        self, point: int, start: int, end: int, unread: set[int] | None = None
    ) -> PointReadings:
        """Return the readings with start <= time < end.

        Where a chunk of them is damaged: nothing, the point is put into `unread`, and the chunk is
        named the first time.
        """
        try:
            return self._view.read(point, start, end)
        except ChunkUnreadable as exc:
            if unread is not None:
                unread.add(point)
            found = exc.spoilt
            if found.chunk not in self._spoilt:
                self._spoilt.add(found.chunk)
                self._findings.add("VERIFY_CHUNK", *self.at, what=found.what, reason=found.why)
            return EMPTY
