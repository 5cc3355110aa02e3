"""What other streams have said since a past was cut off, asked of the store.

Readings that passed in arrays are not seen one by one. Where it matters when they ended a level
that a gap left on, or whether they did at all, what is stored is looked through: only then, and no
further than until every level was ended.
"""

from collections.abc import Iterator
from typing import Final

from central.alarms.moves import Moves
from central.alarms.tracked import Tracked
from protocols.alarms import past
from protocols.alarms.past import Branch
from protocols.clock import HOUR

MOST: Final = 200_000
"""Readings that are looked through at most: in the deadband all that time, it is held there."""


def since_then(moves: Moves, tracked: Tracked, stream: int, branch: Branch) -> Branch:
    """Return the past of a plain rule's stream with what its point's other readings say since."""
    begun = _begun(branch)
    newest = tracked.newest
    if begun is None or newest is None:
        return branch
    levels = len(tracked.rule.levels)
    taken = False
    for time, value in _others(moves, tracked.point, stream, (begun + 1, newest)):
        if not taken:
            branch, taken = branch._replace(until=min(branch.until, time)), True
        if time >= branch.until:
            branch = past.heard(tracked.definition, branch, time, (value,) * levels)
            if None not in branch.cleared:
                return branch
    # The newest is known, whatever became of those before it.
    return past.heard(tracked.definition, branch, newest, (tracked.value,) * levels)


def was_heard(moves: Moves, point: int, stream: int, span: tuple[int, int]) -> bool:
    """Return whether another stream said anything within the span, its ends left out."""
    return next(_others(moves, point, stream, (span[0] + 1, span[1] - 1)), None) is not None


def _begun(branch: Branch) -> int | None:
    """Return since when there is something that other readings may have ended."""
    if branch.path:
        return branch.path[0][0]
    pending = [step.since for step in branch.machine.condition.steps if step.since is not None]
    return min(pending, default=branch.newest)


def _others(
    moves: Moves, point: int, stream: int, span: tuple[int, int]
) -> Iterator[tuple[int, float]]:
    """Yield what other streams brought of [span], good readings only: (time, value)."""
    start, end = span
    seen, length = 0, HOUR
    while start <= end and seen < MOST:
        found = moves.readings((point,), start, min(start + length, end + 1))
        seen += len(found)
        for each in found:
            if each.stream != stream and each.value is not None:
                yield each.time, each.value
        start, length = start + length, 4 * length
