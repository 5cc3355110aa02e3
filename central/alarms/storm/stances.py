"""What rules of limits do again and again, learned from the machine: the words of a storm are few.

Where a rule stands (`Stance`) and between which of its limits a value lies decide what follows, if
nothing but the value can have any effect. What the machine and `moves` made of the first such
reading is kept (`Habit`) and done again for those that are alike. The machine stays the only one
that knows: a habit is kept only where doing it again gives what was seen.
"""

import json
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from central.alarms.journal.ledger import copied
from central.alarms.journal.records import EpisodeRow, Line
from central.alarms.journal.states import BEGUN
from central.alarms.rules.asleep import SIDED
from central.alarms.storm.habits import Habit, Seen, lines_of
from central.alarms.tracked import Tracked
from protocols.alarms.clocks import IDLE, Timers
from protocols.alarms.condition import Condition, calm
from protocols.alarms.definition import NO_CLOCKS, UNWATCHED, Definition
from protocols.alarms.kept import steps_of
from protocols.alarms.kinds.limit import Limit
from protocols.alarms.machine import Machine
from protocols.alarms.overlay import NOTHING
from protocols.alarms.rule import Level
from protocols.alarms.state import Alarm, State
from protocols.alarms.watching import UNHEARD

MOST: Final = 16_384
"""Stances remembered as in use, and as many from before: ladders that are one have theirs so."""
APART: Final = 100
"""Commits between two times of forgetting: of more than that no new ones are learned."""


@dataclass(slots=True, eq=False)
class Stance:
    """Where rules of one ladder stand that are alike; between `low` and `high` nothing changes.

    `alone`: no episode of theirs is open. `done`: what follows, by `band`; None: not known.
    """

    levels: tuple[Level, ...]
    cuts: list[float]
    low: float
    high: float
    stands: bool
    alone: bool
    steps: str
    """As a rule's row says which levels are on."""
    done: "list[Done | None]"
    unusual: set[int] = field(default_factory=set)
    """Bands of which only the machine knows."""

    def band(self, value: float) -> int:
        """Return between which limits a value lies, or on which."""
        cuts = self.cuts
        below = bisect_left(cuts, value)
        return 2 * below + (below < len(cuts) and cuts[below] == value)

    def unknown(self, value: float) -> bool:
        """Return whether there is something to learn of such a value."""
        band = self.band(value)
        return self.done[band] is None and band not in self.unusual


class Done(NamedTuple):
    """What follows, and where the rule stands then."""

    habit: Habit
    then: Stance


_Key = tuple[int, bool, tuple[bool, ...], State, int, int, bool, int]


class Stances:
    """Those that are known."""

    def __init__(self) -> None:
        self._known: dict[_Key, Stance] = {}
        self._before: dict[_Key, Stance] = {}
        """Those that were known when there were too many; what is asked for again comes back."""
        self._forgot = APART

    def begin(self) -> None:
        """Take note of a commit."""
        self._forgot += 1

    def of(self, tracked: Tracked, row: EpisodeRow | None) -> Stance | None:
        """Return where a rule stands; None: more than the value may have an effect.

        `row` is its open episode.
        """
        definition, machine = tracked.definition, tracked.machine
        shape = _shape(machine.timers)
        if shape is None or not (_usual(definition) and _free(tracked, machine)):
            return None
        condition, alarm, levels = machine.condition, machine.alarm, definition.rule.levels
        if row is not None and not _agrees(row, alarm):
            return None
        key = (
            id(levels),
            definition.rule.latching,
            tuple([step.on for step in condition.steps]),
            alarm.state,
            alarm.level,
            shape,
            machine.judged,
            0 if row is None else 1 if row.acknowledged is None else 2,
        )
        stance = self._known.get(key)
        if stance is not None:
            return stance
        stance = self._before.get(key)
        if len(self._known) >= MOST:
            if self._forgot < APART:
                return stance  # learning what is forgotten again costs more than it saves
            self._before, self._known, self._forgot = self._known, {}, 0
        stance = stance or _stance(definition, condition, alone=row is None)
        self._known[key] = stance
        return stance

    def learn(
        self, stance: Stance, tracked: Tracked, before: "Before", after: "After", seen: Seen
    ) -> None:
        """Keep what the machine made of a reading, if doing it again would give the same."""
        band = stance.band(float(seen.value or 0))
        habit = _habit(tracked, before, after, seen)
        if habit is not None and _same(habit, before, after, seen):
            open_ = None if tracked.episode is None else after.row
            then = self.of(tracked, open_)
            if then is not None:
                stance.done[band] = Done(habit, then)
                return
        stance.unusual.add(band)


