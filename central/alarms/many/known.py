"""What is known of many alarms together: the first of an object, floods, chatter.

One hook where a commit writes its episodes and lines, so that nothing of it is ever told of what
was undone. Belongs to the writer thread.
"""

import sqlite3
from collections.abc import Callable, Sequence
from typing import Final

from central.alarms.journal.records import EpisodeRow, Line
from central.alarms.many import first_ups
from central.alarms.many.chatter import Chatter
from central.alarms.many.first_ups import ObjectOf
from central.alarms.many.flooding import Flooding
from central.faults import standing
from central.faults.places import is_fault
from protocols.alarms.flood import Bounds
from protocols.alarms.machine import CALLS
from protocols.words import Purpose

CALLED: Final = frozenset(word.value for word in CALLS)


class Many:
    """`object_of`: the object of a point (None: it has none)."""

    def __init__(self, bounds: Bounds | None = None) -> None:
        self.flooding = Flooding(bounds or Bounds())
        self.chatter = Chatter()
        self.object_of: ObjectOf = lambda _: None

    def load(self, conn: sqlite3.Connection) -> None:
        """Read how it was at the last commit."""
        self.flooding.load(conn)
        self.chatter.load(conn)

    def due(self) -> int | None:
        """Return when a flood ends or a rule is calm."""
        ends = [at for at in (self.flooding.due(), self.chatter.due()) if at is not None]
        return min(ends, default=None)

    def calm(self, conn: sqlite3.Connection, clock: int, now: int) -> list[str]:
        """Let a flood end; return the rules that began too often and are calm by `clock`."""
        self.flooding.advance(conn, clock, now)
        return self.chatter.calm(clock)

    def written(
        self,
        conn: sqlite3.Connection,
        new: Sequence[EpisodeRow],
        lines: Sequence[Line],
        row: Callable[[int], EpisodeRow],
    ) -> list[int]:
        """Take what a commit has written: new episodes, and lines of episodes that `row` returns.

        Returns episodes that are to be told again, because another became the first.
        """
        called = [each for each in lines if each.word in CALLED and each.episode is not None]
        times = [each.time for each in called if _counts(row(each.episode or 0))]
        if times:
            self.flooding.announced(conn, times, lines[-1].recorded)
        faults = {each.episode or 0: each.rule for each in called if is_fault(each.rule)}
        if faults:
            standing.begun(conn, faults.items())
        alarms = [each for each in new if not is_fault(each.rule)]
        return first_ups.mark(conn, alarms, self.object_of) if alarms else []


def _counts(row: EpisodeRow) -> bool:
    return row.purpose is Purpose.PRODUCTION and not row.late and not is_fault(row.rule)
