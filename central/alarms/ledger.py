"""Episodes and journal lines of one commit, gathered and written together.

An episode is read once and written once, however often it changes in between; numbers and names
are given out here, so a new one is known before it is written.
"""

import sqlite3
from dataclasses import replace

from central.alarms.records import (
    EpisodeRow,
    Line,
    episode_by_number,
    insert_episodes,
    last_number,
    move_raises,
    take_names,
    update_episodes,
    write_lines,
)


class Ledger:
    """What is to be written; nobody reads these tables in between but through it."""

    def __init__(self, conn: sqlite3.Connection) -> None:
        self._conn = conn
        self._rows: dict[int, EpisodeRow] = {}
        self._stored: dict[int, EpisodeRow] = {}
        """Of those in the tables what they say."""
        self._touched: dict[int, None] = {}
        self._lines: list[Line] = []
        self._next = 0

    @property
    def touched(self) -> bool:
        """Whether there is anything to write."""
        return bool(self._touched or self._lines)

    def row(self, number: int) -> EpisodeRow:
        """Return an episode that is known to exist, as it is now."""
        row = self._rows.get(number)
        if row is None:
            row = self._rows[number] = self._stored[number] = episode_by_number(self._conn, number)
        return row

    def put(self, row: EpisodeRow) -> None:
        """Take an episode that changed."""
        self._rows[row.number] = row
        self._touched[row.number] = None

    def open(self, row: EpisodeRow) -> int:
        """Take a new episode, and return its number; its own is not looked at."""
        if not self._next:
            self._next = last_number(self._conn)
        self._next += 1
        self.put(replace(row, number=self._next))
        return self._next

    def line(self, line: Line) -> None:
        """Take a journal line."""
        if line.episode is not None:
            self._touched[line.episode] = None
        self._lines.append(line)

    def write(self) -> list[EpisodeRow]:
        """Write everything, and return the episodes that were touched, as they are now."""
        touched = [self.row(number) for number in self._touched]
        new = [row for row in touched if row.number not in self._stored]
        named = dict(zip((row.number for row in new), take_names(self._conn, new), strict=True))
        insert_episodes(self._conn, [replace(row, id=named[row.number]) for row in new])
        old = [row for row in touched if row.number not in named]
        changed = [row for row in old if row != self._stored[row.number]]
        update_episodes(self._conn, changed)
        move_raises(
            self._conn, [row for row in changed if row.raised != self._stored[row.number].raised]
        )
        write_lines(self._conn, self._lines)
        self._lines = []
        for row in touched:
            kept = replace(row, id=named[row.number]) if row.number in named else row
            self._rows[row.number] = self._stored[row.number] = kept
        return [self._rows[number] for number in self._touched]
