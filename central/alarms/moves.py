"""Steps the operator's view of an alarm and writes what follows: episode, journal, outbox."""

import sqlite3
from collections.abc import Sequence
from dataclasses import replace

from central.alarms.records import (
    EpisodeRow,
    Line,
    episode_by_number,
    insert_episode,
    update_episode,
    write_line,
)
from central.alarms.stored import Stored
from central.alarms.tracked import Tracked, save_branch
from protocols.alarms.condition import Change, late
from protocols.alarms.rule import Level
from protocols.alarms.state import Happening, State, Word, step
from protocols.words import Purpose, Value


class Moves:
    """The changes of one commit at `now` (µs UTC); knows which episodes it touched."""

    def __init__(
        self, conn: sqlite3.Connection, now: int, purpose: Purpose, stored: Stored
    ) -> None:
        self.conn = conn
        self.now = now
        self._purpose = purpose
        self._stored = stored
        self._positions: dict[int, int] = {}
        self._touched: dict[int, None] = {}

    def keep_branch(self, tracked: Tracked, stream: int) -> None:
        """Write one branch."""
        if stream not in self._positions:
            self._positions[stream] = self._stored.position(self.conn, stream)
        save_branch(self.conn, tracked, stream, self._positions[stream])

    def changed(self) -> list[EpisodeRow]:
        """Return the episodes that were touched, as they are now."""
        return [episode_by_number(self.conn, number) for number in self._touched]

    def apply(self, tracked: Tracked, change: Change, value: Value, comment: str = "") -> None:
        """Let the alarm follow its condition."""
        if change.level:
            tracked.alarm, words = step(tracked.alarm, Happening.LEVEL, change.level)
            level: Level | None = tracked.rule.levels[change.level - 1]
        else:
            tracked.alarm, words = step(tracked.alarm, Happening.RETURN)
            level = None
        if Word.RAISE in words and level is not None:
            tracked.episode = self.open(tracked, level, change.time, value)
        elif tracked.episode is not None:
            self._update(tracked, tracked.episode, words, change.time, level)
        name = level.name if level else None
        for word in words:
            self.note(tracked, word, change.time, value, name, comment)
        if tracked.alarm.state is State.NORMAL:
            tracked.episode = None

    def open(self, tracked: Tracked, level: Level, raised: int, value: Value) -> int:
        """Write a new live episode and return its number."""
        return self._insert(tracked, level, (raised, None), value)

    def past(self, tracked: Tracked, path: Sequence[tuple[int, int, float]], returned: int) -> int:
        """Write a complete episode of the past, closed and marked late; returns its number."""
        raised, _, value = path[0]
        worst = tracked.rule.levels[max(place for _, place, _ in path) - 1]
        number = self._insert(tracked, worst, (raised, returned), value)
        for nth, (time, place, at) in enumerate(path):
            word = Word.LEVEL if nth else Word.RAISE
            self._past_line(tracked, number, word, (time, at), tracked.rule.levels[place - 1].name)
        self._past_line(tracked, number, Word.RTN, (returned, None), None)
        return number

    def caught_up(self, tracked: Tracked) -> None:
        """What began in the past and still stands when live data comes is a live alarm now."""
        if tracked.episode is None:
            return
        row = episode_by_number(self.conn, tracked.episode)
        if row.late and row.returned is None:
            update_episode(self.conn, replace(row, late=False))
            self._touched[row.number] = None

    def alter(self, tracked: Tracked, row: EpisodeRow, word: Word, time: int) -> None:
        """Write an episode that is to be told otherwise, with the line that says so."""
        update_episode(self.conn, row)
        self._past_line(tracked, row.number, word, (time, None), row.level.name)

    def note(
        self,
        tracked: Tracked,
        word: Word,
        time: int,
        value: Value,
        level: str | None,
        comment: str = "",
    ) -> None:
        """Write a journal line on the rule's open episode, or on the rule alone."""
        self._line(
            Line(
                episode=tracked.episode,
                rule=tracked.rule.id,
                time=time,
                recorded=self.now,
                word=word,
                level=level,
                value=value,
                comment=comment,
            )
        )

    def _insert(
        self, tracked: Tracked, level: Level, times: tuple[int, int | None], value: Value
    ) -> int:
        raised, returned = times
        number = insert_episode(
            self.conn,
            EpisodeRow(
                number=0,
                id="",
                rule=tracked.rule.id,
                point=tracked.point,
                site=tracked.site,
                state=State.UNACK if returned is None else State.NORMAL,
                level=level,
                raised=raised,
                returned=returned,
                closed=returned,
                acknowledged=None,
                value_at_raise=value,
                occurrence=1,
                late=returned is not None or late(raised, self.now),
                purpose=self._purpose,
            ),
        )
        self._touched[number] = None
        return number

    def _update(
        self,
        tracked: Tracked,
        number: int,
        words: Sequence[Word],
        time: int,
        level: Level | None,
    ) -> None:
        row = episode_by_number(self.conn, number)
        alarm = tracked.alarm
        row = replace(
            row,
            state=alarm.state,
            level=level or row.level,
            returned=max(time, row.raised) if Word.RTN in words else None,
            acknowledged=None
            if Word.REALARM in words or Word.RERAISE in words
            else row.acknowledged,
            occurrence=alarm.occurrence or row.occurrence,
        )
        if alarm.state is State.NORMAL:
            row = replace(row, closed=row.returned)
        update_episode(self.conn, row)
        self._touched[number] = None

    def _past_line(
        self, tracked: Tracked, episode: int, word: Word, when: tuple[int, Value], level: str | None
    ) -> None:
        time, value = when
        self._line(
            Line(
                episode=episode,
                rule=tracked.rule.id,
                time=time,
                recorded=self.now,
                word=word,
                level=level,
                value=value,
            )
        )

    def _line(self, line: Line) -> None:
        if line.episode is not None:
            self._touched[line.episode] = None
        write_line(self.conn, line)
