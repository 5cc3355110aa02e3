"""The usual input made short: a good reading in time, of a rule whose levels ask for no more.

Pure, and the same as `steps` does of it the long way (a test holds them against each other): a rule
of limits without seasons, an input that is well, nothing over its alarm, no timer due.
Storms are made of such readings.
"""

from typing import Final

from protocols.alarms import watching
from protocols.alarms.clocks import IDLE, Timers
from protocols.alarms.condition import LIVE_DELAY, Condition
from protocols.alarms.condition import due as next_due
from protocols.alarms.definition import NO_CLOCKS, UNWATCHED, Definition
from protocols.alarms.machine import AHEAD, CALLS, RECENT, Entry, Machine, Sample, Seen
from protocols.alarms.overlay import NOTHING
from protocols.alarms.rungs import Rung, delayed, settled
from protocols.alarms.state import TABLE, Alarm, Happening, Move, State
from protocols.alarms.word import Word

Outcome = tuple[Machine, list[Entry]]
_OVER: Final[tuple[dict[State, Move], ...]] = tuple(
    {state: TABLE[state, over] for state in State if (state, over) in TABLE}
    for over in (Happening.RETURN, Happening.LATCH)
)
_RISE: Final[dict[State, Move]] = {state: TABLE[state, Happening.LEVEL] for state in State}
# Named tuples are made by a call of Python each; these are made here by the thousand.
_new = tuple.__new__


def feed(definition: Definition, machine: Machine, sample: Sample, now: int) -> Outcome | None:
    """Take a reading at `now`; None: it has to be taken the long way, and nothing was done."""
    rungs = definition.rungs
    if rungs is None or not _usual(definition, machine, sample, now):
        return None
    time, value, _, _, _ = sample
    condition, _, alarm, overlay, timers, health, _, recent, _, _, _ = machine
    if definition.instant and not condition.pending:
        after = _at_once(rungs, condition, value)
    else:
        after = delayed(rungs, condition, time, value)
    entries: list[Entry] = []
    if after.level != condition.level:
        followed = _follow(
            definition, machine, (condition.level, after.level), (time, sample.arrival)
        )
        alarm, timers, entries = followed
    if definition.watch is not UNWATCHED:
        health = watching.good(health, time, value, live=True).health
    seen: Seen = (time, "", value, True)
    recent = (*recent, seen) if len(recent) < RECENT else (*recent[1 - RECENT :], seen)
    values = (value,) * len(rungs)
    newest = (("", time),)
    parts = (after, None, alarm, overlay, timers, health, newest, recent, values, False, True)
    return _new(Machine, parts), entries


def _usual(definition: Definition, machine: Machine, sample: Sample, now: int) -> bool:
    """Return whether nothing but the value itself can have any effect."""
    time, _, arrival, good, name = sample
    if not good or name or not -AHEAD <= arrival - time <= LIVE_DELAY:
        return False
    condition, _, _, overlay, timers, _, newest, _, _, _, _ = machine
    if overlay is not NOTHING and overlay != NOTHING:
        return False
    if condition.pending:
        due = next_due(definition.rule, condition)
        if machine.lagging or due is None or due < now or due < time:
            return False
    if newest and (len(newest) > 1 or newest[0][0] or time <= newest[0][1]):
        return False
    if definition.watch is not UNWATCHED and not _well(definition, machine, sample, now):
        return False
    if timers is IDLE or definition.clocks is NO_CLOCKS:
        return True
    due = timers.due(definition.clocks)
    return due is None or due >= now


def _at_once(rungs: tuple[Rung, ...], condition: Condition, value: float) -> Condition:
    place, bit = 0, 1
    for step, (meets, limit, held, _, _) in zip(condition.steps, rungs, strict=True):
        if meets(value, held if step.on else limit):
            place |= bit
        bit <<= 1
    return settled(len(rungs))[place]


def _well(definition: Definition, machine: Machine, sample: Sample, now: int) -> bool:
    """Return whether the input was well before, and is."""
    watch, health = definition.watch, machine.health
    if health.stale or health.frozen or health.bad_since is not None:
        return False
    due = watching.due(watch, health)
    return (due is None or due >= now) and watch.within(sample.value)


def _follow(
    definition: Definition, machine: Machine, levels: tuple[int, int], times: tuple[int, int]
) -> tuple[Alarm, Timers, list[Entry]]:
    """Let the alarm follow its condition from one level to the other."""
    (before, level), (time, now) = levels, times
    alarm, timers = machine.alarm, machine.timers
    if level:
        alarm, words = _RISE[alarm.state](alarm, level)
    else:
        alarm, words = _OVER[definition.rule.latching][alarm.state](alarm, 0)
        timers = timers.over() if alarm.state is State.NORMAL else timers.rest()
    entries = [_new(Entry, (word, time, level, 0, "", "")) for word in words]
    if level and (words[-1] in CALLS):
        timers = timers.announce(now)
    if not before and machine.judged and definition.clocks.chatter is not None:
        timers, chatters = timers.begin(definition.clocks, time)
        if chatters:
            entries.append(Entry(Word.CHATTER, time))
    return alarm, timers, entries
