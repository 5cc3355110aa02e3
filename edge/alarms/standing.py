"""One rule where it stands at the gateway, and how that is kept over restarts (pure).

Times are the gateway's running time: its monotonic clock plus an offset that makes UTC of it as
well as it is known (`edge.alarms.times`). What is kept says so of each figure, as after a restart
of the machine that clock begins again.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from edge.alarms.rules import LocalRule
from protocols.alarms.condition import Condition, Step
from protocols.alarms.machine import Machine, begin
from protocols.alarms.state import NORMAL, Alarm, State


@dataclass(frozen=True, slots=True)
class Standing:
    """The condition holds since `began` (None: no clock could tell); `level` is its name."""

    key: str
    began: int | None
    level: str
    value: float | None
    acknowledged: str = ""


@dataclass(slots=True)
class Kept:
    """A rule, its machine, and what stands of it."""

    rule: LocalRule
    machine: Machine
    standing: Standing | None = None

    @property
    def idle(self) -> bool:
        """Whether it is as if nothing had ever been seen: there is nothing to keep."""
        return self.standing is None and self.machine.condition.quiet

    def shift(self, by: int) -> None:
        """Let all its times be later."""
        steps = self.machine.condition.steps
        if any(step.since is not None for step in steps):
            moved = tuple(
                step if step.since is None else Step(step.on, step.since + by) for step in steps
            )
            self.machine = self.machine._replace(condition=Condition(moved))
        if self.standing is not None and self.standing.began is not None:
            self.standing = replace(self.standing, began=self.standing.began + by)


class Times(NamedTuple):
    """When something was written: the boot, running time minus monotonic, whether that is UTC."""

    boot: str
    offset: int
    dated: bool


def fresh(rule: LocalRule) -> Kept:
    """Return a rule that has seen nothing."""
    return Kept(rule, begin(rule.definition))


def body(kept: Kept) -> dict[str, Any]:
    """Return what has to be kept of a rule, as JSON."""
    levels = kept.rule.definition.rule.levels
    steps = zip(levels, kept.machine.condition.steps, strict=True)
    standing = kept.standing
    return {
        "steps": [[level.name, step.on, step.since] for level, step in steps],
        "standing": None
        if standing is None
        else [
            standing.key,
            standing.began,
            standing.level,
            standing.value,
            standing.acknowledged,
        ],
    }


def restored(rule: LocalRule, said: Mapping[str, Any], then: Times, now: Times, at: int) -> Kept:
    """Return a rule as it was kept; `at` is running time now. Raises ValueError, TypeError,
    KeyError: no writer of ours made it.

    Levels of the same name go on where they were; others begin anew.
    """
    by = between(then, now)
    known = {str(name): Step(bool(on), _moved(since, by, at)) for name, on, since in said["steps"]}
    steps = tuple(known.get(level.name, Step()) for level in rule.definition.rule.levels)
    kept = fresh(rule)
    condition = Condition(steps)
    if said["standing"] is not None:
        key, began, level, value, acknowledged = said["standing"]
        when = None if began is None or by is None else min(int(began) + by, at)
        kept.standing = Standing(str(key), when, str(level), _number(value), str(acknowledged))
        state = State.ACKED if acknowledged else State.UNACK
        alarm = Alarm(state, max(1, condition.level), 1)
    else:
        alarm = NORMAL
    kept.machine = kept.machine._replace(condition=condition, alarm=alarm, judged=True)
    return kept


def between(then: Times, now: Times) -> int | None:
    """Return by how much a time written `then` is later in the running time of `now`."""
    if then.boot == now.boot:
        return now.offset - then.offset
    return 0 if then.dated and now.dated else None


def _moved(since: int | None, by: int | None, at: int) -> int | None:
    """Return since when a delay runs: where nobody can tell, from now on."""
    if since is None:
        return None
    return at if by is None else min(int(since) + by, at)


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None
