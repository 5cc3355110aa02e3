"""What a rule does while nobody can know its input, because what carries it is silent (pure).

While a gateway, a bus or a device is gone, that is one item (`faults`): no rule of a point below it
says by itself that it is silent, bad or not moving, and nothing returns. What stands keeps
standing. When it is back, what was about to be told has its time anew; what was told already goes
on where it was. Holding what is held changes nothing.
"""

from dataclasses import replace
from typing import Any, Final

from protocols.alarms import condition as conditions
from protocols.alarms.condition import Condition, Step
from protocols.alarms.definition import UNWATCHED, Definition
from protocols.alarms.kinds.health import Bad, Since, Stale
from protocols.alarms.lifecycle import Run
from protocols.alarms.machine import Entry, Machine
from protocols.alarms.watching import UNHEARD
from protocols.alarms.word import Word

HELD: Final = 2**61
"""Added to when a count of seconds was held: looked at so late, no level of it comes after."""
DOUBTFUL: Final = frozenset({Word.STALE, Word.BAD, Word.FROZEN, Word.RTN, Word.SHADOW_RTN})
"""What only the clock says, and a silent gateway would make untrue."""
Outcome = tuple[Machine, list[Entry]]


def concerned(definition: Definition, machine: Machine) -> bool:
    """Return whether silence means anything to it: it watches its input, or something pends."""
    watched = definition.watch is not UNWATCHED or type(definition.kind) in (Stale, Bad)
    return watched or machine.condition.pending


def doubtful(definition: Definition, entries: list[Entry]) -> bool:
    """Return whether these, said by the clock alone, would be untrue of a silent gateway."""
    of_itself = type(definition.kind) in (Stale, Bad)
    return any(of_itself or entry.word in DOUBTFUL for entry in entries)


def hold(definition: Definition, machine: Machine, since: int, now: int) -> Outcome:
    """Take at `now` that from `since` on nobody knows the input: a pending return is called off.

    What was beyond a limit when it was seen last goes on towards its alarm.
    """
    run = Run(definition, machine, now)
    if not run.overlay.resting and run.condition.pending:
        before = run.condition
        run.condition, changes = conditions.interrupt(definition.rule, before, since)
        for each in changes:
            run.follow(each, now)
        if type(definition.kind) in (Stale, Bad):
            steps = tuple(Step(on=step.on) for step in run.condition.steps)
            run.condition = Condition(steps)
    machine, entries = run.done()
    return rest(definition, machine, now), entries


def rest(definition: Definition, machine: Machine, now: int) -> Machine:
    """Let no seconds count that are about the input itself."""
    memory = _held(definition, machine.memory, machine.condition, now)
    health = machine.health
    if health != UNHEARD:
        health = replace(
            health,
            fresh=None,
            bad_since=health.bad_since if health.bad else None,
            value=health.value if health.frozen else None,
            changed=health.changed if health.frozen else None,
        )
    return machine._replace(memory=memory, health=health)


def release(definition: Definition, machine: Machine, now: int) -> Machine:
    """Take at `now` that the input can be known again."""
    machine = machine._replace(memory=_released(definition, machine.memory, now))
    watch, health = definition.watch, machine.health
    if watch.stale_after is None or health.stale:
        return machine
    fresh = now if health.fresh is None else max(health.fresh, now)
    return machine._replace(health=replace(health, fresh=fresh))


def _held(definition: Definition, memory: Any, condition: Condition, now: int) -> Any:
    if type(definition.kind) not in (Stale, Bad) or memory.time is None or memory.looked >= HELD:
        return memory
    if condition.level:  # it is told: its seconds go on when somebody can count them
        return Since(memory.time, HELD + now)
    return Since(None, memory.looked)


def _released(definition: Definition, memory: Any, now: int) -> Any:
    if type(definition.kind) not in (Stale, Bad):
        return memory
    if memory.looked >= HELD:
        away = now - (memory.looked - HELD)
        return Since(memory.time + max(0, away), now)
    if type(definition.kind) is Stale and memory.time is None:
        return Since(now, now)
    return memory
