"""Many alarms as people ask for them: whether it floods, and the open list by site."""

import sqlite3
from typing import NamedTuple

from central.alarms.many.flooding import Flooded, Flooding, flooded
from central.alarms.shown import grouped
from central.alarms.shown.grouped import SiteRow
from central.alarms.shown.listing import Resolved
from central.database import Database


class Crowd(NamedTuple):
    """Of one collector; `flooding` is the engine's, whose bounds are of all on duty together."""

    db: Database
    flooding: Flooding

    async def flood(self, now: int) -> Flooded:
        """Return whether it floods, as the tables say."""
        return await self.db.read(lambda conn: flooded(conn, self.flooding.bounds, now))

    async def by_site(
        self, now: int, sites: frozenset[str] | None, purpose: str | None, *, always: bool
    ) -> tuple[bool, list[SiteRow]]:
        """Return whether it floods, and what is shown by site then, or `always`."""

        def read(conn: sqlite3.Connection) -> tuple[bool, list[SiteRow]]:
            on = flooded(conn, self.flooding.bounds, now).flood.on
            names = Resolved(sites, None, None)
            return on, grouped.grouped(conn, names, purpose) if on or always else []

        return await self.db.read(read)
