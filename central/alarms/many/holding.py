"""Holds rules of points that nobody can know now, and lets them go on: `protocols.alarms.hold`.

Only rules that watch their input, or of which something pends, are touched; the others say nothing
of silence anyway.
"""

from collections.abc import Callable, Collection, Iterable
from typing import Final

from central.alarms.many.silence import Silences
from central.alarms.moves import Moves
from central.alarms.tracked import Tracked
from central.faults.places import is_fault
from protocols.alarms import hold, steps
from protocols.alarms.word import Word
from protocols.clock import SECOND

WAIT: Final = 65 * SECOND
"""So long a thing that only the clock says waits for its gateway to be heard after it: by then a
gateway that fell silent is known to have, also where we began anew meanwhile."""
AGAIN: Final = SECOND
"""How often it is looked at meanwhile. Who sends readings is heard every second, who has none to
send every ten."""
Spoke = Callable[[int], int | None]
"""When the gateway of a point was heard last (µs UTC); None: nobody knows."""


def concerned(rules: Iterable[Tracked], points: Collection[int]) -> list[Tracked]:
    """Return the rules of these points to which silence means anything."""
    return [
        tracked
        for tracked in rules
        if hold.concerned(tracked.definition, tracked.machine)
        and not tracked.points.isdisjoint(points)
    ]


def hold_all(moves: Moves, rules: Iterable[Tracked], since: int) -> None:
    """Hold rules whose points nobody can know from `since` on."""
    for tracked in rules:
        still(moves, tracked, since)
        tracked.held = True


def still(moves: Moves, tracked: Tracked, since: int) -> None:
    """Call off what pends, and let no seconds count."""
    tracked.machine, entries = hold.hold(tracked.definition, tracked.machine, since, moves.now)
    tracked.calm = None
    moves.entries(tracked, entries, tracked.shown)


def release_all(rules: Iterable[Tracked], silences: Silences, now: int) -> list[Tracked]:
    """Let rules go on that no other place holds; return them."""
    free = [tracked for tracked in rules if not silences.hold(tracked.points)]
    for tracked in free:
        tracked.machine = hold.release(tracked.definition, tracked.machine, now)
        tracked.held, tracked.calm = False, None
    return free


def rest(tracked: Tracked, now: int) -> None:
    """Let a rule that was read again, or taken, be held as its place is."""
    tracked.machine = hold.rest(tracked.definition, tracked.machine, now)
    tracked.held, tracked.calm = True, None


def waits(tracked: Tracked, clock: int, spoke: Spoke) -> int | None:
    """Return when to look again at a timer that is due; None: it is believed.

    What only the clock says is not, before the gateway was heard after it: it may have fallen
    silent with the very reading that began it.
    """
    due, fault = tracked.due(), is_fault(tracked.rule.id)
    if due is None or (clock >= due + WAIT and not fault):
        return None
    heard = [spoke(point) for point in tracked.points]
    if not fault and not any(at is not None and at < due for at in heard):
        return None
    _, entries = steps.advance(tracked.definition, tracked.machine, clock)
    if fault:  # of a device or a bus: its gateway's next report says it
        return clock + AGAIN if any(entry.word is Word.RAISE for entry in entries) else None
    return clock + AGAIN if hold.doubtful(tracked.definition, entries) else None
