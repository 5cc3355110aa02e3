"""What the engine remembers of each rule.

`Tracked` is the live state; a `Branch` is the state of one older stream whose readings arrive late.
The newest sample of a `plain` rule is not written with every batch. After a restart it is the
newest good reading of its point, because every good reading newer than it was judged live; that of
a branch is the newest the stream brought since the branch was written (`flush` writes what the
journal loses).
"""

import math
from dataclasses import dataclass, field, replace
from sys import intern
from typing import TYPE_CHECKING, Any, Final

from central.alarms.pasts.remembered import Written
from central.store.heads.good_numbers import GoodNumber
from protocols.alarms import machine as machines
from protocols.alarms.condition import NOWHERE, Bounds, Condition, calm, late
from protocols.alarms.definition import UNWATCHED, Definition
from protocols.alarms.kinds.health import Since, Stale
from protocols.alarms.kinds.limit import Limit
from protocols.alarms.machine import Machine
from protocols.alarms.overlay import NOTHING
from protocols.alarms.past import Branch as Past
from protocols.alarms.past import Telling
from protocols.alarms.rule import Rule
from protocols.alarms.state import Alarm
from protocols.alarms.streams import Streams
from protocols.words import Purpose

if TYPE_CHECKING:
    from central.alarms.storm.stances import Stance

BRANCHES: Final = 8
"""Older streams remembered per rule; the oldest goes first."""
ALL: Final = ""
"""In place of a rule: what many of them have in common."""
PATH: Final = 64
"""Level changes remembered of one unfinished late episode."""
TURN: Final = ', "turn": '
"""What goes before the turn in a rule's row."""
EVERYWHERE: Final[Bounds] = (-math.inf, math.inf)
Inputs = tuple[tuple[int, str], ...]
"""Numbers of points, and what the rule calls each; 0: another rule, called by its id."""


@dataclass(slots=True)
class Branch:
    """A past that is still arriving.

    `until` is when a newer stream took over; `path` are the level changes (time, level, value) of
    an episode that has not returned yet; `claim` is what was written about it so far.
    """

    condition: Condition
    newest: int | None
    until: int
    path: list[tuple[int, int, float]] = field(default_factory=list)
    claim: "Claim | None" = None
    value: float | None = None
    """The newest, while known."""
    calm: Bounds | None = None
    """Where nothing changes and there is nothing to tell; None until worked out."""
    kept: int | None = None
    """`newest` as the table has it, written when the journal was at position `at`."""
    at: int = 0

    def move(self, time: int) -> None:
        """Take a reading that changed nothing."""
        if self.newest is None or time > self.newest:
            self.newest = time


@dataclass(frozen=True, slots=True)
class Claim:
    """The unfinished past was told as `episode`; `raised` is to be restored if that was live."""

    episode: int
    raised: int
    what: Telling


