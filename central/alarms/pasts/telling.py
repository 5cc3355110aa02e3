"""What is told of a past (`protocols.alarms.past`), as episodes and journal lines."""

from collections.abc import Iterable
from dataclasses import replace

from central.alarms.moves import Moves
from central.alarms.pasts.rested import rested
from central.alarms.tracked import Tracked
from protocols.alarms.past import Live, Telling, Told
from protocols.alarms.state import State
from protocols.alarms.word import Word
from protocols.words import Purpose

_NEWEST = (
    "SELECT raised, coalesce(returned, closed) FROM episode "
    "WHERE point = ? AND rule = ? AND NOT late ORDER BY raised DESC, number DESC LIMIT 1"
)


def tell(moves: Moves, tracked: Tracked, told: Told, claimed: int | None) -> int | None:
    """Write one telling; `claimed` is the episode that what did not return was told as.

    Returns the same as it is from now on. Of the live alarm its own entries tell. What began while
    the rule was at rest is not told: live, too, it would not have been.
    """
    match told.what:
        case Telling.WHOLE | Telling.LASTED if rested(moves.conn, tracked.rule.id, told.path[0][0]):
            return None
        case Telling.WHOLE:
            moves.past(tracked, told.path, told.time)
            return None
        case Telling.LASTED:
            return moves.past(tracked, told.path, told.time)
        case Telling.RETURNED if claimed:
            row = moves.row(claimed)
            row = replace(row, returned=told.time, closed=told.time)
            moves.alter(tracked, row, Word.RTN, told.time)
            return None
        case Telling.BACKDATED:
            return _backdate(moves, tracked, told.time, claimed)
        case Telling.ENDS:
            return None
        case Telling.STRAY:
            level = tracked.rule.levels[told.level - 1].name
            moves.note(tracked, Word.LATE_ALARM, told.time, None, level)
    return claimed


def values_of(told: Iterable[Told]) -> dict[int, float]:
    """Return what the live alarm that a past becomes was at, at each time it is told of."""
    becomes = (each for each in told if each.what is Telling.BECOMES)
    return {time: value for each in becomes for time, _, value in each.path}


def live_of(moves: Moves, tracked: Tracked) -> Live:
    """Return what a past has to know of the newest live episode, as the tables have it."""
    if tracked.trial is not None and moves.purpose is Purpose.PRODUCTION:
        return Live(rests=True)  # what stands is a test's: the past is told by itself
    machine, number = tracked.machine, tracked.episode
    raised: int | None
    if number is not None:
        row = moves.row(number)
        raised, returned = row.raised, row.returned
    else:
        found = moves.conn.execute(_NEWEST, (tracked.point, tracked.rule.id)).fetchone()
        raised, returned = found or (None, None)
    is_open = machine.alarm.state is not State.NORMAL
    return Live(raised, returned, is_open, machine.overlay.resting, machine.condition.level)


def _backdate(moves: Moves, tracked: Tracked, time: int, claimed: int | None) -> int | None:
    number = tracked.episode if claimed is None else claimed
    if number is not None:
        row = moves.row(number)
        if row.raised != time:
            moves.alter(tracked, replace(row, raised=time), Word.BACKDATED, time)
    return number
