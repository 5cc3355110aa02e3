"""What the readings lead to where a gateway has said it already: confirmed, not told twice."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from central.alarms.gateways import standings
from central.alarms.saving import purpose_of
from central.alarms.tracked import Tracked
from protocols.alarms.condition import late
from protocols.alarms.machine import Entry
from protocols.alarms.rule import Level
from protocols.alarms.word import Word

if TYPE_CHECKING:
    from central.alarms.moves import Moves

GATEWAY: Final = "gateway"
AWAITED: Final = "awaited"
CONFIRMED: Final = "confirmed"
UNCONFIRMED: Final = "unconfirmed"
DOUBTED: Final = (AWAITED, UNCONFIRMED)
BEGINS: Final = (Word.RAISE, Word.SHADOW_RAISE)


def joined(moves: "Moves", tracked: Tracked, entry: Entry, level: Level) -> Entry:
    """Return the entry as it is to be told, where the readings bear out an open episode.

    Only readings put a condition at a level; a gateway's word moves the alarm alone.
    """
    if entry.word in BEGINS and tracked.episode is None and late(entry.time, moves.now):
        return _adopted(moves, tracked, entry)
    if tracked.episode is None or not tracked.condition.level:
        return entry
    row = moves.row(tracked.episode)
    if row.confirmation not in DOUBTED:
        return entry
    moves.put(replace(row, confirmation=CONFIRMED))
    same = entry.word is Word.LEVEL and level.name == row.level.name
    over = entry.word is Word.RERAISE and row.returned is not None and entry.time <= row.returned
    return entry._replace(word=Word.JOINED) if same or over else entry


def _adopted(moves: "Moves", tracked: Tracked, entry: Entry) -> Entry:
    """Let a late beginning go on in the episode in which a gateway has told it, over or not."""
    number = _told_in(moves, tracked, (entry.time, entry.time))
    if number is None:
        return entry
    tracked.episode = number
    row = replace(moves.row(number), confirmation=CONFIRMED, returned=None, closed=None)
    moves.put(row)
    return entry._replace(word=Word.JOINED)


def _told_in(moves: "Moves", tracked: Tracked, times: tuple[int, int]) -> int | None:
    """Return the episode of the same purpose: readings of a test bear out no real alarm."""
    found = standings.of_rule(moves.conn, tracked.rule.id)
    same = [each for each in found if each.leads and each.meets(*times)]
    if not same:
        return None
    purpose = purpose_of(moves.conn, tracked, moves.purpose).name.lower()
    told = (each.episode for each in same if each.purpose == purpose)
    return next((number for number in told if number is not None), None)


def told(
    moves: "Moves", tracked: Tracked, path: Sequence[tuple[int, int, float]], returned: int
) -> int | None:
    """Return the episode in which a gateway has told this past; None: it has not."""
    raised = path[0][0]
    number = _told_in(moves, tracked, (raised, returned))
    if number is None:
        return None
    row = moves.row(number)
    worst = tracked.rule.levels[max(place for _, place, _ in path) - 1]
    level = worst if worst.colour > row.level.colour else row.level
    if row.confirmation in DOUBTED:
        row = replace(row, confirmation=CONFIRMED, level=level)
        moves.alter(tracked, row, Word.JOINED, raised)
    return number
