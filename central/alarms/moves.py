"""What the machine says, written: episode and journal. The only place that translates it.

What one commit changes is gathered and written at its end (`write`): a storm is a few statements.
"""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence

from central.alarms.acts import overlays
from central.alarms.acts.overlays import Laid
from central.alarms.gateways import borne_out
from central.alarms.journal import states
from central.alarms.journal.episode import Acknowledgement
from central.alarms.journal.ledger import Ledger, OpenEpisodes
from central.alarms.journal.records import EpisodeRow, Line
from central.alarms.many.chatter import often
from central.alarms.saving import purpose_of, save_branch
from central.alarms.stored import Stored
from central.alarms.timers import GRACE
from central.alarms.tracked import Tracked
from central.alarms.trials import Trials
from central.store.measured import Measured
from protocols.alarms.condition import late
from protocols.alarms.machine import Entry
from protocols.alarms.rule import Level
from protocols.alarms.state import State
from protocols.alarms.word import Word
from protocols.words import Purpose, Value


class Moves:
    """The changes of one commit at `now` (µs UTC); `purpose` None: as the rule's stream says."""

    def __init__(
        self,
        conn: sqlite3.Connection,
        now: int,
        purpose: Purpose | None,
        stored: Stored,
        known: OpenEpisodes,
    ) -> None:
        self.conn = conn
        self.now = now
        self.clock = now - GRACE
        """That of the machines: readings of the last moments may still be on their way."""
        self.purpose = purpose
        self._stored = stored
        self._positions: dict[int, int] = {}
        self._trials = Trials(conn)
        self._known = known
        self.ledger = Ledger(conn, known)
        self.laid: list[Laid] = []
        """What lies over rules of which that changed."""
        self.told: dict[str, int] = {}
        """When the last happened that a rule's machine said, by rule."""

    def keep_branch(self, tracked: Tracked, stream: int) -> None:
        """Write one branch."""
        if stream not in self._positions:
            self._positions[stream] = self._stored.position(self.conn, stream)
        save_branch(self.conn, tracked, stream, self._positions[stream])

    def readings(self, points: Iterable[int], start: int, end: int) -> list[Measured]:
        """Return what was stored of points before this commit: start <= time < end, in order.

        What a test or a drill said is said for tests and drills alone.
        """
        found = self._stored.readings(self.conn, points, start, end)
        return self._trials.left_for(self.purpose, found)

    def changed(self) -> list[EpisodeRow]:
        """Write everything, and return the episodes that were touched, as they are now."""
        return self.ledger.write()

    @property
    def touched(self) -> bool:
        """Whether there is anything to write."""
        return self.ledger.touched

    def put(self, row: EpisodeRow) -> None:
        """Take an episode that is to be told otherwise."""
        self.ledger.put(row)

    def again(self, number: int) -> None:
        """Let an episode be told again, though nothing is written of it."""
        self.ledger.again(number)

    def order(self, tracked: Tracked) -> tuple[int, str]:
        """Return what rules are put in order by: when something happened last, and their names."""
        id_ = tracked.definition.rule.id
        return self.told.get(id_, self.now), id_

    def row(self, number: int) -> EpisodeRow:
        """Return an episode as it is now."""
        return self.ledger.row(number)

    def entries(
        self,
        tracked: Tracked,
        entries: Iterable[Entry],
        value: Value,
        comment: str = "",
        at: Mapping[int, float] | None = None,
    ) -> None:
        """Take what the rule's machine says of its step, which is done; `value` led to it, or `at`
        what it was at the time of an entry.
        """
        last = 0
        for entry in entries:
            said = at.get(entry.time, value) if at else value
            self._entry(tracked, entry, said, comment or entry.reason)
            last = self.told[tracked.definition.rule.id] = entry.time
        if tracked.streams is not None and last:
            tracked.streams = tracked.streams.stepped(tracked.machine, list(entries))
        if tracked.episode is not None:
            self._settle(tracked, tracked.episode, last)

    def _entry(self, tracked: Tracked, entry: Entry, value: Value, comment: str) -> None:
        level = None
        if entry.level:
            level = tracked.definition.rule.levels[entry.level - 1]
            entry = borne_out.joined(self, tracked, entry, level)
        word = entry.word
        if value is None and word in states.BEGINS:
            value = tracked.shown  # an act led to it, no reading: it begins with what is known
        if word in states.BEGUN and not late(entry.time, self.now):
            self.began(tracked, entry.time)
        if tracked.episode is not None:
            self._follow(tracked, tracked.episode, entry, (level, comment))
        elif word in states.BEGINS and level is not None:
            tracked.episode = self.open(tracked, level, (entry.time, None), value)
        self.ledger.line(
            Line(
                episode=tracked.episode,
                rule=tracked.definition.rule.id,
                time=entry.time,
                recorded=self.now,
                word=word.value,
                level=level.name if level else None,
                value=value,
                actor=entry.by or None,
                comment=comment,
                nth=entry.nth,
            )
        )
        if word in overlays.WORDS:
            place = tracked.point, tracked.site
            overlay = tracked.machine.overlay
            self.laid.append(
                overlays.note(self.conn, tracked.definition.rule.id, place, overlay, entry)
            )
        over = tracked.episode is not None and self.ledger.row(tracked.episode).closed is not None
        if over:
            tracked.episode = None

    def began(self, tracked: Tracked, time: int) -> None:
        """Count a beginning that came in time, for what begins too often."""
        id_, figure = tracked.definition.rule.id, often(tracked.definition.clocks.chatter)
        self._known.many.chatter.began(id_, time, figure)

    def _follow(
        self, tracked: Tracked, number: int, entry: Entry, said: tuple[Level | None, str]
    ) -> None:
        """Let the open episode go on by one word."""
        word, (level, comment), ledger = entry.word, said, self.ledger
        state = State(ledger.row(number).state)
        if word in states.RETURNS:
            after = (states.LATCHED if tracked.definition.rule.latching else states.RETURNED).get(
                state, state
            )
            if word is Word.SHADOW_RTN and not tracked.definition.rule.latching:
                after = State.NORMAL  # nobody was called: nobody has to see it
            row = ledger.draft(number)
            row.state, row.returned = after, max(entry.time, row.raised)
            row.closed = row.returned if after is State.NORMAL else None
        elif word in states.CALLS_AGAIN:
            row = ledger.draft(number)
            row.state, row.acknowledged = State.UNACK, None
            if word is not Word.REALARM:
                row.returned, row.level = None, level or row.level
        elif word is Word.LEVEL:
            row = ledger.draft(number)
            row.level = level or row.level
        elif (word is Word.ACK and state in states.SEEN) or (
            word is Word.UNSHELVE and state in states.STANDS
        ):
            row = ledger.draft(number)
            row.state = after = states.SEEN[state]
            row.acknowledged = Acknowledgement(by=entry.by, at=entry.time, comment=comment)
            row.closed = max(entry.time, row.raised) if after is State.NORMAL else None
        elif word is Word.RESET:
            row = ledger.draft(number)
            row.state, row.closed = State.NORMAL, max(entry.time, row.raised)

    def _settle(self, tracked: Tracked, number: int, time: int) -> None:
        """Let the open episode be what the machine says it is; put to rest, it is over."""
        row, alarm = self.ledger.row(number), tracked.machine.alarm
        occurrence = alarm.occurrence or row.occurrence
        if alarm.state is State.NORMAL:
            if tracked.machine.overlay.latched:
                return  # it latches on after its rest
            tracked.episode = None
            row = self.ledger.draft(number)
            row.state, row.closed = State.NORMAL, max(time, row.raised)
        elif row.state != alarm.state or row.occurrence != occurrence:
            row = self.ledger.draft(number)
            row.state, row.occurrence = alarm.state, occurrence

    def past(self, tracked: Tracked, path: Sequence[tuple[int, int, float]], returned: int) -> int:
        """Write a complete episode of the past, closed and marked late, unless a gateway has told
        it already; returns its number.
        """
        told = borne_out.told(self, tracked, path, returned)
        return self.whole(tracked, path, returned) if told is None else told

    def whole(self, tracked: Tracked, path: Sequence[tuple[int, int, Value]], returned: int) -> int:
        """Write a complete episode of the past, closed and marked late; returns its number."""
        raised, _, value = path[0]
        worst = tracked.rule.levels[max(place for _, place, _ in path) - 1]
        number = self.open(tracked, worst, (raised, returned), value)
        for nth, (time, place, at) in enumerate(path):
            word, level = Word.LEVEL if nth else Word.RAISE, tracked.rule.levels[place - 1]
            self.ledger.line(self._line(tracked, number, word, (time, at), level.name))
        self.ledger.line(self._line(tracked, number, Word.RTN, (returned, None), None))
        return number

    def caught_up(self, tracked: Tracked) -> None:
        """What began in the past and still stands when live data comes is a live alarm now."""
        if tracked.episode is None:
            return
        row = self.ledger.row(tracked.episode)
        if row.late and row.returned is None:
            self.ledger.draft(row.number).late = False

    def alter(
        self, tracked: Tracked, row: EpisodeRow, word: Word, time: int, by: str | None = None
    ) -> None:
        """Write an episode that is to be told otherwise, with the line that says so."""
        self.ledger.put(row)
        line = self._line(tracked, row.number, word, (time, None), row.level.name)
        self.ledger.line(line._replace(actor=by))

    def close(self, tracked: Tracked, said: tuple[Word, int, str]) -> None:
        """Close the open episode for another reason than its machine: `word`, when, why."""
        if tracked.episode is None:
            return
        word, time, reason = said
        row = self.ledger.draft(tracked.episode)
        row.state, row.closed = State.NORMAL, max(time, row.raised)
        row.returned = row.returned or row.closed
        line = self._line(tracked, row.number, word, (time, None), row.level.name)
        self.ledger.line(line._replace(comment=reason))

    def note(self, tracked: Tracked, word: Word, time: int, value: Value, level: str) -> None:
        """Write a journal line on the rule's open episode, or on the rule alone."""
        self.ledger.line(self._line(tracked, tracked.episode, word, (time, value), level))

    def open(
        self, tracked: Tracked, level: Level, times: tuple[int, int | None], value: Value
    ) -> int:
        """Open an episode that was raised at one time and, if that is over, returned at another."""
        raised, returned = times
        return self.ledger.open(
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
                purpose=purpose_of(self.conn, tracked, self.purpose),
            )
        )

    def _line(
        self,
        tracked: Tracked,
        episode: int | None,
        word: Word,
        when: tuple[int, Value],
        level: str | None,
    ) -> Line:
        time, value = when
        return Line(
            episode=episode,
            rule=tracked.rule.id,
            time=time,
            recorded=self.now,
            word=word.value,
            level=level,
            value=value,
        )
