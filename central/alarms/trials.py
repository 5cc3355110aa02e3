"""What the store has of tests and drills, left out where production is judged by it."""

import json
import sqlite3
from typing import Final

from central.store.measured import Measured
from protocols.words import Purpose

_TRIALS: Final = (
    "SELECT number FROM stream "
    "WHERE purpose <> 'production' AND number IN (SELECT value FROM json_each(?))"
)


class Trials:
    """Which streams are of a test or a drill, as far as anybody asked. Of one transaction."""

    def __init__(self, conn: sqlite3.Connection) -> None:
        self._conn = conn
        self._known: dict[int, bool] = {}

    def left_for(self, purpose: Purpose | None, found: list[Measured]) -> list[Measured]:
        """Return what may be gone by: for production, and the clock, what production said."""
        if purpose not in (None, Purpose.PRODUCTION):
            return found
        unknown = sorted({each.stream for each in found} - self._known.keys())
        if unknown:
            rows = self._conn.execute(_TRIALS, (json.dumps(unknown),)).fetchall()
            self._known |= dict.fromkeys(unknown, False) | {number: True for (number,) in rows}
        return [each for each in found if not self._known[each.stream]]
