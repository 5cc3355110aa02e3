"""The truth of a rule's ladder over time: limits, deadband on the return, delays in event time.

Pure: samples and times are arguments, states are values. Only good numbers may be given; the last
one holds until the next. An input at the very time of a due timer goes before the timer, so
`sample` fires only what was due strictly before it and `advance` what is due at or before `now`.
"""

import math
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Final

from protocols.alarms.rule import Level, Rule
from protocols.alarms.season import DAY as DAY
from protocols.alarms.season import SITE_OFFSET as SITE_OFFSET
from protocols.alarms.season import day_text as day_text
from protocols.alarms.season import in_season as in_season
from protocols.clock import SECOND as SECOND

LIVE_DELAY: Final = 60 * SECOND
"""A sample that took longer to arrive is late: its point's timers follow its own event time."""


COMPARE: Final[dict[str, Callable[[float, float], bool]]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "=": operator.eq,
    "!=": operator.ne,
}
Bounds = tuple[float, float]
NOWHERE: Final[Bounds] = (math.inf, -math.inf)
"""Bounds with nothing between them."""


@dataclass(frozen=True, slots=True)
class Step:
    """One level: whether it is on, and since when the opposite has been pending (µs, or None)."""

    on: bool = False
    since: int | None = None


STEPS: Final = {on: Step(on) for on in (False, True)}


@dataclass(frozen=True, slots=True)
class Condition:
    """One `Step` per level of the rule, from least to most severe."""

    steps: tuple[Step, ...]
    level: int = field(init=False, compare=False, repr=False)
    """The most severe level that is on, counted from 1; 0 is normal."""
    pending: bool = field(init=False, compare=False, repr=False)
    """Whether a timer runs."""

    def __post_init__(self) -> None:
        level, pending = 0, False
        for place, step in enumerate(self.steps, 1):
            if step.on:
                level = place
            if step.since is not None:
                pending = True
        object.__setattr__(self, "level", level)
        object.__setattr__(self, "pending", pending)

    @property
    def quiet(self) -> bool:
        """Normal, and nothing pending."""
        return not self.level and not self.pending


@dataclass(frozen=True, slots=True)
class Change:
    """At `time` the most severe active level went from `before` to `level` (0: normal)."""

    time: int
    before: int
    level: int


def start(rule: Rule) -> Condition:
    """Return the condition of a rule that has seen nothing."""
    return _begun(len(rule.levels))


@lru_cache(maxsize=256)
def _begun(levels: int) -> Condition:
    # One for all rules of as many levels: a city has tens of thousands of them.
    return Condition((STEPS[False],) * levels)


def sample(
    rule: Rule, condition: Condition, time: int, value: float
) -> tuple[Condition, list[Change]]:
    """Apply a good value measured at `time`, newer than any before it."""
    return sample_levels(rule, condition, time, (value,) * len(rule.levels))


def sample_levels(
    rule: Rule, condition: Condition, time: int, values: Sequence[float | None]
) -> tuple[Condition, list[Change]]:
    """Apply what each level is held against at `time`; a level without a verdict stays."""
    changes: list[Change] = []
    if condition.pending:
        condition, changes = _fire(rule, condition, time, strictly=True)
    steps, moved = [], False
    for level, step, value in zip(rule.levels, condition.steps, values, strict=True):
        now = step if value is None else _apply(level, step, time, value)
        moved = moved or now is not step
        steps.append(now)
    if moved:
        before, condition = condition.level, Condition(tuple(steps))
        after = condition.level
        if after != before:
            changes.append(Change(time, before, after))
    return condition, changes


def interrupt(rule: Rule, condition: Condition, time: int) -> tuple[Condition, list[Change]]:
    """Apply that from `time` on the value is not known (bad quality).

    A return that is pending is called off: nobody saw it stay normal, and a device that dies must
    not look like one that recovered. What is pending the other way stands: it was seen.
    """
    condition, changes = _fire(rule, condition, time, strictly=True)
    if any(step.on and step.since is not None for step in condition.steps):
        condition = Condition(tuple(Step(on=True) if step.on else step for step in condition.steps))
    return condition, changes


def advance(rule: Rule, condition: Condition, now: int) -> tuple[Condition, list[Change]]:
    """Fire every timer due at or before `now`; each change carries its own due time."""
    return _fire(rule, condition, now, strictly=False)


