"""Rules nothing has touched since they were read: what is alike of them is held once.

A city has tens of thousands of rules, and most days go by without a use for more than a few: what
passes quietly moves arrays alone. Those rules are rows here until somebody asks for one; then all
of its point are made, as their rows and the arrays say. Here are only points whose rules are at one
and may be left to the arrays: no timer runs, no level is on, branches tell of nothing and are the
same (`asleep_pasts`), and no bound depends on the value that holds. Belongs to the writer thread.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from central.alarms.arrays.still import NEVER, Live
from central.alarms.pasts.asleep import Pasts, Texts, read_branch
from central.alarms.tracked import Tracked, begin
from central.store.heads.good_numbers import GoodNumber
from protocols.alarms.condition import LIVE_DELAY, Bounds, late
from protocols.alarms.definition import Definition
from protocols.alarms.ladder import subject_of
from protocols.alarms.machine import Machine
from protocols.alarms.overlay import NOTHING
from protocols.alarms.rule import Level, Rule
from protocols.words import Purpose

SIDED: Final = ("=", "!=")
"""Operators whose bounds depend on the value that holds."""
_Row = tuple[int, int, float, int, float, float, bool, bool]


@dataclass(eq=False, frozen=True, slots=True)
class Kind:
    """What rules that are alike are: their ladder, and what the rows of their states say."""

    levels: tuple[Level, ...]
    version: int
    machine: Machine
    episode: int | None
    since: int
    turn: int
    saved: str
    trial: Purpose | None = None

    def made(self, id_: str, point: int) -> Tracked:
        """Return a rule of this kind that knows of no sample."""
        rule = Rule(id=id_, subject=subject_of(id_), levels=self.levels, version=self.version)
        tracked = begin(Definition(rule=rule), ((point, ""),))
        tracked.machine = self.machine
        tracked.episode, tracked.since = self.episode, self.since
        tracked.turn, tracked.saved, tracked.trial = self.turn, self.saved, self.trial
        return tracked


Rules = list[tuple[str, Kind]]
"""The ids and kinds of a point's rules."""


class Asleep:
    """Rules by point; `turn` is the last that one of their rows was written after."""

    def __init__(self) -> None:
        self._points: dict[int, Rules] = {}
        self._of: dict[str, int] = {}
        self._alike: dict[tuple[Kind, ...], Bounds | None] = {}
        self._rows: list[_Row] = []
        self.turn = 0
        self.pasts = Pasts()

    def __contains__(self, point: int) -> bool:
        return point in self._points

    def lay(
        self, point: int, rules: Rules, newest: GoodNumber | None, branches: list[Texts]
    ) -> bool:
        """Take the rules of a point, all of which judge; return whether they may sleep.

        `branches`: the rows of those of each of them.
        """
        kinds = tuple([kind for _, kind in rules])
        if kinds not in self._alike:
            self._alike[kinds] = _still(kinds)
        still = self._alike[kinds]
        if still is None:
            return False
        if newest is not None and float(newest.value) != newest.value:
            return False  # arrays do not hold it exactly
        live = 0 if newest is None else newest.stream
        if not self.pasts.lay(point, branches, live, still):
            return False
        if newest is None:
            row = (0, NEVER, 0.0, NEVER, *still, False, True)
        else:
            time, value, stream, received = newest
            arrived = time + LIVE_DELAY + 1 if late(time, received) else time
            row = (stream, time, float(value), arrived, *still, False, not any(branches))
        self._points[point] = rules
        self._rows.append(row)
        for id_, kind in rules:
            self._of[id_] = point
            self.turn = max(self.turn, kind.turn)
        return True

    def settle(self, live: Live) -> None:
        """Write the arrays of all points that were laid here."""
        if self._points:
            points = list(self._points)
            live.watch_all(points, [_gateway(rules[0][0]) for rules in self._points.values()])
            live.put(points, zip(*self._rows, strict=True))
        self._rows, self._alike = [], {}

    def taken_over(self, point: int, turn: int, began: int, before: int | None) -> bool:
        """Return whether a takeover is news to the point's rules; `before`: the last that was."""
        rules = self._points.get(point)
        if rules is None:
            return False
        kind = rules[0][1]  # all are written alike
        return kind.turn < turn and (kind.since if before is None else before) <= began

    def point_of(self, id_: str) -> int | None:
        """Return the point of a rule that sleeps."""
        return self._of.get(id_)

    def ladders(self) -> Iterator[tuple[str, tuple[Level, ...]]]:
        """Yield rules with their levels."""
        for rules in self._points.values():
            for id_, kind in rules:
                yield id_, kind.levels

    def rise(self, point: int, live: Live) -> list[Tracked]:
        """Give up a point's rules, as the arrays know them."""
        made, branches = [], self.pasts.rise(point)
        for place, (id_, kind) in enumerate(self._points.pop(point, ())):
            del self._of[id_]
            tracked = kind.made(id_, point)
            if branches:
                own = branches[place].items()
                tracked.branches = {stream: read_branch(text) for stream, text in own}
            time, since = int(live.times[point]), int(live.since[point])
            if time != NEVER:
                lagging = late(time, int(live.arrived[point]))
                tracked.move(time, float(live.values[point]), lagging=lagging)
            tracked.stream = int(live.streams[point])
            if since != NEVER:
                tracked.since = since
            made.append(tracked)
        return made


def _still(kinds: tuple[Kind, ...]) -> Bounds | None:
    """Return between which values nothing changes; None: these may not sleep."""
    if len({(kind.turn, kind.since) for kind in kinds}) > 1:
        return None
    lows, highs = [], []
    for kind in kinds:
        machine = kind.machine
        if not machine.condition.quiet or any(level.op in SIDED for level in kind.levels):
            return None
        if machine.overlay != NOTHING:
            return None  # its clock runs
        low, high = kind.made("", 0).bounds()
        lows.append(low)
        highs.append(high)
    return (max(lows), min(highs)) if max(lows) < min(highs) else None


def _gateway(id_: str) -> str:
    parts = subject_of(id_).split("/")
    return parts[1] if len(parts) > 1 else ""
