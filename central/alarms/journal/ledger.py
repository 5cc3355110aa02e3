"""Episodes and journal lines of one commit, gathered and written together.

An episode is read once and written once, however often it changes in between; numbers and names
are given out here, so a new one is known before it is written. What is open stays known from commit
to commit (`OpenEpisodes`): a storm is about the same alarms again and again.
"""

import sqlite3
from collections.abc import Iterable
from typing import Final

from central.alarms.journal.records import (
    NOTHING_BESIDE,
    EpisodeRow,
    Line,
    episode_by_number,
)
from central.alarms.journal.writing import (
    insert_episodes,
    last_number,
    take_names,
    update_episodes,
    write_lines,
)
from central.alarms.many.known import Many

MOST: Final = 20_000
"""Open episodes that are known without reading them: about 10 MB."""


class OpenEpisodes:
    """Open episodes as the tables have them. Forgotten with all other memory of the engine.

    `many` is told of whatever is written of them.
    """

    def __init__(self, many: Many | None = None) -> None:
        self.many = Many() if many is None else many
        self._rows: dict[int, EpisodeRow] = {}

    def get(self, number: int) -> EpisodeRow | None:
        """Return what is known of an episode."""
        return self._rows.get(number)

    def keep(self, row: EpisodeRow) -> None:
        """Take an episode as it was just written; whoever was taken first goes first."""
        if row.closed is not None:
            self._rows.pop(row.number, None)
            return
        self._rows[row.number] = row
        if len(self._rows) > MOST:
            del self._rows[next(iter(self._rows))]


class Ledger:
    """What is to be written; nobody reads these tables in between but through it."""

    def __init__(self, conn: sqlite3.Connection, known: OpenEpisodes) -> None:
        self._conn = conn
        self._known = known
        self._stored: dict[int, EpisodeRow] = {}
        """Of those in the tables what they say: never changed here."""
        self._rows: dict[int, EpisodeRow] = {}
        """As they are now, of those that were touched: this commit's own."""
        self._touched: dict[int, None] = {}
        self.lines: list[Line] = []
        self._remarked = False
        """Whether some line says who acted, or more than the journal's columns of a reading do."""
        self._next = 0

    @property
    def touched(self) -> bool:
        """Whether there is anything to write."""
        return bool(self._touched or self.lines)

    def row(self, number: int) -> EpisodeRow:
        """Return an episode that is known to exist, as it is now; not to be changed."""
        row = self._rows.get(number)
        return self._base(number) if row is None else row

    def _base(self, number: int) -> EpisodeRow:
        row = self._stored.get(number)
        if row is None:
            row = self._known.get(number) or episode_by_number(self._conn, number)
            self._stored[number] = row
        return row

    def draft(self, number: int) -> EpisodeRow:
        """Return an episode to be changed in place."""
        row = self._rows.get(number)
        if row is None:
            row = self._rows[number] = copied(self._base(number))
            self._touched[number] = None
        return row

    def put(self, row: EpisodeRow) -> None:
        """Take an episode that changed."""
        self._rows[row.number] = copied(row)
        self._touched[row.number] = None

    def open(self, row: EpisodeRow) -> int:
        """Take a new episode, and return its number; its own is not looked at."""
        if not self._next:
            self._next = last_number(self._conn)
        self._next += 1
        row.number = self._next
        self._rows[row.number] = row
        self._touched[row.number] = None
        return row.number

    def opened(self, rule: str) -> set[int]:
        """Return the episodes of a rule that are new or were changed in this commit."""
        return {number for number, row in self._rows.items() if row.rule == rule}

    def again(self, number: int) -> None:
        """Let an episode be told again, though nothing is written of it."""
        self._touched[number] = None

    def line(self, line: Line) -> None:
        """Take a journal line."""
        if line.episode is not None:
            self._touched[line.episode] = None
        self.lines.append(line)
        self._remarked = self._remarked or line[-len(NOTHING_BESIDE) :] != NOTHING_BESIDE

    def heard(self, lines: Iterable[Line]) -> None:
        """Take what readings led to, of episodes that were drafted: there is nothing to remark."""
        self.lines += lines

    def write(self) -> list[EpisodeRow]:
        """Write everything, and return the episodes that were touched, as they are now."""
        touched = [self.row(number) for number in self._touched]
        new = [row for row in touched if row.number not in self._stored]
        for row, name in zip(new, take_names(self._conn, new), strict=True):
            row.id = name
        insert_episodes(self._conn, new)
        pairs = [(self._stored[row.number], row) for row in touched if row.number in self._stored]
        update_episodes(self._conn, [pair for pair in pairs if pair[0] is not pair[1]])
        write_lines(self._conn, self.lines, remarked=self._remarked)
        others = self._known.many.written(self._conn, new, self.lines, self.row)
        touched += [self._base(number) for number in others if number not in self._touched]
        self.lines, self._remarked = [], False
        for row in touched:
            self._stored[row.number] = row
            self._known.keep(row)
        self._rows = {}
        return touched


def copied(row: EpisodeRow) -> EpisodeRow:
    """Return another one that says the same."""
    return EpisodeRow(
        row.number,
        row.id,
        row.rule,
        row.point,
        row.site,
        row.state,
        row.level,
        row.raised,
        row.returned,
        row.closed,
        row.acknowledged,
        row.value_at_raise,
        row.occurrence,
        row.late,
        row.purpose,
        row.origin,
        row.confirmation,
    )
