"""Reads back what `tracked` wrote: every rule as it was at the last commit.

A city has tens of thousands of rules, nearly all of them in one of a few states: what is alike is
read once and held once.
"""

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from central.alarms.records import read_levels
from central.alarms.stored import Stored
from central.alarms.tracked import ALL, TURN, Branch, Claim, Tracked, begin
from protocols.alarms.condition import Condition, Step
from protocols.alarms.rule import Rule
from protocols.alarms.state import Alarm, State


class Loaded(NamedTuple):
    """Rules as they were at the last commit, and the ids of those that judge."""

    tracked: list[Tracked]
    active: set[str]


def load(conn: sqlite3.Connection, stored: Stored) -> Loaded:
    """Return every rule that is active or has an open episode."""
    found, active = [], set()
    subjects: dict[str, str] = {}
    for id_, point, version, levels, subject, judges in conn.execute(
        "SELECT r.id, r.point, r.version, r.levels, p.id, r.active FROM rule r "
        "JOIN point p ON p.number = r.point WHERE r.active OR EXISTS "
        "(SELECT 1 FROM episode e WHERE e.rule = r.id AND e.state <> 'NORMAL')"
    ):
        named = subjects.setdefault(subject, subject)
        rule = Rule(id=id_, subject=named, levels=read_levels(levels), version=version)
        found.append((point, rule))
        if judges:
            active.add(id_)
    newest = stored.newest_good_all(conn, {point for point, _ in found})
    by_rule = {rule.id: begin(point, rule, newest.get(point)) for point, rule in found}
    _restore_all(conn, by_rule)
    every = list(by_rule.values())
    _move_on(conn, stored, every)
    return Loaded(every, active)


class _Live(NamedTuple):
    """What the row of a rule's live state says."""

    condition: Condition
    alarm: Alarm
    episode: int | None
    since: int
    turn: int
    saved: str


def _restore_all(conn: sqlite3.Connection, by_rule: Mapping[str, Tracked]) -> None:
    """Let rules be as their rows say. Rows that are alike are read, and kept, once."""
    alike: dict[str, _Live] = {}
    for rule, stream, text in conn.execute(
        "SELECT rule, stream, body FROM condition WHERE rule <> ?", (ALL,)
    ):
        tracked = by_rule.get(rule)
        if tracked is None:
            continue
        if stream:
            tracked.branches[stream] = _read_branch(text)
            continue
        live = alike.get(text)
        if live is None:
            live = alike[text] = _read_live(text)
        tracked.condition, tracked.alarm, tracked.episode = live.condition, live.alarm, live.episode
        tracked.since, tracked.turn, tracked.saved = live.since, live.turn, live.saved


def _read_live(text: str) -> _Live:
    body = json.loads(text)
    state, level, occurrence = body["alarm"]
    written, turn, _ = text.partition(TURN)
    return _Live(
        condition=_condition(body["steps"]),
        alarm=Alarm(State(state), level, occurrence),
        episode=body["episode"],
        since=body["since"],
        turn=body.get("turn", 0),
        saved=written + "}" if turn else text,
    )


def _read_branch(text: str) -> Branch:
    body = json.loads(text)
    claim = Claim(*body["claim"]) if body["claim"] else None
    path = [(time, level, value) for time, level, value in body["path"]]
    newest, at = body["newest"], body.get("at", 0)
    return Branch(_condition(body["steps"]), newest, body["until"], path, claim, kept=newest, at=at)


def _condition(steps: list[tuple[bool, int | None]]) -> Condition:
    return Condition(tuple(Step(on, since) for on, since in steps))


def _move_on(conn: sqlite3.Connection, stored: Stored, found: Iterable[Tracked]) -> None:
    """Let branches know what their streams brought since they were written."""
    by_stream: dict[int, list[tuple[int, Branch]]] = {}
    for tracked in found:
        for stream, branch in tracked.branches.items():
            by_stream.setdefault(stream, []).append((tracked.point, branch))
    _read_moved(conn, by_stream)
    above: dict[int, dict[int, int]] = {}
    for stream, branches in by_stream.items():
        least = above[stream] = {}
        for point, branch in branches:
            least[point] = min(branch.at, least.get(point, branch.at))
    for stream, (points, times, positions) in stored.arrivals(conn, above).items():
        order = np.argsort(points, kind="stable")
        points, times, positions = points[order], times[order], positions[order]
        for point, branch in by_stream[stream]:
            first, last = np.searchsorted(points, [point, point + 1])
            later = times[first:last][positions[first:last] > branch.at]
            if len(later):
                branch.move(int(later.max()))


def _read_moved(
    conn: sqlite3.Connection, by_stream: Mapping[int, Sequence[tuple[int, Branch]]]
) -> None:
    """Take what `save_moved` wrote after the branches themselves."""
    for stream, text in conn.execute(
        "SELECT stream, body FROM condition WHERE rule = ?", (ALL,)
    ).fetchall():
        body = json.loads(text)
        times = dict(zip(body["points"], body["times"], strict=True))
        for point, branch in by_stream.get(stream, ()):
            if branch.at < body["at"] and point in times:
                branch.move(times[point])
