"""One rule over all streams that bring its readings: the live one, and pasts that still arrive.

Pure. The stream of the newest reading is the live one; it steps the alarm. What an older stream
still delivers goes to its own past (`past`), which never steps the alarm, but for what stands and
no live reading raised. A window takes what is no later than it allows, whichever stream brings it.
"""

from typing import Final, NamedTuple

from protocols.alarms import past, steps
from protocols.alarms.condition import Change, Condition, Step, activates
from protocols.alarms.definition import Definition
from protocols.alarms.joined import joined
from protocols.alarms.lifecycle import Run
from protocols.alarms.machine import Entry, Machine, Sample, begin
from protocols.alarms.past import Branch, Cleared, Live, Telling, Told
from protocols.alarms.state import State
from protocols.alarms.word import Word
from protocols.clock import SECOND

BRANCHES: Final = 8
"""Older streams remembered; the oldest goes first."""


class Streams(NamedTuple):
    """`stream` is live `since` its first reading; `cleared` is what its readings did not hold.

    `first` is the time of the first of them that was good, `after` its value.
    """

    machine: Machine
    stream: int = 0
    since: int = 0
    cleared: Cleared = ()
    first: int | None = None
    after: float | None = None
    live: Live = Live()
    branches: tuple[tuple[int, Branch], ...] = ()

    def branch(self, stream: int) -> Branch | None:
        """Return the past of a stream."""
        return dict(self.branches).get(stream)

    def with_branch(self, stream: int, branch: Branch) -> "Streams":
        """Return the same with this past; the oldest goes where there are too many."""
        branches = {number: each for number, each in self.branches if number != stream}
        while len(branches) >= BRANCHES:
            del branches[min(branches, key=lambda each: branches[each].newest or 0)]
        return self._replace(branches=(*branches.items(), (stream, branch)))

    def stepped(self, machine: Machine, entries: list[Entry]) -> "Streams":
        """Return the same with the live machine after a step."""
        raised, returned = self.live.raised, self.live.returned
        for entry in entries:
            if entry.word in (Word.RAISE, Word.SHADOW_RAISE):
                raised, returned = entry.time, None
            elif entry.word is Word.RERAISE:
                returned = None
            elif entry.word in (Word.RTN, Word.SHADOW_RTN):
                returned = entry.time
        is_open = machine.alarm.state is not State.NORMAL
        live = Live(raised, returned, is_open, machine.overlay.resting, machine.condition.level)
        return self._replace(machine=machine, live=live)


Outcome = tuple[Streams, list[Entry], list[Told]]


def start(definition: Definition) -> Streams:
    """Return that nothing was seen."""
    return Streams(begin(definition), cleared=past.uncleared(definition))


def feed(
    definition: Definition,
    streams: Streams,
    stream: int,
    sample: Sample,
    clock: int | None = None,
) -> Outcome:
    """Take a reading of one of the streams. `clock`: as `steps.feed` has it."""
    newest = dict(streams.machine.newest).get(sample.input)
    newer = newest is None or sample.time > newest
    if newer and stream != streams.stream:
        streams = _hand_over(definition, streams, stream, sample.time)
    allowed = round(definition.kind.lateness * SECOND)
    if newest is None or stream == streams.stream or newest - sample.time <= allowed:
        return _feed_live(definition, streams, sample, clock)
    branch = streams.branch(stream)
    if branch is None:
        streams, branch = _begin(definition, streams, sample.time)
    branch, told = past.take(definition, branch, sample)
    streams = _heard(definition, streams.with_branch(stream, branch), stream, branch, sample)
    return follow(definition, streams, told, sample.arrival)


def advance(definition: Definition, streams: Streams, now: int) -> Outcome:
    """Let the clock fire what is due; pasts have their own time."""
    machine, entries = steps.advance(definition, streams.machine, now)
    return streams.stepped(machine, entries), entries, []


def settle(definition: Definition, streams: Streams, stream: int, now: int) -> Outcome:
    """At the end of a delivery of `stream`: tell what of its past has not returned."""
    branch = streams.branch(stream)
    if branch is None:
        return streams, [], []
    streams = _join(definition, streams, stream, branch)
    branch, told = past.settle(definition, branch, streams.live)
    if not streams.live.rests:
        streams = streams._replace(machine=_delays(streams.machine, branch))
    return follow(definition, streams.with_branch(stream, branch), told, now)


def _join(definition: Definition, streams: Streams, stream: int, branch: Branch) -> Streams:
    """Let whatever went on without a gap, live or as a later past, know what was in it."""
    machine, newest = joined(definition, streams.machine, branch), branch.newest or 0
    branches = tuple(
        (number, known._replace(machine=joined(definition, known.machine, branch)))
        if number != stream and (known.newest or 0) > newest
        else (number, known)
        for number, known in streams.branches
    )
    return streams._replace(machine=machine, branches=branches)


