"""What the readings lead to where a gateway has said it already: confirmed, not told twice."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from central.alarms import standings
from central.alarms.tracked import Tracked
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


def joined(moves: "Moves", tracked: Tracked, entry: Entry, level: Level) -> Entry:
    """Return the entry as it is to be told, where the readings bear out an open episode.

    Only readings put a condition at a level; a gateway's word moves the alarm alone.
    """
    if tracked.episode is None or not tracked.condition.level:
        return entry
    row = moves.row(tracked.episode)
    if row.confirmation not in DOUBTED:
        return entry
    moves.put(replace(row, confirmation=CONFIRMED))
    same = entry.word is Word.LEVEL and level.name == row.level.name
    over = entry.word is Word.RERAISE and row.returned is not None and entry.time <= row.returned
    return entry._replace(word=Word.JOINED) if same or over else entry


def told(
    moves: "Moves", tracked: Tracked, path: Sequence[tuple[int, int, float]], returned: int
) -> int | None:
    """Return the episode in which a gateway has told this past; None: it has not."""
    raised = path[0][0]
    for standing in standings.of_rule(moves.conn, tracked.rule.id):
        if standing.episode is None or not standing.leads or not standing.meets(raised, returned):
            continue
        row = moves.row(standing.episode)
        worst = tracked.rule.levels[max(place for _, place, _ in path) - 1]
        level = worst if worst.colour > row.level.colour else row.level
        if row.confirmation in DOUBTED:
            row = replace(row, confirmation=CONFIRMED, level=level)
            moves.alter(tracked, row, Word.JOINED, raised)
        return row.number
    return None
