"""The centre's database: SQLite in WAL, exactly one writing connection in one dedicated thread.

Promises. `write` returns only after its transaction is durable (synchronous=FULL). Several waiting
pieces of work share one transaction (group commit), each in its own savepoint: one that fails takes
nothing of the others with it. `read` sees a consistent snapshot, never blocks a writer, and ends at
its deadline. A file of a newer version is refused untouched. Only the writer checkpoints, which
keeps clear of the WAL-reset bug of SQLite before 3.51.3.
"""

import asyncio
import sqlite3
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from sqlite_utils import Database as Tables

from central.migrations import migrate, newer_than_us
from protocols.clock import Clock, real_monotonic
from protocols.errors import FengsuiError
from protocols.owner_thread import OwnerThread

T = TypeVar("T")

StorageError: Final = sqlite3.Error
"""What a read or a write may raise beside our own errors; so the API needs no library of SQL."""

GROUP: Final = 32
"""Most pieces of work in one transaction: bounds how long the first of them waits."""
WAITING: Final = 512
"""Most pieces of work waiting; more callers wait outside."""
READERS: Final = 2
READ_DEADLINE: Final = 10.0
"""Real seconds a query may take before it is ended."""
_PROGRESS_STEPS: Final = 20_000

_PRAGMAS: Final[dict[str, tuple[str, object]]] = {
    "journal_mode": ("WAL", "wal"),
    "synchronous": ("FULL", 2),
    "foreign_keys": ("ON", 1),
    "busy_timeout": ("5000", 5000),
    "wal_autocheckpoint": ("1000", 1000),
    "journal_size_limit": ("67108864", 67_108_864),
}


class SchemaNewer(FengsuiError):
    """The file was written by a newer version of this program; nothing was touched."""

    code = "SCHEMA_NEWER"


class DatabaseUnusable(FengsuiError):
    """SQLite does not give what our promises need (a file system without WAL, a damaged file)."""

    code = "DATABASE_UNUSABLE"


class QueryTooLong(FengsuiError):
    """A query was ended at its deadline; ask for less."""

    code = "QUERY_TOO_LONG"


@dataclass(slots=True)
class _Job:
    work: Callable[[Tables], Any]
    after: Callable[[Any], None] | None
    outcome: asyncio.Future[Any]


@dataclass(frozen=True, slots=True)
class _Result:
    value: Any = None
    error: BaseException | None = None