def _delays(machine: Machine, branch: Branch) -> Machine:
    """Return the live machine with delays as they ran over the gap."""
    if not machine.condition.pending:
        return machine
    both = zip(machine.condition.steps, branch.machine.condition.steps, strict=True)
    steps_ = tuple(_ran(live, old, branch) for live, old in both)
    return machine._replace(condition=Condition(steps_))


def _ran(live: Step, old: Step, branch: Branch) -> Step:
    """Return one step's delay from when it ran without a break.

    One that ran since before the gap and was broken off in it begins anew, in the gap or with the
    first good reading after it. One that began in the gap began there, where that very reading went
    on beyond the limit.
    """
    if live.since is None or live.on != old.on:
        return live
    anew = branch.first if old.since is None else old.since
    if live.since < branch.until:
        return live if anew is None else Step(live.on, max(live.since, anew))
    began_there = old.since is not None and old.since < branch.until and not live.on
    return Step(live.on, old.since) if began_there and live.since == branch.first else live


def _feed_live(
    definition: Definition, streams: Streams, sample: Sample, clock: int | None
) -> Outcome:
    machine, entries = steps.feed(definition, streams.machine, sample, clock)
    streams = streams.stepped(machine, entries)
    # What the instrument cannot have measured is not good, whatever its quality.
    good = bool(machine.values) and bool(machine.recent) and machine.recent[-1][3]
    if not good or dict(machine.newest).get(sample.input) != sample.time:
        return streams, entries, []
    time, values = sample.time, machine.values
    branches = tuple(
        (number, past.heard(definition, branch, time, values, sample.value))
        for number, branch in streams.branches
    )
    cleared = past.clear(definition, streams.cleared, time, values)
    if streams.first is None:
        streams = streams._replace(first=time, after=sample.value)
    return streams._replace(cleared=cleared, branches=branches), entries, []


def _heard(
    definition: Definition, streams: Streams, stream: int, branch: Branch, sample: Sample
) -> Streams:
    """Let earlier pasts know what a later one says: it too may have ended what they left on."""
    values, newest = branch.machine.values, dict(branch.machine.newest).get(sample.input)
    if not sample.good or newest != sample.time or not values:
        return streams
    branches = tuple(
        (number, past.heard(definition, known, sample.time, values, sample.value))
        if number != stream and known.until <= sample.time
        else (number, known)
        for number, known in streams.branches
    )
    return streams._replace(branches=branches)


def _hand_over(definition: Definition, streams: Streams, stream: int, time: int) -> Streams:
    """Let `stream` be the live one; what the one before was is kept."""
    others = tuple(each for each in streams.branches if each[0] != stream)
    before, streams = streams.stream, streams._replace(branches=others)
    if before:
        streams = streams.with_branch(before, past.kept(definition, streams.machine, time))
    cleared = past.uncleared(definition)
    return streams._replace(stream=stream, since=time, cleared=cleared, first=None, after=None)


def _begin(definition: Definition, streams: Streams, time: int) -> tuple[Streams, Branch]:
    """Return the past of a stream not heard before: it goes on where the nearest earlier ended."""
    earlier = [
        (known, number, branch)
        for number, branch in streams.branches
        if (known := branch.newest) is not None and known < time
    ]
    if not earlier:
        begun = streams.since, streams.cleared, streams.first, streams.after
        return streams, past.unknown(definition, *begun)
    _, number, branch = max(earlier, key=lambda each: each[0])
    # What had not returned goes on in the one that continues it, and is told there.
    return streams.with_branch(number, branch._replace(path=(), claim=None)), branch


def follow(definition: Definition, streams: Streams, told: list[Told], now: int) -> Outcome:
    """Let the live alarm follow what of that which is told of a past concerns it."""
    entries: list[Entry] = []
    for each in told:
        if each.what is Telling.BACKDATED:
            streams = streams._replace(live=streams.live._replace(raised=each.time))
        if each.what not in (Telling.BECOMES, Telling.ENDS):
            continue
        run = Run(definition, streams.machine, now)
        if each.what is Telling.BECOMES:
            _rise(run, each)
        else:
            _fall(run, each.time)
        machine, more = run.done()
        entries += more
        streams = streams.stepped(machine, more)
    return streams, entries, told


def _rise(run: Run, told: Told) -> None:
    """Let the live condition stand as the past left it, with its own times."""
    own = run.condition.steps
    for time, level, _ in told.path:
        before = run.condition.level
        run.condition = Condition(
            tuple(
                Step(on=True) if place <= level else own[place - 1]
                for place, _ in enumerate(own, 1)
            )
        )
        if level != before:
            run.follow(Change(time, before, level), run.now)


def _fall(run: Run, time: int) -> None:
    """End what the past made stand, but for what the newest live reading raises by itself."""
    before = run.condition.level
    values = run.values or (None,) * len(run.condition.steps)
    run.condition = Condition(
        tuple(
            step if value is not None and activates(level, value) else Step()
            for level, step, value in zip(
                run.definition.rule.levels, run.condition.steps, values, strict=True
            )
        )
    )
    if run.condition.level != before:
        run.follow(Change(time, before, run.condition.level), run.now)
