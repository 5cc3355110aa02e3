"""What moves a machine: `feed` a reading, `act` of a person or of logic, `advance` the clock.

Pure. Each returns the machine after it and what the journal hears. What is due before an input is
done before it; what is due at the very time of an input is done after it (`advance`).
"""

from dataclasses import replace
from typing import Final

from protocols.alarms import condition as conditions
from protocols.alarms import watching
from protocols.alarms.condition import Change, late
from protocols.alarms.definition import Definition
from protocols.alarms.kinds.kind import Reading
from protocols.alarms.kinds.limit import Limit
from protocols.alarms.lifecycle import Run
from protocols.alarms.machine import RECENT, Entry, Machine, Sample, due
from protocols.alarms.word import Word
from protocols.clock import SECOND

Outcome = tuple[Machine, list[Entry]]
AHEAD: Final = 300 * SECOND
"""A stamp further ahead than this is a broken clock."""


def feed(definition: Definition, machine: Machine, sample: Sample) -> Outcome:
    """Take a reading."""
    run = Run(definition, machine, sample.arrival)
    _fire(run, sample.arrival, strictly=True)
    if sample.time - sample.arrival > AHEAD:
        run.say(Word.CLOCK_SKEW, sample.time)
        return run.done()
    if not definition.watch.within(sample.value):
        sample = replace(sample, good=False)
    if _known(run, sample):
        return run.done()
    newest = dict(run.machine.newest).get(sample.input)
    if newest is not None and sample.time < newest:
        _behind(run, sample, newest)
        return run.done()
    live = not late(sample.time, sample.arrival)
    _note(run, sample)
    if sample.good:
        run.health(
            watching.good(run.machine.health, sample.time, sample.value, live=live), sample.time
        )
        _judge(run, sample, sample.time)
    else:
        _lose(run, sample)
    run.set(lagging=not live)
    return run.done()


def advance(definition: Definition, machine: Machine, now: int) -> Outcome:
    """Fire every timer due at or before `now`, in order."""
    run = Run(definition, machine, now)
    _fire(run, now, strictly=False)
    return run.done()


def advance_before(definition: Definition, machine: Machine, now: int) -> Run:
    """Return an input at `now` on its way, with all done that was due before it."""
    run = Run(definition, machine, now)
    _fire(run, now, strictly=True)
    return run


def change(old: Definition, machine: Machine, new: Definition, now: int, by: str = "") -> Outcome:
    """Put `new` in the place of `old`; what was seen last is judged by it at once.

    Levels of the same name keep what they were; another kind begins anew, and a standing alarm
    stays until it has a verdict.
    """
    run = Run(old, machine, now)
    _fire(run, now, strictly=False)
    run = Run(new, run.machine, now, run.entries)
    run.say(Word.RULE_CHANGED, now, by=by)
    before = run.machine.condition.level
    carried = conditions.carry_over(old.rule, run.machine.condition, new.rule)
    same = type(old.kind) is type(new.kind)
    run.set(condition=carried, memory=run.machine.memory if same else new.kind.begin())
    values = run.machine.values
    if same and values:
        held = values if len(values) == len(new.rule.levels) else (values[0],) * len(new.rule.levels)
        run.set(values=held)
    else:
        run.set(values=(None,) * len(new.rule.levels))
    if not run.machine.overlay.resting:
        condition, changes = conditions.sample_levels(
            new.rule, run.machine.condition, now, run.machine.values
        )
        run.set(condition=condition)
        if condition.level != before:
            run.follow(Change(now, before, condition.level), now)
    return run.done()


def _known(run: Run, sample: Sample) -> bool:
    """Whether this reading was seen; one of the same time and another value is a conflict."""
    for time, name, value, good in run.machine.recent:
        if (time, name) == (sample.time, sample.input):
            if (value, good) != (sample.value, sample.good):
                run.say(Word.CONFLICT, sample.time)
            return True
    return False


def _note(run: Run, sample: Sample) -> None:
    machine = run.machine
    newest = {**dict(machine.newest), sample.input: sample.time}
    run.set(newest=tuple(sorted(newest.items())))
    _remember(run, sample)


def _remember(run: Run, sample: Sample) -> None:
    seen = (sample.time, sample.input, sample.value, sample.good)
    run.set(recent=(*run.machine.recent, seen)[-RECENT:])


def _behind(run: Run, sample: Sample, newest: int) -> None:
    """Take a reading older than one that was judged: a window may have a place for it."""
    definition = run.definition
    _remember(run, sample)
    if not sample.good:
        return
    if definition.kind.lateness:
        if newest - sample.time <= definition.kind.lateness * SECOND:
            _judge(run, sample, sample.arrival)
        return
    if isinstance(definition.kind, Limit):
        level = conditions.violates(definition.rule, sample.time, sample.value)
        if level:
            run.say(Word.LATE_ALARM, sample.time, level=level)


def _judge(run: Run, sample: Sample, at: int) -> None:
    definition, machine = run.definition, run.machine
    reading = Reading(sample.time, sample.value, at, sample.input)
    memory, values = definition.kind.take(machine.memory, reading, definition.rule.levels)
    run.set(memory=memory, values=values)
    if machine.overlay.resting:
        return
    condition, changes = conditions.sample_levels(definition.rule, machine.condition, at, values)
    if late(at, run.now):  # the clock is far ahead: delays end by the readings' own time
        condition, more = conditions.advance(definition.rule, condition, at)
        changes += more
    run.set(condition=condition)
    for each in changes:
        run.follow(each, run.now)
    run.set(judged=True)


def _lose(run: Run, sample: Sample) -> None:
    """Take a reading of bad quality: a return that was pending is called off."""
    definition, machine = run.definition, run.machine
    run.set(
        memory=definition.kind.lose(machine.memory, sample.input, sample.time),
        health=watching.bad(machine.health, sample.time),
    )
    if definition.watch.bad_after == 0:
        run.health(watching.fire(definition.watch, run.machine.health, sample.time), sample.time)
    if not machine.overlay.resting:
        _interrupt(run, sample.time)


def _interrupt(run: Run, time: int) -> None:
    condition, changes = conditions.interrupt(run.definition.rule, run.machine.condition, time)
    run.set(condition=condition)
    for each in changes:
        run.follow(each, run.now)


def _fire(run: Run, now: int, *, strictly: bool) -> None:
    while (at := due(run.definition, run.machine)) is not None:
        if at > now or (at == now and strictly):
            return
        _fire_at(run, at)


def _fire_at(run: Run, at: int) -> None:
    """Fire what is due at `at`: the condition first, so that a clock sees what stands."""
    definition, machine = run.definition, run.machine
    if not machine.lagging and not machine.overlay.resting:
        condition, changes = conditions.advance(definition.rule, machine.condition, at)
        run.set(condition=condition)
        for each in changes:
            run.follow(each, run.now)
    silent = run.machine.health.stale
    run.health(watching.fire(definition.watch, run.machine.health, at), at)
    if run.machine.health.stale and not silent and not run.machine.overlay.resting:
        _interrupt(run, at)
    run.clocks(at)
