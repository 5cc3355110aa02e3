"""Production, test and drill readings of one point, and what each may do to a rule's alarm.

They share the rule's machine. A test or a drill goes the whole way, but it must neither hide a real
alarm nor end one: the first live reading of production ends what only a test raised, and is judged
anew; while an alarm of production is open, no reading of a test or a drill is judged by its rule.
"""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from central.alarms.moves import Moves
from central.alarms.tracked import Tracked
from central.store.columns import Columns
from protocols.alarms import machine as machines
from protocols.alarms.word import Word
from protocols.words import Purpose

REASON: Final = "purpose_changed"
_ASIDE: Final = (
    "SELECT rule FROM episode INDEXED BY episode_figures "
    "WHERE closed IS NULL AND purpose <> 'production' ORDER BY rule"
)


class Purposes:
    """Knows whether an open alarm may be of a test or a drill, so that usually nobody looks."""

    def __init__(self) -> None:
        self._may = True

    def heard(self, purpose: Purpose | None) -> None:
        """Take that something of this purpose is about to be judged."""
        self._may = self._may or purpose not in (None, Purpose.PRODUCTION)

    def aside(self, conn: sqlite3.Connection) -> list[str]:
        """Return the rules whose open alarm is of a test or a drill."""
        if not self._may:
            return []
        found = [rule for (rule,) in conn.execute(_ASIDE)]
        self._may = bool(found)
        return found


def overtaken(rules: Iterable[Tracked], rows: Columns) -> list[Tracked]:
    """Return which of `rules` these readings are newer for than all they were judged by."""
    newest: dict[int, int] = {}
    for point, time in zip(rows.points.tolist(), rows.times.tolist(), strict=True):
        newest[point] = max(time, newest.get(point, time))
    return [
        tracked
        for tracked in rules
        if any(
            point in newest and (tracked.newest is None or newest[point] > tracked.newest)
            for point in tracked.points
        )
    ]


def end(moves: Moves, tracked: Tracked) -> None:
    """Close the alarm of a test; the machine knows nothing of its readings but that they were."""
    if tracked.episode is None:
        return
    row, before = moves.row(tracked.episode), tracked.machine
    time = max(moves.now, row.raised)
    moves.close(tracked, (Word.RTN, time, REASON))
    tracked.machine = machines.begin(tracked.definition)._replace(
        overlay=replace(before.overlay, latched=False),
        health=before.health,
        newest=before.newest,
        recent=before.recent,
        lagging=before.lagging,
    )
    tracked.episode, tracked.calm = None, None
    tracked.streams, tracked.claimed = None, {}


def judged(
    moves: Moves, here: Mapping[int, Sequence[Tracked]], points: Iterable[int]
) -> dict[int, list[Tracked]]:
    """Return the rules of `points` that readings of a test or a drill may move."""
    return {
        point: [tracked for tracked in here[point] if not _real(moves, tracked)]
        for point in points
        if point in here
    }


def _real(moves: Moves, tracked: Tracked) -> bool:
    number = tracked.episode
    return number is not None and moves.row(number).purpose is Purpose.PRODUCTION
