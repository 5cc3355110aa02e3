"""A group of work in one transaction of the centre's database: done, made durable, or undone.

One piece that fails takes nothing of the others with it. Where it had written something, all is
undone and each is done again in its own transaction.
"""

import asyncio
import sqlite3
from collections.abc import Callable
from itertools import takewhile
from typing import Any, Final, NamedTuple

from sqlite_utils import Database as Tables

from central.database_gathered import Gathered
from central.database_queue import Heavy, Job, Queue, Urgency
from protocols.clock import real_monotonic
from protocols.crash_points import CrashPoints
from protocols.owner_thread import OwnerThread

HOLD: Final = 0.1
"""Real seconds after which a transaction takes no further work: what is urgent goes next."""
PAUSE: Final = 0.002
"""Real seconds of light work after which whatever else waits on the event loop has its turn."""
HEAVY: Final = 1.0
"""Real seconds in which nothing is tried on the event loop after something was heavy after all."""
BUSY_MS: Final = 5_000
"""How long another program that writes is waited for, in the thread."""


class Result(NamedTuple):
    """What a piece of work returned, or raised."""

    value: Any = None
    error: BaseException | None = None


class _Failed(Exception):
    """A piece of work wrote something and failed: its transaction is of no use."""

    def __init__(self, error: Exception) -> None:
        super().__init__(error)
        self.error = error


class Group:
    """Does the work. The event loop and the thread use its connection in turn, never both."""

    def __init__(self, tables: Tables, owner: OwnerThread, queue: Queue) -> None:
        self.crash = CrashPoints({})
        self.gathered = Gathered()
        self.on_rollback: list[Callable[[], None]] = []
        """Called when work was undone: caches of tables start anew."""
        self.give_way: Callable[[], bool] = lambda: False
        """Makes room for what is urgent on a full disk, in the thread; False: it cannot."""
        self._tables = tables
        self._owner = owner
        self._queue = queue
        self._heavy = 0.0
        """Until when (real) nothing is taken for light."""

    async def write(self, jobs: list[Job]) -> list[Result]:
        """Do all of `jobs`; fewer results than jobs: the rest has to wait for the next transaction.

        What is light is done here and only made durable in the thread: Python's work in a second
        thread is no faster, and each statement of it would hand the interpreter over and wait to
        get it back.
        """
        if real_monotonic() < self._heavy:
            return await self._owner.run(self._commit, jobs)
        first = jobs[0].light is None
        jobs = list(takewhile(lambda job: (job.light is None) is first, jobs))
        done = None if first else await self._lightly(jobs)
        return await self._owner.run(self._commit, jobs, done)

    async def _lightly(self, jobs: list[Job]) -> list[Result] | None:
        """Run work in a transaction that is left open; None: nothing was done, and all is to do."""
        conn = self._tables.conn
        try:
            conn.execute("BEGIN IMMEDIATE")
        except sqlite3.Error:  # held by another program: the thread can wait for it
            return None
        try:
            return await self._run_lightly(jobs)
        except (sqlite3.Error, _Failed, Heavy):
            self._tables.rollback()
            self._undone()
            return None
        except BaseException:
            self._tables.rollback()
            raise

    async def _run_lightly(self, jobs: list[Job]) -> list[Result]:
        begun = last = real_monotonic()
        results: list[Result] = []
        for job in jobs:
            now = real_monotonic()
            if now > last + PAUSE:
                await asyncio.sleep(0)
                last = real_monotonic()
            overtaken = job.urgency is not Urgency.URGENT and self._queue.hurried
            if results and (overtaken or now > begun + HOLD):
                break
            before = self._changes
            try:
                results.append(self._one(job.light or job.work))
            except Heavy as exc:
                self._heavy = real_monotonic() + HEAVY
                if self._changes != before and not exc.harmless:
                    raise
                break  # what was done is kept; the thread goes on with this one
            if not self._tables.conn.in_transaction:
                raise sqlite3.OperationalError("the whole transaction was rolled back")
        return results

    def _commit(self, jobs: list[Job], done: list[Result] | None = None) -> list[Result]:
        """Run in the writer thread: one transaction, or each in its own if that fails.

        `done`: what was done already in the transaction that is open. Fewer results than jobs: the
        rest has to wait for the next transaction.
        """
        conn = self._tables.conn
        try:
            if done is None:
                self._begin(conn)
        except sqlite3.Error as exc:  # held by another program, read-only ...: no use to insist
            return [Result(error=exc) for _ in jobs]
        try:
            results = self._run(jobs) if done is None else done
            self.gathered.write_out(conn)
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
                return [Result(error=error)]
            # What little room there is belongs to what is urgent.
            may = [job.urgency is Urgency.URGENT or not full for job in jobs]
            alone = zip(jobs, may, strict=True)
            return [self._commit([job])[0] if one else Result(error=error) for job, one in alone]
        except BaseException:
            self._tables.rollback()
            raise
        return results

    def _begin(self, conn: sqlite3.Connection) -> None:
        """Begin, and wait for another program that writes: only a thread may."""
        conn.execute(f"PRAGMA busy_timeout={BUSY_MS}").close()
        try:
            conn.execute("BEGIN IMMEDIATE")
        finally:
            conn.execute("PRAGMA busy_timeout=0").close()

    def _run(self, jobs: list[Job]) -> list[Result]:
        end = real_monotonic() + HOLD
        results: list[Result] = []
        for job in jobs:
            # What came meanwhile and is urgent does not wait for the others of this group.
            overtaken = job.urgency is not Urgency.URGENT and self._queue.hurried
            if results and (overtaken or real_monotonic() > end):
                break
            if job.light is None:  # it may ask the tables for what was gathered
                self.gathered.write_out(self._tables.conn)
            results.append(self._one(job.work))
            if not self._tables.conn.in_transaction:
                raise sqlite3.OperationalError("the whole transaction was rolled back")
        return results

    def _one(self, work: Callable[[Tables], Any]) -> Result:
        before = self._changes
        try:
            return Result(work(self._tables))
        except Heavy:
            raise
        except Exception as exc:
            # What SQLite refused may have been the first write after memory was changed.
            if self._changes != before or isinstance(exc, sqlite3.Error):
                raise _Failed(exc) from exc
            return Result(error=exc)  # nothing to undo

    @property
    def _changes(self) -> int:
        """What was written or left to be, counted."""
        return self._tables.conn.total_changes + self.gathered.count

    def _undone(self) -> None:
        self.gathered.forget()
        for forget in self.on_rollback:
            forget()