@dataclass(slots=True)
class Tracked:
    """One rule on its subject. `stream` gave the newest sample; `since` is its first time.

    `point` is where its episodes are shown. `plain`: of the value of one point alone, so that
    what changes nothing may pass in arrays; every reading of another's goes to its machine.
    """

    definition: Definition
    machine: Machine
    inputs: Inputs
    point: int
    site: str
    plain: bool
    episode: int | None = None
    stream: int = 0
    since: int = 0
    branches: dict[int, Branch] = field(default_factory=dict)
    saved: str = ""
    calm: Bounds | None = None
    """A value between these changes nothing; None until worked out."""
    turn: int = 0
    """As its row says: see `takeovers`."""
    streams: Streams | None = None
    """Of a rule that is not plain: what its streams brought; None: of nothing to tell."""
    claimed: dict[int, int] = field(default_factory=dict)
    """By such a stream the episode its past was told as."""
    kept: dict[int, Past] = field(default_factory=dict)
    """By such a stream its past as its row has it."""
    remembered: Written | None = None
    """Its window as the tables have it."""
    trial: Purpose | None = None
    """The test or drill whose readings it has taken since it last went by production alone."""
    held: bool = False
    """Whether nobody can know its input now: what carries it is silent."""
    touched: frozenset[int] = frozenset()
    """Streams whose branches were written or dropped and not yet looked at again."""
    stance: "tuple[Machine, Definition, Stance] | None" = None
    """Where it stood as that machine under that definition."""

    @property
    def points(self) -> frozenset[int]:
        """Return the numbers of the points whose readings it goes by."""
        return frozenset(number for number, _ in self.inputs if number)

    @property
    def ladder(self) -> bool:
        """Return whether it is plain, and its machine remembers nothing of its own."""
        return self.plain and self.machine.memory is None

    @property
    def watched(self) -> bool:
        """Return whether a reading that came late says less of its input."""
        definition = self.definition
        return definition.watch is not UNWATCHED or type(definition.kind) is Stale

    @property
    def rule(self) -> Rule:
        """Return its ladder and name."""
        return self.definition.rule

    @property
    def condition(self) -> Condition:
        """Return which levels are on."""
        return self.machine.condition

    @property
    def alarm(self) -> Alarm:
        """Return what the operator sees."""
        return self.machine.alarm

    @property
    def lagging(self) -> bool:
        """Return whether the newest sample came late."""
        return self.machine.lagging

    @property
    def newest(self) -> int | None:
        """Return the time of the newest sample."""
        known = self.machine.newest
        return known[0][1] if len(known) == 1 else max((time for _, time in known), default=None)

    @property
    def value(self) -> float:
        """Return the newest sample."""
        recent = self.machine.recent
        return recent[-1][2] if recent else 0.0

    @property
    def shown(self) -> float | None:
        """Return what people are told: of several inputs, rates and sums what it comes to."""
        if type(self.definition.kind) is Limit:
            return self.value
        values = self.machine.values
        return values[max(self.machine.condition.level, 1) - 1] if values else None

    @property
    def covered(self) -> bool:
        """Return whether something lies over its alarm: that outlives the rule, and ends itself."""
        return self.machine.overlay != NOTHING

    @property
    def colour(self) -> int:
        """Return the colour of the level that stands; 0: none does."""
        level = self.machine.condition.level
        return int(self.definition.rule.levels[level - 1].colour) if level else 0

    def due(self) -> int | None:
        """Return when its clock has something to do."""
        return machines.due(self.definition, self.machine)

    def knows(self, point: int, time: int) -> bool:
        """Return whether a reading of the point of that time, or a newer one, was seen."""
        names = {name for number, name in self.inputs if number == point}
        return any(name in names and newest >= time for name, newest in self.machine.newest)

    @property
    def stands(self) -> bool:
        """Whether a level is on."""
        for step in self.machine.condition.steps:  # noqa: SIM110  # of very many, one by one
            if step.on:
                return True
        return False

    def bounds(self) -> Bounds:
        """Return between which values nothing changes."""
        if self.calm is None:
            self.calm = self._bounds()
        return self.calm

    def _bounds(self) -> Bounds:
        machine = self.machine
        if not self.plain or machine.health.stale:
            return NOWHERE
        if type(self.definition.kind) is Stale:
            return EVERYWHERE if machine.condition.quiet else NOWHERE
        value = None if not machine.newest else self.value
        return calm(self.definition.rule, machine.condition, value)

    def bounds_of(self, branch: Branch) -> Bounds:
        """Return between which values of an older stream nothing changes."""
        if branch.calm is None:
            untold = branch.path and branch.claim is None
            branch.calm = NOWHERE if untold else calm(self.rule, branch.condition, branch.value)
        return branch.calm

    def know(self, newest: GoodNumber) -> None:
        """Take the newest good reading of the point, which was judged before."""
        time, value, self.stream, received = newest
        self.move(time, value, lagging=late(time, received))
        self.calm = None

    def move(self, time: int, value: float, *, lagging: bool) -> None:
        """Take a newer sample that changed nothing."""
        machine = self.machine
        health = machine.health
        if self.definition.watch is not UNWATCHED and not lagging:
            health = replace(health, fresh=max(time, health.fresh or time))
        memory: Any = machine.memory
        values: tuple[float | None, ...] = (value,) * len(machine.condition.steps)
        if memory is not None and (lagging or (memory.time or 0) >= time):
            values = machine.values  # of its silence this says nothing new
        elif memory is not None:
            memory, values = Since(time, time), (0.0,) * len(values)
        self.machine = Machine(
            machine.condition,
            memory,
            machine.alarm,
            machine.overlay,
            machine.timers,
            health,
            (("", time),),
            ((time, "", value, True),),
            values,
            lagging,
            judged=machine.judged or not machine.overlay.resting,
        )


def begin(
    definition: Definition, inputs: Inputs, newest: GoodNumber | None = None, now: int | None = None
) -> Tracked:
    """Return a rule in its first state, knowing the newest good reading of its point.

    With `now` readings are expected from then on.
    """
    site = intern(definition.rule.subject.partition("/")[0])
    plain = is_plain(definition, inputs)
    machine = machines.begin(definition, now)
    tracked = Tracked(definition, machine, inputs, inputs[0][0], site, plain)
    if newest is not None and plain:
        tracked.know(newest)
    return tracked


def is_plain(definition: Definition, inputs: Inputs) -> bool:
    """Whether the newest value of one point, and when it came, is all the rule goes by."""
    watch = definition.watch
    if watch is not UNWATCHED and watch != replace(UNWATCHED, stale_after=watch.stale_after):
        return False
    one = len(inputs) == 1 and inputs[0][1] == ""
    return one and type(definition.kind) in (Limit, Stale)
