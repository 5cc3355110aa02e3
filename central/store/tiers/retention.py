"""Deletes readings that are past their time, and leaves rollups in their place.

A step takes some chunks of a family's day, or rows of it, and in one transaction writes what is
left of them, deletes them and enters it in the ledger: nothing goes that no rollup speaks of, and
no reading is counted by both. What comes late to a day that has gone is stored as ever, and goes
the same way at the next round. The oldest day goes first. Rollups end the same way, without a rest.
"""

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Final, TypeVar

from sqlite_utils import Database as Tables

from central.database import Database, Urgency
from central.reader import QueryTooLong
from central.store.chunks import DAY
from central.store.families import Families
from central.store.tiers import due, tiers
from central.store.tiers.due import Expired, SiteSize, Step, Work
from central.store.tiers.keeping import Kept, StoreKeeping
from central.store.tiers.rollups import SPANS
from central.store.tiers.tiers import RAW, Gone
from protocols.clock import HOUR, Clock
from protocols.errors import FengsuiError
from protocols.owner_thread import OwnerThread

logger = logging.getLogger(__name__)

PATIENCE: Final = 60.0
"""Real seconds one look may take."""
LOOK: Final = HOUR
"""Of the clock: between two rounds."""
PAUSE: Final = 0.02
"""Real seconds between two steps."""
TIER_OF: Final = {RAW: "keep", "1min": "minutes", "1h": "hours"}
"""The settings' name of each tier."""
T = TypeVar("T")
Domain = Callable[[str], str | None]


@dataclass(slots=True)
class Figures:
    """What went since the start, by tier."""

    readings: dict[str, int] = field(default_factory=lambda: dict.fromkeys(TIER_OF, 0))
    bytes: dict[str, int] = field(default_factory=lambda: dict.fromkeys(TIER_OF, 0))
    damaged: int = 0
    """Days that stay because something of theirs cannot be read."""
    slow: int = 0
    """Families put off because looking at one took too long."""


class StoreRetention:
    """`domain` returns the domain of a site, None where nobody knows it."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        keeping: StoreKeeping,
        families: Families,
        domain: Domain,
    ) -> None:
        self._db = db
        self._clock = clock
        self._families = families
        self._domain = domain
        self._worker = OwnerThread("retention")
        self._damaged: set[tuple[int, int]] = set()
        self.keeping = keeping
        self.figures = Figures()
        self.sizes: Mapping[str, SiteSize] = {}

    def kept(self, site: str) -> Kept:
        """Return what holds for a site."""
        return self.keeping.of(site, self._domain(site))

    async def run(self) -> None:
        """Delete what is due, again and again until cancelled."""
        while True:
            await self.round()
            await self._clock.sleep(LOOK)

    async def close(self) -> None:
        """Let go of the thread."""
        await self._worker.close()

    async def round(self) -> None:
        """Go through all families once."""
        before = dict(self.figures.readings)
        await self._give_places()
        sizes: dict[str, SiteSize] = {}
        after = 0
        while page := await self._db.read(partial(due.families, after=after)):
            for number, site in page:
                after = number
                try:
                    await self._family(number, site)
                    due.add_size(sizes, site, await self._read(partial(due.size, family=number)))
                except QueryTooLong as exc:
                    self.figures.slow += 1
                    logger.warning("family %d waits for the next round: %s", number, exc)
        self.sizes = sizes
        for tier, count in self.figures.readings.items():
            if count > before[tier]:
                logger.info("%s: %d readings past their time deleted", tier, count - before[tier])

    async def _read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        return await self._db.read(work, PATIENCE)

    async def _give_places(self) -> None:
        """Points that are only in rows need a family: their rollups have to lie somewhere."""
        missing = await self._read(due.without_family)
        if missing:
            await self._db.write(
                lambda tables: self._families.give(tables.conn, missing),
                self._families.took,
                urgency=Urgency.PATIENT,
            )

    async def _family(self, family: int, site: str) -> None:
        kept = self.kept(site)
        ends = {tier: self._last_day(kept.spans[name]) for tier, name in TIER_OF.items()}
        work = Work(family, site, ends, {t: _why(kept, name) for t, name in TIER_OF.items()})
        for day in await self._read(partial(due.raw_days, family=family, upto=ends[RAW])):
            if (family, day) not in self._damaged:
                await self._day(work, day)
        for tier, span in SPANS.items():
            await self._expire(work, tier, span)

    async def _day(self, work: Work, day: int) -> None:
        while True:
            try:
                step = await self._read(partial(due.next_step, work=work, day=day))
                if step is None:
                    return
                rows = await self._worker.run(due.rolled_up, step)
            except QueryTooLong:
                raise
            except (FengsuiError, ValueError, TypeError, OverflowError) as exc:
                self._damaged.add((work.family, day))
                self.figures.damaged += 1
                logger.error("family %d, day %d stays: %s", work.family, day, exc)  # noqa: TRY400
                return
            now = self._clock.now()
            done = await self._db.write(
                partial(self._delete, work, step, rows, now), urgency=Urgency.PATIENT
            )
            if not done:
                return  # merged meanwhile; the next round looks again
            self.figures.readings[RAW] += step.readings
            self.figures.bytes[RAW] += step.bytes
            await asyncio.sleep(PAUSE)

    def _last_day(self, span: int | None) -> int:
        """Return the last day all of which is past `span`."""
        return -1 if span is None else (self._clock.now() - span) // DAY - 1

    def _delete(self, work: Work, step: Step, rows: due.Rows, now: int, tables: Tables) -> bool:
        """Put the rollups in the place of what goes; False when something has changed."""
        conn = tables.conn
        if not due.unchanged(conn, work, step):
            return False
        for span, (before, row) in rows.items():
            tiers.put(conn, (work.family, step.day, span), before, row)
        self._db.crash.reach("central.retention")
        due.delete(conn, step)
        line = (work.site, RAW, step.day, step.readings, step.bytes, now, now, work.why[RAW])
        tiers.note(conn, Gone._make(line))
        return True

    async def _expire(self, work: Work, tier: str, span: int) -> None:
        """Delete the rollups that are past their time, a few at a time."""
        look = partial(due.expired, family=work.family, span=span, upto=work.ends[tier])
        while found := await self._read(look):
            now = self._clock.now()
            lines = [
                Gone(work.site, tier, one.day, one.readings, one.bytes, now, now, work.why[tier])
                for one in found
            ]
            await self._db.write(
                partial(self._delete_rollups, found, lines), urgency=Urgency.PATIENT
            )
            self.figures.readings[tier] += sum(line.readings for line in lines)
            self.figures.bytes[tier] += sum(line.bytes for line in lines)
            await asyncio.sleep(PAUSE)

    def _delete_rollups(self, found: list[Expired], lines: list[Gone], tables: Tables) -> None:
        for one, line in zip(found, lines, strict=True):
            tables.conn.execute("DELETE FROM rollup WHERE id = ?", (one.id,))
            tiers.note(tables.conn, line)
        self._db.crash.reach("central.retention")


def _why(kept: Kept, tier: str) -> str:
    span = kept.spans[tier]
    return f"{kept.why[tier]}:{'forever' if span is None else f'{span // DAY}d'}"


def sites_of(conn: sqlite3.Connection) -> list[str]:
    """Return the sites of which there are families."""
    rows = conn.execute("SELECT DISTINCT substr(device, 1, instr(device, '/') - 1) FROM family")
    return sorted(name for (name,) in rows if name)
