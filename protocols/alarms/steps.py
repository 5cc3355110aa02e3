"""What moves a machine: `feed` a reading, `act` of a person or of logic, `advance` the clock.

Pure. Each returns the machine after it and what the journal hears. What is due before an input is
done before it; what is due at the very time of an input is done after it (`advance`).
"""

from dataclasses import replace

from protocols.alarms import condition as conditions
from protocols.alarms import quick, watching
from protocols.alarms.condition import Change, late
from protocols.alarms.definition import UNWATCHED, Definition
from protocols.alarms.kinds.kind import Reading, Taken
from protocols.alarms.kinds.limit import Limit
from protocols.alarms.lifecycle import Run
from protocols.alarms.machine import AHEAD as AHEAD
from protocols.alarms.machine import RECENT, Entry, Machine, Sample, due, looks
from protocols.alarms.priming import Primed
from protocols.alarms.rule import Rule
from protocols.alarms.word import Word
from protocols.clock import SECOND

Outcome = tuple[Machine, list[Entry]]


def feed(
    definition: Definition, machine: Machine, sample: Sample, clock: int | None = None
) -> Outcome:
    """Take a reading. `clock`: the machine's, where it waits for readings still on their way."""
    now = sample.arrival if clock is None else clock
    return quick.feed(definition, machine, sample, now) or feed_whole(
        definition, machine, sample, now
    )


def feed_whole(definition: Definition, machine: Machine, sample: Sample, now: int) -> Outcome:
    """Take a reading at `now` the long way, whatever it is."""
    run = Run(definition, machine, now)
    _fire(run, now, strictly=True)
    run.now = sample.arrival  # whoever is called by it is called then
    if sample.time - sample.arrival > AHEAD:
        run.say(Word.CLOCK_SKEW, sample.time)
        return run.done()
    if definition.watch is not UNWATCHED and not definition.watch.within(sample.value):
        sample = sample._replace(good=False)
    newest = run.newest_of(sample.input)
    if newest is not None and sample.time <= newest:
        if not _known(run, sample):
            _behind(run, sample, newest)
        return run.done()
    live = not late(sample.time, sample.arrival)
    _note(run, sample)
    if sample.good:
        if definition.watch is not UNWATCHED:
            health = watching.good(run.health, sample.time, sample.value, live=live)
            run.heard(health, sample.time)
        _judge(run, sample, sample.time)
    else:
        _lose(run, sample)
    run.lagging = not live
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


def change(  # who does it, and what is known besides
    old: Definition,
    machine: Machine,
    new: Definition,
    now: int,
    by: str = "",
    known: Primed | None = None,
) -> Outcome:
    """Put `new` in the place of `old`; what was seen last is judged by it at once.

    Levels of the same name keep what they were. `known`: what `new` has to know of its inputs;
    without it another kind begins anew. A standing alarm stays until there is a verdict.
    """
    run = Run(old, machine, now)
    _fire(run, now, strictly=False)
    run = Run(new, run.now_machine(), now, run.entries)
    run.say(Word.RULE_CHANGED, now, by=by)
    before, count = run.condition.level, len(new.rule.levels)
    run.condition = conditions.carry_over(old.rule, run.condition, new.rule)
    if known is not None:
        run.newest, run.recent = known.newest, known.recent
        run.reckon(new.kind.again(new.kind, known.taken, new.rule.levels, now), now)
    elif type(old.kind) is type(new.kind) and run.values:
        held = Taken(run.memory, run.values)
        run.reckon(new.kind.again(old.kind, held, new.rule.levels, now), now)
    else:
        run.memory, run.values = new.kind.begin(), (None,) * count
    if run.overlay.resting:
        return run.done()
    run.condition, _ = conditions.sample_levels(new.rule, run.condition, now, run.values)
    after = run.condition.level
    if run.alarm.level and not (before and after):
        run.alarm = replace(run.alarm, level=_place(old.rule, run.alarm.level, new.rule))
    if before and after:
        run.alarm = replace(run.alarm, level=_worth(old.rule, before, new.rule, after))
        if run.alarm.level == after:
            return run.done()  # the same one, at another place
    if before or after:
        run.follow(Change(now, before, after), now)
    return run.done()


