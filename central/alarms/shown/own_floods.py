"""Whether it floods for a person whose view is of some sites: made of the alarms of these alone.

How many alarms the whole room gets is not a company's to learn, and would say nothing of its own
list. One person reads that list, so the bounds are those of one operator. The journal is followed
from where it was read last, so that asking again costs what came since.
"""

import asyncio
import json
import sqlite3
from collections import OrderedDict
from functools import partial
from typing import Final, NamedTuple

from central.alarms.many.flooding import NEWEST, Flooded, Span
from central.database import Database
from protocols.alarms import flood as floods
from protocols.alarms.condition import DAY
from protocols.alarms.flood import Bounds, Flood
from protocols.alarms.word import Word
from protocols.clock import SECOND

BACK: Final = DAY
"""How far (µs) is looked back for sites nobody asked for yet; earlier floods are not told."""
SCOPES: Final = 256
"""Groups of sites remembered: those asked for last."""
COUNTED: Final = 10_000
"""Newest alarms looked at: of more it is enough to know that they are."""
BEHIND: Final = 20_000
"""Lines of the journal after which it is begun anew: by time it is found in an index."""
_READ: Final = (
    "SELECT j.time FROM alarm_journal j {} JOIN episode e ON e.number = j.episode WHERE {} > ? "
    "AND (j.event = 'RAISE' OR j.event = 'RERAISE' OR j.event = 'REALARM') "
    "AND e.purpose = 'production' AND NOT e.late AND e.number NOT IN (SELECT episode FROM fault) "
    "AND e.site IN (SELECT value FROM json_each(?)) ORDER BY j.time DESC LIMIT ?"
)
SINCE: Final = _READ.format("INDEXED BY alarm_journal_called", "j.time")
FOLLOWING: Final = _READ.format("NOT INDEXED", "j.id")


class _Followed(NamedTuple):
    """As far as the journal was read: the times (µs UTC) within the window, the newest last."""

    reached: int
    flood: Flood = Flood()
    recent: tuple[int, ...] = ()
    spans: tuple[Span, ...] = ()

    def taken(self, bounds: Bounds, times: list[int], now: int) -> "_Followed":
        """Return it with alarms that were announced since, at `now`."""
        flood, spans = self.flood, list(self.spans)
        said: list[tuple[int, Word]]
        for time in sorted(times):
            before = flood
            flood, said = floods.announced(bounds, before, time)
            _note(spans, said, before, flood)
        before = flood
        flood, said = floods.advance(bounds, before, now)
        _note(spans, said, before, flood)
        since = now - round(bounds.window * SECOND)
        recent = sorted(each for each in (*self.recent, *times) if each > since)[-COUNTED:]
        return self._replace(flood=flood, recent=tuple(recent), spans=tuple(spans[-NEWEST:]))

    def shown(self, bounds: Bounds) -> Flooded:
        """Return it as people are told, the newest flood first."""
        spans = [
            each._replace(alarms=self.flood.alarms) if each.ended is None else each
            for each in reversed(self.spans)
        ]
        return Flooded(self.flood, len(self.recent), bounds, tuple(spans))


class OwnFloods:
    """Of one collector; lives on the event loop, reads in a thread."""

    def __init__(self, db: Database, bounds: Bounds) -> None:
        """`bounds` of one operator."""
        self.bounds = bounds
        self._db = db
        self._known: OrderedDict[frozenset[str], _Followed] = OrderedDict()
        self._one = asyncio.Lock()

    async def flood(self, sites: frozenset[str], now: int) -> Flooded:
        """Return whether it floods at these sites together."""
        async with self._one:
            known = self._known.get(sites)
            found = await self._db.read(partial(_read, self.bounds, sites, known, now))
            self._known[sites] = found
            self._known.move_to_end(sites)
            while len(self._known) > SCOPES:
                self._known.popitem(last=False)
        return found.shown(self.bounds)

    def due(self, sites: frozenset[str]) -> int | None:
        """Return when the flood at these sites ends if nothing more is announced."""
        known = self._known.get(sites)
        return None if known is None else floods.due(self.bounds, known.flood)


def _read(
    bounds: Bounds,
    sites: frozenset[str],
    known: _Followed | None,
    now: int,
    conn: sqlite3.Connection,
) -> _Followed:
    (newest,) = conn.execute("SELECT coalesce(max(id), 0) FROM alarm_journal").fetchone()
    if known is None or newest - known.reached > BEHIND:
        known, sql, since = _Followed(newest), SINCE, now - BACK
    else:
        sql, since = FOLLOWING, known.reached
    rows = conn.execute(sql, (since, json.dumps(sorted(sites)), COUNTED)).fetchall()
    return known._replace(reached=newest).taken(bounds, [time for (time,) in rows], now)


def _note(spans: list[Span], said: list[tuple[int, Word]], before: Flood, now: Flood) -> None:
    for time, word in said:
        if word is Word.FLOOD_ON:
            spans.append(Span(time, None, now.alarms))
        elif spans:
            spans[-1] = spans[-1]._replace(ended=time, alarms=before.alarms)
