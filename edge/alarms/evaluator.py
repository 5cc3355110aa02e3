"""Judges every reading as it is read: a look at two bounds, and the machine only for candidates.

The same pure core as at the collector (`protocols.alarms`), every kind of it. Times are running
time, see `edge.alarms.times`. A point of a rule that is more than a ladder on it is never quiet:
each of its readings goes to that rule's machine.
"""

import math
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from edge.alarms.rules import LocalRule
from edge.alarms.standing import Kept, fresh
from edge.alarms.stepping import Judged, follow
from protocols.alarms.acting import acknowledge
from protocols.alarms.condition import NOWHERE, calm
from protocols.alarms.definition import NO_CLOCKS
from protocols.alarms.machine import Sample, begin, due
from protocols.alarms.overlay import NOTHING
from protocols.alarms.state import State
from protocols.alarms.steps import Outcome, advance, feed
from protocols.quality import Quality, is_good
from protocols.words import Reading, TimeMark

UNCERTAIN: Final = int(Quality.UNCERTAIN)
"""Quality below it is good."""
NUMBERS: Final = frozenset({float, int, bool})
NEVER: Final = -(2**62)
DEEPEST: Final = 8
"""Rules that count each other in a circle come to rest."""


class At(NamedTuple):
    """Now: running time, running time minus monotonic, and the wall clock where it is right."""

    now: int
    offset: int
    wall: int | None


