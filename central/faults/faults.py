"""One silent gateway, bus or device is one item: begun and ended in the transaction that learns it.

A fault is an episode of a rule of the collector's own, so that it is journalled, acknowledged and
shelved as an alarm is; it is counted apart. While it stands every rule below it is held
(`protocols.alarms.hold`): none says by itself that its point is silent or bad, and nothing returns.
"""

from collections.abc import Collection, Iterable
from typing import Final

from sqlite_utils import Database as Tables

from central.alarms.engine import Engine, Judged
from central.alarms.rules.wanted import Wanted
from central.faults import standing
from central.faults.below import Below
from central.faults.places import BUS, DEVICE, GATEWAY, SILENT, Place, Plan, rule_of
from central.faults.standing import Standing
from protocols.alarms.definition import Definition

SOURCE: Final = "faults"
"""Whose rules these are: nobody retires them."""
INPUT: Final = "silent"


class Faults:
    """Lives in the writer thread; what it knows is in the tables."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._below = Below(engine)

    def stands(self, tables: Tables, plan: Plan) -> bool:
        """Return whether a gateway is an item already."""
        known = standing.standing(tables.conn, plan.gateway)
        return any(each.kind == GATEWAY for each in known)

    def anew(self, tables: Tables, plan: Plan, since: int, now: int) -> None:
        """Take that from `since` to `now` we were away, and could not hear a gateway."""
        self._below.anew(tables, plan.numbers, since, now)

    def silent(self, tables: Tables, plan: Plan, since: int, now: int) -> Judged:
        """Take that nothing was heard of a gateway since `since` (µs UTC).

        What of it was not told yet is not told any more: whether it still is so, nobody knows.
        """
        judged = Judged()
        if plan.numbers:  # else there is nothing it could be shown at
            for each in standing.standing(tables.conn, plan.gateway):
                if each.kind != GATEWAY and not self._told(tables, each.rule):
                    self._end(tables, each.rule, each.points, now, judged)
            self._begin(tables, plan.whole(), since, now, judged)
        return self._done(judged)

    def back(self, tables: Tables, gateway: str, now: int) -> Judged:
        """Take that a gateway is heard again."""
        judged = Judged()
        for each in standing.standing(tables.conn, gateway):
            if each.kind == GATEWAY:
                self._end(tables, each.rule, each.points, now, judged)
        return self._done(judged)

    def reported(  # whose, what it said, and what is known besides
        self,
        tables: Tables,
        plan: Plan,
        silent: dict[str, int],
        unknown: Collection[str],
        dead: dict[str, int],
        now: int,
    ) -> Judged:
        """Take a gateway's report: devices (`site/device`) that are silent, since when (µs UTC).

        Of those `unknown` it says nothing: they are as they were. `dead` say nothing that is good.
        What is silent for its time by now is told with it, and what is over by then never was.
        """
        known = [e for e in standing.standing(tables.conn, plan.gateway) if e.kind != GATEWAY]
        told = silent | _as_before(plan, known, unknown)
        places = plan.silent(told, dead)
        judged, times = Judged(), dead | told
        names = {each.rule for each in known}
        for each in known:
            if each.rule in places:
                judged.episodes += self._below.advance(tables, each.rule, now)
                continue
            if self._stays(tables, each, places.values()):
                continue
            self._end(tables, each.rule, each.points, now, judged)
        for rule, place in places.items():
            if rule not in names:
                since = min(
                    (times[device] for device in plan.devices_of(place) if device in times),
                    default=now,
                )
                self._begin(tables, place, min(since, now), now, judged)
        return self._done(judged)

    def _stays(self, tables: Tables, known: Standing, places: Iterable[Place]) -> bool:
        """Whether a device's fault that was told lies below its bus's now: it is not back."""
        below = known.kind == DEVICE and known.bus in {p.bus for p in places if p.kind == BUS}
        return below and self._told(tables, known.rule)

    def _told(self, tables: Tables, rule: str) -> bool:
        tracked = self._engine.tracked(tables.conn, rule)
        return tracked is not None and tracked.episode is not None

    def _begin(self, tables: Tables, place: Place, since: int, now: int, judged: Judged) -> None:
        conn, engine = tables.conn, self._engine
        standing.begin(conn, place, since, now)
        wanted = Wanted(Definition(rule=rule_of(place)), ((0, INPUT),), SOURCE)
        judged.episodes += engine.take_rules(tables, [wanted], now).episodes
        judged.episodes += self._below.silence(tables, place.rule, (place.points, since), now)
        self._feed(tables, place.rule, (SILENT, now), judged, place)

    def _end(
        self, tables: Tables, rule: str, points: Collection[int], now: int, judged: Judged
    ) -> None:
        standing.end(tables.conn, rule, now)
        self._below.hear(tables, rule, points, now)
        if self._told(tables, rule):
            self._feed(tables, rule, (0.0, now), judged)
        else:
            self._below.call_off(tables, rule, now)

    def _feed(
        self,
        tables: Tables,
        rule: str,
        said: tuple[float, int],
        judged: Judged,
        place: Place | None = None,
    ) -> None:
        at = None
        if place is not None:
            row = tables.conn.execute(
                "SELECT coalesce(max(number), 0) FROM stream WHERE gateway = ?", (place.gateway,)
            ).fetchone()
            at = place.points[0], int(row[0])  # whose purpose it has
        judged.episodes += self._below.note(tables, rule, INPUT, said, at)

    def _done(self, judged: Judged) -> Judged:
        judged.episodes = list({row.number: row for row in judged.episodes}.values())
        judged.due = self._engine.due()
        return judged


def _as_before(plan: Plan, known: Iterable[Standing], unknown: Collection[str]) -> dict[str, int]:
    """Return devices of which nothing is said, and that were silent before: since when."""
    found: dict[str, int] = {}
    for each in known:
        devices = [each.device] if each.kind == DEVICE else plan.on_bus(each.bus)
        found |= {name: each.since for name in devices if name is not None and name in unknown}
    return found
