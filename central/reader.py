"""A read-only connection of the centre's database, with its own thread and a deadline."""

import contextlib
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

from protocols.clock import real_monotonic
from protocols.errors import FengsuiError
from protocols.owner_thread import OwnerThread

T = TypeVar("T")

_PROGRESS_STEPS: Final = 20_000


class QueryTooLong(FengsuiError):
    """A query was ended at its deadline; ask for less."""

    code = "QUERY_TOO_LONG"


class Reader:
    """Opened at the first query."""

    def __init__(self, path: Path, name: str) -> None:
        self._path = path
        self._owner = OwnerThread(name)
        self._conn: sqlite3.Connection | None = None
        self._ending = False

    async def run(self, work: Callable[[sqlite3.Connection], T], deadline: float) -> T:
        """Run `work` within one snapshot; one query after the other. Raises QueryTooLong."""
        return await self._owner.run(self._query, work, deadline)

    def interrupt(self) -> None:
        """End the query that runs and those that wait: they get an sqlite3.OperationalError.

        SQLite forgets an interruption that comes between two statements; the flag does not.
        """
        self._ending = True
        with contextlib.suppress(sqlite3.ProgrammingError):  # closed meanwhile
            if self._conn is not None:
                self._conn.interrupt()

    async def close(self) -> None:
        """Let go of the thread and the file."""
        await self._owner.close()
        if self._conn is not None:
            self._conn.close()

    def _query(self, work: Callable[[sqlite3.Connection], T], deadline: float) -> T:
        if self._conn is None:
            uri = f"{self._path.resolve().as_uri()}?mode=ro"
            self._conn = sqlite3.connect(
                uri, uri=True, isolation_level=None, check_same_thread=False
            )
        end = real_monotonic() + deadline
        self._conn.set_progress_handler(
            lambda: self._ending or real_monotonic() > end, _PROGRESS_STEPS
        )
        self._conn.execute("BEGIN")
        try:
            return work(self._conn)
        except sqlite3.OperationalError as exc:
            if real_monotonic() > end:
                raise QueryTooLong(seconds=deadline) from exc
            raise
        finally:
            self._conn.set_progress_handler(None, 0)
            self._conn.execute("ROLLBACK")
