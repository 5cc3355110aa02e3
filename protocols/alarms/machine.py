"""One rule on its subject, whole: readings, people's acts and the clock in, journal entries out.

Pure: a machine is a value. Entries carry event time; the clock is passed in and drives silence,
shelves, repeated calls and escalation, and delays while readings come in time. While they lag, a
delay runs on the readings' own time. Missing or bad data never ends an alarm; what comes late never
changes a live one. Semantics: the alarm vectors, `semantics`.
"""

from dataclasses import dataclass
from typing import Any

from protocols.alarms import condition as conditions
from protocols.alarms import watching
from protocols.alarms.clocks import Timers
from protocols.alarms.condition import Condition
from protocols.alarms.definition import Definition
from protocols.alarms.overlay import Overlay
from protocols.alarms.state import Alarm
from protocols.alarms.watching import Health
from protocols.alarms.word import Word

RECENT = 32
"""Readings remembered to tell one that comes again from another of the same time."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A reading of the rule's input, `time` and `arrival` in µs UTC; `good` is its quality."""

    time: int
    value: float
    arrival: int
    good: bool = True
    input: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the journal. `level` counts from 1 where the word has one, `nth` of ESCALATE."""

    word: Word
    time: int
    level: int = 0
    nth: int = 0
    by: str = ""
    reason: str = ""


Seen = tuple[int, str, float, bool]


@dataclass(frozen=True, slots=True)
class Machine:
    """Where a rule stands. `newest` is the time of the newest reading, good or not, by input.

    `values` is what the levels were last held against; `judged`: something was, ever.
    """

    condition: Condition
    memory: Any = None
    alarm: Alarm = Alarm()
    overlay: Overlay = Overlay()
    timers: Timers = Timers()
    health: Health = Health()
    newest: tuple[tuple[str, int], ...] = ()
    recent: tuple[Seen, ...] = ()
    values: tuple[float | None, ...] = ()
    lagging: bool = False
    judged: bool = False


def begin(definition: Definition) -> Machine:
    """Return the machine that has seen nothing."""
    return Machine(conditions.start(definition.rule), definition.kind.begin())


def due(definition: Definition, machine: Machine) -> int | None:
    """Return when the clock next has something to do."""
    found = [
        watching.due(definition.watch, machine.health),
        machine.timers.due(definition.clocks),
        machine.overlay.shelf.until if machine.overlay.shelf else None,
    ]
    if not machine.lagging and not machine.overlay.resting:
        found.append(conditions.due(definition.rule, machine.condition))
    return min((time for time in found if time is not None), default=None)
