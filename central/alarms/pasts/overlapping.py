"""A past of several inputs where something was told of that time already: only the rest is told.

Two gateways that were cut off together each bring their part of one gap, and what was heard of the
others meanwhile may have raised the alarm live. While an episode stood nothing is told again; it
began earlier, or a late one lasted longer, where the past says so. What is worse than all that was
told is an episode of its own.
"""

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Final, NamedTuple

from central.alarms.journal.records import EpisodeRow
from central.alarms.moves import Moves
from central.alarms.tracked import Tracked
from protocols.alarms.past import Telling, Told
from protocols.alarms.word import Word

LOOKED_AT: Final = 16
"""Episodes before the end of the past that may reach into it."""
_BEFORE: Final = (
    "SELECT number FROM episode INDEXED BY episode_point "
    "WHERE point = ? AND rule = ? AND raised < ? ORDER BY raised DESC LIMIT ?"
)
_TURNS: Final = (
    "SELECT time, event FROM alarm_journal WHERE episode = ? "
    "AND event IN ('RERAISE', 'RTN', 'SHADOW_RTN') ORDER BY id"
)


class _Stood(NamedTuple):
    """From when to when an episode stood; `first`: it began with that."""

    begin: int
    end: int
    row: EpisodeRow
    first: bool


def rest(moves: Moves, tracked: Tracked, told: Told) -> tuple[list[Told], int | None]:
    """Return what is left to be told of a past, and the late episode that has its end."""
    if told.what is Telling.BACKDATED and told.path:
        return _moved_back(moves, tracked, told), None
    if told.what not in (Telling.WHOLE, Telling.LASTED):
        return [told], None
    begin, end = told.path[0][0], told.time
    lasts = told.what is Telling.LASTED  # what is whole has nothing more to come
    known = sorted(_known(moves, tracked, told), key=lambda each: each[:2])
    at, left = begin, list[Told]()
    for stood in known:
        if at < stood.begin:
            left += _before(moves, tracked, _part(told, at, stood.begin), stood)
        at = max(at, stood.end)
    if at >= end and known:
        last = max(known, key=lambda each: each.end).row
        return left, last.number if lasts and _is_past(last) else None
    late = next((each.row for each in known if each.end == at and _is_past(each.row)), None)
    if late is None:
        return [*left, _part(told, at, end)], None
    longer = replace(moves.row(late.number), returned=end, closed=end)
    moves.alter(tracked, longer, Word.RTN, end)
    return left, late.number if lasts else None


def _moved_back(moves: Moves, tracked: Tracked, told: Told) -> list[Told]:
    """Let the live alarm begin no earlier than the last that was told of the time before it."""
    live = tracked.episode
    if live is None:
        return [told]
    until = told._replace(what=Telling.WHOLE, time=moves.row(live).raised)
    others = (each for each in _known(moves, tracked, until) if each.row.number != live)
    over = min(until.time, max((each.end for each in others), default=told.time))
    if over <= told.time:
        return [told]
    left, _ = rest(moves, tracked, until._replace(time=over))
    return [*left, told._replace(time=over)]


def _before(moves: Moves, tracked: Tracked, part: Told, stood: _Stood) -> list[Told]:
    """Let an episode begin with what came before it, unless it only stood again then."""
    if not stood.first:
        return [part._replace(what=Telling.WHOLE)]
    begin = part.path[0][0]
    earlier = replace(moves.row(stood.row.number), raised=begin)
    moves.alter(tracked, earlier, Word.BACKDATED, begin)
    return []


def _part(told: Told, begin: int, end: int) -> Told:
    """Return what is told of a part of a past."""
    level, value = next(each[1:] for each in reversed(told.path) if each[0] <= begin)
    inside = (each for each in told.path if begin < each[0] < end)
    return told._replace(time=end, path=((begin, level, value), *inside))


def _known(moves: Moves, tracked: Tracked, told: Told) -> Iterator[_Stood]:
    """Yield when what was told stood in the time of a past, at its level or a worse one."""
    begin, end = told.path[0][0], told.time
    levels = tracked.rule.levels
    colour = max(levels[place - 1].colour for _, place, _ in told.path)
    asked = (tracked.point, tracked.rule.id, end, LOOKED_AT)
    numbers = {number for (number,) in moves.conn.execute(_BEFORE, asked)}
    for number in numbers | moves.ledger.opened(tracked.rule.id):
        row = moves.row(number)
        same = moves.purpose is None or row.purpose is moves.purpose
        if same and row.level.colour >= colour:
            for stood in _stood(moves, row, end):
                if stood.begin < end and stood.end > begin:
                    yield stood


def _is_past(row: EpisodeRow) -> bool:
    """Return whether it was told complete: what began late and is open is a live alarm."""
    return row.late and row.closed is not None


def _stood(moves: Moves, row: EpisodeRow, end: int) -> Iterator[_Stood]:
    """Yield when an episode stood; what stands reaches to the end of the past at least."""
    over = row.closed if row.returned is None else row.returned
    last = max(end, row.raised) if over is None else over
    if _is_past(row):
        yield _Stood(row.raised, last, row, first=True)
        return
    written = moves.conn.execute(_TURNS, (row.number,)).fetchall()
    said = [(each.time, each.word) for each in moves.ledger.lines if each.episode == row.number]
    turns = [row.raised]
    for time, event in [*written, *said]:
        begins = event == Word.RERAISE
        if begins != bool(len(turns) % 2) and (begins or event in (Word.RTN, Word.SHADOW_RTN)):
            turns.append(time)
    if len(turns) % 2:
        turns.append(last)
    for place, (since, until) in enumerate(pairwise(turns)):
        if not place % 2:
            yield _Stood(since, until, row, first=not place)
