"""Look-ups on the event loop itself, over a read-only connection of its own: what takes some µs.

To hand work to a thread and hear of it costs several times what a look-up by key does. Whoever asks
bounds what he asks for and raises TooMuch before he reads more; SQLite is ended at PATIENCE, never
waits for a lock, and whatever it refuses is asked again in a thread, where refusals are counted.
"""

import math
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

from protocols.clock import real_monotonic

T = TypeVar("T")
PATIENCE: Final = 0.005
"""Real seconds SQLite may take; what is read of a disk for the first time takes longer."""
_STEPS: Final = 2_000


class TooMuch(Exception):
    """It is for a thread."""


class _Snapshots(sqlite3.Connection):
    """Begins a snapshot with the first statement: what is remembered needs none."""

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        if not self.in_transaction:
            super().execute("BEGIN")
        return super().execute(sql, parameters)


class Near:
    """Used on the event loop alone; opened at the first look."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._conn: sqlite3.Connection | None = None
        self._end = 0.0
        self._closed = False

    def look(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Return what `work` returned, within one snapshot. Raises TooMuch."""
        if self._closed:
            raise TooMuch
        self._end = real_monotonic() + PATIENCE
        try:
            conn = self._conn or self._open()
            try:
                return work(conn)
            finally:
                self._end = math.inf  # what was found is not thrown away
                if conn.in_transaction:
                    conn.execute("ROLLBACK")
        except sqlite3.Error as exc:
            raise TooMuch from exc

    def close(self) -> None:
        """Let go of the file; whatever is asked after it is too much."""
        self._closed = True
        conn, self._conn = self._conn, None
        if conn is not None:
            conn.close()

    def _open(self) -> sqlite3.Connection:
        uri = f"{self._path.resolve().as_uri()}?mode=ro"
        conn = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=0, factory=_Snapshots)
        conn.set_progress_handler(lambda: real_monotonic() > self._end, _STEPS)
        self._conn = conn
        return conn