def _worth(old: Rule, before: int, new: Rule, after: int) -> int:
    """Return the level of `new` that stands for what `old` was at, so that a rise is seen as one.

    It is `after` itself only where nothing changed but its place. By name where there is one, by
    colour where that name is gone.
    """
    was, now = old.levels[before - 1], new.levels[after - 1]
    if (was.name, was.colour) == (now.name, now.colour):
        return after
    there = next((place for place, each in enumerate(new.levels, 1) if each.name == was.name), None)
    if there is None or there == after:
        return after - 1 if now.colour > was.colour else after + 1
    return there


def _place(old: Rule, level: int, new: Rule) -> int:
    """Return where in `new` the level stands that an alarm was at: by name, else what is left."""
    name = old.levels[level - 1].name
    found = (place for place, each in enumerate(new.levels, 1) if each.name == name)
    return next(found, min(level, len(new.levels)))


def _known(run: Run, sample: Sample) -> bool:
    """Whether this reading was seen; one of the same time and another value is a conflict."""
    for time, name, value, good in run.recent:
        if (time, name) == (sample.time, sample.input):
            if (value, good) != (sample.value, sample.good):
                run.say(Word.CONFLICT, sample.time)
            return True
    return False


def _note(run: Run, sample: Sample) -> None:
    if len(run.newest) <= 1 and sample.input == "":
        run.newest = (("", sample.time),)
    else:
        run.newest = tuple(sorted({**dict(run.newest), sample.input: sample.time}.items()))
    _remember(run, sample)


def _remember(run: Run, sample: Sample) -> None:
    seen = (sample.time, sample.input, sample.value, sample.good)
    run.recent = (*run.recent, seen)[-RECENT:]


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
    definition = run.definition
    live = not late(sample.time, sample.arrival)
    reading = Reading(sample.time, sample.value, at, sample.input, live)
    run.hold(definition.kind.take(run.memory, reading, definition.rule.levels), at)


def _lose(run: Run, sample: Sample) -> None:
    """Take a reading of bad quality: a return that was pending is called off."""
    definition = run.definition
    run.memory = definition.kind.lose(run.memory, sample.input, sample.time)
    if definition.watch is not UNWATCHED:
        run.health = watching.bad(run.health, sample.time)
    if definition.watch.bad_after == 0:
        run.heard(watching.lost(run.health), sample.time)
    if not run.overlay.resting:
        _interrupt(run, sample.time)
    if definition.timed is not None:
        levels = definition.rule.levels
        run.hold(definition.timed.look(run.memory, sample.time, levels), sample.time)


def _interrupt(run: Run, time: int) -> None:
    condition, changes = conditions.interrupt(run.definition.rule, run.condition, time)
    run.condition = condition
    for each in changes:
        run.follow(each, run.now)


def _fire(run: Run, now: int, *, strictly: bool) -> None:
    while (at := due(run.definition, run)) is not None:
        if at > now or (at == now and strictly):
            return
        _fire_at(run, at)


def _fire_at(run: Run, at: int) -> None:
    """Fire what is due at `at`: the condition first, so that a clock sees what stands."""
    definition = run.definition
    look = looks(definition, run)
    if not run.lagging and not run.overlay.resting:
        condition, changes = conditions.advance(definition.rule, run.condition, at)
        run.condition = condition
        for each in changes:
            run.follow(each, run.now)
    if look is not None and look <= at and definition.timed is not None:
        run.hold(definition.timed.look(run.memory, at, definition.rule.levels), at)
    silent = run.health.stale
    run.heard(watching.fire(definition.watch, run.health, at), at)
    if run.health.stale and not silent and not run.overlay.resting:
        _interrupt(run, at)
    run.clocks(at)
