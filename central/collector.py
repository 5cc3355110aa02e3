"""The collector: puts its rooms together and tells listeners what each commit changed.

gateways -> ingest -> [one transaction: readings, cursor, evidence, alarms, journal]
         -> heads, registry, contacts in memory -> listeners (the page's live updates)
"""

import asyncio
import logging
import sqlite3
from collections.abc import Awaitable, Callable, Collection
from types import TracebackType
from typing import Self

import numpy as np

from central import events
from central.alarms.engine import Engine, Judged
from central.alarms.journal.records import EpisodeRow
from central.alarms.shown.alarms import Alarms
from central.alarms.shown.crowd import Crowd
from central.alarms.shown.view import Now
from central.backfills.closing import Backfills, Beside
from central.backup.backups import Backups
from central.config import CentralConfig
from central.contacts import Contacts
from central.database import Database, QueryTooLong
from central.door.door import Behind, ReadingsDoor
from central.door.taking import Taking
from central.effects import Effects, EventPage
from central.evidence.packing import Packing
from central.evidence.rebuilding import Rebuilding
from central.evidence.retention import Retention
from central.faults.watching import follow, now
from central.identity import collector_key
from central.ingest import heard
from central.ingest.anchors import Anchors
from central.ingest.commit import Committer
from central.ingest.contents import Committed
from central.ingest.gate import After, Ingest
from central.ingest.manifests import Opened
from central.next_timer import NextTimer
from central.overview import Overview, overview
from central.registry import Registry
from central.rules.rulebook import Rulebook, RulesBehind
from central.space import Space
from central.store.checks.scrub import Scrub
from central.store.columns import Integers
from central.store.queries.queries import Behind as Queried
from central.store.queries.queries import Queries
from central.store.squeezed import Damaged
from central.store.store import ChunkStore
from central.store.tiers.retention import StoreRetention
from protocols.clock import Clock

logger = logging.getLogger(__name__)

PAUSE = 5_000_000
"""Microseconds before a task that failed on the database begins again."""


