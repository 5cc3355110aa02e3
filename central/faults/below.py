"""What lies below a place that is silent is held until it is heard again; and the place's own rule.

Lives in the writer thread, between the engine and its rules.
"""

from collections.abc import Collection

from sqlite_utils import Database as Tables

from central.alarms import stepping
from central.alarms.engine import Engine
from central.alarms.journal.records import EpisodeRow
from central.alarms.many import holding
from protocols.alarms import condition as conditions
from protocols.alarms import steps
from protocols.alarms.machine import Sample


class Below:
    """Of one engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def silence(
        self, tables: Tables, place: str, below: tuple[Collection[int], int], now: int
    ) -> list[EpisodeRow]:
        """Hold what is said of points, from the time (µs UTC) beside them on."""
        points, since = below
        found = self._engine.concerned(tables.conn, set(points))
        self._engine.silences.put(place, points, since)
        moves = self._engine.moves(tables.conn, now, None)
        holding.hold_all(moves, found, since)
        return self._engine.keep(tables.conn, moves, found)

    def hear(self, tables: Tables, place: str, points: Collection[int], now: int) -> None:
        """Let what is said of points go on, but what lies below another such place."""
        found = self._engine.concerned(tables.conn, set(points))
        self._engine.silences.drop(place)
        free = holding.release_all(found, self._engine.silences, now)
        self._engine.keep(tables.conn, self._engine.moves(tables.conn, now, None), free)

    def anew(self, tables: Tables, points: Collection[int], since: int, now: int) -> None:
        """Give points their time anew: from `since` to `now` nobody here could have heard them."""
        known = set(points)
        found = self._engine.concerned(tables.conn, known)
        free = [each for each in found if not self._engine.silences.hold(each.points)]
        moves = self._engine.moves(tables.conn, since, None)
        holding.hold_all(moves, free, since)
        holding.release_all(free, self._engine.silences, now)
        self._engine.keep(tables.conn, moves, free)

    def note(  # of which rule's input, what, when, and where it is shown with whose purpose
        self,
        tables: Tables,
        rule: str,
        name: str,
        said: tuple[float, int],
        at: tuple[int, int] | None = None,
    ) -> list[EpisodeRow]:
        """Tell a rule that is about no point what became of its input (value, µs UTC).

        `at`: the point where an episode is shown, and the stream whose purpose it has.
        """
        tracked, (value, now) = self._engine.tracked(tables.conn, rule), said
        if tracked is None:
            return []
        if at is not None and tracked.episode is None:
            tracked.point, tracked.stream = at
        newest = stepping.newest_of(tracked.machine, name)
        time = now if newest is None else max(now, newest + 1)
        moves = self._engine.moves(tables.conn, now, None)
        sample = Sample(time, value, time, good=True, input=name)
        definition = tracked.definition
        tracked.machine, entries = steps.feed(definition, tracked.machine, sample, moves.clock)
        moves.entries(tracked, entries, tracked.shown)
        return self._engine.keep(tables.conn, moves, [tracked])

    def advance(self, tables: Tables, rule: str, now: int) -> list[EpisodeRow]:
        """Let come what a rule that is about no point was about to tell, if its time is over."""
        tracked = self._engine.tracked(tables.conn, rule)
        if tracked is None or tracked.episode is not None:
            return []
        moves = self._engine.moves(tables.conn, now, None)
        tracked.machine, entries = steps.advance(tracked.definition, tracked.machine, now)
        moves.entries(tracked, entries, tracked.shown)
        return self._engine.keep(tables.conn, moves, [tracked])

    def call_off(self, tables: Tables, rule: str, now: int) -> None:
        """Let nothing come of what a rule that is about no point was about to tell."""
        tracked = self._engine.tracked(tables.conn, rule)
        if tracked is not None:
            start = conditions.start(tracked.rule)
            tracked.machine = tracked.machine._replace(condition=start)
            self._engine.keep(tables.conn, self._engine.moves(tables.conn, now, None), [tracked])
