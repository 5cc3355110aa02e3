"""What people did with alarms that stand, by gateway: kept in memory, as the commits tell it.

Who acknowledged an open alarm, and what lies over rules. Read once, then followed.
"""

import sqlite3
from collections.abc import Iterable
from typing import NamedTuple, TypeVar

from central.alarms.acts import overlays
from central.alarms.acts.overlays import OUT_OF_SERVICE, SHELVED, SUPPRESSED, Laid
from central.alarms.journal.episode import Episode
from protocols.alarms.overlay import Shelf
from protocols.wire.acts_told import Over, Seen, encode_acts

Told = TypeVar("Told")
_OPEN = (
    "SELECT p.gateway, e.rule, e.raised, json_extract(e.acknowledged, '$.at'), "
    "json_extract(e.acknowledged, '$.by') FROM episode e JOIN point p ON p.number = e.point "
    "WHERE e.closed IS NULL AND e.acknowledged IS NOT NULL"
)
_GATEWAYS = "SELECT number, gateway FROM point WHERE number IN (SELECT DISTINCT point FROM overlay)"


class Read(NamedTuple):
    """Of every rule that has any: its gateway, and who saw its alarm or what lies over it."""

    seen: dict[str, tuple[str, Seen]]
    over: dict[str, tuple[str, Over]]


def read(conn: sqlite3.Connection) -> Read:
    """Return all of it as the tables have it."""
    seen = {
        rule: (gateway, Seen(rule, raised, at, by))
        for gateway, rule, raised, at, by in conn.execute(_OPEN)
    }
    gateways = dict(conn.execute(_GATEWAYS))
    over = {
        rule: (gateways[laid.point], over_of(laid))
        for rule, laid in overlays.laid(conn).items()
        if laid.point in gateways
    }
    return Read(seen, over)


def over_of(laid: Laid) -> Over:
    """Return what lies over a rule as it is told."""
    layers = {each.name: each for each in laid.layers}
    shelf = layers.get(SHELVED)
    first = laid.layers[0] if laid.layers else None
    return Over(
        rule=laid.rule,
        shelf=None if shelf is None or shelf.until is None else Shelf(shelf.until, shelf.one_shot),
        suppressed=SUPPRESSED in layers,
        out_of_service=OUT_OF_SERVICE in layers,
        by="" if first is None else first.by,
        reason="" if first is None else first.reason,
    )


class Acts:
    """By gateway and rule; `changed` names gateways of which the document is another now."""

    def __init__(self) -> None:
        self._seen: dict[str, dict[str, Seen]] = {}
        self._over: dict[str, dict[str, Over]] = {}
        self._fresh: set[str] = set()
        self.changed: set[str] = set()

    def load(self, known: Read) -> None:
        """Take what the tables had; what was heard of a rule meanwhile is newer."""
        for rule, (gateway, seen) in known.seen.items():
            if rule not in self._fresh:
                self._seen.setdefault(gateway, {})[rule] = seen
        for rule, (gateway, over) in known.over.items():
            if rule not in self._fresh:
                self._over.setdefault(gateway, {})[rule] = over
        self.changed |= self._seen.keys() | self._over.keys()
        self._fresh.clear()

    def heard(self, episodes: Iterable[Episode], *, loading: bool) -> None:
        """Take alarms that changed."""
        for each in episodes:
            if loading:
                self._fresh.add(each.rule)
            found = None
            if each.closed is None and (by := each.acknowledged) is not None:
                found = Seen(each.rule, each.raised, by.at, by.by)
            self._put(self._seen, gateway_of(each.point), each.rule, found)

    def laid(self, gateway: str, laid: Laid, *, loading: bool) -> None:
        """Take what lies over a rule now."""
        if loading:
            self._fresh.add(laid.rule)
        self._put(self._over, gateway, laid.rule, over_of(laid) if laid.layers else None)

    def document(self, gateway: str) -> bytes:
        """Return what a gateway is told."""
        seen, over = self._seen.get(gateway, {}), self._over.get(gateway, {})
        return encode_acts(seen.values(), over.values())

    def _put(
        self, where: dict[str, dict[str, Told]], gateway: str, rule: str, found: Told | None
    ) -> None:
        here = where.setdefault(gateway, {}) if found is not None else where.get(gateway, {})
        if here.get(rule) == found:
            return
        self.changed.add(gateway)
        if found is None:
            del here[rule]
        else:
            here[rule] = found


def gateway_of(point: str) -> str:
    """Return the gateway of a point's id; "" where it names none."""
    parts = point.split("/")
    return parts[1] if len(parts) > 1 else ""
