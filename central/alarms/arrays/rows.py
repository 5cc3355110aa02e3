"""What the rules of a point let pass in arrays: its row there."""

from collections.abc import Iterable
from typing import Final

from central.alarms.arrays.still import NEVER
from central.alarms.rules.asleep import SIDED
from central.alarms.tracked import Tracked
from protocols.alarms.condition import LIVE_DELAY, NOWHERE, Bounds

BLANK: Final = (0, NEVER, 0.0, NEVER, *NOWHERE, False, False)
Row = tuple[int, int, float, int, float, float, bool, bool]
_Still = tuple[float, float, bool, bool]
Alike = dict[tuple[tuple[int | bool, ...], ...], _Still]
"""By the ladders and conditions of a point's rules, while these are held: many share theirs."""


def row_of(here: list[Tracked], alike: Alike) -> Row:
    """Return what a point's live stream may say: nothing where its rules are not at one."""
    if not here:
        return BLANK
    first = here[0]
    newest, stream = first.newest, first.stream
    for other in here:
        if not other.plain:
            return _each(here)
        if other.newest != newest or other.stream != stream:
            return BLANK
    low, high, stands, free = _still(here, alike)
    if newest is None:
        return (0, NEVER, 0.0, NEVER, low, high, stands, True) if free else BLANK
    arrived = newest + LIVE_DELAY + 1 if first.lagging else newest
    return stream, newest, float(first.value), arrived, low, high, stands, free


def _each(here: list[Tracked]) -> Row:
    """Return that every reading is the machine's; whose stream it is spares looking for it."""
    streams = {tracked.stream for tracked in here}
    stream = streams.pop() if len(streams) == 1 else 0
    return stream, NEVER, 0.0, NEVER, *NOWHERE, True, False


def _still(here: list[Tracked], alike: Alike) -> _Still:
    """Return between which values nothing changes, whether a level is on, and what is free."""
    key = tuple([(id(t.rule.levels), id(t.condition), *_besides(t)) for t in here])
    known = alike.get(key)
    if known is not None:
        return known
    # Of what is watched only a reading that came in time says that it is not silent.
    stands = any(tracked.stands or tracked.watched for tracked in here)
    # What began late and stands is told otherwise once it catches up: by the machine.
    late = any(tracked.lagging for tracked in here)
    low, high = NOWHERE if stands and late else common(tracked.bounds() for tracked in here)
    # Another stream takes over quietly what leaves no branch behind (`backfill.hand_over`).
    free = low < high and not stands and not any(tracked.branches for tracked in here)
    found = low, high, stands, free
    if not any(level.op in SIDED for tracked in here for level in tracked.rule.levels):
        alike[key] = found
    return found


def _besides(tracked: Tracked) -> tuple[bool, ...]:
    machine = tracked.machine
    return machine.lagging, not tracked.branches, machine.health.stale, tracked.watched


def common(bounds: Iterable[Bounds]) -> Bounds:
    """Return what lies between all of these."""
    lows, highs = zip(*bounds, strict=True)
    return max(lows), min(highs)
