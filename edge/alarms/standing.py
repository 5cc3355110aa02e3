"""One rule where it stands at the gateway, and how that is kept over restarts (pure).

Times are the gateway's running time: its monotonic clock plus an offset that makes UTC of it as
well as it is known (`edge.alarms.times`). What is kept says so of each figure, as after a restart
of the machine that clock begins again.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

from edge.alarms.rules import LocalRule
from protocols.alarms.condition import Condition, Step
from protocols.alarms.document_kinds import kind_document
from protocols.alarms.kept import body_of, machine_of
from protocols.alarms.kinds.window import Seen
from protocols.alarms.machine import Machine, begin
from protocols.alarms.moved import moved
from protocols.alarms.overlay import NOTHING
from protocols.alarms.state import NORMAL, Alarm, State

LARGE: Final = 500
"""Readings of a window."""


@dataclass(frozen=True, slots=True)
class Standing:
    """The condition holds since `began` (None: no clock could tell); `level` is its name.

    `acknowledged` names who has seen it, `seen` says when. `called`: when it last called, or became
    worse: whoever saw it before that has not seen this.
    """

    key: str
    began: int | None
    level: str
    value: float | None
    acknowledged: str = ""
    seen: int | None = None
    called: int | None = None

    def shift(self, by: int) -> "Standing":
        """Return it with its times later."""
        began = None if self.began is None else self.began + by
        seen = None if self.seen is None else self.seen + by
        called = None if self.called is None else self.called + by
        return replace(self, began=began, seen=seen, called=called)


@dataclass(slots=True)
class Kept:
    """A rule, its machine, and what stands of it."""

    rule: LocalRule
    machine: Machine
    standing: Standing | None = None

    @property
    def idle(self) -> bool:
        """Whether it is as if nothing had ever been seen: there is nothing to keep."""
        machine = self.machine
        rests = machine.overlay is NOTHING or machine.overlay == NOTHING
        return self.rule.plain and self.standing is None and machine.condition.quiet and rests

    @property
    def colour(self) -> int:
        """Return the colour of the level that stands; 0: none does."""
        level = self.machine.condition.level
        return int(self.rule.definition.rule.levels[level - 1].colour) if level else 0

    @property
    def shown(self) -> float | None:
        """Return what people are told: the value, or what the kind makes of it."""
        values = self.machine.values
        if not values:
            return None
        return values[0] if self.rule.plain else values[max(self.machine.condition.level, 1) - 1]

    def shift(self, by: int) -> None:
        """Let all its times be later."""
        self.machine = moved(self.machine, by)
        if self.standing is not None:
            self.standing = self.standing.shift(by)


class Times(NamedTuple):
    """When something was written: the boot, running time minus monotonic, whether that is UTC."""

    boot: str
    offset: int
    dated: bool


def fresh(rule: LocalRule, now: int | None = None) -> Kept:
    """Return a rule that has seen nothing; from `now` on silence counts."""
    return Kept(rule, begin(rule.definition, None if rule.plain else now))


def large(kept: Kept) -> bool:
    """Return whether it remembers so much that it is worth fewer writes."""
    memory = kept.machine.memory
    return isinstance(memory, Seen) and len(memory.times) > LARGE


def body(kept: Kept) -> dict[str, Any]:
    """Return what has to be kept of a rule, as JSON."""
    definition, machine, standing = kept.rule.definition, kept.machine, kept.standing
    steps = zip(definition.rule.levels, machine.condition.steps, strict=True)
    found: dict[str, Any] = {
        "steps": [[level.name, step.on, step.since] for level, step in steps],
        "standing": None
        if standing is None
        else [
            *(standing.key, standing.began, standing.level, standing.value),
            *(standing.acknowledged, standing.seen, standing.called),
        ],
    }
    if not kept.rule.plain or machine.overlay != NOTHING:
        found["kind"] = kind_document(definition.kind)
        found["machine"] = body_of(machine, plain=kept.rule.plain)
    return found


def restored(rule: LocalRule, said: Mapping[str, Any], then: Times, now: Times, at: int) -> Kept:
    """Return a rule as it was kept; `at` is running time now. Raises ValueError, TypeError,
    KeyError: no writer of ours made it.

    Levels of the same name go on where they were; others begin anew. A window, or whatever else a
    kind remembers, goes on where its times are known and the kind says the same still.
    """
    by = between(then, now)
    kept = _whole(rule, said, by) if by is not None else None
    if kept is None:
        kept = _by_levels(rule, said, by, at)
    if said["standing"] is not None:
        key, began, level, value, acknowledged, *rest = said["standing"]
        times = [None if time is None or by is None else min(int(time) + by, at)
                 for time in (began, *rest[:2])]  # fmt: skip
        whose = (str(level), _number(value), str(acknowledged))
        kept.standing = Standing(str(key), times[0], *whose, *times[1:])
    return kept


def _whole(rule: LocalRule, said: Mapping[str, Any], by: int) -> Kept | None:
    definition = rule.definition
    names = [level.name for level in definition.rule.levels]
    same = said.get("kind") == kind_document(definition.kind)
    if not same or [str(name) for name, *_ in said["steps"]] != names:
        return None
    try:
        return Kept(rule, moved(machine_of(definition, said["machine"]), by))
    except (IndexError, AttributeError) as exc:
        raise ValueError("machine") from exc


def _by_levels(rule: LocalRule, said: Mapping[str, Any], by: int | None, at: int) -> Kept:
    known = {str(name): Step(bool(on), _moved(since, by, at)) for name, on, since in said["steps"]}
    steps = tuple(known.get(level.name, Step()) for level in rule.definition.rule.levels)
    kept = fresh(rule, at)
    condition, alarm = Condition(steps), NORMAL
    if said["standing"] is not None:
        state = State.ACKED if said["standing"][4] else State.UNACK
        alarm = Alarm(state, max(1, condition.level), 1)
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