class Before(NamedTuple):
    """A rule before a reading, and its open episode."""

    machine: Machine
    row: EpisodeRow | None


class After(NamedTuple):
    """The same after it: the episode that was open before or opened by it; what was said."""

    machine: Machine
    row: EpisodeRow | None
    lines: Sequence[Line]


def _usual(definition: Definition) -> bool:
    return (
        definition.rungs is not None
        and definition.instant
        and type(definition.kind) is Limit
        and definition.watch is UNWATCHED
        and definition.clocks is NO_CLOCKS
        and not any(level.op in SIDED for level in definition.rule.levels)
    )


def _free(tracked: Tracked, machine: Machine) -> bool:
    return (
        tracked.plain
        and tracked.streams is None
        and not tracked.branches
        and not tracked.held
        and machine.memory is None
        and not machine.lagging
        and not machine.condition.pending
        and machine.overlay == NOTHING
        and machine.health == UNHEARD
    )


def _shape(timers: Timers) -> int | None:
    """Return which of its times an alarm without clocks has; None: others too."""
    announced, told, acked, again, begun, chattering = timers
    if told or again or begun or chattering:
        return None
    return (announced is not None) + 2 * (acked is not None)


def _agrees(row: EpisodeRow, alarm: Alarm) -> bool:
    """Return whether an episode is nothing but what the machine says."""
    return (
        not row.confirmation
        and row.state == alarm.state
        and row.closed is None
        and (row.returned is None) == alarm.state.abnormal
    )


def _stance(definition: Definition, condition: Condition, *, alone: bool) -> Stance:
    rungs = definition.rungs or ()
    cuts = sorted({float(limit) for _, *limits, _, _ in rungs for limit in limits})
    return Stance(
        definition.rule.levels,
        cuts,
        *calm(definition.rule, condition, None),
        stands=any(step.on for step in condition.steps),
        alone=alone,
        steps=json.dumps(steps_of(condition)),
        done=[None] * (2 * len(cuts) + 1),
    )


def _habit(tracked: Tracked, before: Before, after: After, seen: Seen) -> Habit | None:
    """Return what was done, where it can be said; None: it cannot."""
    timers = _timers(before.machine.timers, after.machine.timers, seen.now)
    row, was, alarm = after.row, before.row, after.machine.alarm
    if timers is None or after.machine.condition.pending:
        return None
    counts = State.NORMAL not in (alarm.state, before.machine.alarm.state)
    at_level = None if row is None or (was and row.level is was.level) else row.level
    if at_level is not None and not any(at_level is each for each in tracked.rule.levels):
        return None
    returned = "same"
    if row is not None and was is not None and row.returned != was.returned:
        returned = "no" if row.returned is None else "now"
    return Habit(
        condition=after.machine.condition,
        state=alarm.state,
        level=alarm.level,
        occurrence=alarm.occurrence - (before.machine.alarm.occurrence if counts else 0),
        counts=counts,
        timers=timers,
        words=tuple((line.word, line.level) for line in after.lines),
        opens=was is None and row is not None,
        begins=any(line.word in BEGUN for line in after.lines),
        at_level=at_level,
        returned=returned,
        seen_stays=row is None or row.acknowledged is not None or was is None,
        closes=row is not None and row.closed is not None,
    )


def _timers(before: Timers, after: Timers, now: int) -> str | None:
    if after == IDLE:
        return "idle"
    if after == Timers(announced=now):
        return "called"
    return "same" if after == before else None


def _same(habit: Habit, before: Before, after: After, seen: Seen) -> bool:
    """Return whether doing it again gives what was seen."""
    time, now = seen.time, seen.now
    value: Any = seen.value  # a number
    again = habit.machine(before.machine, now)
    # Of a reading that was not taken, as one that strays behind another, nothing is learned.
    heard = again._replace(
        newest=(("", time),),
        recent=((time, "", value, True),),
        values=(value,) * len(again.condition.steps),
    )
    if heard != after.machine:
        return False
    row = after.row
    if row is not None:
        told = copied(row if before.row is None else before.row)
        habit.put(told, after.machine.alarm.occurrence, time)
        if told != row:
            return False
    number = None if row is None else row.number
    lines = list(after.lines)
    return not lines or lines == lines_of(habit, number, lines[0].rule, seen)
