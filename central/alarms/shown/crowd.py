"""Many alarms as people ask for them: whether it floods, and the open list by site.

Who sees everything is told of the whole room, who sees some sites of these.
"""

import sqlite3

from central.alarms.many.flooding import Flooded, Flooding, flooded
from central.alarms.shown import grouped
from central.alarms.shown.grouped import SiteRow
from central.alarms.shown.listing import Resolved
from central.alarms.shown.own_floods import OwnFloods
from central.database import Database
from protocols.alarms.flood import Bounds


class Crowd:
    """Of one collector; `flooding` is the engine's, whose bounds are of all on duty together."""

    def __init__(self, db: Database, flooding: Flooding, of_one: Bounds) -> None:
        """`of_one`: the bounds of one operator."""
        self.flooding = flooding
        self.own = OwnFloods(db, of_one)
        self._db = db

    async def flood(self, now: int, scope: frozenset[str] | None = None) -> Flooded:
        """Return whether it floods, as the tables say; at the sites of `scope` only (None: all)."""
        if scope is not None:
            return await self.own.flood(scope, now)
        return await self._db.read(lambda conn: flooded(conn, self.flooding.bounds, now))

    async def by_site(self, sites: frozenset[str] | None, purpose: str | None) -> list[SiteRow]:
        """Return what of the open list is shown by site in a flood."""

        def read(conn: sqlite3.Connection) -> list[SiteRow]:
            return grouped.grouped(conn, Resolved(sites, None, None), purpose)

        return await self._db.read(read)
