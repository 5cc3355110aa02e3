"""The past of one older stream, as it arrives late (补传): judged by a machine of its own (pure).

It begins with the state at the last reading before the gap and goes on in the stream's own order
and time, for any kind of rule. What becomes of it is told, not done: complete episodes marked late,
which never sound; and, where it did not return, whether what stands live began earlier than was
thought, or stands although no live reading raised it.
"""

from enum import StrEnum
from typing import Final, NamedTuple

from protocols.alarms import steps
from protocols.alarms.comes_to import comes_to, newest_raw
from protocols.alarms.condition import SECOND, holds
from protocols.alarms.definition import NO_CLOCKS, UNWATCHED, Definition, Watch
from protocols.alarms.kinds.kind import Values
from protocols.alarms.machine import Entry, Machine, Sample
from protocols.alarms.machine import begin as begin_machine
from protocols.alarms.rule import Rule
from protocols.alarms.season import in_season
from protocols.alarms.state import NORMAL, Alarm, State
from protocols.alarms.word import Word

PATH: Final = 64
"""Level changes remembered of an episode that has not returned."""

Passed = tuple[int, int, float]
"""At this time (µs UTC) it was at this level, with this value."""
Cleared = tuple[int | None, ...]
"""When a good reading since first did not hold each level; None: all of them hold it."""


class Telling(StrEnum):
    """What is told of a past."""

    WHOLE = "whole"
    """A late episode from its raise to its return at `time`."""
    LASTED = "lasted"
    """The same, but that it returned at `time` is only the latest it can have."""
    RETURNED = "returned"
    """What was told to have lasted returned at `time`."""
    BACKDATED = "backdated"
    """The live episode was raised at `time`."""
    BECOMES = "becomes"
    """It stands, and no live reading raised it: it is the live alarm now."""
    ENDS = "ends"
    """What became the live alarm returned at `time`."""
    STRAY = "stray"
    """A reading older than its own stream had come to would have raised `level`."""
    CONFLICT = "conflict"
    """Two readings of one moment differ; the first stays."""


class Told(NamedTuple):
    """One telling; `path` is of the episode, `level` of a stray."""

    what: Telling
    time: int
    path: tuple[Passed, ...] = ()
    level: int = 0


class Claim(NamedTuple):
    """As what an unfinished past was told; `raised` is that of the live episode before."""

    what: Telling
    raised: int = 0


class Live(NamedTuple):
    """What the past has to know of the newest live episode.

    When it was raised, when it returned (None: it stands), whether it is `open` still. `rests`: it
    is suppressed or out of service, and nothing becomes a live alarm. `level` it stands at.
    """

    raised: int | None = None
    returned: int | None = None
    open: bool = False
    rests: bool = False
    level: int = 0


class Branch(NamedTuple):
    """`until` is when a newer stream took over; `path` is of what has not returned yet.

    `first` is the time of the first good reading since, `after` its value.
    """

    machine: Machine
    until: int
    cleared: Cleared
    path: tuple[Passed, ...] = ()
    claim: Claim | None = None
    first: int | None = None
    after: float | None = None

    @property
    def newest(self) -> int | None:
        """When its newest reading was."""
        return max((time for _, time in self.machine.newest), default=None)


Outcome = tuple[Branch, list[Told]]


def kept(definition: Definition, machine: Machine, until: int) -> Branch:
    """Return the past of the stream that was live until now, as the live machine stands."""
    level = machine.condition.level
    own = Machine(
        machine.condition,
        machine.memory,
        Alarm(State.UNACK, level, 1) if level else NORMAL,
        newest=machine.newest,
        recent=machine.recent,
        values=machine.values,
        judged=machine.judged,
    )
    return Branch(own, until, uncleared(definition))


def unknown(
    definition: Definition,
    until: int,
    cleared: Cleared,
    first: int | None,
    after: float | None = None,
) -> Branch:
    """Return the past of a stream of which nothing was heard before."""
    own = begin_machine(own_rule(definition))
    return Branch(own, until, cleared, first=first, after=after)


def uncleared(definition: Definition) -> Cleared:
    """Return that no live reading was heard."""
    return (None,) * len(definition.rule.levels)


def heard(
    definition: Definition, branch: Branch, time: int, values: Values, raw: float | None = None
) -> Branch:
    """Take a good reading of a newer stream: `values` is what its levels are held against."""
    if branch.first is None or time < branch.first:
        branch = branch._replace(first=time, after=raw)
    return branch._replace(cleared=clear(definition, branch.cleared, time, values))


def clear(definition: Definition, cleared: Cleared, time: int, values: Values) -> Cleared:
    """Take a live good reading: `values` is what its levels are held against."""
    return tuple(
        time
        if (known is None or time < known)
        and value is not None
        and not (holds(level, value) and in_season(level, time))
        else known
        for level, known, value in zip(definition.rule.levels, cleared, values, strict=True)
    )


def take(definition: Definition, branch: Branch, sample: Sample) -> Outcome:
    """Take a reading of the past, in its own time."""
    if definition.timed is not None and definition.timed.always:
        return branch, []  # that it was not silent then says nothing of now
    own = own_rule(definition)
    was, before = branch.machine, newest_raw(branch.machine, sample.value)
    machine, entries = steps.feed(own, branch.machine, sample._replace(arrival=sample.time))
    newest = max((time for _, time in machine.newest), default=sample.time)
    machine, more = steps.advance(own, machine, newest)
    branch, told = branch._replace(machine=machine), list[Told]()
    for entry in entries + more:
        now = entry.time >= sample.time
        then, raw = (branch.machine, sample.value) if now else (was, before)
        branch = _follow(branch, entry, comes_to(definition, then, entry.level, raw), told)
    return branch, told


