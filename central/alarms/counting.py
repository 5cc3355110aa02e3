"""Rules that count the levels of other rules: fed in the transaction in which these changed."""

from collections import deque
from collections.abc import Iterable
from typing import Final

from central.alarms.moves import Moves
from central.alarms.stepping import newest_of
from central.alarms.tracked import Tracked
from protocols.alarms import steps
from protocols.alarms.machine import Sample

ROUNDS: Final = 8
"""How often one rule is fed in one commit: rules that count each other in a circle come to rest."""


class Counting:
    """Which rules count which, by the counted rule."""

    def __init__(self) -> None:
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
                if rounds.get(id_, 0) < ROUNDS and _feed(moves, tracked, counted):
                    rounds[id_] = rounds.get(id_, 0) + 1
                    fed[id_] = tracked
                    waiting.append(tracked)
        return fed


def _feed(moves: Moves, tracked: Tracked, counted: Tracked) -> bool:
    """Tell a rule where another stands; return whether it was news."""
    name, colour = counted.rule.id, float(counted.colour)
    known = dict(tracked.machine.memory)
    if known.get(name, 0.0) == colour:
        return False
    if tracked.episode is None:
        tracked.point = counted.point  # it is shown where it began
    tracked.stream = counted.stream  # whose purpose it has
    newest = newest_of(tracked.machine, name)
    at = moves.told.get(name, moves.now)
    time = at if newest is None else max(at, newest + 1)
    sample = Sample(time, colour, max(moves.now, time), good=True, input=name)
    tracked.machine, entries = steps.feed(tracked.definition, tracked.machine, sample, moves.clock)
    moves.entries(tracked, entries, tracked.shown)
    return True
