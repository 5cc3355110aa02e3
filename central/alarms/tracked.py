"""What the engine remembers of each rule, and how the table keeps it.

`Tracked` is the live state; a `Branch` is the state of one older stream whose readings arrive late.
The newest sample is not written with every batch. After a restart that of a rule is the newest good
reading of its point, because every good reading newer than it was judged live; that of a branch is
the newest the stream brought since the branch was written (`flush` writes what the journal loses).
"""

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from sys import intern
from typing import Final

from central.store.heads.good_numbers import GoodNumber
from protocols.alarms.condition import NOWHERE, Bounds, Condition, calm, due, late, start
from protocols.alarms.rule import Rule
from protocols.alarms.state import Alarm
from protocols.words import Purpose

BRANCHES: Final = 8
"""Older streams remembered per rule; the oldest goes first."""
ALL: Final = ""
"""In place of a rule: what many of them have in common."""
PATH: Final = 64
"""Level changes remembered of one unfinished late episode."""
TURN: Final = ', "turn": '
"""What goes before the turn in a rule's row."""
_PUT: Final = (
    "INSERT INTO condition(rule, stream, body) VALUES (?, ?, ?) "
    "ON CONFLICT(rule, stream) DO UPDATE SET body = excluded.body"
)


@dataclass(slots=True)
class Branch:
    """A past that is still arriving.

    `until` is when a newer stream took over; `path` are the level changes (time, level, value) of
    an episode that has not returned yet; `claim` is what was written about it so far.
    """

    condition: Condition
    newest: int | None
    until: int
    path: list[tuple[int, int, float]] = field(default_factory=list)
    claim: "Claim | None" = None
    value: float | None = None
    """The newest, while known."""
    calm: Bounds | None = None
    """Where nothing changes and there is nothing to tell; None until worked out."""
    kept: int | None = None
    """`newest` as the table has it, written when the journal was at position `at`."""
    at: int = 0

    def move(self, time: int) -> None:
        """Take a reading that changed nothing."""
        if self.newest is None or time > self.newest:
            self.newest = time


@dataclass(frozen=True, slots=True)
class Claim:
    """The unfinished past was told as `episode`; `raised` is to be restored if that was live."""

    episode: int
    raised: int
    live: bool


@dataclass(slots=True)
class Tracked:
    """One rule on one point. `stream` gave the newest sample; `since` is its first time."""

    rule: Rule
    point: int
    site: str
    condition: Condition
    alarm: Alarm = Alarm()  # noqa: RUF009  # frozen
    episode: int | None = None
    stream: int = 0
    since: int = 0
    newest: int | None = None
    value: float = 0.0
    lagging: bool = False
    branches: dict[int, Branch] = field(default_factory=dict)
    saved: str = ""
    calm: Bounds | None = None
    """A value between these changes nothing; None until worked out."""
    turn: int = 0
    """As its row says: see `takeovers`."""
    touched: frozenset[int] = frozenset()
    """Streams whose branches were written or dropped and not yet looked at again."""

    def due(self) -> int | None:
        """Return when a timer of the clock is due; None while the point lags behind."""
        return None if self.lagging else due(self.rule, self.condition)

    @property
    def stands(self) -> bool:
        """Whether a level is on."""
        return any(step.on for step in self.condition.steps)

    def bounds(self) -> Bounds:
        """Return between which values nothing changes."""
        if self.calm is None:
            self.calm = calm(self.rule, self.condition, None if self.newest is None else self.value)
        return self.calm

    def bounds_of(self, branch: Branch) -> Bounds:
        """Return between which values of an older stream nothing changes."""
        if branch.calm is None:
            untold = branch.path and branch.claim is None
            branch.calm = NOWHERE if untold else calm(self.rule, branch.condition, branch.value)
        return branch.calm

    def know(self, newest: GoodNumber) -> None:
        """Take the newest good reading of the point, which was judged before."""
        self.newest, self.value, self.stream, received = newest
        self.lagging = late(self.newest, received)
        self.calm = None


_Likeness = tuple[int, Alarm, int | None, int, int]


def save(conn: sqlite3.Connection, changed: Iterable[Tracked], turn: int) -> None:
    """Write live states that are not as they were written last; `turn` is that of now."""
    rows, alike = [], dict[_Likeness, str]()
    for tracked in changed:
        # Rules that are taken together are mostly in one state: that is written once.
        key = (id(tracked.condition), tracked.alarm, tracked.episode, tracked.stream, tracked.since)
        body = alike.get(key)
        if body is None:
            body = alike[key] = _body(tracked)
        if body != tracked.saved:
            tracked.saved, tracked.turn = body, turn
            rows.append((tracked.rule.id, 0, f"{body[:-1]}{TURN}{turn}}}"))
    put(conn, rows)


def _body(tracked: Tracked) -> str:
    return json.dumps(
        {
            "steps": _steps(tracked.condition),
            "alarm": [tracked.alarm.state, tracked.alarm.level, tracked.alarm.occurrence],
            "episode": tracked.episode,
            "stream": tracked.stream,
            "since": tracked.since,
        }
    )


def save_branch(conn: sqlite3.Connection, tracked: Tracked, stream: int, at: int) -> None:
    """Write one branch; `at` is the journal's position."""
    branch = tracked.branches[stream]
    claim = branch.claim
    body = {
        "steps": _steps(branch.condition),
        "newest": branch.newest,
        "until": branch.until,
        "path": branch.path,
        "claim": [claim.episode, claim.raised, claim.live] if claim else None,
        "at": at,
    }
    branch.kept, branch.at = branch.newest, at
    tracked.touched |= {stream}
    put(conn, [(tracked.rule.id, stream, json.dumps(body))])


def drop_branch(conn: sqlite3.Connection, tracked: Tracked, stream: int) -> None:
    """Forget one branch."""
    del tracked.branches[stream]
    tracked.touched |= {stream}
    conn.execute("DELETE FROM condition WHERE rule = ? AND stream = ?", (tracked.rule.id, stream))


def save_moved(
    conn: sqlite3.Connection, stream: int, at: int, moved: tuple[list[int], list[int]]
) -> None:
    """Write the newest times of points whose branches of `stream` only moved on; none: forget."""
    points, times = moved
    if points:
        put(conn, [(ALL, stream, json.dumps({"at": at, "points": points, "times": times}))])
    else:
        conn.execute("DELETE FROM condition WHERE rule = ? AND stream = ?", (ALL, stream))


def stream_purpose(conn: sqlite3.Connection, tracked: Tracked) -> Purpose:
    """Return the purpose of the stream that gave the newest sample."""
    if not tracked.stream:
        return Purpose.PRODUCTION
    row = conn.execute("SELECT purpose FROM stream WHERE number = ?", (tracked.stream,)).fetchone()
    return Purpose[row[0].upper()] if row else Purpose.PRODUCTION


def begin(point: int, rule: Rule, newest: GoodNumber | None) -> Tracked:
    """Return a rule in its first state, knowing the newest good reading of its point."""
    site = intern(rule.subject.partition("/")[0])
    tracked = Tracked(rule=rule, point=point, site=site, condition=start(rule))
    if newest is not None:
        tracked.know(newest)
    return tracked


def _steps(condition: Condition) -> list[list[object]]:
    return [[step.on, step.since] for step in condition.steps]


def put(conn: sqlite3.Connection, rows: Sequence[tuple[str, int, str]]) -> None:
    """Write rows (rule, stream, body); for many rules at once what stands for them."""
    if rows:
        conn.executemany(_PUT, rows)
