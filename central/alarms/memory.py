"""The engine's rules by point, and the arrays their quiet readings are held against.

What passes quietly moves the arrays alone. `wake` brings the rules of a point up to date before the
machine touches them; `put` writes the arrays anew after it. Belongs to the writer thread.
"""

import sqlite3
from collections.abc import Collection, Iterable, Set
from typing import Any, Final

import numpy as np

from central.alarms.arrays.rows import BLANK, Alike, Row, common, row_of
from central.alarms.arrays.still import NEVER, Cell, Integers, Live, Past
from central.alarms.arrays.takeovers import Takeovers
from central.alarms.relations import Relations
from central.alarms.restoring import load
from central.alarms.rules.asleep import Asleep
from central.alarms.saving import save, save_branch, save_moved
from central.alarms.stored import Stored
from central.alarms.storm.stances import Stances
from central.alarms.tracked import ALL, Tracked
from protocols.alarms.condition import LIVE_DELAY, NOWHERE
from protocols.alarms.rule import Level

_UNTOUCHED: Final = frozenset[int]()


class Memory:
    """`here` are rules' states by point, of those that judge and are awake."""

    def __init__(self, stored: Stored) -> None:
        self._stored = stored
        self._rules: dict[str, Tracked] = {}
        self._asleep = Asleep()
        self.here: dict[int, list[Tracked]] = {}
        self.live = Live()
        self._pasts: dict[int, Past] = {}
        self._takeovers = Takeovers()
        self._gone: set[int] = set()
        self.relations = Relations(self.awake)
        self.stances = Stances()
        self._spread: dict[str, frozenset[int]] = {}
        """Points of rules on several, by rule."""

    def past(self, stream: int) -> Past | None:
        """Return what is known of an older stream."""
        return self._pasts.get(stream)

    def rule(self, id_: str) -> Tracked | None:
        """Return the state of a rule; `wake` brings it up to date."""
        point = self._asleep.point_of(id_)
        if point is not None:
            self._rise(point)
        return self._rules.get(id_)

    def awake(self, id_: str) -> Tracked | None:
        """Return the state of a rule, unless it sleeps: then no level of it stands."""
        return self._rules.get(id_)

    def awake_rules(self) -> Collection[Tracked]:
        """Return the rules that are awake: what sleeps watches nothing, and nothing of it pends."""
        return self._rules.values()

    def ladders(self) -> dict[str, tuple[Level, ...]]:
        """Return every rule's ladder."""
        awake = {id_: tracked.rule.levels for id_, tracked in self._rules.items()}
        return awake | dict(self._asleep.ladders())

    def _rise(self, point: int) -> bool:
        """Let the rules of a point be awake; return whether any judges."""
        if point in self._asleep:
            self.here[point] = found = sorted(self._asleep.rise(point, self.live), key=_name)
            self._rules |= {tracked.rule.id: tracked for tracked in found}
            for tracked in found:
                if tracked.branches:
                    _wake_branches(tracked, self._pasts, int(self.live.places[point]))
        return point in self.here

    def place(self, tracked: Tracked, *, active: bool) -> None:
        """Keep a rule, and whether it judges; its points are those it goes by from now on."""
        id_ = tracked.rule.id
        points = tracked.points
        before = self._spread.pop(id_, frozenset())
        if len(points) > 1:
            self._spread[id_] = points
        for point in before | points:
            self._rise(point)
        self._rules[id_] = tracked
        self.relations.place(tracked, active=active)
        for point in before | points:
            self._place(tracked, point, active=active and point in points)

    def _place(self, tracked: Tracked, point: int, *, active: bool) -> None:
        here = self.here.setdefault(point, [])
        here[:] = [other for other in here if other.rule.id != tracked.rule.id]
        if active:
            here.append(tracked)
            here.sort(key=_name)  # whatever order they came in, also after they were read again
            self.live.watch(point, _gateway(tracked))
        if not here:
            del self.here[point]
            self.live.reach(point)
            self.live.watched[point] = False

    def timed(self) -> dict[str, Tracked]:
        """Return the rules whose clocks have something to do."""
        return {id_: each for id_, each in self._rules.items() if each.due() is not None}

    def load(self, conn: sqlite3.Connection) -> None:
        """Read every rule's state as it was at the last commit."""
        found, active, self._asleep, moved = load(conn, self._stored)
        self.live.reach(max((max(each.points, default=0) for each in found), default=0))
        for tracked in found:
            id_ = tracked.rule.id
            self._rules[id_] = tracked
            if len(tracked.points) > 1:
                self._spread[id_] = tracked.points
            self.relations.place(tracked, active=id_ in active)
            for point in tracked.points if id_ in active else ():
                self.here.setdefault(point, []).append(tracked)
        for point, here in self.here.items():
            here.sort(key=_name)
            self.live.watch(point, _gateway(here[0]))
        self._asleep.settle(self.live)
        self._pasts = self._asleep.pasts.settle(conn, self._stored, moved, self.live.places)
        owed = self._load_takeovers(conn)
        self.put_all(conn, found)
        self.live.since[list(owed)] = list(owed.values())
        kept = conn.execute("SELECT stream FROM condition WHERE rule = ?", (ALL,))
        self._gone = {row[0] for row in kept} - self._pasts.keys()
        conn.execute("PRAGMA shrink_memory")  # every rule's page was read: never needed again

    def _load_takeovers(self, conn: sqlite3.Connection) -> dict[int, int]:
        """Let rules know which streams took over; return since when, where their rows do not."""
        owed: dict[int, int] = {}
        least = max((tracked.turn for tracked in self._rules.values()), default=0)
        least = max(least, self._asleep.turn)
        for turn, points, since in self._takeovers.load(conn, least):
            for point, began in zip(points, since, strict=True):
                for tracked in self.here.get(point, ()):
                    if tracked.turn < turn and tracked.since <= began:
                        tracked.since = owed[point] = began
                if self._asleep.taken_over(point, turn, began, owed.get(point)):
                    owed[point] = began
        return owed

    def save(self, conn: sqlite3.Connection, changed: Iterable[Tracked]) -> None:
        """Write the rows of rules that changed."""
        save(conn, changed, self._takeovers.turn)

    def take_over(self, conn: sqlite3.Connection, stream: int, points: Integers) -> None:
        """Write that `stream` became the live one of `points`, as the arrays say."""
        self._takeovers.note(conn, stream, (points, self.live.since[points]))

    def wake(self, conn: sqlite3.Connection, points: Iterable[int]) -> None:
        """Let the rules of `points` know what passed quietly, and their rows if they must."""
        known = [point for point in points if self._rise(point)]
        columns = [column[known].tolist() for column in self.live.passing]
        for point, *passed in zip(known, *columns, strict=True):
            self._inform(conn, point, passed)
        self.live.since[known] = NEVER

    def rise(self, points: Iterable[int]) -> bool:
        """Let the rules of `points` be awake; return whether any judges."""
        judged = [point for point in points if self._rise(point)]
        return bool(judged)

    def rouse(self, conn: sqlite3.Connection, point: int, cell: Cell | None) -> None:
        """Let the rules of one point that is awake know what passed; `cell`: in this commit."""
        if cell is not None:
            self.live.passed([cell])
        self._inform(conn, point, [column.item(point) for column in self.live.passing])
        self.live.since[point] = NEVER

    def _inform(self, conn: sqlite3.Connection, point: int, passed: list[Any]) -> None:
        *now, place, stream, since = passed
        for tracked in self.here[point]:
            _wake(tracked, *now)
            if self._pasts and tracked.branches:
                _wake_branches(tracked, self._pasts, place)
            if since != NEVER:
                tracked.stream, tracked.since = stream, since
        if since != NEVER:
            self.save(conn, self.here[point])

    def moved(self, points: Iterable[int], touched: Set[int]) -> list[int]:
        """Return which of `points`, all with rules, are touched or have a newer sample."""
        known = list(points)
        return [
            point
            for point, time in zip(known, self.live.times[known].tolist(), strict=True)
            if point in touched or self.here[point][0].newest != time
        ]

    def put(self, conn: sqlite3.Connection, points: Iterable[int]) -> None:
        """Write the arrays of `points` anew, of their branches those that were touched."""
        rows: dict[int, Row] = {}
        alike: Alike = {}
        for point in points:
            self._rise(point)
            here = self.here.get(point, [])
            rows[point] = row = row_of(here, alike)
            touched = _UNTOUCHED.union(*[tracked.touched for tracked in here])
            if not touched:
                continue
            for tracked in here:
                tracked.touched = _UNTOUCHED
            for stream in touched:
                self._put_past(conn, point, stream, row)
        self.live.put(list(rows), zip(*rows.values(), strict=True))

    def put_all(self, conn: sqlite3.Connection, changed: Iterable[Tracked]) -> None:
        """Write the arrays of every point of `changed` anew, all their branches."""
        points = set[int]()
        for tracked in changed:
            points |= tracked.points
            if len(tracked.points) == 1:
                self._put_all_past(conn, tracked)
        if points:
            self.live.reach(max(points))
            self.put(conn, points)

    def _put_all_past(self, conn: sqlite3.Connection, tracked: Tracked) -> None:
        (point,) = tracked.points
        self._rise(point)
        here = self.here.get(point, [])
        streams = tracked.touched.union(*[other.branches for other in here])
        tracked.touched = _UNTOUCHED
        if here and streams:
            here[0].touched |= streams
        elif not here:
            for stream in streams:
                self._put_past(conn, point, stream, BLANK)

    def flush(self, conn: sqlite3.Connection) -> None:
        """Write how far branches moved on quietly: the journal is about to lose its rows."""
        self._takeovers.flush(conn, self.live)
        for stream in self._gone:
            save_moved(conn, stream, 0, ([], []))
        self._gone.clear()
        for stream, past in self._pasts.items():
            if past.changed:
                moved = np.flatnonzero(past.moved & (past.points != 0))
                points, times = past.points[moved].tolist(), past.times[moved].tolist()
                at = self._stored.position(conn, stream)
                save_moved(conn, stream, at, (points, times))
                past.changed = False

    def _put_past(self, conn: sqlite3.Connection, point: int, stream: int, row: Row) -> None:
        here = self.here.get(point, [])
        branches = [(tracked, tracked.branches.get(stream)) for tracked in here]
        held = [(tracked, branch) for tracked, branch in branches if branch is not None]
        past = self._pasts.get(stream)
        place = int(self.live.places[point])
        if not held:
            if past is not None and past.drop(place):
                del self._pasts[stream]
                self._gone.add(stream)
            return
        if past is None:
            past = self._pasts[stream] = Past()
            self._gone.discard(stream)
            past.changed = True
        newest = {branch.newest for _, branch in held}
        agree = len(held) == len(here) and len(newest) == 1 and row[0] not in (0, stream)
        agree = agree and all(tracked.plain for tracked in here)
        if not agree:
            for tracked, branch in held:
                if branch.newest != branch.kept:
                    save_branch(conn, tracked, stream, self._stored.position(conn, stream))
                    tracked.touched = _UNTOUCHED
            past.put(place, point, (NEVER, NOWHERE, False))
            return
        moved = any(branch.newest != branch.kept for _, branch in held)
        bounds = common(tracked.bounds_of(branch) for tracked, branch in held)
        past.put(place, point, (newest.pop() or 0, bounds, moved))


def _wake(tracked: Tracked, time: int, value: float, arrived: int) -> None:
    if tracked.plain and time > (NEVER if tracked.newest is None else tracked.newest):
        tracked.move(time, value, lagging=arrived - time > LIVE_DELAY)


def _wake_branches(tracked: Tracked, pasts: dict[int, Past], place: int) -> None:
    for stream, branch in tracked.branches.items():
        past = pasts.get(stream)
        if past is not None and past.holds(place) and past.moved[place]:
            branch.move(int(past.times[place]))


def _name(tracked: Tracked) -> str:
    return tracked.definition.rule.id


def _gateway(tracked: Tracked) -> str:
    parts = tracked.rule.subject.split("/")
    return parts[1] if len(parts) > 1 else ""
