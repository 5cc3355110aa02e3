"""Rules that count the levels of other rules: fed in the transaction in which these changed."""

from collections import deque
from collections.abc import Callable, Iterable
from typing import Final

from central.alarms import purposes
from central.alarms.moves import Moves
from central.alarms.stepping import newest_of
from central.alarms.tracked import Tracked
from protocols.alarms import steps
from protocols.alarms.machine import Sample

ROUNDS: Final = 8
"""How often one rule is fed in one commit: rules that count each other in a circle come to rest."""


class Counting:
    """Which rules count which, by the counted rule."""

    def __init__(self, rule: Callable[[str], Tracked | None]) -> None:
        """`rule`: how to find a rule of which a level may stand."""
        self._rule = rule
        self._by: dict[str, dict[str, Tracked]] = {}
        self._counted: dict[str, list[str]] = {}

    def place(self, tracked: Tracked, *, active: bool) -> None:
        """Let a rule count those that are its inputs, or none any more."""
        id_ = tracked.rule.id
        for name in self._counted.pop(id_, ()):
            del self._by[name][id_]
        names = [name for number, name in tracked.inputs if active and not number]
        if names:
            self._counted[id_] = names
        for name in names:
            self._by.setdefault(name, {})[id_] = tracked

    def spread(self, moves: Moves, changed: Iterable[Tracked]) -> dict[str, Tracked]:
        """Feed those that count what changed, and so on; return every rule that was fed."""
        fed: dict[str, Tracked] = {}
        rounds: dict[str, int] = {}
        waiting = deque(sorted(changed, key=moves.order) if self._counted else ())
        while waiting:
            counted = waiting.popleft()
            for id_, tracked in sorted(self._by.get(counted.rule.id, {}).items()):
                if rounds.get(id_, 0) < ROUNDS and self._feed(moves, tracked, counted):
                    rounds[id_] = rounds.get(id_, 0) + 1
                    fed[id_] = tracked
                    waiting.append(tracked)
        return fed

    def _feed(self, moves: Moves, tracked: Tracked, counted: Tracked) -> bool:
        """Tell a rule where another stands; return whether it was news.

        A test of the other counts in a test alone: it moves no real alarm, and what it led to is
        over for whatever production says.
        """
        resumed = counted.trial is None and tracked.trial is not None
        if resumed:
            purposes.end(moves, tracked)
            for other in self._standing(tracked):
                if other is not counted:
                    _feed(moves, tracked, other)
        if not _news(tracked, counted):
            return resumed
        if counted.trial is not None:
            if purposes.is_real(moves, tracked):
                return False
            tracked.trial = counted.trial
        _feed(moves, tracked, counted)
        return True

    def _standing(self, tracked: Tracked) -> list[Tracked]:
        """Return the rules that production let stand, of those that are counted."""
        names = [name for number, name in tracked.inputs if not number]
        found = [other for name in names if (other := self._rule(name)) is not None]
        return [other for other in found if other.trial is None and other.colour]


def _news(tracked: Tracked, counted: Tracked) -> bool:
    known = dict(tracked.machine.memory)
    return bool(known.get(counted.rule.id, 0.0) != counted.colour)


def _feed(moves: Moves, tracked: Tracked, counted: Tracked) -> None:
    """Tell a rule where another stands."""
    name, colour = counted.rule.id, float(counted.colour)
    if tracked.episode is None:
        tracked.point = counted.point  # it is shown where it began
    tracked.stream = counted.stream  # whose purpose it has
    newest = newest_of(tracked.machine, name)
    at = moves.told.get(name, moves.now)
    time = at if newest is None else max(at, newest + 1)
    sample = Sample(time, colour, max(moves.now, time), good=True, input=name)
    tracked.machine, entries = steps.feed(tracked.definition, tracked.machine, sample, moves.clock)
    moves.entries(tracked, entries, tracked.shown)
