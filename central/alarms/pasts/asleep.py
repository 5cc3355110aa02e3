"""The pasts of rules that sleep: branches that tell of nothing, as columns of each stream.

A city whose gateways once caught up keeps a branch of every rule and older stream. Nearly all of
them are quiet, and a point's rules agree on their times: those are rows here until they are needed.
"""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from central.alarms.arrays.still import Floats, Integers, Past
from central.alarms.stored import Stored
from central.alarms.tracked import ALL, Branch, Claim
from protocols.alarms.condition import Bounds
from protocols.alarms.kept import condition_of
from protocols.alarms.past import Telling

Texts = Mapping[int, str]
"""Rows of branches, by stream."""
NONE: Final[Texts] = {}


class Moved(NamedTuple):
    """Newest times of points whose branches moved on since they were written, up to `at`."""

    at: int
    points: list[int]
    times: list[int]


class _Plain(NamedTuple):
    """What the row of a branch says that is quiet and tells of nothing."""

    newest: int
    at: int


class _Alike(NamedTuple):
    """Points whose branches' rows are the same: what they say, None where it is not plain."""

    branches: dict[int, _Plain] | None
    still: Bounds
    points: list[int]


class _Columns(NamedTuple):
    """Of one stream: its points, and of each what its branches say."""

    points: Integers
    newest: Integers
    positions: Integers
    low: Floats
    high: Floats


class Pasts:
    """Branches by point; `lay` and `settle` once, then `rise`."""

    def __init__(self) -> None:
        self._points: dict[int, list[Texts]] = {}
        self._alike: dict[tuple[object, ...], _Alike] = {}

    def lay(self, point: int, rules: list[Texts], live: int, still: Bounds) -> bool:
        """Take the branches of a point's rules; return whether they may sleep.

        `live`: the stream of its newest sample; `still`: between which values nothing changes.
        """
        if not any(rules):
            return True
        said = (still, *[tuple(texts.items()) for texts in rules])
        alike = self._alike.get(said)
        if alike is None:
            alike = self._alike[said] = _Alike(_agreed(rules), still, [])
        if live == 0 or alike.branches is None or live in alike.branches:
            return False
        alike.points.append(point)
        self._points[point] = rules
        return True

    def settle(
        self, conn: sqlite3.Connection, stored: Stored, moved: Mapping[int, Moved], places: Integers
    ) -> dict[int, Past]:
        """Return what was laid as arrays by stream, moved on; `places` by point."""
        made: dict[int, Past] = {}
        columns = self._columns()
        above = {
            stream: dict(zip(own.points.tolist(), own.positions.tolist(), strict=True))
            for stream, own in columns.items()
        }
        arrived = stored.arrivals(conn, above) if above else {}
        for stream, own in columns.items():
            times = own.newest.copy()
            if (since := moved.get(stream)) is not None:
                named, later = np.array(since.points), np.array(since.times)
                _advance(own, times, (named, later, np.full(len(named), since.at)))
            if (come := arrived.get(stream)) is not None:
                _advance(own, times, come)
            made[stream] = past = Past()
            bounds = own.low, own.high
            past.put_all(places[own.points], own.points, times, bounds, times != own.newest)
            past.changed = True
        self._alike = {}
        return made

    def rise(self, point: int) -> list[Texts]:
        """Give up the rows of the branches of a point's rules; empty: they have none."""
        return self._points.pop(point, [])

    def _columns(self) -> dict[int, "_Columns"]:
        """Return what was laid by stream."""
        parts: dict[int, list[tuple[Any, ...]]] = {}
        for branches, still, points in self._alike.values():
            for stream, plain in (branches or {}).items() if points else ():
                columns = (np.full(len(points), each) for each in (*plain, *still))
                parts.setdefault(stream, []).append((np.array(points), *columns))
        return {
            stream: _Columns(*map(np.concatenate, zip(*some, strict=True)))
            for stream, some in parts.items()
        }


def read_moved(conn: sqlite3.Connection) -> dict[int, Moved]:
    """Return what `save_moved` wrote after the branches themselves, by stream."""
    rows = conn.execute("SELECT stream, body FROM condition WHERE rule = ?", (ALL,))
    bodies = ((stream, json.loads(text)) for stream, text in rows.fetchall())
    return {stream: Moved(body["at"], body["points"], body["times"]) for stream, body in bodies}


def read_branch(text: str) -> Branch:
    """Return the branch of a row."""
    body = json.loads(text)
    claim = _claim(*body["claim"]) if body["claim"] else None
    path = [(time, level, value) for time, level, value in body["path"]]
    newest, at = body["newest"], body.get("at", 0)
    steps = condition_of(body["steps"])
    return Branch(steps, newest, body["until"], path, claim, kept=newest, at=at)


def _claim(episode: int, raised: int, what: object) -> Claim:
    """Return a claim; rows of before say no more than whether it was the live alarm's."""
    if isinstance(what, bool):
        return Claim(episode, raised, Telling.BACKDATED if what else Telling.LASTED)
    return Claim(episode, raised, Telling(str(what)))


def _agreed(rules: Sequence[Texts]) -> dict[int, _Plain] | None:
    """Return what the rows of the branches of a point's rules say; None: they differ, or tell."""
    said = [{stream: _plain(text) for stream, text in texts.items()} for texts in rules]
    agreed = {stream: plain for stream, plain in said[0].items() if plain is not None}
    return agreed if all(each == agreed for each in said) else None


def _plain(text: str) -> _Plain | None:
    body = json.loads(text)
    quiet = condition_of(body["steps"]).quiet
    if not quiet or body["path"] or body["claim"] or body["newest"] is None:
        return None
    return _Plain(body["newest"], body.get("at", 0))


def _advance(own: _Columns, times: Integers, come: tuple[Any, Any, Any]) -> None:
    """Raise the points' `times` to what `come` (points, times, positions) says beyond theirs."""
    named, later, at = come
    order = np.argsort(own.points)
    spots = order[np.minimum(np.searchsorted(own.points[order], named), len(order) - 1)]
    kept = (own.points[spots] == named) & (at > own.positions[spots])
    np.maximum.at(times, spots[kept], later[kept])
