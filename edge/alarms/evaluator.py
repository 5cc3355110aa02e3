"""Judges every reading as it is read: a look at two bounds, and the machine only for candidates.

The same pure core as at the collector (`protocols.alarms`). Times are running time, see
`edge.alarms.times`. An alarm that returns is over here: whether somebody has seen it is the
collector's matter, where the people are.
"""

import math
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

from edge.alarms.rules import LocalRule
from edge.alarms.standing import Kept, Standing, fresh
from protocols.alarms.acting import acknowledge
from protocols.alarms.condition import NOWHERE, calm
from protocols.alarms.machine import Entry, Sample, begin, due
from protocols.alarms.state import NORMAL, State
from protocols.alarms.steps import Outcome, advance, feed
from protocols.alarms.word import Word
from protocols.quality import Quality, is_good
from protocols.wire.alarm_events import Said
from protocols.words import Reading, TimeMark

UNCERTAIN: Final = int(Quality.UNCERTAIN)
"""Quality below it is good."""
NUMBERS: Final = frozenset({float, int, bool})
NEVER: Final = -(2**62)
_BEGINNINGS: Final = (Word.RAISE, Word.RERAISE)


class Happened(NamedTuple):
    """Something to tell: `standing` as it was right after it; `time` is running time."""

    rule: LocalRule
    word: Said
    standing: Standing
    time: int
    by: str = ""


@dataclass(slots=True)
class Judged:
    """What readings led to. `points`: those whose reading changed a condition and must be sent, so
    that the collector judges as we did; `changed`: rules to be kept; `happened` in order.
    """

    points: set[int] = field(default_factory=set)
    changed: dict[str, Kept] = field(default_factory=dict)
    happened: list[Happened] = field(default_factory=list)


class At(NamedTuple):
    """Now: running time, running time minus monotonic, and the wall clock where it is right."""

    now: int
    offset: int
    wall: int | None


class Evaluator:
    """The rules of all points. `boot` names this start of the machine in what is new."""

    def __init__(self, rules: Sequence[LocalRule], points: int, boot: str) -> None:
        self._boot = boot
        self._low = array("d", [-math.inf]) * points
        self._high = array("d", [math.inf]) * points
        self._newest = array("q", [NEVER]) * points
        self._here: dict[int, list[Kept]] = {}
        self.rules: dict[str, Kept] = {}
        self._timed: dict[str, Kept] = {}
        self.dated = False
        """Whether the date is known: what holds for a season is not judged before."""
        for rule in rules:
            self.put(fresh(rule))

    def put(self, kept: Kept) -> None:
        """Take a rule as it was kept."""
        here = self._here.setdefault(kept.rule.index, [])
        here[:] = [other for other in here if other.rule.id != kept.rule.id]
        here.append(kept)
        self.rules[kept.rule.id] = kept
        self._settle([kept])

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
            self._step(judged, kept, advance(kept.rule.definition, kept.machine, now))
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
        self._step(judged, kept, acknowledge(kept.rule.definition, kept.machine, now, by))
        return judged

    def _candidate(self, judged: Judged, reading: Reading, at: At) -> None:
        point, here = reading.point, self._here[reading.point]
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
        for kept in here:
            if self._waits(kept.rule):
                continue
            # Order was looked at above, once for the point: the machine needs no memory of its own.
            machine = kept.machine._replace(newest=(), recent=())
            before = kept.machine.condition
            self._step(judged, kept, feed(kept.rule.definition, machine, sample))
            if kept.machine.condition != before:
                judged.points.add(point)

    def _step(self, judged: Judged, kept: Kept, after: Outcome) -> None:
        condition, standing = kept.machine.condition, kept.standing
        kept.machine, entries = after
        value = kept.machine.values[0] if kept.machine.values else None
        for entry in entries:
            self._follow(judged, kept, entry, value)
        if kept.machine.condition != condition or kept.standing != standing:
            judged.changed[kept.rule.id] = kept
        self._settle([kept])

    def _follow(self, judged: Judged, kept: Kept, entry: Entry, value: float | None) -> None:
        word, standing = entry.word, kept.standing
        if word in _BEGINNINGS:
            key = f"{self._boot[:12]}-{entry.time:x}"
            kept.standing = Standing(key, entry.time, self._name(kept, entry), value)
            self._say(judged, kept, Said.RAISE, entry)
        elif standing is None:
            return
        elif word is Word.LEVEL:
            kept.standing = replace(standing, level=self._name(kept, entry), value=value)
            self._say(judged, kept, Said.LEVEL, entry)
        elif word is Word.REALARM:
            kept.standing = replace(standing, acknowledged="")
        elif word is Word.ACK:
            kept.standing = replace(standing, acknowledged=entry.by)
            self._say(judged, kept, Said.ACK, entry)
        elif word is Word.RTN:
            kept.standing = replace(standing, value=value)
            self._say(judged, kept, Said.RTN, entry)
            kept.standing = None
            kept.machine = kept.machine._replace(alarm=NORMAL)

    def _say(self, judged: Judged, kept: Kept, word: Said, entry: Entry) -> None:
        assert kept.standing is not None  # noqa: S101  # seen by the caller
        judged.happened.append(Happened(kept.rule, word, kept.standing, entry.time, entry.by))

    def _name(self, kept: Kept, entry: Entry) -> str:
        return kept.rule.definition.rule.levels[entry.level - 1].name

    def _waits(self, rule: LocalRule) -> bool:
        return rule.dated and not self.dated

    def _settle(self, changed: Iterable[Kept]) -> None:
        """Work out anew what of these rules' points changes nothing, and whose timers run."""
        for kept in changed:
            machine = kept.machine
            if machine.condition.pending:
                self._timed[kept.rule.id] = kept
            else:
                self._timed.pop(kept.rule.id, None)
            point = kept.rule.index
            bounds = [_bounds(each) for each in self._here[point] if not self._waits(each.rule)]
            self._low[point] = max((low for low, _ in bounds), default=-math.inf)
            self._high[point] = min((high for _, high in bounds), default=math.inf)


def _bounds(kept: Kept) -> tuple[float, float]:
    machine = kept.machine
    if machine.lagging and not machine.condition.quiet:
        return NOWHERE
    newest = machine.values[0] if machine.values else None
    return calm(kept.rule.definition.rule, machine.condition, newest)


def _time(reading: Reading, at: At) -> int:
    """Return when a reading was taken; of a device's own time what our clock makes of it."""
    if reading.mark is TimeMark.GATEWAY:
        return min(reading.time + at.offset, at.now)
    return at.now if at.wall is None else at.now - max(0, at.wall - reading.time)
