"""What follows when a gateway falls silent, is back, or says how its devices are; on the loop.

Returns the work of the transaction; what it knows of gateways it looks up before, in memory.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
from sqlite_utils import Database as Tables

from central.alarms.engine import Engine, Judged
from central.alarms.journal.records import EpisodeRow
from central.alarms.shown.view import CALM, Now
from central.contacts import Contacts
from central.faults.faults import Faults
from central.faults.following import Work
from central.faults.places import Plan, is_fault
from central.health import Health
from central.registry import Entry, Registry
from central.store.heads.heads import Heads
from protocols.clock import SECOND

AWAY: Final = 30 * SECOND
"""After so long without us every point has its time anew: it was we who were away."""
LEAST: Final = 2
"""Points of a device that are bad all at once for it to be the device."""


def follow(engine: Engine, registry: Registry, contacts: Contacts, heads: Heads) -> "Watching":
    """Make one item of what is silent, and let the engine know what belongs together."""

    def object_of(number: int) -> str | None:
        point = registry.by_number(number)
        return None if point is None else point.object

    def spoke(number: int) -> int | None:
        point = registry.by_number(number)
        return None if point is None else contacts.contact(point.gateway).last

    engine.many.object_of, engine.spoke = object_of, spoke
    contacts.following = faults = Watching(engine, registry, heads)
    return faults


def now(engine: Engine, row: EpisodeRow, time: int) -> Now:
    """Return whether an episode's rule chatters now, and since when nobody knows its state."""
    if row.closed is not None:
        return CALM
    unknown = None if is_fault(row.rule) else engine.silences.since(row.point)
    return Now(engine.many.chatter.chatters(row.rule, time), unknown)


class Watching:
    """`settled` is given what changed, after the commit."""

    def __init__(self, engine: Engine, registry: Registry, heads: Heads) -> None:
        self._faults = Faults(engine)
        self._registry = registry
        self._heads = heads
        self._plans: dict[str, tuple[Entry, Plan]] = {}
        self.settled: Callable[[Judged], None] = lambda _: None

    def silent(self, gateway: str, since: int, now: int) -> Work:
        """Return what makes a silent gateway one item."""
        plan = self.plan(gateway)
        if plan is None:
            return lambda _: None
        return lambda tables: self._faults.silent(tables, plan, since, now)

    def back(self, gateway: str, now: int) -> Work:
        """Return what ends it."""
        return lambda tables: self._faults.back(tables, gateway, now)

    def reported(self, gateway: str, health: Health, now: int) -> Work:
        """Return what makes silent buses and devices items of their own."""
        plan = self.plan(gateway)
        if plan is None:
            return lambda _: None
        told = {
            device: now if since is None else since
            for device, (state, since) in health.devices.items()
            if state == "offline"
        }
        unknown = {d for d, (state, _) in health.devices.items() if state == "unknown"}
        unknown |= plan.buses.keys() - health.devices.keys()
        dead = self._dead(plan)
        return lambda tables: self._faults.reported(tables, plan, told, unknown, dead, now)

    def done(self, result: Judged | None) -> None:
        """Tell what changed."""
        if result is not None:
            self.settled(result)

    def began(self, contacts: Contacts, now: int) -> Callable[[Tables], None]:
        """Return what makes good for the time in which we were away, before any timer fires."""
        known = [(contacts.contact(n), p) for n in self._registry.names() if (p := self.plan(n))]

        def work(tables: Tables) -> None:
            for contact, plan in known:
                since, last = contact.offline_since, contact.last
                if since is not None and not self._faults.stands(tables, plan):
                    self._faults.silent(tables, plan, since, now)  # known by an older collector
                elif since is None and last is not None and now - last > AWAY:
                    self._faults.anew(tables, plan, last, now)

        return work

    def plan(self, gateway: str) -> Plan | None:
        """Return a gateway's buses, devices and points; None: it has told of none."""
        entry = self._registry.entry(gateway)
        if entry is None or entry.manifest is None:
            return None
        known = self._plans.get(gateway)
        if known is None or known[0] is not entry:
            known = self._plans[gateway] = entry, Plan(entry.manifest, entry.numbers)
        return known[1]

    def _dead(self, plan: Plan) -> dict[str, int]:
        """Return devices none of whose points is known, though nobody said so; since when."""
        found: dict[str, int] = {}
        if not self._heads.bad(np.array(plan.numbers, np.int64)).any():
            return found
        for device in plan.buses:
            points = np.array(plan.points[device], np.int64)
            if len(points) >= LEAST and self._heads.bad(points).all():
                found[device] = int(self._heads.times_of(points).min())
        return found
