"""What a value does to a rule of limits, as it was seen once, and how that is done again."""

from functools import lru_cache
from typing import NamedTuple

from central.alarms.journal.records import EpisodeRow, Line
from protocols.alarms.clocks import IDLE, Timers
from protocols.alarms.condition import Condition
from protocols.alarms.machine import Machine
from protocols.alarms.rule import Level
from protocols.alarms.state import Alarm, State
from protocols.words import Value

_new = tuple.__new__


class Seen(NamedTuple):
    """A reading that was taken: its time and value, and when the commit was (µs UTC)."""

    time: int
    value: Value
    now: int


class Habit(NamedTuple):
    """What follows a value.

    `occurrence` counts on from the one before where `counts`; `timers`: "same", "idle" or "called".
    Of the episode: whether it `opens`, or `begins`, again or not; its level if that changes;
    whether it returned "now", has not ("no"), or that is as it was ("same"); whether it is still
    known who has seen it; its end.
    """

    condition: Condition
    state: State
    level: int
    occurrence: int
    counts: bool
    timers: str
    words: tuple[tuple[str, str | None], ...]
    opens: bool
    begins: bool
    at_level: Level | None
    returned: str
    seen_stays: bool
    closes: bool

    def machine(self, before: Machine, now: int) -> Machine:
        """Return a machine after it, but for what it heard last: that the arrays know.

        So rules that did the same are the same machine, and few are made in a storm.
        """
        condition, alarm = self.condition, before.alarm
        occurrence = self.occurrence + alarm.occurrence if self.counts else self.occurrence
        timers = before.timers
        if self.timers == "idle":
            timers = IDLE
        elif self.timers == "called":
            timers = _new(Timers, (now, 0, None, 0, (), False))
        parts = (
            condition,
            None,
            alarm_of(self.state, self.level, occurrence),
            before.overlay,
            timers,
            before.health,
            (),
            (),
            (),
            False,
            True,
        )
        return _new(Machine, parts)

    def put(self, row: EpisodeRow, occurrence: int, time: int) -> None:
        """Let an episode be what it is after it."""
        row.state = self.state
        row.occurrence = occurrence or row.occurrence
        if self.at_level is not None:
            row.level = self.at_level
        if self.returned == "now":
            row.returned = time
        elif self.returned == "no":
            row.returned = None
        if not self.seen_stays:
            row.acknowledged = None
        if self.closes:
            row.closed = time


@lru_cache(maxsize=1_024)
def alarm_of(state: State, level: int, occurrence: int) -> Alarm:
    """Return the alarm, the same one for the same."""
    return Alarm(state, level, occurrence)


def lines_of(habit: Habit, number: int | None, rule: str, seen: Seen) -> list[Line]:
    """Return the journal lines of a habit: nobody acted, and there is nothing to remark."""
    time, value, now = seen
    if len(habit.words) == 1:
        ((word, level),) = habit.words
        return [_new(Line, (number, rule, time, now, word, level, value, None, "", 0))]
    return [
        _new(Line, (number, rule, time, now, word, level, value, None, "", 0))
        for word, level in habit.words
    ]
