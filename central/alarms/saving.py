"""Writes what the engine remembers of its rules: a row for each, one for each past of it."""

import json
import sqlite3
from collections.abc import Iterable, Sequence
from typing import Final

from central.alarms.journal import at_once
from central.alarms.journal.at_once import Rows
from central.alarms.pasts import kept as pasts
from central.alarms.pasts import remembered
from central.alarms.tracked import ALL, TURN, Tracked
from protocols.alarms.clocks import IDLE
from protocols.alarms.kept import Body, body_of, steps_of
from protocols.alarms.kinds.window import Seen
from protocols.words import Purpose

_PUT: Final = Rows(
    "INSERT INTO condition(rule, stream, body) VALUES ",
    "(?, ?, ?)",
    " ON CONFLICT(rule, stream) DO UPDATE SET body = excluded.body",
)


def save(conn: sqlite3.Connection, changed: Iterable[Tracked], turn: int) -> None:
    """Write live states that are not as they were written last; `turn` is that of now."""
    rows, alike = [], dict[object, str]()
    for tracked in changed:
        stance = tracked.stance
        if stance is not None and stance[0] is tracked.machine:
            body = _standing(tracked, stance[2].steps)
        else:
            _save_apart(conn, tracked)
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
    of = tracked.episode, tracked.stream, tracked.since, tracked.trial
    key = (id(machine.condition), *machine[2:6], *of)
    body = alike.get(key)
    if body is None:
        body = alike[key] = _body(tracked)
    return body


def _save_apart(conn: sqlite3.Connection, tracked: Tracked) -> None:
    """Write what has rows of its own and is not as it was: of windows, and pasts of its streams."""
    memory, known = tracked.machine.memory, tracked.remembered
    if isinstance(memory, Seen):
        if known is None or known.seen is not memory:
            tracked.remembered = remembered.write(conn, tracked.rule.id, known, memory)
    elif known is not None:
        remembered.forget(conn, tracked.rule.id)
        tracked.remembered = None
    if tracked.kept or tracked.streams is not None:
        _save_pasts(conn, tracked)


def _save_pasts(conn: sqlite3.Connection, tracked: Tracked) -> None:
    id_, kept = tracked.rule.id, tracked.kept
    now = {} if tracked.streams is None else dict(tracked.streams.branches)
    changed = [number for number, branch in now.items() if kept.get(number) != branch]
    put(conn, [(id_, number, json.dumps(pasts.branch_body(now[number]))) for number in changed])
    gone = [(id_, number) for number in kept.keys() - now.keys()]
    conn.executemany("DELETE FROM condition WHERE rule = ? AND stream = ?", gone)
    tracked.kept = now


def _body(tracked: Tracked) -> str:
    own: Body = {"episode": tracked.episode, "stream": tracked.stream, "since": tracked.since}
    machine = tracked.machine
    if tracked.remembered is not None:
        own["window"] = tracked.remembered.tail
        machine = machine._replace(memory=Seen(last=machine.memory.last))
    if not tracked.points:
        own["point"] = tracked.point
    if tracked.trial is not None:
        own["trial"] = tracked.trial.name
    if tracked.streams is not None:
        own |= {"streams": pasts.body(tracked.streams), "claimed": list(tracked.claimed.items())}
    return json.dumps(body_of(machine, plain=tracked.plain) | own)


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


def purpose_of(
    conn: sqlite3.Connection, tracked: Tracked, purpose: Purpose | None = None
) -> Purpose:
    """Return the purpose of what is judged or, by the clock, of what a rule was judged by."""
    if purpose is not None:
        return purpose
    if tracked.trial is not None:
        return tracked.trial
    if not tracked.stream:
        return Purpose.PRODUCTION
    row = conn.execute("SELECT purpose FROM stream WHERE number = ?", (tracked.stream,)).fetchone()
    return Purpose[row[0].upper()] if row else Purpose.PRODUCTION


def put(conn: sqlite3.Connection, rows: Sequence[tuple[str, int, str]]) -> None:
    """Write rows (rule, stream, body); for many rules at once what stands for them."""
    at_once.write(conn, _PUT, rows)
