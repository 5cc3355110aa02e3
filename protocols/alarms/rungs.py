"""A ladder's levels made ready for the usual reading: what `condition` does of it, but shorter."""

from collections.abc import Callable
from functools import lru_cache
from typing import Final

from protocols.alarms.condition import COMPARE, STEPS, Condition, Step, held_at
from protocols.alarms.rule import Rule

Rung = tuple[Callable[[float, float], bool], float, float, bool, bool]
"""How a value is compared, with what before the level is on, and with what while it is.

Then whether it waits before it is on, and before it is off.
"""
MOST_RUNGS: Final = 6
"""Of more levels not every condition is kept ready."""


@lru_cache(maxsize=16)
def settled(levels: int) -> tuple[Condition, ...]:
    """Return every condition in which nothing is pending; bit n of its place: level n+1 is on."""
    places = range(1 << levels)
    return tuple(
        Condition(tuple(STEPS[bool(place >> nth & 1)] for nth in range(levels))) for place in places
    )


def rungs(rule: Rule) -> tuple[Rung, ...] | None:
    """Return the levels where no season counts; None: one does, or they are too many."""
    levels = rule.levels
    if len(levels) > MOST_RUNGS:
        return None
    for level in levels:
        if level.valid_from or level.valid_to:
            return None
    return tuple(
        (COMPARE[level.op], level.limit, held_at(level), level.on_delay > 0, level.off_delay > 0)
        for level in levels
    )


def delayed(rungs: tuple[Rung, ...], condition: Condition, time: int, value: float) -> Condition:
    """Return the condition after a value, where no timer is due before it."""
    steps, moved = [], False
    for step, rung in zip(condition.steps, rungs, strict=True):
        meets, limit, held, on_waits, off_waits = rung
        on = step.on
        true = meets(value, held if on else limit)
        after = step
        if true == on:
            if step.since is not None:
                after = STEPS[on]
        elif not (off_waits if on else on_waits):
            after = STEPS[true]
        elif step.since is None:
            after = Step(on, time)
        moved = moved or after is not step
        steps.append(after)
    return Condition(tuple(steps)) if moved else condition