def settle(definition: Definition, branch: Branch, live: Live) -> Outcome:
    """At the end of a delivery: tell what has not returned as what it most likely is."""
    higher = _higher(definition, branch, live)
    if not branch.path or branch.claim is not None:
        return branch, higher
    raised, begun, over = branch.path[0][0], live.raised, _over(branch)
    follows = begun is not None and _follows(definition.rule, branch, begun, live)
    stands = over is None and live.returned is None
    if begun is not None and live.open and (follows or stands):
        told = [Told(Telling.BACKDATED, raised, branch.path)] if raised < begun else []
        return branch._replace(claim=Claim(Telling.BACKDATED, begun)), told + higher
    if over is None and not follows and not live.rests:
        told = [Told(Telling.BECOMES, raised, _now(branch))]
        return branch._replace(claim=Claim(Telling.BECOMES)), told
    until = begun if follows else over
    until = max(branch.until if until is None else until, branch.newest or raised, raised)
    told = [Told(Telling.LASTED, until, branch.path)]
    return branch._replace(claim=Claim(Telling.LASTED)), told


def own_rule(definition: Definition) -> Definition:
    """Return the rule as the past has it: nobody is called, so there are no clocks and no watch.

    What the instrument cannot have measured is bad there too.
    """
    rule, watch = definition.rule, definition.watch
    if watch is not UNWATCHED:
        watch = Watch(low=watch.low, high=watch.high)
    if definition.clocks is NO_CLOCKS and watch == definition.watch and not rule.latching:
        return definition
    rule = Rule(id=rule.id, subject=rule.subject, levels=rule.levels, kind=rule.kind)
    return Definition(rule=rule, kind=definition.kind, watch=watch)


def _follow(branch: Branch, entry: Entry, value: float, told: list[Told]) -> Branch:
    match entry.word:
        case Word.LATE_ALARM:
            told.append(Told(Telling.STRAY, entry.time, level=entry.level))
        case Word.CONFLICT:
            told.append(Told(Telling.CONFLICT, entry.time))
        case Word.RAISE | Word.RERAISE:
            return branch._replace(path=_longer(branch.path, (entry.time, entry.level, value)))
        # A change of level of what stood before the gap is the live episode's.
        case Word.LEVEL if branch.path:
            return branch._replace(path=_longer(branch.path, (entry.time, entry.level, value)))
        case Word.RTN:
            if branch.path:
                told += _finished(branch, entry.time)
            return branch._replace(path=(), claim=None)
    return branch


def _longer(path: tuple[Passed, ...], passed: Passed) -> tuple[Passed, ...]:
    """Return the path with one more; where it is full only what is worse than all takes a place."""
    if len(path) < PATH:
        return (*path, passed)
    worst = max(level for _, level, _ in path)
    return (*path[:-1], passed) if passed[1] > worst else path


def _finished(branch: Branch, returned: int) -> list[Told]:
    """Return what is told now that the past returned within itself: it is put right."""
    claim, whole = branch.claim, Told(Telling.WHOLE, returned, branch.path)
    if claim is None:
        return [whole]
    if claim.what is Telling.LASTED:
        return [Told(Telling.RETURNED, returned, branch.path)]
    if claim.what is Telling.BECOMES:
        return [Told(Telling.ENDS, returned)]
    restored = Told(Telling.BACKDATED, claim.raised)
    return [restored, whole] if branch.path[0][0] < claim.raised else [whole]


def _over(branch: Branch) -> int | None:
    """Return when live readings had cleared all levels that were on; None: one is not cleared."""
    found = [
        cleared
        for step, cleared in zip(branch.machine.condition.steps, branch.cleared, strict=True)
        if step.on
    ]
    known = [time for time in found if time is not None]
    return max(known, default=branch.until) if len(known) == len(found) else None


def _higher(definition: Definition, branch: Branch, live: Live) -> list[Told]:
    """Return that what stands live stands higher: a level the past raised and nothing cleared."""
    steps_ = zip(branch.machine.condition.steps, branch.cleared, strict=True)
    on = [place for place, (step, time) in enumerate(steps_, 1) if step.on and time is None]
    level = max(on, default=0)
    if not live.level or level <= live.level or live.rests:
        return []
    known = [(time, value) for time, place, value in branch.path if place >= level]
    newest = branch.until, comes_to(definition, branch.machine, level)
    time, value = known[0] if known else newest
    return [Told(Telling.BECOMES, time, ((time, level, value),))]


def _now(branch: Branch) -> tuple[Passed, ...]:
    """Return the path to the level that stands now: live readings may have cleared higher ones."""
    steps_ = zip(branch.machine.condition.steps, branch.cleared, strict=True)
    on = [(place, time) for place, (step, time) in enumerate(steps_, 1) if step.on]
    level = max((place for place, time in on if time is None), default=0)
    over = [time for place, time in on if time is not None and place > level]
    _, last, value = branch.path[-1]
    return (*branch.path, (max(over), level, value)) if over and level < last else branch.path


def _follows(rule: Rule, branch: Branch, raised: int, live: Live) -> bool:
    """Return whether the live episode began as the newer stream took over, or stood then."""
    delay = max((level.on_delay for level in rule.levels), default=0.0)
    if live.returned is not None and live.returned <= branch.until:
        return False
    return raised - round(delay * SECOND) <= branch.until and (live.open or raised >= branch.until)
