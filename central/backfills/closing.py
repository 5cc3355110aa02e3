"""When a delivery of the past is over, and who is told.

Over is what its gateway says it is done with (nothing it holds waits longer than live readings do),
or what went on no further for five minutes: a gateway that was cut again, or says nothing of what
waits; or what goes on for an hour. What comes afterwards is a delivery of its own. Lives on the
event loop.
"""

import sqlite3
from collections.abc import Callable
from typing import Final, NamedTuple

from sqlite_utils import Database as Tables

from central.alarms.journal.peaks import Peaks, Wanted
from central.backfills import records
from central.backfills.noting import FRESH, Noting
from central.backfills.records import Backfill, GoingOn, Page, PeakRow
from central.contacts import Contacts
from central.database import Database, Urgency
from central.effects import Effects
from protocols.clock import MINUTE, Clock

QUIET: Final = 5 * MINUTE
LONGEST: Final = 60 * MINUTE
"""So long people wait to hear of what goes on and on: it is told hour by hour."""
_URGENT: Final = (
    "SELECT e.number, e.point, json_extract(e.level, '$.op') FROM episode e "
    "JOIN point p ON p.number = e.point JOIN rule r ON r.id = e.rule "
    "WHERE e.closed IS NULL AND e.returned IS NULL "
    "AND p.gateway = ? AND e.purpose = ? AND e.raised <= ? "
    "AND coalesce(json_extract(r.definition, '$.kind.kind'), 'limit') = 'limit' "
    "AND e.number NOT IN (SELECT episode FROM fault) ORDER BY e.colour DESC, e.raised LIMIT 1"
)
"""The most urgent alarm that stood while this was missing, held against its point's own value."""


class Beside(NamedTuple):
    """Who knows what gateways say and what readings were; `tell` is given what is over, after the
    commit.
    """

    contacts: Contacts
    peaks: Peaks
    tell: Callable[[Effects], None]


class Backfills:
    """Of one collector."""

    def __init__(self, db: Database, clock: Clock, noting: Noting, beside: Beside) -> None:
        self._db = db
        self._clock = clock
        self._noting = noting
        self._contacts, self._peaks, self._tell = beside

    async def load(self) -> None:
        """Know what was going on when the collector ended."""
        self._noting.known |= {each.gateway for each in await self._db.read(records.going_on)}

    async def run(self) -> None:
        """End what goes on no further, or too long, until cancelled."""
        while True:
            await self._clock.sleep(QUIET // 2)
            if self._noting.known:
                await self.look()

    async def look(self) -> None:
        """End what has gone on no further for QUIET, or goes on for LONGEST."""
        now = self._clock.now()
        for each in await self._db.read(records.going_on):
            if now - each.last >= QUIET or now - each.began >= LONGEST:
                await self._close(each)

    async def health(self, gateway: str, body: bytes) -> None:
        """Take what a gateway says of itself; raises WireError. It may say that it is done."""
        await self._contacts.health(gateway, body)
        if gateway not in self._noting.known:
            return
        oldest = self._contacts.contact(gateway).health.backlog.oldest
        if oldest is not None and self._clock.now() - oldest > FRESH:
            return
        for each in await self._db.read(records.going_on):
            if each.gateway == gateway:
                await self._close(each)

    async def page(self, gateways: frozenset[str] | None, limit: int, before: int | None) -> Page:
        """Return deliveries that are over, of `gateways` (None: of all), newest first."""
        return await self._db.read(lambda conn: records.page(conn, gateways, limit, before))

    async def _close(self, delivery: GoingOn) -> None:
        key, peak = (delivery.gateway, delivery.purpose), await self._peak(delivery)

        def work(tables: Tables) -> Backfill | None:
            return self._noting.close(tables.conn, key, self._clock.now(), peak)

        await self._db.write(work, self._closed, urgency=Urgency.PATIENT)

    def _closed(self, closed: Backfill | None) -> None:
        if closed is not None:
            self._tell(Effects(backfills=[closed]))

    async def _peak(self, delivery: GoingOn) -> PeakRow | None:
        sought = await self._db.read(lambda conn: _sought(conn, delivery))
        found = [] if sought is None else await self._peaks.look_up([sought])
        if sought is None or not found:
            return None
        worst = found[0][1]
        return PeakRow(sought.point, not sought.highest, worst.value, worst.time)


def _sought(conn: sqlite3.Connection, of: GoingOn) -> Wanted | None:
    if of.first is None or of.newest is None:
        return None
    row = conn.execute(_URGENT, (of.gateway, of.purpose, of.newest)).fetchone()
    if row is None or row[2][0] not in "<>":
        return None
    number, point, op = row
    return Wanted(number, point, of.first, of.newest + 1, op[0] == ">")
