"""Which rules a gateway judges: the confirmed limits of its own points, as the manifest has them.

The collector makes the same rules of the manifest, under the same ids.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from protocols.alarms.definition import Definition
from protocols.alarms.ladder import directions, rule_of
from protocols.alarms.rule import Level
from protocols.device import Bus, Point
from protocols.words import Label, PointId

PUSHED: Final = ("mqtt", "opcua")
"""Protocols whose devices send by themselves: there is no time between two scans."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalRule:
    """One rule on one point; `scan` seconds between two readings, 0 where the point sends itself.

    `dated`: one of its levels holds for a season only, so that the date must be known.
    """

    definition: Definition
    index: int
    point: PointId
    label: Label
    unit: str
    scan: float
    dated: bool

    @property
    def id(self) -> str:
        """Return the rule's id, as the collector has it."""
        return self.definition.rule.id

    @property
    def side(self) -> str:
        """Return which of the point's ladders it is."""
        return self.id.rpartition(":")[2]


def local_rules(buses: Sequence[Bus]) -> list[LocalRule]:
    """Return the rules of a gateway, in the order of its points; equal ladders are held once."""
    known: dict[tuple[Level, ...], list[tuple[str, tuple[Level, ...]]]] = {}
    found = []
    for bus in buses:
        for device in bus.devices:
            scan = 0.0 if bus.protocol in PUSHED else device.scan
            for point in device.points:
                sides = known.get(point.limits)
                if sides is None:
                    sides = known[point.limits] = directions(point.limits)
                found += [_rule(point, side, levels, scan) for side, levels in sides]
    return found


def _rule(point: Point, side: str, levels: tuple[Level, ...], scan: float) -> LocalRule:
    return LocalRule(
        definition=Definition(rule=rule_of(str(point.id), side, levels)),
        index=point.index,
        point=point.id,
        label=point.label,
        unit=point.sheet.unit,
        scan=scan,
        dated=any(level.valid_from or level.valid_to for level in levels),
    )
