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
from contextlib import suppress
from pathlib import Path
from typing import Final, TypeVar

from sqlite_utils import Database as Tables

from central.database_file import DatabaseUnusable, SchemaNewer, open_file
from central.database_gathered import Gathered
from central.database_group import Group, Result
from central.database_queue import Job, Queue, Urgency
from central.near import Near, TooMuch
from central.reader import QueryTooLong, Reader
from central.repeats import Repeats
from protocols.clock import Clock
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
LOG_PAGES: Final = 1_000
"""Pages of the log after which they are written back: by the COMMIT that reaches them, behind which
everybody waits. A log that begins anew so soon also grows no longer, which each sync would tell."""
_TUNED: Final = {"busy_timeout": 0, "cache_size": -65_536, "wal_autocheckpoint": LOG_PAGES}
"""64 MiB hold the page where each of some thousand points goes on."""


class Database:
    """One open file. Made by `open`; `incarnation` is minted when the file is created."""

    def __init__(self, path: Path, tables: Tables, owner: OwnerThread, incarnation: str) -> None:
        self.path = path
        self.incarnation = incarnation
        self.refused = Repeats(logger)
        """What SQLite refused, by `write` or `read` and the cause."""
        self._recovered = Repeats(logger)
        self.writable = True
        """Whether the last transaction could be written."""
        self.changes = 0
        """Rises with whatever is written but light work; odd: something is being written."""
        self._tables = tables
        self._owner = owner
        self._queue = Queue()
        self._group = Group(tables, owner, self._queue)
        self._room = asyncio.Semaphore(WAITING)
        self._wake = asyncio.Event()
        self._closing = False
        self._writer = asyncio.create_task(self._write_groups(), name="database-writer")
        self._readers = [Reader(path, f"reader-{number}") for number in range(READERS)]
        self._idle: asyncio.LifoQueue[Reader] = asyncio.LifoQueue()
        for reader in self._readers:
            self._idle.put_nowait(reader)
        self._glances = Reader(path, "reader-glance")
        self._near = Near(path)

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

    @property
    def crash(self) -> CrashPoints:
        """Where a test may end the process; set by whoever runs it."""
        return self._group.crash

    @crash.setter
    def crash(self, points: CrashPoints) -> None:
        self._group.crash = points

    @property
    def on_rollback(self) -> list[Callable[[], None]]:
        """Called when work was undone: caches of tables start anew."""
        return self._group.on_rollback

    @property
    def gathered(self) -> Gathered:
        """What work leaves to be written with that of the others, before their COMMIT."""
        return self._group.gathered

    def make_room_by(self, give_way: Callable[[], bool]) -> None:
        """Let `give_way` make room for what is urgent on a full disk, in the thread."""
        self._group.give_way = give_way

    async def write(
        self,
        work: Callable[[Tables], T],
        after: Callable[[T], None] | None = None,
        *,
        urgency: Urgency = Urgency.USUAL,
        light: Callable[[Tables], T] | None = None,
    ) -> T:
        """Run `work` in a transaction and return its result once that is durable.

        What is urgent goes first and is never told to wait outside: whoever asks is bounded.
        `light`: the same work if it takes a millisecond or two, run on the event loop itself; it
        raises Heavy before it does more, and `work` is run in the thread instead.

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
        job = Job(work, after, urgency, asyncio.get_running_loop().create_future(), light)
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
        """Look something up by its key, as `read`; never behind a query of another kind.

        On the event loop where SQLite answers at once; `work` may be begun again in a thread.
        """
        with suppress(TooMuch):
            return self._near.look(work)
        return await self._heard(asyncio.ensure_future(self._glances.run(work, GLANCE_DEADLINE)))

    def near(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run `work` on the event loop itself, within one snapshot. Raises TooMuch."""
        return self._near.look(work)

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
        self._near.close()
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
                    tells = any(job.light is None for job in jobs)
                    self.changes += tells
                    results = await self._group.write(jobs)
                    self.changes += tells
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

    def _finish(self, jobs: list[Job], results: list[Result]) -> None:
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


def _tune(conn: sqlite3.Connection) -> None:
    for name, setting in _TUNED.items():
        conn.execute(f"PRAGMA {name}={setting}").fetchall()


def _cause(error: BaseException) -> str:
    """Return SQLite's own name of an error, or ours."""
    if isinstance(error, FengsuiError):
        return error.code
    return getattr(error, "sqlite_errorname", None) or type(error).__name__
