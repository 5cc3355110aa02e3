"""What the engine remembers of each rule, and how the table keeps it.

`Tracked` is the live state; a `Branch` is the state of one older stream whose readings arrive late.
The newest sample is not written with every batch: after a restart it is the newest good reading of
the point, because every good reading newer than it was judged live.
"""

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from central.alarms.records import read_levels
from central.store.rows import newest_good
from protocols.alarms.condition import Condition, Step, due, late, start
from protocols.alarms.rule import Rule
from protocols.alarms.state import Alarm, State
from protocols.words import Purpose

BRANCHES: Final = 8
"""Older streams remembered per rule; the oldest goes first."""
PATH: Final = 64
"""Level changes remembered of one unfinished late episode."""
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
    calm: tuple[float, float] | None = None
    """As in `Tracked`, while there is nothing to tell either."""


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
    calm: tuple[float, float] | None = None
    """Set while the condition is quiet: a value between these changes nothing."""

    def due(self) -> int | None:
        """Return when a timer of the clock is due; None while the point lags behind."""
        return None if self.lagging else due(self.rule, self.condition)


def save(conn: sqlite3.Connection, tracked: Tracked) -> None:
    """Write the live state if it is not as it was written last."""
    body = json.dumps(
        {
            "steps": _steps(tracked.condition),
            "alarm": [tracked.alarm.state, tracked.alarm.level, tracked.alarm.occurrence],
            "episode": tracked.episode,
            "stream": tracked.stream,
            "since": tracked.since,
        }
    )
    if body != tracked.saved:
        tracked.saved = body
        _put(conn, tracked.rule.id, 0, body)


def save_quiet(
    conn: sqlite3.Connection, branches: Iterable[tuple[Tracked, Branch]], stream: int
) -> None:
    """Write branches of `stream` of which nothing but the newest sample changed."""
    rows = []
    for tracked, branch in branches:
        steps = ", ".join(["[false, null]"] * len(branch.condition.steps))
        rows.append(
            (
                tracked.rule.id,
                stream,
                f'{{"steps": [{steps}], "newest": {branch.newest}, "until": {branch.until}, '
                '"path": [], "claim": null}',
            )
        )
    conn.executemany(_PUT, rows)


def save_branch(conn: sqlite3.Connection, tracked: Tracked, stream: int) -> None:
    """Write one branch."""
    branch = tracked.branches[stream]
    claim = branch.claim
    body = {
        "steps": _steps(branch.condition),
        "newest": branch.newest,
        "until": branch.until,
        "path": branch.path,
        "claim": [claim.episode, claim.raised, claim.live] if claim else None,
    }
    _put(conn, tracked.rule.id, stream, json.dumps(body))


def drop_branch(conn: sqlite3.Connection, tracked: Tracked, stream: int) -> None:
    """Forget one branch."""
    del tracked.branches[stream]
    conn.execute("DELETE FROM condition WHERE rule = ? AND stream = ?", (tracked.rule.id, stream))


def stream_purpose(conn: sqlite3.Connection, tracked: Tracked) -> Purpose:
    """Return the purpose of the stream that gave the newest sample."""
    row = conn.execute("SELECT purpose FROM stream WHERE number = ?", (tracked.stream,)).fetchone()
    return Purpose[row[0].upper()] if row else Purpose.PRODUCTION


def load(conn: sqlite3.Connection) -> list[Tracked]:
    """Return every rule that is active or has an open episode, as it was at the last commit."""
    found = [
        begin(
            conn,
            row[1],
            Rule(id=row[0], subject=row[4], levels=read_levels(row[3]), version=row[2]),
        )
        for row in conn.execute(
            "SELECT r.id, r.point, r.version, r.levels, p.id FROM rule r "
            "JOIN point p ON p.number = r.point WHERE r.active OR EXISTS "
            "(SELECT 1 FROM episode e WHERE e.rule = r.id AND e.state <> 'NORMAL')"
        ).fetchall()
    ]
    by_rule = {tracked.rule.id: tracked for tracked in found}
    for rule, stream, text in conn.execute("SELECT rule, stream, body FROM condition"):
        if rule in by_rule:
            _restore(by_rule[rule], stream, text)
    return found


def begin(conn: sqlite3.Connection, point: int, rule: Rule) -> Tracked:
    """Return a rule in its first state, knowing the newest good reading of its point."""
    tracked = Tracked(
        rule=rule, point=point, site=rule.subject.split("/")[0], condition=start(rule)
    )
    newest = newest_good(conn, point)
    if newest is not None:
        tracked.newest, tracked.value, tracked.stream, received = newest
        tracked.lagging = late(tracked.newest, received)
    return tracked


def _restore(tracked: Tracked, stream: int, text: str) -> None:
    body = json.loads(text)
    condition = Condition(tuple(Step(on, since) for on, since in body["steps"]))
    if stream:
        claim = Claim(*body["claim"]) if body["claim"] else None
        path = [(time, level, value) for time, level, value in body["path"]]
        tracked.branches[stream] = Branch(condition, body["newest"], body["until"], path, claim)
        return
    state, level, occurrence = body["alarm"]
    tracked.condition = condition
    tracked.alarm = Alarm(State(state), level, occurrence)
    tracked.episode = body["episode"]
    tracked.since = body["since"]
    tracked.saved = text


def _steps(condition: Condition) -> list[list[object]]:
    return [[step.on, step.since] for step in condition.steps]


def _put(conn: sqlite3.Connection, rule: str, stream: int, body: str) -> None:
    conn.execute(_PUT, (rule, stream, body))