def due(rule: Rule, condition: Condition) -> int | None:
    """Return when the next timer fires, or None when nothing is pending."""
    if not condition.pending:
        return None
    times = [
        end
        for level, step in zip(rule.levels, condition.steps, strict=True)
        if (end := _due(level, step)) is not None
    ]
    return min(times, default=None)


def violates(rule: Rule, time: int, value: float) -> int:
    """Return the most severe level (from 1) that `value` alone would activate, delays aside."""
    for place in range(len(rule.levels), 0, -1):
        level = rule.levels[place - 1]
        if in_season(level, time) and activates(level, value):
            return place
    return 0


def calm(rule: Rule, condition: Condition, value: float | None) -> Bounds:
    """Return bounds (low, high): a good value strictly between changes nothing, whenever it comes.

    Bad quality changes nothing either while there are such values. There are none (low >= high)
    while a timer runs, nor while a level is on that has a season. `value` is the newest known:
    of the two sides of a figure that is not to be met, the bounds are the one it lies on.
    """
    low, high = -math.inf, math.inf
    for level, step in zip(rule.levels, condition.steps, strict=True):
        if step.since is not None or (step.on and (level.valid_from or level.valid_to)):
            return NOWHERE
        least, most = _stays(level, value, on=step.on)
        low, high = max(low, least), min(high, most)
    return (low, high) if low < high else NOWHERE


def _stays(level: Level, value: float | None, *, on: bool) -> Bounds:
    """Return bounds between which a level that is on (or is not) surely stays so."""
    limit = level.limit
    if level.op in (">", ">="):
        return (limit - level.deadband, math.inf) if on else (-math.inf, limit)
    if level.op in ("<", "<="):
        return (-math.inf, limit + level.deadband) if on else (limit, math.inf)
    if (level.op == "=") == on:
        return math.nextafter(limit, -math.inf), math.nextafter(limit, math.inf)
    if value is None or value == limit:
        return NOWHERE
    return (-math.inf, limit) if value < limit else (limit, math.inf)


def activates(level: Level, value: float) -> bool:
    """Return whether `value` reaches the limit; equality counts as the operator says."""
    return COMPARE[level.op](value, level.limit)


def holds(level: Level, value: float) -> bool:
    """Return whether an active level stays: the limit shifted by the deadband."""
    return COMPARE[level.op](value, held_at(level))


def held_at(level: Level) -> float:
    """Return the limit of a level that is on: shifted by the deadband."""
    if level.op in (">", ">="):
        return level.limit - level.deadband
    if level.op in ("<", "<="):
        return level.limit + level.deadband
    return level.limit


def late(time: int, arrival: int) -> bool:
    """Return whether a sample of `time` that arrived at `arrival` was late."""
    return arrival - time > LIVE_DELAY


def carry_over(old: Rule, condition: Condition, new: Rule) -> Condition:
    """Return the condition under a changed rule: levels of the same name keep what they were."""
    kept = {level.name: step for level, step in zip(old.levels, condition.steps, strict=True)}
    return Condition(tuple(kept.get(level.name, Step()) for level in new.levels))


def _apply(level: Level, step: Step, time: int, value: float) -> Step:
    if step.on:
        true = holds(level, value) and in_season(level, time)
        delay = level.off_delay
    else:
        true = activates(level, value) and in_season(level, time)
        delay = level.on_delay
    if true == step.on:
        return step if step.since is None else STEPS[step.on]
    if delay <= 0:
        return STEPS[true]
    return step if step.since is not None else replace(step, since=time)


def _fire(
    rule: Rule, condition: Condition, now: int, *, strictly: bool
) -> tuple[Condition, list[Change]]:
    changes: list[Change] = []
    while (end := due(rule, condition)) is not None and (
        end < now or (end == now and not strictly)
    ):
        before = condition.level
        condition = Condition(
            tuple(
                _turned(level, step, end) if _due(level, step) == end else step
                for level, step in zip(rule.levels, condition.steps, strict=True)
            )
        )
        if condition.level != before:
            changes.append(Change(end, before, condition.level))
    return condition, changes


def _turned(level: Level, step: Step, time: int) -> Step:
    """Return the step whose delay is over: a level whose season ended meanwhile is not on."""
    return STEPS[not step.on and in_season(level, time)]


def _due(level: Level, step: Step) -> int | None:
    if step.since is None:
        return None
    return step.since + round((level.off_delay if step.on else level.on_delay) * SECOND)
