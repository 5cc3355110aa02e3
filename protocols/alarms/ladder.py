"""Makes rules of the levels a point carries: one ladder upwards, one downwards, one for states.

A point's levels may look both ways (LL, L and H, HH); an alarm carries one most severe level, so
each direction is a rule of its own. Levels that nobody verified or confirmed make no rule.
"""

from collections.abc import Iterable
from typing import Final

from protocols.alarms.rule import Level, Rule

DIRECTIONS: Final = {
    ">": "high",
    ">=": "high",
    "<": "low",
    "<=": "low",
    "=": "state",
    "!=": "state",
}


def ladders(subject: str, levels: Iterable[Level]) -> list[Rule]:
    """Return the rules of `subject` in a fixed order; ids are `subject:direction`."""
    return [rule_of(subject, side, found) for side, found in directions(levels)]


def rule_of(subject: str, side: str, levels: tuple[Level, ...]) -> Rule:
    """Return the rule of one of the `directions` of `subject`."""
    return Rule(id=f"{subject}:{side}", subject=subject, levels=levels)


def subject_of(id_: str) -> str:
    """Return the subject of a rule by its id."""
    return id_.rpartition(":")[0]


def directions(levels: Iterable[Level]) -> list[tuple[str, tuple[Level, ...]]]:
    """Return the ladder of each direction that has one, in a fixed order."""
    sides: dict[str, list[Level]] = {"high": [], "low": [], "state": []}
    for level in levels:
        if level.active:
            sides[DIRECTIONS[level.op]].append(level)
    return [(side, _ordered(side, found)) for side, found in sides.items() if found]


def _ordered(side: str, levels: list[Level]) -> tuple[Level, ...]:
    """From least to most severe: by colour, then by how far out the limit lies."""
    sign = -1 if side == "low" else 1
    return tuple(sorted(levels, key=lambda level: (level.colour, sign * level.limit)))
