"""Which rules began too often lately (频繁报警): known while it lasts, gone when it is calm.

Three beginnings in a minute unless the rule says otherwise: ISA-18.2 counts these as chatter, from
memory ([K] in the reference); it flags and holds nothing back. Begins are the journal's own: what
was undone, and what was before a start, is read from there.
"""

import sqlite3
from collections import deque
from typing import Final, NamedTuple

from central.alarms.figures.kpis import CHATTER
from central.alarms.timers import Timers
from protocols.alarms.condition import LIVE_DELAY
from protocols.clock import SECOND

MOST: Final = 50_000
"""Rules remembered; beyond it those that began long ago are let go."""
LONGEST: Final = CHATTER[1]
_READ: Final = (
    "SELECT rule, time FROM alarm_journal INDEXED BY alarm_journal_called "
    "WHERE (event = 'RAISE' OR event = 'RERAISE' OR event = 'REALARM') AND event <> 'REALARM' "
    "AND time > ? AND recorded - time <= ? ORDER BY id"
)


class Often(NamedTuple):
    """So many beginnings within so many µs."""

    beginnings: int = CHATTER[0]
    length: int = CHATTER[1]


USUAL: Final = Often()


def often(clocks: tuple[int, float] | None) -> Often:
    """Return the rule's own figure (count, seconds), or the usual one."""
    return USUAL if clocks is None else Often(clocks[0], round(clocks[1] * SECOND))


class Chatter:
    """Written in the writer thread; `until` may be asked from anywhere."""

    def __init__(self) -> None:
        self._begun: dict[str, deque[int]] = {}
        self.until: dict[str, int] = {}
        """By rule that chatters when it will be calm, unless it begins again (µs UTC)."""
        self._timers = Timers()

    def load(self, conn: sqlite3.Connection) -> None:
        """Read the beginnings of the newest minute that has any; what came late never counted."""
        self._begun, self.until, self._timers = {}, {}, Timers()
        (newest,) = conn.execute(
            "SELECT max(time) FROM alarm_journal INDEXED BY alarm_journal_called "
            "WHERE event = 'RAISE' OR event = 'RERAISE' OR event = 'REALARM'"
        ).fetchone()
        for rule, time in conn.execute(_READ, ((newest or 0) - LONGEST, LIVE_DELAY)):
            self.began(rule, time, USUAL)

    def began(self, rule: str, time: int, figure: Often) -> None:
        """Take that a rule's alarm began at `time`."""
        begun = self._begun.get(rule)
        if begun is None or begun.maxlen != figure.beginnings:
            if len(self._begun) >= MOST:
                self._let_go(time)
            begun = self._begun[rule] = deque(begun or (), maxlen=figure.beginnings)
        begun.append(time)
        if len(begun) == figure.beginnings and time - begun[0] < figure.length:
            calm = begun[0] + figure.length
            self.until[rule] = calm
            self._timers.put(rule, calm)

    def chatters(self, rule: str, now: int) -> bool:
        """Return whether it does."""
        return self.until.get(rule, 0) > now

    def due(self) -> int | None:
        """Return when the next is calm."""
        return self._timers.next

    def calm(self, clock: int) -> list[str]:
        """Take out those that are calm at `clock`."""
        over = self._timers.over(clock)
        for rule in over:
            self.until.pop(rule, None)
        return over

    def _let_go(self, now: int) -> None:
        old = now - LONGEST
        self._begun = {rule: begun for rule, begun in self._begun.items() if begun[-1] > old}
