"""Reads back what `tracked` wrote: every rule as it was at the last commit.

A city has tens of thousands of rules, nearly all of them in one of a few states: what is alike is
read once and held once, and of most no more is made than that (`asleep`).
"""

import json
import sqlite3
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np

from central.alarms.asleep import Asleep, Kind, Rules
from central.alarms.asleep_pasts import (
    NONE,
    Moved,
    read_branch,
    read_moved,
    read_steps,
)
from central.alarms.records import read_levels
from central.alarms.stored import Stored
from central.alarms.takeovers import TAKEN_OVER
from central.alarms.tracked import ALL, TURN, Branch, Tracked
from central.store.heads.good_numbers import GoodNumber
from protocols.alarms.condition import start
from protocols.alarms.rule import Rule
from protocols.alarms.state import Alarm, State


class Loaded(NamedTuple):
    """Rules as they were at the last commit; `active`: which of those awake judge."""

    tracked: list[Tracked]
    active: set[str]
    asleep: Asleep
    moved: dict[int, Moved]


def load(conn: sqlite3.Connection, stored: Stored) -> Loaded:
    """Return every rule that is active or has an open episode."""
    states, branches = _states(conn)
    kinds: dict[tuple[str, str, int], Kind] = {}
    points: dict[int, Rules] = {}
    restless, active = set[int](), set[str]()
    for id_, point, version, levels, judges in conn.execute(
        "SELECT id, point, version, levels, active FROM rule WHERE active OR EXISTS "
        "(SELECT 1 FROM episode e WHERE e.rule = rule.id AND e.state <> 'NORMAL')"
    ):
        said = levels, states.get(id_, ""), version
        kind = kinds.get(said)
        if kind is None:
            kind = kinds[said] = _kind(*said)
        if point in points:
            points[point].append((id_, kind))
        else:
            points[point] = [(id_, kind)]
        if judges:
            active.add(id_)
        if not judges:
            restless.add(point)
    newest = stored.newest_good_all(conn, points.keys())
    asleep, awake = Asleep(), list[Tracked]()
    for point, rules in points.items():
        good = newest.get(point)
        texts = [branches.get(id_, NONE) for id_, _ in rules]
        if point in restless or not asleep.lay(point, rules, good, texts):
            awake += [_awake(point, rule, good, branches) for rule in rules]
    moved = read_moved(conn)
    _move_on(conn, stored, awake, moved)
    return Loaded(awake, {tracked.rule.id for tracked in awake} & active, asleep, moved)


def _awake(
    point: int,
    rule: tuple[str, Kind],
    newest: GoodNumber | None,
    branches: Mapping[str, Mapping[int, str]],
) -> Tracked:
    id_, kind = rule
    tracked = kind.made(id_, point)
    if newest is not None:
        tracked.know(newest)
    for stream, text in branches.get(id_, {}).items():
        tracked.branches[stream] = read_branch(text)
    return tracked


def _states(conn: sqlite3.Connection) -> tuple[dict[str, str], dict[str, dict[int, str]]]:
    """Return what the rows say of rules' live states, and of their branches by stream.

    Rows that are alike are held once.
    """
    states: dict[str, str] = {}
    branches: dict[str, dict[int, str]] = {}
    same: dict[str, str] = {}
    for rule, stream, text in conn.execute(
        f"SELECT rule, stream, body FROM condition WHERE rule <> ? AND NOT ({TAKEN_OVER})",  # noqa: S608
        (ALL,),
    ):
        if stream:
            branches.setdefault(rule, {})[stream] = same.setdefault(text, text)
        else:
            states[rule] = same.setdefault(text, text)
    return states, branches


def _kind(levels: str, state: str, version: int) -> Kind:
    """Return what rules are whose rows say this; `state` is empty where there is none yet."""
    ladder = read_levels(levels)
    if not state:
        begun = start(Rule(id="", subject="", levels=ladder))
        return Kind(ladder, version, begun, Alarm(), None, 0, 0, "")
    body = json.loads(state)
    place, level, occurrence = body["alarm"]
    written, turn, _ = state.partition(TURN)
    return Kind(
        levels=ladder,
        version=version,
        condition=read_steps(body["steps"]),
        alarm=Alarm(State(place), level, occurrence),
        episode=body["episode"],
        since=body["since"],
        turn=body.get("turn", 0),
        saved=written + "}" if turn else state,
    )


def _move_on(
    conn: sqlite3.Connection, stored: Stored, found: Iterable[Tracked], moved: Mapping[int, Moved]
) -> None:
    """Let branches know what their streams brought since they were written."""
    by_stream: dict[int, list[tuple[int, Branch]]] = {}
    for tracked in found:
        for stream, branch in tracked.branches.items():
            by_stream.setdefault(stream, []).append((tracked.point, branch))
    above: dict[int, dict[int, int]] = {}
    for stream, branches in by_stream.items():
        _move(branches, moved.get(stream))
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


def _move(branches: Iterable[tuple[int, Branch]], moved: Moved | None) -> None:
    if moved is None:
        return
    times = dict(zip(moved.points, moved.times, strict=True))
    for point, branch in branches:
        if branch.at < moved.at and point in times:
            branch.move(times[point])
