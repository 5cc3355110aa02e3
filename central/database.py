"""The centre's database: SQLite in WAL, exactly one writing connection in one dedicated thread.

Promises. `write` returns only after its transaction is durable (synchronous=FULL). Several waiting
pieces of work share one transaction (group commit): one that fails takes nothing of the others with
it. (Where it had written something, all is undone and each is done again in its own.) `read` sees a
consistent snapshot, never blocks a writer, and ends at its deadline; `glance` has a connection of
its own, so that no login, token or health check waits behind somebody's long query. What SQLite
refuses is logged with its cause and counted. A file of a newer version is refused untouched. Only
the writer checkpoints, which keeps clear of the WAL-reset bug of SQLite before 3.51.3.
"""

import asyncio
import logging
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from sqlite_utils import Database as Tables

from central.database_file import DatabaseUnusable, SchemaNewer, open_file
from central.database_queue import Job, Queue, Urgency
from central.reader import QueryTooLong, Reader
from central.repeats import Repeats
from protocols.clock import Clock, real_monotonic
from protocols.crash_points import CrashPoints
from protocols.errors import FengsuiError
from protocols.owner_thread import OwnerThread

T = TypeVar("T")

__all__ = ["Database", "DatabaseUnusable", "QueryTooLong", "SchemaNewer", "StorageError", "Urgency"]

logger = logging.getLogger(__name__)

StorageError: Final = sqlite3.Error
"""What a read or a write may raise beside our own errors; so the API needs no library of SQL."""

WAITING: Final = 512
"""Most pieces of work waiting; more callers wait outside."""
READERS: Final = 2
READ_DEADLINE: Final = 10.0
"""Real seconds a query may take before it is ended."""
GLANCE_DEADLINE: Final = 2.0
"""The same for a look-up by key."""
HOLD: Final = 0.1
"""Real seconds after which a transaction takes no further work: what is urgent goes next."""
LOG_PAGES: Final = 8_192
_TUNED: Final = {"cache_size": -65_536, "wal_autocheckpoint": LOG_PAGES}
"""64 MiB hold the page where each of some thousand points goes on; as many pages of the log as
fit into half of that are worth one checkpoint."""


@dataclass(frozen=True, slots=True)
class _Result:
    value: Any = None
    error: BaseException | None = None


class _Failed(Exception):
    """A piece of work wrote something and failed: its transaction is of no use."""

    def __init__(self, error: Exception) -> None:
        super().__init__(error)
        self.error = error