class Collector:
    """Everything central but the people. Made by `open`; use as an async context."""

    def __init__(self, config: CentralConfig, clock: Clock, db: Database) -> None:
        self.config = config
        self.clock = clock
        self.db = db
        self._key = collector_key.load(config.database.parent)
        self.signer = self._key.signer
        """Signs what a gateway that has a key may forget by."""
        self.listeners: list[Callable[[Effects], None]] = []
        self.gateways = Contacts(db, clock, self.tell)
        self.registry = Registry(db, clock, self.gateways)
        self.store = ChunkStore(db, self.registry)
        ways = (self.store.ask, self.store.near)
        self.queries = Queries(Queried(db, self.registry, clock, config.holidays, *ways))
        self.last_evaluation: int | None = None
        self._engine = Engine(self.store, config.alarms.bounds)
        self.alarms = Alarms(db, self._engine, self.registry, self.store, self.tell, config.alarms)
        self.alarms.schedule = self._schedule_at
        self.listeners.append(self.alarms.peaks.listen)
        anchors = Anchors(clock)
        self.gateways.measured = anchors.note
        self.crowd = Crowd(db, self._engine.many.flooding, config.alarms.flood)
        self.faults = follow(self._engine, self.registry, self.gateways, self.store.heads)
        self.alarms.now, self.faults.settled = self._now, self._schedule
        committer = Committer(self.store, self._engine, anchors, db.gathered, clock.now())
        self._committer = committer
        beside = Beside(self.gateways, self.alarms.peaks, self.tell)
        self.backfills = Backfills(db, clock, committer.backfills, beside)
        db.on_rollback.extend((self._engine.forget, committer.forget))
        self.store.on_seal.extend((self._engine.flush, committer.heard.flush))
        book = RulesBehind(db, self._engine, self.registry, clock, self._opened)
        self.rules = Rulebook(book, config.threshold_sets)
        after = After(
            committed=self._committed,
            opened=self._opened,
            seen=self.gateways.seen,
            health=self.backfills.health,
            masked=self.rules.masked,
            settle=self.rules.settle,
        )
        ways_in = (db, clock, self._engine, committer, after)
        self.ingest = Ingest(*ways_in, backed_up=config.backup is not None)
        self.backups = Backups(db, clock, config.backup, self.tell)
        self.retention = Retention(db, clock, config.evidence)
        self.packing = Packing(db, clock)
        self.store_retention = StoreRetention(
            db, clock, config.store, self.store.families, self._domain
        )
        self.space = Space(db, clock, config.reserve, self.tell)
        db.make_room_by(self.space.give_way)
        self.ingest.admission.lacks_room = self.space.refusal
        self._connect_store()
        self.rebuilding = Rebuilding(db, self.store)
        self.scrub = Scrub(db, clock, self.store.damage, self.tell)
        taking = Taking(committer, self.store, db.gathered)
        db.on_rollback.append(taking.forget)
        behind = Behind(
            ingest=self.ingest,
            taking=taking,
            contacts=self.gateways,
            registry=self.registry,
            committed=self._committed,
            tell=self.tell,
            crowded=lambda: self.store.crowded,
        )
        self.door = ReadingsDoor(db, clock, behind)
        self._telling: Effects | None = None
        self._timer = NextTimer(clock, self.tick)
        self._tasks: list[asyncio.Task[None]] = []

    @classmethod
    async def open(cls, config: CentralConfig, clock: Clock) -> "Collector":
        """Open the database and rebuild what lives in memory.

        Raises SchemaNewer, DatabaseUnusable or CollectorKeyUnusable.
        """
        db = await Database.open(config.database, clock)
        try:
            collector = cls(config, clock, db)
        except BaseException:
            await db.close()
            raise
        try:
            await collector._load()
        except BaseException:
            await collector.close()
            raise
        return collector

    async def run(self) -> None:
        """Watch gateways and fire timers until cancelled; ends with an error if the writer did."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.db.watch())
            for work in (
                *(self.gateways.watch, self._timer.run, self.store.run, self.alarms.peaks.run),
                *(self.backfills.run, self.retention.run, self.packing.run),
                *(self.store_retention.run, self.scrub.run, self.space.run),
                self.door.forgetting.run,
            ):
                group.create_task(self._keep(work))
            if self.config.backup is not None:
                group.create_task(self._keep(self.backups.run))

    async def close(self) -> None:
        """Finish what is being written and let go of everything; may be called twice."""
        await self.backups.close()
        await self.ingest.close()
        await self.door.close()
        await self.store_retention.close()
        await self.store.close()
        await self.db.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    def tell(self, effects: Effects) -> None:
        """Give every listener what changed."""
        for listener in self.listeners:
            listener(effects)

    async def overview(self, scope: frozenset[str] | None = None) -> Overview:
        """Return the first screen's figures for the sites in `scope` (None: all)."""
        return await overview(self, scope)

    async def events(
        self,
        limit: int = 100,
        cursor: str | None = None,
        kind: str | Collection[str] = (),
        code: str | None = None,
    ) -> EventPage:
        """Return faults, losses, things put aside and security events, newest first."""
        most = max(1, min(limit, 1_000))
        return await self.db.read(lambda conn: events.page(conn, most, cursor, kind, code))

    async def tick(self) -> None:
        """Fire the alarm timers that are due by the clock."""
        await self.db.write(
            lambda tables: self._committer.tick(tables, self.clock.now()), self._schedule
        )

    async def _load(self) -> None:
        await self.db.write(lambda tables: collector_key.note(tables, self._key, self.clock.now()))
        await self.registry.load()
        await self.store.load()
        now, came = self.clock.now(), [(b.stream, b.received) for b in self.store.unsealed.blocks()]
        await self.db.write(lambda tables: heard.restore(tables.conn, came, now))
        await self.gateways.load()
        await self.db.write(self.faults.began(self.gateways, self.clock.now()))
        await self.alarms.load()
        await self.backfills.load()
        await self.rules.load()
        await self.backups.load()
        await self.door.load()
        await self.tick()

    def _now(self, row: EpisodeRow) -> Now:
        return now(self._engine, row, self.clock.now())

    def _connect_store(self) -> None:
        """Let the store and the copies go by the disk's room, and tell what becomes of it."""
        if (target := self.config.backup) is not None:
            self.backups.may = lambda: self.space.lets(target.folder)
        self.store.heads.watchers.append(self._became)
        self.store.may_seal = lambda: self.space.sealing
        self.store.may_merge = self.packing.may = lambda: self.space.tidying
        self.store.set_aside.now = self.clock.now
        self.store.set_aside.tell = self.tell

    def _committed(self, gateway: str, done: Committed) -> None:
        if done.purpose is not None:
            self.gateways.committed(gateway, done.purpose)
        for samples in done.good:
            self.alarms.trends.add(samples)
        if done.readings:
            self.last_evaluation = done.received
        self.store.committed(done.blocks)
        self._schedule_at(done.due)
        self.alarms.put_laid(done.laid)
        effects = Effects(events=done.events, overlays=done.laid)
        if done.episodes:  # an alarm is told with the value that raised it
            self._telling = effects
            self.store.heads.settle()
            self._telling = None
            effects.episodes = self.alarms.views(done.episodes)
        self.tell(effects)

    def _became(self, points: Integers) -> None:
        if self._telling is None:
            self.tell(Effects(values=points))
        else:
            self._telling.values = np.append(self._telling.values, points)

    def _opened(self, opened: Opened) -> None:
        if opened.ladders is not None:
            self.alarms.put_ladders(opened.ladders)
            self._schedule_at(opened.due)
        if opened.entry is not None:
            self.registry.put(opened.entry)
            self.rules.described(opened.entry.name)
        self.alarms.put_laid(opened.laid)
        if opened.entry or opened.events or opened.episodes or opened.laid:
            self.tell(
                Effects(
                    gateways=[opened.entry.name] if opened.entry else [],
                    episodes=self.alarms.views(opened.episodes),
                    overlays=list(opened.laid),
                    events=list(opened.events),
                    registry=opened.entry is not None,
                )
            )

    def _domain(self, site: str) -> str | None:
        return None if (known := self.registry.site(site)) is None else known.domain

    async def _keep(self, work: Callable[[], Awaitable[None]]) -> None:
        """Begin again when the database was not written, or not read in time, or is damaged."""
        while True:
            try:
                await work()
            except (sqlite3.Error, QueryTooLong, Damaged) as exc:
                logger.error("%s begins again: %s", work.__name__, exc)  # noqa: TRY400
            await self.clock.sleep(PAUSE)

    def _schedule(self, judged: Judged) -> None:
        self._schedule_at(judged.due)
        self.alarms.changed(judged.episodes, judged.laid)

    def _schedule_at(self, due: int | None) -> None:
        self._timer.at(self._committer.joining.earliest(due))
