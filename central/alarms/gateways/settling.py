"""One standing of a gateway on its way to its episode: joined, opened, followed, left.

What is fresh opens a live alarm; what is over is a complete late episode. While the readings have
not come the gateway's words move the alarm, never a rule's condition.
"""

from dataclasses import replace
from typing import Final

from central.alarms import purposes
from central.alarms.gateways.borne_out import AWAITED, CONFIRMED, GATEWAY, UNCONFIRMED
from central.alarms.gateways.standings import StandingRow
from central.alarms.journal.records import EpisodeRow
from central.alarms.moves import Moves
from central.alarms.pasts.rested import rested
from central.alarms.tracked import Tracked
from protocols.alarms.condition import Change
from protocols.alarms.lifecycle import Run
from protocols.alarms.word import Word
from protocols.clock import HOUR, SECOND

FRESH: Final = 5 * SECOND
"""What comes no later than this after it happened is now; as for readings after an outage."""
RECENT: Final = 60 * SECOND
"""What comes later than this is the past: only what is said to stand still is a live alarm."""
SETTLING: Final = 10 * SECOND
"""How long what is neither waits for its own end, which may be right behind it."""
WITHIN: Final = 60 * SECOND
"""How long the readings have to bear out what was said, once some that are newer were judged."""
LONGEST: Final = 24 * HOUR
"""How long they have where none came: a backlog takes its time."""

PRODUCTION: Final = "production"


class Settling:
    """One standing."""

    def __init__(self, moves: Moves, tracked: Tracked, row: StandingRow, now: int) -> None:
        self._moves = moves
        self._tracked = tracked
        self._row = row
        self._now = now

    def run(self) -> None:
        """Do what can be done now."""
        row = self._row
        if row.episode is None:
            self._find()
        if row.episode is None:
            self._open()
        if row.episode is not None:
            self._follow()

    def _find(self) -> None:
        """Join what the readings have led to already."""
        row, tracked = self._row, self._tracked
        found = None
        if tracked.episode is not None:
            episode = self._moves.row(tracked.episode)
            same = _purpose(episode) == row.purpose
            found = episode if same and row.meets(episode.raised, episode.returned) else None
        found = found or self._closed()
        if found is None:
            return
        row.episode = found.number
        if found.origin != GATEWAY and not found.late and row.raised < found.raised - row.tolerance:
            found = replace(found, raised=row.raised)
            self._moves.alter(tracked, found, Word.BACKDATED, row.raised, row.gateway)
        self._moves.alter(tracked, found, Word.JOINED, row.raised, row.gateway)

    def _closed(self) -> EpisodeRow | None:
        """Return what the readings have told of the same time, over by now."""
        row, moves = self._row, self._moves
        until = moves.now if row.until is None else row.until
        found = moves.conn.execute(
            "SELECT number, raised, coalesce(returned, closed) FROM episode "
            "WHERE point = ? AND rule = ? AND origin = 'centre' AND purpose = ? AND raised <= ? "
            "AND coalesce(returned, closed) >= ? ORDER BY raised DESC LIMIT 8",
            (
                *(self._tracked.point, row.rule, row.purpose),
                *(until + row.tolerance, row.raised - row.tolerance),
            ),
        )
        same = (number for number, *times in found.fetchall() if row.meets(*times))
        number = next(same, None)
        return None if number is None else moves.row(number)

    def _open(self) -> None:
        """Open an episode: live for what stands now, complete and late for what is over."""
        row, age = self._row, self._now - self._row.raised
        if row.returned is not None:
            # Readings of a moment ago are on their way: then theirs is the episode.
            if row.gone is not None and (self._now - row.gone >= WITHIN or age > RECENT):
                if rested(self._moves.conn, row.rule, row.raised):
                    row.settled = True  # the gateway did not know it yet
                else:
                    self._write_past()
        elif row.fresh or (age <= RECENT and self._now - row.heard >= SETTLING):
            self._raise()

    def _write_past(self) -> None:
        row, moves = self._row, self._moves
        path = [(row.raised, place_of(self._tracked, row.worst), row.value)]
        row.episode, row.leads = moves.whole(self._tracked, path, row.returned or row.raised), True
        moves.put(replace(moves.row(row.episode), origin=GATEWAY, confirmation=AWAITED))

    def _raise(self) -> None:
        row, tracked = self._row, self._tracked
        level = place_of(tracked, row.level)
        if level and row.purpose == PRODUCTION and self._is_a_test():
            purposes.end(self._moves, tracked)  # it hides no real alarm
        if tracked.machine.overlay.resting or tracked.alarm.state.abnormal or not level:
            return
        self._change(Change(row.raised, 0, level))
        row.episode, row.leads = tracked.episode, True
        if row.episode is not None:
            found = replace(
                self._moves.row(row.episode), origin=GATEWAY, confirmation=AWAITED, late=False
            )
            self._moves.put(found)

    def _is_a_test(self) -> bool:
        """Whether the alarm that is open is of a test or a drill."""
        number = self._tracked.episode
        return number is not None and _purpose(self._moves.row(number)) != PRODUCTION

    def _follow(self) -> None:
        """Let the episode go on by what was said, until the readings move it."""
        row, tracked, moves = self._row, self._tracked, self._moves
        assert row.episode is not None  # noqa: S101  # seen by the caller
        episode = moves.row(row.episode)
        if not row.leads or episode.confirmation in ("", CONFIRMED):
            row.settled = True  # the readings move it; a return is only noted
            return
        if tracked.episode == row.episode and not tracked.condition.level:
            self._lead(episode)
        if self._overdue() and moves.row(row.episode).confirmation == AWAITED:
            found = replace(moves.row(row.episode), confirmation=UNCONFIRMED)
            moves.alter(tracked, found, Word.UNCONFIRMED, self._now, row.gateway)
        row.settled = row.returned is not None and (
            moves.row(row.episode).confirmation != AWAITED and tracked.episode != row.episode
        )

    def _lead(self, episode: EpisodeRow) -> None:
        row, tracked = self._row, self._tracked
        if not tracked.alarm.state.abnormal:
            return
        level = place_of(tracked, row.level)
        if level and level != tracked.alarm.level:
            self._change(Change(max(row.raised, episode.raised), tracked.alarm.level, level))
        if row.returned is None or row.gone is None:
            return
        newest = tracked.newest
        judged = newest is not None and newest >= row.returned - row.tolerance
        if judged or self._now - row.gone >= WITHIN:
            self._change(Change(row.returned, tracked.alarm.level, 0))

    def _change(self, change: Change) -> None:
        tracked = self._tracked
        run = Run(tracked.definition, tracked.machine, self._now)
        run.follow(change, self._now)
        tracked.machine, entries = run.done()
        self._moves.entries(tracked, entries, self._row.value)

    def _overdue(self) -> bool:
        row, newest = self._row, self._tracked.newest
        waited = self._now - row.heard
        came = newest is not None and newest > row.raised + row.tolerance
        late = self._now - row.raised > RECENT and not row.fresh
        return waited >= LONGEST or (waited >= WITHIN and came and not late)


def _purpose(episode: EpisodeRow) -> str:
    return episode.purpose.name.lower()


def place_of(tracked: Tracked, level: str) -> int:
    """Return the place of a level, from 1; 0: the rule has no such level."""
    for place, known in enumerate(tracked.rule.levels, 1):
        if known.name == level:
            return place
    return 0
