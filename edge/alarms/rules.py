"""Which rules a gateway judges: the confirmed limits of its own points, as the manifest has them,
and what the collector's library has for them (`protocols.wire.rule_set`).

The collector makes the same rules, under the same ids. Rules of the library take the place of the
manifest's where they have the same id, or where the collector says that these give way.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from protocols.alarms.definition import UNWATCHED, Definition
from protocols.alarms.kinds.limit import Limit
from protocols.alarms.kinds.schedule import Schedule
from protocols.alarms.kinds.several import Levels
from protocols.alarms.kinds.window import Window
from protocols.alarms.ladder import directions, rule_of
from protocols.alarms.rule import Level
from protocols.device import Bus, Point
from protocols.wire.rule_set import RuleSet, SharedRule
from protocols.words import Label, PointId

PUSHED: Final = ("mqtt", "opcua")
"""Protocols whose devices send by themselves: there is no time between two scans."""
RULE: Final = -1
"""In place of a point's index: the input is another rule, by its id."""
Inputs = tuple[tuple[int, str], ...]
"""Points by index, and what the rule calls each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalRule:
    """One rule; `scan` seconds between two readings, 0 where its points send themselves.

    `dated`: the date must be known, for a season or for the hours of a schedule. `point` is None
    where the rule is a whole object's; `label` is then what it is called. `switch`: its point has
    two states.
    """

    definition: Definition
    inputs: Inputs
    point: PointId | None
    label: Label
    unit: str
    decimals: int | None
    switch: bool
    scan: float
    dated: bool
    plain: bool = field(init=False)
    """Whether the newest value of one point is all it goes by: then most readings are quiet."""
    whole: bool = field(init=False)
    """Whether every reading counts and has to be sent: a sum of what the deadband let through is
    not the sum."""
    subject: str = field(init=False)

    def __post_init__(self) -> None:
        definition = self.definition
        one = len(self.inputs) == 1 and self.inputs[0][1] == ""
        limit = type(definition.kind) is Limit and definition.watch is UNWATCHED
        object.__setattr__(self, "plain", one and limit)
        object.__setattr__(self, "whole", type(definition.kind) is Window)
        object.__setattr__(self, "subject", definition.rule.subject)

    @property
    def id(self) -> str:
        """Return the rule's id, as the collector has it."""
        return self.definition.rule.id

    @property
    def points(self) -> list[int]:
        """Return the indices of the points it goes by."""
        return list(dict.fromkeys(index for index, _ in self.inputs if index != RULE))

    @property
    def counts(self) -> list[str]:
        """Return the ids of the rules whose levels it counts."""
        return [name for index, name in self.inputs if index == RULE]


class Judging(NamedTuple):
    """The rules of a gateway, and those that are left to the collector, with the reason's code."""

    rules: list[LocalRule]
    left: tuple[tuple[str, str], ...] = ()


class _Here(NamedTuple):
    point: Point
    scan: float


def local_rules(buses: Sequence[Bus]) -> list[LocalRule]:
    """Return the rules of a manifest, in the order of its points; equal ladders are held once."""
    known: dict[tuple[Level, ...], list[tuple[str, tuple[Level, ...]]]] = {}
    found = []
    for here in _points(buses):
        limits = here.point.limits
        sides = known.get(limits)
        if sides is None:
            sides = known[limits] = directions(limits)
        found += [_own(here, side, levels) for side, levels in sides]
    return found


def rules_by(buses: Sequence[Bus], shared: RuleSet) -> Judging:
    """Return what is judged by a set of the collector's."""
    here = {str(each.point.id): each for each in _points(buses)}
    left = dict(shared.refused)
    rules: dict[str, LocalRule] = {}
    named = {each.definition.rule.id for each in shared.rules}
    for rule in local_rules(buses):
        if rule.id not in shared.masked and rule.id not in named:
            rules[rule.id] = rule
    for each in shared.rules:
        made = _made(each, here)
        if isinstance(made, str):
            left[each.definition.rule.id] = made
        else:
            rules[made.id] = made
    while lacking := [rule for rule in rules.values() if not rules.keys() >= {*rule.counts}]:
        for rule in lacking:  # what counts what is not judged here is not judged here
            del rules[rule.id]
            left[rule.id] = "RULE_INPUT_ELSEWHERE"
    return Judging(list(rules.values()), tuple(sorted(left.items())))


def gateway_of(buses: Sequence[Bus]) -> str:
    """Return the gateway's name, as its points have it; "" where it has none."""
    return next((here.point.id.gateway for here in _points(buses)), "")


def _points(buses: Iterable[Bus]) -> Iterable[_Here]:
    for bus in buses:
        for device in bus.devices:
            scan = 0.0 if bus.protocol in PUSHED else device.scan
            for point in device.points:
                yield _Here(point, scan)


def _own(here: _Here, side: str, levels: tuple[Level, ...]) -> LocalRule:
    point = here.point
    definition = Definition(rule=rule_of(str(point.id), side, levels))
    return _rule(definition, ((point.index, ""),), here)


def _made(shared: SharedRule, here: dict[str, _Here]) -> LocalRule | str:
    """Return a rule of the collector's, or why it is left to it."""
    definition, inputs = shared
    counts = isinstance(definition.kind, Levels)
    if any(counts != (not point) for point, _ in inputs):
        return "RULE_INPUT_ELSEWHERE"
    if any(point and point not in here for point, _ in inputs):
        return "RULE_POINT_ELSEWHERE"
    found = tuple((here[point].point.index if point else RULE, name) for point, name in inputs)
    return _rule(definition, found, *(here[point] for point, _ in inputs if point))


def _rule(definition: Definition, inputs: Inputs, *here: _Here) -> LocalRule:
    subject, levels = definition.rule.subject, definition.rule.levels
    own = here[0].point if here and str(here[0].point.id) == subject else None
    seasons = any(level.valid_from or level.valid_to for level in levels)
    return LocalRule(
        definition=definition,
        inputs=inputs,
        point=None if own is None else own.id,
        label=Label(subject) if own is None else own.label,
        unit="" if own is None else own.sheet.unit,
        decimals=None if own is None else own.sheet.decimals,
        switch=own is not None and own.sheet.type == "bool",
        scan=max((each.scan for each in here), default=0.0),
        dated=seasons or isinstance(definition.kind, Schedule),
    )
