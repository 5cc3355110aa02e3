"""A commit's usual readings, done as `stances` has them: what the machine would do, but shorter.

Usual is a good number in time, newer than all that its point said, of the point's live stream, on
rules of which it is known what follows. Of such a point the rules that do not change are not
touched: what passed is in the arrays, as of a reading that passed quietly. Everything else is the
machine's, in its turn; what it makes of a reading that is usual is learned.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np

from central.alarms.arrays.still import NEVER, Booleans, Cell, Live
from central.alarms.journal.ledger import copied
from central.alarms.moves import Moves
from central.alarms.storm.habits import Habit, Seen, lines_of
from central.alarms.storm.stances import After, Before, Done, Stance, Stances
from central.alarms.tracked import Tracked
from central.store.columns import Columns
from central.store.interface import FLAG_ESTIMATED
from central.store.points import GOOD_BELOW
from protocols.alarms.clocks import Timers
from protocols.alarms.condition import LIVE_DELAY
from protocols.alarms.machine import AHEAD, Machine

_UP: Final = (-math.inf, math.inf)


def usual(live: Live, rows: Columns, stream: int, arrival: int) -> Booleans:
    """Return which readings a habit may be enough for, as far as the arrays know."""
    points, times = rows.points, rows.times
    before = live.times[points]
    found: Booleans = live.streams[points] == stream
    found &= live.since[points] == NEVER
    found &= times > before
    found &= times >= arrival - LIVE_DELAY
    found &= times <= arrival + AHEAD
    found &= live.arrived[points] - before <= LIVE_DELAY
    found &= rows.qualities < GOOD_BELOW
    found &= (rows.flags & FLAG_ESTIMATED) == 0
    numbers = rows.values.numbers
    found &= ~np.isnan(numbers)  # no number, or a large one
    return found


class Lesson(NamedTuple):
    """A rule before the machine takes a usual reading."""

    stance: Stance
    before: Before
    said: int


class Storm:
    """The usual readings of one commit; `stepped` are the rules they changed, by name."""

    def __init__(
        self, moves: Moves, here: Mapping[int, Sequence[Tracked]], stances: Stances
    ) -> None:
        self._moves = moves
        self._here = here
        self._stances = stances
        stances.begin()
        self._machines: dict[tuple[int, int, Timers | None], tuple[Habit, Machine]] = {}
        """What habits make of rules that are alike, in this commit."""
        self.cells: dict[int, Cell] = {}
        self.stepped: dict[str, Tracked] = {}

    def take(self, point: int, time: int, value: float) -> bool:
        """Take a usual reading; False: it is the machine's, and nothing was done."""
        known = self.cells.get(point)
        if known is not None and known[1] >= time:
            return False
        (low, high), stands = _UP, False
        changed: list[tuple[Tracked, Done]] = []
        for tracked in self._here[point]:
            stance = self._stance(tracked)
            if stance is None:
                return False
            if not stance.low < value < stance.high:
                done = stance.done[stance.band(value)]
                if done is None or not self._plain(tracked):
                    return False
                changed.append((tracked, done))
                stance = done.then
            # Of very many, one by one: `max` and `min` are slower.
            low = stance.low if stance.low > low else low
            high = stance.high if stance.high < high else high
            stands = stands or stance.stands
        if changed:
            seen = Seen(time, value, self._moves.now)
            for tracked, done in changed:
                self._step(tracked, done, seen)
        self.cells[point] = point, time, float(value), low, high, stands
        return True

    def _step(self, tracked: Tracked, done: Done, seen: Seen) -> None:
        habit, then = done
        moves, definition, number = self._moves, tracked.definition, tracked.episode
        tracked.machine = machine = self._machine(habit, tracked.machine)
        tracked.calm = then.low, then.high
        tracked.stance = machine, definition, then
        if habit.opens and habit.at_level is not None:
            number = moves.open(tracked, habit.at_level, (seen.time, None), seen.value)
            tracked.episode = number
        elif number is not None:
            habit.put(moves.ledger.draft(number), machine.alarm.occurrence, seen.time)
        if habit.begins:
            moves.began(tracked, seen.time)
        id_ = definition.rule.id
        moves.ledger.heard(lines_of(habit, number, id_, seen))
        if habit.closes:
            tracked.episode = None
        moves.told[id_] = seen.time
        self.stepped[id_] = tracked

    def _machine(self, habit: Habit, before: Machine) -> Machine:
        timers = before.timers if habit.timers == "same" else None
        key = id(habit), before.alarm.occurrence, timers
        known = self._machines.get(key)
        if known is None:
            known = self._machines[key] = habit, habit.machine(before, self._moves.now)
        return known[1]

    def _stance(self, tracked: Tracked) -> Stance | None:
        known = tracked.stance
        if known is not None:
            machine, definition, stance = known
            same = machine is tracked.machine and definition is tracked.definition
            if (
                same
                and not (tracked.branches or tracked.held)
                and stance.alone == (tracked.episode is None)
            ):
                return stance
        number = tracked.episode
        row = None if number is None else self._moves.ledger.row(number)
        found = self._stances.of(tracked, row)
        tracked.stance = None if found is None else (tracked.machine, tracked.definition, found)
        return found

    def _plain(self, tracked: Tracked) -> bool:
        """Return whether no gateway has a word in the rule's open episode."""
        number = tracked.episode
        return number is None or not self._moves.ledger.row(number).confirmation

    def lesson(self, tracked: Tracked, value: float) -> Lesson | None:
        """Return what to learn from what the machine is about to do; None: nothing new."""
        stance = self._stance(tracked)
        if stance is None or stance.low < value < stance.high or not stance.unknown(value):
            return None
        number = tracked.episode
        row = None if number is None else copied(self._moves.ledger.row(number))
        return Lesson(stance, Before(tracked.machine, row), len(self._moves.ledger.lines))

    def learn(self, lesson: Lesson, tracked: Tracked, seen: Seen) -> None:
        """Learn from what it did."""
        stance, before, said = lesson
        ledger = self._moves.ledger
        number = tracked.episode if before.row is None else before.row.number
        after = After(
            tracked.machine, None if number is None else ledger.row(number), ledger.lines[said:]
        )
        self._stances.learn(stance, tracked, before, after, seen)
