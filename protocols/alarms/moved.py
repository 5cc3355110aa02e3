"""A machine whose clock was found to be wrong: all its times, moved by as much (pure).

Counts, values and verdicts stay. What knows no times is the same.
"""

from dataclasses import replace
from typing import Any

from protocols.alarms.condition import Condition, Step
from protocols.alarms.kinds.health import Since, Still
from protocols.alarms.kinds.rate import Going
from protocols.alarms.kinds.schedule import Moving
from protocols.alarms.kinds.vote import Votes
from protocols.alarms.kinds.window import Seen
from protocols.alarms.machine import Machine
from protocols.alarms.overlay import NOTHING, Overlay
from protocols.alarms.watching import UNHEARD, Health


def moved(machine: Machine, by: int) -> Machine:
    """Return the machine with all its times later by so many µs."""
    timers = machine.timers
    return machine._replace(
        condition=_condition(machine.condition, by),
        memory=_memory(machine.memory, by),
        overlay=_overlay(machine.overlay, by),
        timers=timers._replace(
            announced=_later(timers.announced, by),
            acked=_later(timers.acked, by),
            begun=tuple(time + by for time in timers.begun),
        ),
        health=_health(machine.health, by),
        newest=tuple((name, time + by) for name, time in machine.newest),
        recent=tuple((time + by, *rest) for time, *rest in machine.recent),  # type: ignore[misc]
    )


def _later(time: int | None, by: int) -> int | None:
    return None if time is None else time + by


def _condition(condition: Condition, by: int) -> Condition:
    if not condition.pending:
        return condition
    return Condition(tuple(Step(step.on, _later(step.since, by)) for step in condition.steps))


def _overlay(overlay: Overlay, by: int) -> Overlay:
    if overlay is NOTHING or overlay.shelf is None:
        return overlay
    return replace(overlay, shelf=replace(overlay.shelf, until=overlay.shelf.until + by))


def _health(health: Health, by: int) -> Health:
    if health is UNHEARD:
        return health
    return replace(
        health,
        fresh=_later(health.fresh, by),
        bad_since=_later(health.bad_since, by),
        changed=_later(health.changed, by),
    )


def _memory(memory: Any, by: int) -> Any:
    match memory:
        case Going():
            return memory._replace(time=_later(memory.time, by))
        case Seen():
            last = None if memory.last is None else (memory.last[0] + by, memory.last[1])
            return memory._replace(times=tuple(time + by for time in memory.times), last=last)
        case Votes():
            return memory._replace(held=tuple((place, time + by) for place, time in memory.held))
        case Since():
            return Since(_later(memory.time, by), memory.looked + by)
        case Still():
            return memory._replace(time=_later(memory.time, by), seen=memory.seen + by)
        case Moving():
            return memory._replace(forbidden=_later(memory.forbidden, by))
    return memory
