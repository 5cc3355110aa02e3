"""A rule that is taken, or changed, begins with what the store knows of its inputs.

"A change re-evaluates at once" holds for what remembers, too. Looked up in the transaction that
takes the rule, in the writer's thread; what one point said is read once for all of its rules.
"""

from collections.abc import Iterable
from typing import Final, NamedTuple, Protocol

from central.alarms.tracked import Inputs, Tracked
from central.store.measured import Measured
from protocols.alarms.definition import Definition
from protocols.alarms.kinds.rate import Rate
from protocols.alarms.kinds.several import Levels
from protocols.alarms.kinds.vote import Vote
from protocols.alarms.kinds.window import MOST, Window
from protocols.alarms.machine import AHEAD, Sample
from protocols.alarms.priming import Primed, Reach, primed, reach, still_counted
from protocols.clock import HOUR, SECOND

FURTHEST: Final = 24 * HOUR
"""How far back readings are looked for, beyond the time they have to be of."""


class _Heard(NamedTuple):
    """What a point said since `start`, in order of time."""

    start: int
    readings: list[Measured]


class Looking(Protocol):
    """Where readings are looked up: a transaction, or a view of the store."""

    @property
    def now(self) -> int:
        """The moment it is (µs UTC)."""

    def readings(self, points: Iterable[int], start: int, end: int) -> list[Measured]:
        """Return what was stored of points: start <= time < end, in order."""


class Priming:
    """Of one look at the store."""

    def __init__(self, moves: Looking) -> None:
        self._moves = moves
        self._heard: dict[int, _Heard] = {}

    def begin(self, tracked: Tracked) -> None:
        """Let a rule that begins know what its inputs said."""
        known = None if tracked.plain else self.known(tracked.definition, tracked.inputs)
        if known is None:
            return
        machine = tracked.machine
        tracked.machine = machine._replace(
            memory=known.taken.memory,
            values=known.taken.values,
            newest=known.newest,
            recent=known.recent,
        )
        last = self.last(tracked)
        if last is not None:
            tracked.stream, tracked.since = last.stream, last.time

    def again(self, tracked: Tracked, new: Definition, inputs: Inputs) -> Primed | None:
        """Return what a rule that becomes another has to know; None: what it knew is enough."""
        kind = new.kind
        alike = type(kind) is type(tracked.definition.kind)
        if alike and isinstance(kind, Levels) and tracked.machine.values:
            return still_counted(tracked.machine, (name for _, name in inputs))
        same = alike and inputs == tracked.inputs
        if same and not isinstance(kind, Window | Rate | Vote):
            return None
        return self.known(new, inputs)

    def known(self, definition: Definition, inputs: Inputs) -> Primed | None:
        """Return what is known of a rule's inputs."""
        asked = reach(definition.kind, definition.rule.levels)
        if asked is None:
            return None
        samples = [
            Sample(each.time, each.value or 0.0, each.received, each.value is not None, name)
            for point, name in inputs
            if point
            for each in self._said(point, asked)
        ]
        return primed(definition, sorted(samples, key=lambda each: each.time))

    def _said(self, point: int, asked: Reach) -> list[Measured]:
        """Return what a point said as far back as is asked, at most what a window remembers."""
        now = self._moves.now
        end, first = now + AHEAD + 1, now - round(asked.seconds * SECOND)
        heard = self._heard.get(point, _Heard(end, []))
        length = HOUR
        while not self._enough(heard, asked, first):
            furthest = first if heard.start > first else first - FURTHEST
            start = max(furthest, heard.start - length)
            more = self._moves.readings((point,), start, heard.start)
            heard, length = _Heard(start, more + heard.readings), 4 * length
        self._heard[point] = heard
        said = heard.readings[-MOST:]
        goods = [place for place, each in enumerate(said) if each.value is not None]
        needed = goods[-asked.readings] if len(goods) >= asked.readings else 0
        place = next((at for at, each in enumerate(said) if each.time >= first), len(said))
        earlier = [at for at in goods if at < place] if asked.before else []
        return said[min(place, needed, *earlier[-1:]) :]

    def _enough(self, heard: _Heard, asked: Reach, first: int) -> bool:
        if len(heard.readings) >= MOST or heard.start <= first - FURTHEST:
            return True
        if heard.start > first:
            return False
        goods = [each.time for each in heard.readings if each.value is not None]
        return len(goods) >= asked.readings and (not asked.before or goods[0] < first)

    def last(self, tracked: Tracked) -> Measured | None:
        """Return the newest of what was found of a rule's inputs."""
        said = [
            self._heard[point].readings[-1]
            for point in tracked.points
            if point in self._heard and self._heard[point].readings
        ]
        return max(said, key=lambda each: each.time, default=None)