class Database:
    """One open file. Made by `open`; `incarnation` is minted when the file is created."""

    def __init__(self, path: Path, tables: Tables, owner: OwnerThread, incarnation: str) -> None:
        self.path = path
        self.incarnation = incarnation
        self.on_rollback: list[Callable[[], None]] = []
        """Called in the writer thread when work was undone: caches of tables start anew."""
        self._tables = tables
        self._owner = owner
        self._urgent: deque[_Job] = deque()
        self._waiting: deque[_Job] = deque()
        self._room = asyncio.Semaphore(WAITING)
        self._wake = asyncio.Event()
        self._closing = False
        self._writer = asyncio.create_task(self._write_groups(), name="database-writer")
        self._readers: asyncio.LifoQueue[_Reader] = asyncio.LifoQueue()
        for number in range(READERS):
            self._readers.put_nowait(_Reader(path, number))

    @classmethod
    async def open(cls, path: Path, clock: Clock) -> "Database":
        """Open or create the file and bring its tables up to date.

        Raises SchemaNewer or DatabaseUnusable, in both cases without having changed the file.
        """
        owner = OwnerThread("database")
        try:
            tables, incarnation = await owner.run(_open_writer, path, clock.now())
        except BaseException:
            await owner.close()
            raise
        return cls(path, tables, owner, incarnation)

    async def write(
        self,
        work: Callable[[Tables], T],
        after: Callable[[T], None] | None = None,
        *,
        urgent: bool = False,
    ) -> T:
        """Run `work` in a transaction and return its result once that is durable.

        `after` is called on the event loop with the result, in the order of the commits and even
        if the caller has been cancelled meanwhile. `work` may be run a second time when its group
        had to be undone: it must depend on nothing but the database and its arguments.
        """
        if self._closing:
            raise RuntimeError("the database is closed")
        await self._room.acquire()
        job = _Job(work, after, asyncio.get_running_loop().create_future())
        (self._urgent if urgent else self._waiting).append(job)
        self._wake.set()
        result: T = await job.outcome
        return result

    async def read(
        self, work: Callable[[sqlite3.Connection], T], deadline: float = READ_DEADLINE
    ) -> T:
        """Run `work` on a read-only connection within one snapshot. Raises QueryTooLong."""
        reader = await self._readers.get()
        running = asyncio.ensure_future(reader.run(work, deadline))
        # Given back when the thread is done with it, not when the caller stops waiting.
        running.add_done_callback(lambda _: self._readers.put_nowait(reader))
        return await asyncio.shield(running)

    async def close(self) -> None:
        """Finish what waits and let go of the file; may be called twice."""
        self._closing = True
        self._wake.set()
        await asyncio.shield(self._writer)
        while not self._readers.empty():
            await self._readers.get_nowait().close()
        await self._owner.close()
        self._tables.close()

    async def _write_groups(self) -> None:
        while True:
            jobs = self._next_group()
            if jobs:
                self._finish(jobs, await self._owner.run(self._commit, [j.work for j in jobs]))
            elif self._closing:
                return
            else:
                self._wake.clear()
                await self._wake.wait()

    def _next_group(self) -> list[_Job]:
        jobs: list[_Job] = []
        for lane in (self._urgent, self._waiting):
            while lane and len(jobs) < GROUP:
                jobs.append(lane.popleft())
        return jobs

    def _finish(self, jobs: list[_Job], results: list[_Result]) -> None:
        for job, result in zip(jobs, results, strict=True):
            self._room.release()
            if result.error is None and job.after is not None:
                job.after(result.value)
            if job.outcome.done():
                continue
            if result.error is not None:
                job.outcome.set_exception(result.error)
            else:
                job.outcome.set_result(result.value)

    def _commit(self, works: list[Callable[[Tables], Any]]) -> list[_Result]:
        """Run in the writer thread: all in one transaction, or each in its own if that fails."""
        try:
            with self._tables.atomic():
                results = []
                for work in works:
                    results.append(self._one(work))
                    if not self._tables.conn.in_transaction:
                        raise sqlite3.OperationalError("the whole transaction was rolled back")
        except sqlite3.Error as exc:
            self._undone()
            if len(works) == 1:
                return [_Result(error=exc)]
            return [self._commit([work])[0] for work in works]
        return results

    def _one(self, work: Callable[[Tables], Any]) -> _Result:
        before = self._tables.conn.total_changes
        try:
            with self._tables.atomic():
                return _Result(work(self._tables))
        except Exception as exc:  # noqa: BLE001  # handed to whoever asked, whole
            if self._tables.conn.total_changes != before:
                self._undone()
            return _Result(error=exc)

    def _undone(self) -> None:
        for forget in self.on_rollback:
            forget()


class _Reader:
    """A read-only connection and its thread; opened at the first query."""

    def __init__(self, path: Path, number: int) -> None:
        self._path = path
        self._owner = OwnerThread(f"reader-{number}")
        self._conn: sqlite3.Connection | None = None

    async def run(self, work: Callable[[sqlite3.Connection], T], deadline: float) -> T:
        return await self._owner.run(self._query, work, deadline)

    async def close(self) -> None:
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
        self._conn.set_progress_handler(lambda: real_monotonic() > end, _PROGRESS_STEPS)
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


def _open_writer(path: Path, now: int) -> tuple[Tables, str]:
    path.parent.mkdir(parents=True, exist_ok=True)
    conn = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        tables = Tables(conn)
        unknown = newer_than_us(tables)
        if unknown:
            raise SchemaNewer(file=str(path), migration=unknown)  # noqa: TRY301
        for name, (setting, expected) in _PRAGMAS.items():
            conn.execute(f"PRAGMA {name}={setting}").fetchall()
            actual = conn.execute(f"PRAGMA {name}").fetchone()[0]
            if actual != expected:
                raise DatabaseUnusable(  # noqa: TRY301
                    file=str(path), reason=f"{name} is {actual}, not {setting}"
                )
        incarnation = migrate(tables, now)
    except sqlite3.DatabaseError as exc:
        conn.close()
        raise DatabaseUnusable(file=str(path), reason=str(exc)) from exc
    except BaseException:
        conn.close()
        raise
    return tables, incarnation
