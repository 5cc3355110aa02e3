"""Writes what the engine remembers of its rules: a row for each, one for each past of it."""

import json
import sqlite3
from collections.abc import Iterable, Sequence
from typing import Final

from central.alarms.pasts import kept as pasts
from central.alarms.tracked import ALL, TURN, Tracked
from protocols.alarms.clocks import IDLE
from protocols.alarms.kept import Body, body_of, steps_of
from protocols.words import Purpose

_PUT: Final = (
    "INSERT INTO condition(rule, stream, body) VALUES (?, ?, ?) "
    "ON CONFLICT(rule, stream) DO UPDATE SET body = excluded.body"
)


def save(conn: sqlite3.Connection, changed: Iterable[Tracked], turn: int) -> None:
    """Write live states that are not as they were written last; `turn` is that of now."""
    rows, alike = [], dict[object, str]()
    for tracked in changed:
        stance = tracked.stance
        if stance is not None and stance[0] is tracked.machine:
            body = _standing(tracked, stance[2].steps)
        else:
            # Rules that are taken together are mostly in one state: that is written once.
            body = _shared(tracked, alike) if tracked.ladder else _body(tracked)
        if body != tracked.saved:
            tracked.saved, tracked.turn = body, turn
            rows.append((tracked.rule.id, 0, f"{body[:-1]}{TURN}{turn}}}"))
    put(conn, rows)


def _standing(tracked: Tracked, steps: str) -> str:
    """Return the same as `_body` does, of a rule of which nothing but its alarm is not as usual."""
    alarm, timers = tracked.machine.alarm, tracked.machine.timers
    said = ""
    if timers is not IDLE and timers != IDLE:
        announced, _, acked, *_ = timers  # a stance has no others
        said = f'"timers": [{announced or "null"}, 0, {acked or "null"}, 0, [], false], '
    episode = "null" if tracked.episode is None else tracked.episode
    return (
        f'{{"steps": {steps}, "alarm": ["{alarm.state}", {alarm.level}, {alarm.occurrence}], {said}'
        f'"episode": {episode}, "stream": {tracked.stream}, "since": {tracked.since}}}'
    )


def _shared(tracked: Tracked, alike: dict[object, str]) -> str:
    machine = tracked.machine
    key = (id(machine.condition), *machine[2:6], tracked.episode, tracked.stream, tracked.since)
    body = alike.get(key)
    if body is None:
        body = alike[key] = _body(tracked)
    return body


def _body(tracked: Tracked) -> str:
    own: Body = {"episode": tracked.episode, "stream": tracked.stream, "since": tracked.since}
    if not tracked.points:
        own["point"] = tracked.point
    if tracked.streams is not None:
        own |= {"streams": pasts.body(tracked.streams), "claimed": list(tracked.claimed.items())}
    return json.dumps(body_of(tracked.machine, plain=tracked.plain) | own)


def save_branch(conn: sqlite3.Connection, tracked: Tracked, stream: int, at: int) -> None:
    """Write one branch; `at` is the journal's position."""
    branch = tracked.branches[stream]
    claim = branch.claim
    body = {
        "steps": steps_of(branch.condition),
        "newest": branch.newest,
        "until": branch.until,
        "path": branch.path,
        "claim": [claim.episode, claim.raised, claim.what] if claim else None,
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


def put(conn: sqlite3.Connection, rows: Sequence[tuple[str, int, str]]) -> None:
    """Write rows (rule, stream, body); for many rules at once what stands for them."""
    if rows:
        conn.executemany(_PUT, rows)
