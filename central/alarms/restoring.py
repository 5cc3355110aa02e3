"""Reads back what `tracked` wrote: every rule as it was at the last commit.

A city has tens of thousands of rules, nearly all of them in one of a few states: what is alike is
read once and held once, and of most no more is made than that (`asleep`).
"""

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from central.alarms.arrays.takeovers import TAKEN_OVER
from central.alarms.journal.records import read_levels
from central.alarms.pasts import kept as pasts_kept
from central.alarms.pasts import remembered
from central.alarms.pasts.asleep import NONE, Moved, read_branch, read_moved
from central.alarms.rules.asleep import Asleep, Kind, Rules
from central.alarms.rules.wanted import read_definition, read_inputs
from central.alarms.stored import Stored
from central.alarms.tracked import ALL, TURN, Branch, Tracked, begin
from central.store.heads.good_numbers import GoodNumber
from protocols.alarms import machine as machines
from protocols.alarms.definition import Definition
from protocols.alarms.kept import Body, machine_of
from protocols.alarms.rule import Rule
from protocols.words import Purpose

Pieces = Sequence[tuple[int, str]]
"""Of one window, as `remembered` has them."""


class Loaded(NamedTuple):
    """Rules as they were at the last commit; `active`: which of those awake judge."""

    tracked: list[Tracked]
    active: set[str]
    asleep: Asleep
    moved: dict[int, Moved]


def load(conn: sqlite3.Connection, stored: Stored) -> Loaded:
    """Return every rule that is active, has an open episode, or something over its alarm."""
    states, branches = _states(conn)
    read = _Read(states, branches, remembered.pieces(conn))
    for row in conn.execute(
        "SELECT id, point, version, levels, active, definition, inputs FROM rule WHERE active "
        "OR EXISTS (SELECT 1 FROM episode e WHERE e.rule = rule.id AND e.closed IS NULL) "
        "OR EXISTS (SELECT 1 FROM overlay o WHERE o.rule = rule.id)"
    ):
        read.take(row)
    points, restless = read.points, read.restless
    newest = stored.newest_good_all(conn, points.keys() | restless)
    asleep, awake = Asleep(), list[Tracked]()
    for point, rules in points.items():
        good = newest.get(point)
        texts = [branches.get(id_, NONE) for id_, _ in rules]
        if point in restless or not asleep.lay(point, rules, good, texts):
            made = [kind.made(id_, point) for id_, kind in rules]
            awake += [_awake(tracked, good, branches) for tracked in made]
    awake += [_awake(each, newest.get(each.point), branches) for each in read.others]
    moved = read_moved(conn)
    _move_on(conn, stored, awake, moved)
    active = {tracked.rule.id for tracked in awake} & read.active
    return Loaded(awake, active, asleep, moved)


class _Read:
    """Rules as they are read: ladders by point, those that are more, those that judge.

    Points that are `restless` have rules that cannot sleep.
    """

    def __init__(
        self,
        states: Mapping[str, str],
        pasts: Mapping[str, Mapping[int, str]],
        windows: Mapping[str, Pieces],
    ) -> None:
        self._states = states
        self._pasts = pasts
        self._windows = windows
        self._kinds: dict[tuple[str, str, int], Kind] = {}
        self.points: dict[int, Rules] = {}
        self.others: list[Tracked] = []
        self.restless = set[int]()
        self.active = set[str]()

    def take(self, row: tuple[Any, ...]) -> None:
        """Take a row of the table."""
        id_, point, version, levels, judges, definition, inputs = row
        if judges:
            self.active.add(id_)
        if definition is not None or inputs is not None:
            whole = read_definition(id_, version, read_levels(levels), definition)
            other = begin(whole, read_inputs(point, inputs))
            _restore(other, self._states.get(id_, ""), self._windows.get(id_, ()))
            _restore_pasts(other, self._states.get(id_, ""), self._pasts.get(id_, {}))
            self.others.append(other)
            self.restless |= other.points
            return
        alike = levels, self._states.get(id_, ""), version
        kind = self._kinds.get(alike)
        if kind is None:
            kind = self._kinds[alike] = _kind(*alike)
        if point in self.points:
            self.points[point].append((id_, kind))
        else:
            self.points[point] = [(id_, kind)]
        if not judges or kind.trial is not None:
            self.restless.add(point)


def _awake(
    tracked: Tracked, newest: GoodNumber | None, branches: Mapping[str, Mapping[int, str]]
) -> Tracked:
    if newest is not None and tracked.plain:
        tracked.know(newest)
    if tracked.plain:  # of others `_restore_pasts`
        for stream, text in branches.get(tracked.rule.id, {}).items():
            tracked.branches[stream] = read_branch(text)
    return tracked


def _restore(tracked: Tracked, state: str, pieces: Pieces) -> None:
    """Let a rule that is more than a ladder be what its rows say; `state` "": nothing yet."""
    if not state:
        return
    body = json.loads(state)
    tracked.machine = machine = machine_of(tracked.definition, body)
    if "window" in body:
        tracked.remembered = known = remembered.read(body["window"], machine.memory.last, pieces)
        tracked.machine = machine._replace(memory=known.seen)
    tracked.episode, tracked.stream = body["episode"], body["stream"]
    tracked.since, tracked.turn = body["since"], body.get("turn", 0)
    tracked.point = body.get("point", tracked.point)
    tracked.trial = _trial(body)
    tracked.saved = _without_turn(state)


def _restore_pasts(tracked: Tracked, state: str, rows: Mapping[int, str]) -> None:
    body = json.loads(state) if state and not tracked.plain else {}
    if "streams" in body:
        at, kept = (tracked.stream, tracked.since), body["streams"]
        known = pasts_kept.read(tracked.definition, tracked.machine, at, kept, rows)
        tracked.streams, tracked.claimed = known, dict(body["claimed"])
        tracked.kept = {number: past for number, past in known.branches if number in rows}


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
    definition = Definition(rule=Rule(id="", subject="", levels=ladder))
    if not state:
        return Kind(ladder, version, machines.begin(definition), None, 0, 0, "")
    body = json.loads(state)
    return Kind(
        levels=ladder,
        version=version,
        machine=machine_of(definition, body),
        episode=body["episode"],
        since=body["since"],
        turn=body.get("turn", 0),
        saved=_without_turn(state),
        trial=_trial(body),
    )


def _trial(body: Body) -> Purpose | None:
    return Purpose[body["trial"]] if "trial" in body else None


def _without_turn(state: str) -> str:
    written, turn, _ = state.partition(TURN)
    return written + "}" if turn else state


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
