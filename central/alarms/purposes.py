"""Production, test and drill readings of one point, and what each may do to a rule's alarm.

They share the rule's machine. A test or a drill goes the whole way, but it must neither lead to a
real alarm nor hide or end one. The first live reading of production ends what only a test raised;
the rule begins anew with what production said before: no sum, rate or delay has anything of the
test. While an alarm of production is open, no reading of a test or a drill is judged by its rule.
"""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from central.alarms.moves import Moves
from central.alarms.rules.priming import Priming
from central.alarms.stepping import newest_of
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
    """Knows which rules may have anything of a test or a drill, so that usually nobody looks."""

    def __init__(self, rules: Iterable[Tracked] = ()) -> None:
        """`rules`: as they were read."""
        self._may = True
        self._marked = set[str]()
        self.mark(rules)

    def mark(self, rules: Iterable[Tracked]) -> None:
        """Take which of `rules` have readings of a test."""
        self._marked |= {tracked.rule.id for tracked in rules if tracked.trial is not None}
        self._may = self._may or bool(self._marked)

    def heard(self, purpose: Purpose | None) -> None:
        """Take that something of this purpose is about to be judged."""
        self._may = self._may or purpose not in (None, Purpose.PRODUCTION)

    def aside(self, conn: sqlite3.Connection) -> list[str]:
        """Return the rules that have readings, or whose open alarm is, of a test or a drill."""
        if not self._may:
            return []
        found = {rule for (rule,) in conn.execute(_ASIDE)} | self._marked
        self._may = bool(found)
        return sorted(found)

    def part(self, moves: Moves, rules: Iterable[Tracked]) -> None:
        """Let these go by production alone."""
        for tracked in rules:
            end(moves, tracked)
            self._marked.discard(tracked.rule.id)


def overtaken(rules: Iterable[Tracked], rows: Columns) -> list[Tracked]:
    """Return which of `rules` these readings are newer for than what they were judged by.

    A window that takes what is late takes it as production's, too.
    """
    newest: dict[int, int] = {}
    for point, time in zip(rows.points.tolist(), rows.times.tolist(), strict=True):
        newest[point] = max(time, newest.get(point, time))
    return [
        tracked
        for tracked in rules
        if any(
            point in newest and _newer(tracked, name, newest[point])
            for point, name in tracked.inputs
        )
    ]


def _newer(tracked: Tracked, name: str, time: int) -> bool:
    known = newest_of(tracked.machine, name)
    return known is None or time > known or tracked.definition.kind.lateness > 0


def mark(rules: Iterable[Tracked], trial: Purpose) -> None:
    """Let rules know that they have taken readings, where these were of a test or a drill."""
    for tracked in rules if trial is not Purpose.PRODUCTION else ():
        tracked.trial = trial


def end(moves: Moves, tracked: Tracked) -> None:
    """Close the alarm of a test, if it is one, and let the rule know what production said alone."""
    real = is_real(moves, tracked)
    if not real:
        _begin_anew(moves, tracked)
    tracked.trial, tracked.calm = None, None
    tracked.streams, tracked.claimed = None, {}
    if not tracked.plain and tracked.points:
        _recall(moves, tracked)


def _begin_anew(moves: Moves, tracked: Tracked) -> None:
    before = tracked.machine
    if tracked.episode is not None:
        time = max(moves.now, moves.row(tracked.episode).raised)
        moves.close(tracked, (Word.RTN, time, REASON))
    tracked.machine = machines.begin(tracked.definition)._replace(
        overlay=replace(before.overlay, latched=False),
        health=before.health,
        newest=before.newest,
        recent=before.recent,
        lagging=before.lagging,
    )
    tracked.episode = None


def _recall(moves: Moves, tracked: Tracked) -> None:
    """Let a rule remember what the store has of production."""
    priming = Priming(moves)
    known = priming.known(tracked.definition, tracked.inputs)
    blank = machines.begin(tracked.definition)
    machine = tracked.machine._replace(memory=blank.memory, values=(), newest=(), recent=())
    if known is not None:
        machine = machine._replace(
            memory=known.taken.memory,
            values=known.taken.values,
            newest=known.newest,
            recent=known.recent,
        )
    tracked.machine = machine
    last = priming.last(tracked)
    if last is not None:
        tracked.stream, tracked.since = last.stream, last.time


def judged(
    moves: Moves, here: Mapping[int, Sequence[Tracked]], points: Iterable[int]
) -> dict[int, list[Tracked]]:
    """Return the rules of `points` that readings of a test or a drill may move."""
    return {
        point: [tracked for tracked in here[point] if not is_real(moves, tracked)]
        for point in points
        if point in here
    }


def is_real(moves: Moves, tracked: Tracked) -> bool:
    """Return whether an alarm of production is open."""
    number = tracked.episode
    return number is not None and moves.row(number).purpose is Purpose.PRODUCTION