class Evaluator:
    """The rules of all points. `boot` names this start of the machine in what is new."""

    def __init__(
        self, rules: Sequence[LocalRule], points: int, boot: str, now: int | None = None
    ) -> None:
        self.boot = boot
        self._low = array("d", [-math.inf]) * points
        self._high = array("d", [math.inf]) * points
        self._newest = array("q", [NEVER]) * points
        self._here: dict[int, list[Kept]] = {}
        self._counting: dict[str, list[str]] = {}
        """Ids of rules that count the levels of another, by its id."""
        self._depth = 0
        self.rules: dict[str, Kept] = {}
        self._timed: dict[str, Kept] = {}
        self.moved: dict[str, Kept] = {}
        """Rules that remember more than they did when somebody last looked here."""
        self.dated = False
        """Whether the date is known: what holds for a season is not judged before."""
        for rule in rules:
            self.put(fresh(rule, now))

    def put(self, kept: Kept) -> None:
        """Take a rule as it was kept, in the place of the one of its id."""
        self.remove(kept.rule.id)
        for index in kept.rule.points:
            self._here.setdefault(index, []).append(kept)
        for name in kept.rule.counts:
            self._counting.setdefault(name, []).append(kept.rule.id)
        self.rules[kept.rule.id] = kept
        self._settle([kept])

    def remove(self, id_: str) -> None:
        """Let go of a rule."""
        kept = self.rules.pop(id_, None)
        if kept is None:
            return
        self._timed.pop(id_, None)
        self.moved.pop(id_, None)
        for name in kept.rule.counts:
            self._counting[name].remove(id_)
        for index in kept.rule.points:
            here = self._here[index]
            here[:] = [other for other in here if other.rule.id != id_]
            if not here:
                del self._here[index]
            self._bound(index)

    def drop(self, kept: Kept) -> None:
        """Let a rule be as if nothing had been seen."""
        kept.standing = None
        kept.machine = begin(kept.rule.definition)
        self._settle([kept])

    def standing(self) -> Iterator[Kept]:
        """Go through what stands."""
        return (kept for kept in self.rules.values() if kept.standing is not None)

    def know_date(self) -> None:
        """The date is known from now on."""
        if not self.dated:
            self.dated = True
            self._settle([kept for kept in self.rules.values() if kept.rule.dated])

    def take(self, readings: Iterable[Reading], clock: Callable[[], At]) -> Judged | None:
        """Judge readings, all of known points; None: all of them were quiet.

        `clock` tells the time, and is asked only where it is needed.
        """
        low, high, newest = self._low, self._high, self._newest
        judged, at = None, None
        for reading in readings:
            point, value, quality, time, _ = reading
            if (
                quality < UNCERTAIN
                and value.__class__ in NUMBERS
                and low[point] < value < high[point]  # type: ignore[operator]  # a number
            ):
                newest[point] = time
            elif point in self._here:
                judged, at = judged or Judged(), at or clock()
                self._candidate(judged, reading, at)
        return judged

    def advance(self, now: int) -> Judged:
        """Let pass what is due."""
        judged = Judged()
        for kept in list(self._timed.values()):
            end = due(kept.rule.definition, kept.machine)
            if end is not None and end <= now:
                after = advance(kept.rule.definition, kept.machine, now)
                self.step(judged, kept, after, now)
        return judged

    def due(self) -> int | None:
        """Return when the clock next has something to do."""
        ends = (due(kept.rule.definition, kept.machine) for kept in self._timed.values())
        return min((end for end in ends if end is not None), default=None)

    def shift(self, by: int) -> list[Kept]:
        """Let running time be later; returns whose times that moved."""
        moved = [kept for kept in self.rules.values() if not kept.idle]
        for kept in moved:
            kept.shift(by)
        return moved

    def acknowledge(self, rule: str, by: str, now: int) -> Judged | None:
        """Let somebody here say that it was seen; None: nothing stands that nobody has seen."""
        kept = self.rules.get(rule)
        if kept is None or kept.standing is None or kept.machine.alarm.state is not State.UNACK:
            return None
        judged = Judged()
        self.step(judged, kept, acknowledge(kept.rule.definition, kept.machine, now, by), now)
        return judged

    def judge(self, judged: Judged, kept: Kept, reading: Reading, at: At) -> None:
        """Judge what a point says by one of its rules."""
        good = is_good(reading.quality)
        if (good and reading.value.__class__ not in NUMBERS) or self._waits(kept.rule):
            return
        value = float(reading.value) if good else 0.0  # type: ignore[arg-type]  # a number
        self._feed(judged, kept, reading.point, Sample(_time(reading, at), value, at.now, good))

    def step(
        self, judged: Judged, kept: Kept, after: Outcome, now: int, *, known: bool = False
    ) -> None:
        """Let a rule's machine be as it is after something; `known`: the collector has told it."""
        condition, standing, overlay = kept.machine.condition, kept.standing, kept.machine.overlay
        colour = kept.colour if self._counting else 0
        kept.machine, entries = after
        for entry in entries:
            follow(judged, kept, entry, self.boot, known=known)
        machine = kept.machine
        changed = machine.condition is not condition and machine.condition != condition
        if changed or kept.standing is not standing or machine.overlay is not overlay:
            judged.changed[kept.rule.id] = kept
        if not kept.rule.plain:
            self.moved[kept.rule.id] = kept
        self._settle([kept])
        if self._counting and kept.colour != colour:
            self.spread(judged, kept, entries[-1].time if entries else now, now)

    def spread(self, judged: Judged, kept: Kept, time: int, now: int) -> None:
        """Tell the rules that count this one where it stands."""
        if self._depth >= DEEPEST:
            return
        self._depth += 1
        for id_ in self._counting.get(kept.rule.id, ()):
            counter, name = self.rules[id_], kept.rule.id
            known = dict(counter.machine.memory).get(name, 0.0)
            if known != kept.colour:
                newest = dict(counter.machine.newest).get(name, NEVER)
                at = max(time, newest + 1)
                sample = Sample(at, float(kept.colour), max(at, now), input=name)
                self.step(
                    judged, counter, feed(counter.rule.definition, counter.machine, sample), now
                )
        self._depth -= 1

    def _candidate(self, judged: Judged, reading: Reading, at: At) -> None:
        point = reading.point
        good = is_good(reading.quality)
        if good and reading.value.__class__ not in NUMBERS:
            return
        if not good and self._low[point] < self._high[point]:
            return  # there is no return that it could call off
        if reading.mark is TimeMark.SOURCE:  # what we stamp ourselves comes in order
            if reading.time <= self._newest[point]:
                return  # behind, or again: the collector says so
            self._newest[point] = reading.time
        value = float(reading.value) if good else 0.0  # type: ignore[arg-type]  # a number
        sample = Sample(_time(reading, at), value, at.now, good)
        for kept in self._here[point]:
            if not self._waits(kept.rule):
                self._feed(judged, kept, point, sample)

    def _feed(self, judged: Judged, kept: Kept, point: int, sample: Sample) -> None:
        before = kept.machine.condition
        definition = kept.rule.definition
        if kept.rule.plain:
            # Order was looked at once for the point: the machine needs no memory of its own.
            machine = kept.machine._replace(newest=(), recent=())
            self.step(judged, kept, feed(definition, machine, sample), sample.arrival)
        else:
            for index, name in kept.rule.inputs:
                if index == point:
                    named = sample._replace(input=name)
                    after = feed(definition, kept.machine, named)
                    self.step(judged, kept, after, sample.arrival)
        if kept.rule.whole and sample.good:
            judged.points.add(point)
        if kept.machine.condition != before:
            judged.points.update(kept.rule.points)
            if not kept.rule.plain:
                judged.beside.update(kept.rule.points)

    def _waits(self, rule: LocalRule) -> bool:
        return rule.dated and not self.dated

    def _settle(self, changed: Iterable[Kept]) -> None:
        """Work out anew what of these rules' points changes nothing, and whose timers run."""
        for kept in changed:
            machine, definition = kept.machine, kept.rule.definition
            usual = definition.clocks is NO_CLOCKS and machine.overlay is NOTHING
            if usual and kept.rule.plain:
                runs = machine.condition.pending
            else:
                runs = due(definition, machine) is not None
            if runs:
                self._timed[kept.rule.id] = kept
            else:
                self._timed.pop(kept.rule.id, None)
            if kept.rule.plain:
                self._bound(kept.rule.inputs[0][0])
            else:
                for index in kept.rule.points:
                    self._low[index], self._high[index] = NOWHERE

    def _bound(self, point: int) -> None:
        """Work out between which values of a point nothing changes."""
        here = self._here.get(point, ())
        bounds = [_bounds(each) for each in here if not self._waits(each.rule)]
        self._low[point] = max((low for low, _ in bounds), default=-math.inf)
        self._high[point] = min((high for _, high in bounds), default=math.inf)


def _bounds(kept: Kept) -> tuple[float, float]:
    machine = kept.machine
    if not kept.rule.plain or (machine.lagging and not machine.condition.quiet):
        return NOWHERE
    newest = machine.values[0] if machine.values else None
    return calm(kept.rule.definition.rule, machine.condition, newest)


def _time(reading: Reading, at: At) -> int:
    """Return when a reading was taken; of a device's own time what our clock makes of it."""
    if reading.mark is TimeMark.GATEWAY:
        return min(reading.time + at.offset, at.now)
    return at.now if at.wall is None else at.now - max(0, at.wall - reading.time)