class Database:
    """One open file. Made by `open`; `incarnation` is minted when the file is created."""

    def __init__(self, path: Path, tables: Tables, owner: OwnerThread, incarnation: str) -> None:
        self.path = path
        self.incarnation = incarnation
        self.crash = CrashPoints({})
        self.on_rollback: list[Callable[[], None]] = []
        """Called in the writer thread when work was undone: caches of tables start anew."""
        self.refused = Repeats(logger)
        """What SQLite refused, by `write` or `read` and the cause."""
        self._recovered = Repeats(logger)
        self.writable = True
        """Whether the last transaction could be written."""
        self.give_way: Callable[[], bool] = lambda: False
        """Makes room for what is urgent on a full disk, in the writer thread; False: it cannot."""
        self._tables = tables
        self._owner = owner
        self._queue = Queue()
        self._room = asyncio.Semaphore(WAITING)
        self._wake = asyncio.Event()
        self._closing = False
        self._writer = asyncio.create_task(self._write_groups(), name="database-writer")
        self._readers = [Reader(path, f"reader-{number}") for number in range(READERS)]
        self._idle: asyncio.LifoQueue[Reader] = asyncio.LifoQueue()
        for reader in self._readers:
            self._idle.put_nowait(reader)
        self._glances = Reader(path, "reader-glance")

    @classmethod
    async def open(cls, path: Path, clock: Clock) -> "Database":
        """Open or create the file and bring its tables up to date.

        Raises SchemaNewer or DatabaseUnusable, in both cases without having changed the file.
        """
        owner = OwnerThread("database")
        try:
            tables, incarnation = await owner.run(open_file, path, clock.now())
            await owner.run(_tune, tables.conn)
        except BaseException:
            await owner.close()
            raise
        return cls(path, tables, owner, incarnation)

    async def write(
        self,
        work: Callable[[Tables], T],
        after: Callable[[T], None] | None = None,
        *,
        urgency: Urgency = Urgency.USUAL,
    ) -> T:
        """Run `work` in a transaction and return its result once that is durable.

        What is urgent goes first and is never told to wait outside: whoever asks is bounded.

        `after` is called on the event loop with the result, in the order of the commits and even
        if the caller has been cancelled meanwhile. `work` may be run a second time when its group
        had to be undone: it must depend on nothing but the database and its arguments.
        """
        if self._closing:
            raise RuntimeError("the database is closed")
        if urgency is not Urgency.URGENT:
            await self._room.acquire()
            if self._closing:
                self._room.release()
                raise RuntimeError("the database was closed meanwhile")
        job = Job(work, after, urgency, asyncio.get_running_loop().create_future())
        self._queue.add(job)
        self._wake.set()
        result: T = await job.outcome
        return result

    async def read(
        self, work: Callable[[sqlite3.Connection], T], deadline: float = READ_DEADLINE
    ) -> T:
        """Run `work` on a read-only connection within one snapshot. Raises QueryTooLong."""
        reader = await self._idle.get()
        running = asyncio.ensure_future(reader.run(work, deadline))
        # Given back when the thread is done with it, not when the caller stops waiting.
        running.add_done_callback(lambda _: self._idle.put_nowait(reader))
        return await self._heard(running)

    async def glance(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Look something up by its key, as `read`; never behind a query of another kind."""
        return await self._heard(asyncio.ensure_future(self._glances.run(work, GLANCE_DEADLINE)))

    async def watch(self) -> None:
        """Return when the database is closed; raise what ended the writer before that.

        A writer that ends leaves memory and tables apart: whoever runs us has to end too.
        """
        await asyncio.shield(self._writer)

    async def close(self) -> None:
        """Finish what waits and let go of the file; may be called twice."""
        self._closing = True
        self._wake.set()
        await asyncio.wait([self._writer])
        for reader in (*self._readers, self._glances):
            reader.interrupt()
            await reader.close()
        await self._owner.close()
        self._tables.close()

    async def _heard(self, running: asyncio.Future[T]) -> T:
        try:
            return await asyncio.shield(running)
        except (sqlite3.Error, QueryTooLong) as exc:
            self.refused.say(f"read {_cause(exc)}", f"the database was not read: {exc}", exc)
            raise

    async def _write_groups(self) -> None:
        jobs: list[Job] = []
        try:
            while True:
                jobs = self._queue.take()
                if jobs:
                    results = await self._owner.run(self._commit, jobs)
                    self._queue.settle(jobs[: len(results)], jobs[len(results) :])
                    self._finish(jobs, results)
                elif self._closing:
                    return
                else:
                    self._wake.clear()
                    await self._wake.wait()
        except BaseException:
            self._abandon(jobs)
            raise

    def _abandon(self, jobs: list[Job]) -> None:
        """Memory could not follow a commit: nobody is left waiting, nothing more is written."""
        self._closing = True
        logger.critical("the database's writer ended: nothing is written any more")
        for job in (*jobs, *self._queue):
            if not job.outcome.done():
                job.outcome.set_exception(RuntimeError("the database's writer ended"))

    def _finish(self, jobs: list[Job], results: list[_Result]) -> None:
        for job, result in zip(jobs, results, strict=False):  # the rest was put back
            if job.urgency is not Urgency.URGENT:
                self._room.release()
            self._note(result.error)
            if result.error is None and job.after is not None:
                job.after(result.value)
            if job.outcome.done():
                continue
            if result.error is not None:
                job.outcome.set_exception(result.error)
            else:
                job.outcome.set_result(result.value)

    def _note(self, error: BaseException | None) -> None:
        if isinstance(error, sqlite3.Error):
            # What breaks a rule of the tables is one caller's fault, not the disk's.
            self.writable = self.writable and isinstance(error, sqlite3.IntegrityError)
            cause = f"write {_cause(error)}"
            self.refused.say(cause, f"the database was not written: {error}", error)
        elif error is None and not self.writable:
            self.writable = True
            self._recovered.say("", "the database is written again")

    def _commit(self, jobs: list[Job]) -> list[_Result]:
        """Run in the writer thread: one transaction, or each in its own if that fails.

        Fewer results than jobs: the rest has to wait for the next transaction.
        """
        conn = self._tables.conn
        try:
            conn.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as exc:  # held by another program, read-only ...: no use to insist
            return [_Result(error=exc) for _ in jobs]
        try:
            results = self._run(jobs)
            self.crash.reach("central.writing")
            conn.execute("COMMIT")
            self.crash.reach("central.committed")
        except (sqlite3.Error, _Failed) as exc:
            self._tables.rollback()
            self._undone()
            error = exc.error if isinstance(exc, _Failed) else exc
            full = getattr(error, "sqlite_errorname", "") == "SQLITE_FULL"
            if len(jobs) == 1:
                if full and jobs[0].urgency is Urgency.URGENT and self.give_way():
                    return self._commit(jobs)
                return [_Result(error=error)]
            # What little room there is belongs to what is urgent.
            may = [job.urgency is Urgency.URGENT or not full for job in jobs]
            alone = zip(jobs, may, strict=True)
            return [self._commit([job])[0] if one else _Result(error=error) for job, one in alone]
        except BaseException:
            self._tables.rollback()
            raise
        return results

    def _run(self, jobs: list[Job]) -> list[_Result]:
        end = real_monotonic() + HOLD
        results: list[_Result] = []
        for job in jobs:
            # What came meanwhile and is urgent does not wait for the others of this group.
            overtaken = job.urgency is not Urgency.URGENT and self._queue.hurried
            if results and (overtaken or real_monotonic() > end):
                break
            results.append(self._one(job.work))
            if not self._tables.conn.in_transaction:
                raise sqlite3.OperationalError("the whole transaction was rolled back")
        return results

    def _one(self, work: Callable[[Tables], Any]) -> _Result:
        before = self._tables.conn.total_changes
        try:
            return _Result(work(self._tables))
        except Exception as exc:
            # What SQLite refused may have been the first write after memory was changed.
            if self._tables.conn.total_changes != before or isinstance(exc, sqlite3.Error):
                raise _Failed(exc) from exc
            return _Result(error=exc)  # nothing to undo

    def _undone(self) -> None:
        for forget in self.on_rollback:
            forget()


def _tune(conn: sqlite3.Connection) -> None:
    for name, setting in _TUNED.items():
        conn.execute(f"PRAGMA {name}={setting}").fetchall()


def _cause(error: BaseException) -> str:
    """Return SQLite's own name of an error, or ours."""
    if isinstance(error, FengsuiError):
        return error.code
    return getattr(error, "sqlite_errorname", None) or type(error).__name__
