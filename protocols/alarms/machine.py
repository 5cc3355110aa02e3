"""One rule on its subject, whole: readings, people's acts and the clock in, journal entries out.

Pure: a machine is a value. Entries carry event time; the clock is passed in and drives silence,
shelves, repeated calls and escalation, and delays while readings come in time. While they lag, a
delay runs on the readings' own time. Missing or bad data never ends an alarm; what comes late never
changes a live one. Semantics: the alarm vectors, `semantics`.
"""

from typing import Any, Final, NamedTuple, Protocol

from protocols.alarms import condition as conditions
from protocols.alarms import watching
from protocols.alarms.clocks import IDLE, Timers
from protocols.alarms.condition import Condition
from protocols.alarms.definition import UNWATCHED, Definition
from protocols.alarms.overlay import NOTHING, Overlay
from protocols.alarms.state import NORMAL, Alarm
from protocols.alarms.watching import UNHEARD, Health
from protocols.alarms.word import Word
from protocols.clock import SECOND

AHEAD: Final = 300 * SECOND
"""A stamp further ahead than this is a broken clock."""
CALLS: Final = (Word.RAISE, Word.RERAISE, Word.REALARM)
"""After which somebody is called."""
RECENT: Final = 32
"""Readings remembered to tell one that comes again from another of the same time."""


class Sample(NamedTuple):
    """A reading of the rule's input, `time` and `arrival` in µs UTC; `good` is its quality."""

    time: int
    value: float
    arrival: int
    good: bool = True
    input: str = ""


class Entry(NamedTuple):
    """A line of the journal. `level` counts from 1 where the word has one, `nth` of ESCALATE."""

    word: Word
    time: int
    level: int = 0
    nth: int = 0
    by: str = ""
    reason: str = ""


Seen = tuple[int, str, float, bool]


class Machine(NamedTuple):
    """Where a rule stands. `newest` is the time of the newest reading, good or not, by input.

    `values` is what the levels were last held against; `judged`: something was, ever.
    """

    condition: Condition
    memory: Any = None
    alarm: Alarm = NORMAL
    overlay: Overlay = NOTHING
    timers: Timers = IDLE
    health: Health = UNHEARD
    newest: tuple[tuple[str, int], ...] = ()
    recent: tuple[Seen, ...] = ()
    values: tuple[float | None, ...] = ()
    lagging: bool = False
    judged: bool = False


def begin(definition: Definition, now: int | None = None) -> Machine:
    """Return the machine that has seen nothing; from `now` on (µs UTC) silence counts."""
    memory, timed = definition.kind.begin(), definition.timed
    if now is None:
        return Machine(conditions.start(definition.rule), memory)
    if timed is not None:
        memory = timed.listen(memory, now)
    health = UNHEARD if definition.watch is UNWATCHED else Health(fresh=now)
    return Machine(conditions.start(definition.rule), memory, health=health)


class Standing(Protocol):
    """What of a machine its timers go by."""

    @property
    def condition(self) -> Condition: ...
    @property
    def memory(self) -> Any: ...
    @property
    def overlay(self) -> Overlay: ...
    @property
    def timers(self) -> Timers: ...
    @property
    def health(self) -> Health: ...
    @property
    def lagging(self) -> bool: ...


def due(definition: Definition, machine: Standing) -> int | None:
    """Return when the clock next has something to do."""
    watch, overlay = definition.watch, machine.overlay
    resting = overlay is not NOTHING and overlay.resting
    found: list[int | None] = []
    if watch is not UNWATCHED:
        found.append(watching.due(watch, machine.health))
    if machine.timers is not IDLE:
        found.append(machine.timers.due(definition.clocks))
    if overlay.shelf is not None:
        found.append(overlay.shelf.until)
    if machine.condition.pending and not machine.lagging and not resting:
        found.append(conditions.due(definition.rule, machine.condition))
    if definition.timed is not None and not resting:
        found.append(looks(definition, machine))
    times = [time for time in found if time is not None]
    return min(times) if times else None


def looks(definition: Definition, machine: Standing) -> int | None:
    """Return when a kind that changes its mind by itself has to be asked again."""
    timed = definition.timed
    if timed is None or (machine.lagging and not timed.always):
        return None
    return timed.due(machine.memory, definition.rule.levels)
