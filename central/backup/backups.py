"""When backups are made, what came of them, and what the page is told.

A backup that was missed (the collector stood still) is made up at once; one that failed is tried
again sooner than the next would be due. `stream.safe` moves in the transaction that enters a
verified backup and nowhere else, so it never goes beyond what a file on the target covers.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from central.backup import identity, manifest, older, records, shelf
from central.backup.process import BackupFailed, Failure, Job, Outcome, run
from central.backup.records import FAILED, GONE, VERIFIED, BackupRecord
from central.config import BackupTarget
from central.database import Database
from central.effects import CollectorEvent, Effects
from protocols.clock import MINUTE, Clock, real_monotonic
from protocols.errors import FengsuiError
from protocols.owner_thread import OwnerThread

logger = logging.getLogger(__name__)

LOOK: Final = 10 * MINUTE
"""Of the clock: between two looks whether the newest backup is still there."""
RETRY: Final = 10 * MINUTE
LONGEST_RETRY: Final = 6 * 60 * MINUTE
LOOK_PATIENCE: Final = 10.0
SCHEDULE: Final = "schedule"


class NoTarget(FengsuiError):
    """No backup target is configured."""

    code = "BACKUP_NOT_CONFIGURED"


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupState:
    """`state`: not_configured, waiting (none yet), ok, late, failed or gone; `time`, `bytes`
    and `written` of the newest verified one; `running` (phase, done, total). `identity`: whether
    the collector's own files are with it, one of `central.backup.identity.STATES`; None without a
    verified one."""

    state: str
    time: int | None = None
    bytes: int | None = None
    written: int | None = None
    seconds: float | None = None
    running: tuple[str, int, int] | None = None
    identity: str | None = None


class Backups:
    """One at a time; who asks while one is being made waits for that one."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        target: BackupTarget | None,
        tell: Callable[[Effects], None],
    ) -> None:
        self._db = db
        self._clock = clock
        self._target = target
        self._tell = tell
        self._thread = OwnerThread("backup-look")
        self._covering: BackupRecord | None = None
        self._newest: BackupRecord | None = None
        self._task: asyncio.Task[BackupRecord] | None = None
        self._again: int | None = None
        self._refused = 0
        self.failures = 0
        """Attempts that came to nothing since the start."""
        self.made = 0
        self.running: tuple[str, int, int] | None = None
        self.may: Callable[[], bool] = lambda: True  # the database's disk has room for one

    async def load(self) -> None:
        """Read what was made before the start."""
        self._newest = await self._db.read(records.newest)
        self._covering = await self._db.read(lambda conn: records.newest(conn, VERIFIED))

    async def run(self) -> None:
        """Make backups when they are due, until cancelled."""
        if self._target is not None:
            folder = self._target.folder.resolve()
            self._say(await older.compare(self._db, folder, self._clock.now()))
        while self._target is not None:
            await self._look()
            wait = self._due(self._target) - self._clock.now()
            if wait > 0 or not self.may():
                await self._clock.sleep(min(wait, LOOK) if wait > 0 else LOOK)
                continue
            with contextlib.suppress(BackupFailed):
                await self.take(SCHEDULE)

    async def take(self, actor: str) -> BackupRecord:
        """Make a backup now, or wait for the one being made. Raises NoTarget, BackupFailed."""
        if self._target is None:
            raise NoTarget
        if self._task is None:
            self._task = asyncio.create_task(self._make(self._target, actor), name="backup")
            self._task.add_done_callback(self._over)
        return await asyncio.shield(self._task)

    async def close(self) -> None:
        """End a backup that is being made; what it began is cleared by the next."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        # A look that hangs on a lost network folder holds nobody up.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1.0):
                await self._thread.close()

    def state(self) -> BackupState:
        """Return what the page says of backups."""
        if self._target is None:
            return BackupState(state="not_configured")
        covering, every = self._covering, self._target.every
        state = "waiting" if covering is None else "ok"
        if covering and every and self._clock.now() - covering.time > 2 * every:
            state = "late"
        if self._newest is not None and self._newest.result in (FAILED, GONE):
            state = self._newest.result
        return BackupState(
            state=state,
            time=covering.time if covering else None,
            bytes=covering.bytes if covering else None,
            written=covering.written if covering else None,
            seconds=covering.seconds if covering else None,
            running=self.running,
            identity=covering.identity if covering else None,
        )

    def _over(self, task: asyncio.Task[BackupRecord]) -> None:
        self._task = self.running = None
        if not task.cancelled():
            task.exception()  # known to who asked, told to people: not a stray one

    def _due(self, target: BackupTarget) -> int:
        now, covering = self._clock.now(), self._covering
        if target.every is None:
            return now + LOOK
        # What lies further ahead than it can was noted before the clock went back.
        if self._again is not None:
            return self._again if self._again - now <= LONGEST_RETRY else now
        if covering is None or (self._newest and self._newest.result == GONE):
            return now
        lacking = covering.identity in (identity.MISSING, identity.LEFT_OUT)
        if target.identity and lacking and not self.made:
            return now  # of an older version or another configuration
        return covering.time + target.every if covering.time - now <= LOOK else now

    async def _make(self, target: BackupTarget, actor: str) -> BackupRecord:
        began, now = real_monotonic(), self._clock.now()
        self.running = ("copy", 0, 0)
        self._again = now + RETRY  # also when what came of it cannot be written
        covering, folder = self._covering, target.folder.resolve()
        known = await self._db.read(lambda conn: records.held(conn, folder))
        job = Job(
            source=self._db.path,
            folder=folder,
            time=now,
            create=not known,
            begin=not known or actor != SCHEDULE,
            identity=target.identity,
            form=target.form,
            covering=Path(covering.file) if covering else None,
            sha256=covering.sha256 if covering else "",
            identity_sha256=covering.identity_sha256 if covering else "",
        )
        outcome = await run(job, self._progress)
        self._db.crash.reach("central.backed")
        if covering is not None and outcome.covering in ("gone", "damaged"):
            await self._lost(covering, outcome.covering)
        seconds = round(real_monotonic() - began, 3)
        if outcome.failure is not None:
            await self._failed(target, outcome.failure, (now, actor, seconds))
        return await self._entered(target, outcome, actor, seconds)

    def _progress(self, phase: str, done: int, total: int) -> None:
        self.running = (phase, done, total)

    async def _entered(
        self, target: BackupTarget, outcome: Outcome, actor: str, seconds: float
    ) -> BackupRecord:
        found = outcome.manifest
        assert found is not None  # noqa: S101  # the caller looked
        folder, why = target.folder.resolve(), outcome.no_identity
        record = records.made(found, folder, actor, seconds, why)
        now = self._clock.now()
        told = await self._db.write(
            lambda tables: records.verified(tables, record, outcome.cursors, now)
        )
        self._covering = self._newest = record
        self._again, self._refused = None, 0
        self.made += 1
        self._say(told)
        logger.info("backup %s: %d bytes in %.1f s", record.file, record.bytes, seconds)
        await self._prune(target, found)
        return record

    async def _failed(
        self, target: BackupTarget, failure: Failure, attempt: tuple[int, str, float]
    ) -> None:
        time, actor, seconds = attempt
        wait = min(RETRY << min(self._refused, 10), LONGEST_RETRY, target.every or LONGEST_RETRY)
        self._refused += 1
        now = self._clock.now()
        self._again = now + wait
        record = BackupRecord(
            time=time,
            file="",
            bytes=0,
            sha256="",
            result=FAILED,
            detail="",
            actor=actor,
            seconds=seconds,
            code=failure.code,
            params=failure.params,
        )
        self._newest = record
        logger.error("backup failed: %s %s", failure.code, failure.params)
        event = await self._db.write(
            lambda tables: records.failed(tables, record, wait // MINUTE, now)
        )
        self.failures += 1
        self._say([event])
        raise BackupFailed(**event.params)

    async def _look(self) -> None:
        """Whether the file that covers what is safe is still there in its size."""
        covering = self._covering
        if covering is None:
            return
        try:
            async with asyncio.timeout(LOOK_PATIENCE):
                there = await self._thread.run(shelf.is_there, covering)
        except TimeoutError:
            return  # a folder that hangs: the backup itself will say so
        if not there:
            await self._lost(covering, "gone")

    async def _lost(self, record: BackupRecord, state: str) -> None:
        now = self._clock.now()
        told = await self._db.write(lambda tables: records.gone(tables, record.file, state, now))
        await self.load()
        self._again = None
        self._say(told)

    async def _prune(self, target: BackupTarget, newest: manifest.BackupManifest) -> None:
        """Delete what is beyond `keep`; the one just verified is never among it."""
        folder = target.folder.resolve()
        try:
            bad = await self._db.read(records.not_sound)
            files = await self._thread.run(shelf.prune, folder, newest, target.keep, bad)
            self._db.crash.reach("central.backed")
        except OSError as exc:
            logger.warning("an old backup was not deleted: %s", exc)
            return
        now = self._clock.now()
        await self._db.write(lambda tables: records.removed(tables, files, now))

    def _say(self, told: list[CollectorEvent]) -> None:
        if told:
            self._tell(Effects(events=told))
