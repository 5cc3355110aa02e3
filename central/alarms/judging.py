"""A commit's readings, one by one, on the rules of their points."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from central.alarms import stepping
from central.alarms.many import holding
from central.alarms.memory import Memory
from central.alarms.moves import Moves
from central.alarms.pasts import backfill
from central.alarms.samples import Coming, Good
from central.alarms.storm.habits import Seen
from central.alarms.storm.lane import Storm, usual
from central.alarms.tracked import Tracked
from central.store.interface import FLAG_ESTIMATED, Row
from protocols.alarms.machine import Sample
from protocols.quality import is_good

_INT64: Final = 2**63


class Heard(NamedTuple):
    """The rules of which more than the newest sample may have changed, and the good samples.

    `stepped` are such rules whose clocks have nothing to do. Of `apart` every reading since was
    the machine's: points whose arrays are to be written anew.
    """

    touched: dict[str, Tracked]
    stepped: dict[str, Tracked]
    good: list[Good]
    apart: set[int]


def judge(hearing: "Hearing", coming: Coming, *, storms: bool) -> Heard:
    """Step every rule of the points of `coming` that may be heard; all others say nothing.

    `storms`: what is usual may be done without the machine, where it is known what it would do.
    """
    rows, live, storm = coming.rows, hearing.live, hearing.storm
    fits, taken, whole = [False] * len(rows), list[int](), list[Row]()
    if storms:
        fits = usual(live, rows, coming.stream, coming.arrival).tolist()
    columns: Any = zip(
        rows.points.tolist(), rows.times.tolist(), rows.values.tolist(), fits, strict=True
    )
    for place, (point, time, value, fits_) in enumerate(columns):
        if point not in hearing.here:
            continue
        fit = fits_ and point not in hearing.apart
        if fit and storm.take(point, time, value):
            taken.append(place)
        else:
            whole = whole or rows.rows()
            hearing.take(whole[place], coming.stream, fit=fit)
    hearing.settle(coming.stream)
    live.passed(storm.cells.values())
    good = hearing.good()
    if taken:
        at = np.array(taken)
        good.append(Good(rows.points[at], rows.times[at], rows.values.numbers[at]))
    return Heard(hearing.touched, storm.stepped, good, hearing.apart)


class Hearing:
    """What of a commit is the machine's, reading by reading; `here` are the rules that may hear."""

    def __init__(self, moves: Moves, memory: Memory, here: Mapping[int, Sequence[Tracked]]) -> None:
        self._moves = moves
        self._memory = memory
        self.here = here
        self.live = memory.live
        self.storm = Storm(moves, here, memory.stances)
        self.touched: dict[str, Tracked] = {}
        self.apart: set[int] = set()
        self._good: list[tuple[int, int, float]] = []
        self._heard: dict[str, list[Sample]] = {}

    def take(self, row: Row, stream: int, *, fit: bool) -> None:
        """Step the rules of a point that are plain; `fit`: there is something to learn of it."""
        value = _number(row)
        if row.flags & FLAG_ESTIMATED or (value is None and is_good(row.quality)):
            return
        point, time = row.point, row.time
        if point not in self.apart:
            self._memory.rouse(self._moves.conn, point, self.storm.cells.pop(point, None))
            self.apart.add(point)
        if value is not None:
            self._good.append((point, time, float(value)))
        for tracked in self.here[point]:
            if tracked.plain or (value is None and tracked.held):
                moved = self._step(tracked, (stream, time, value), fit=fit)
            else:
                samples = self._heard.setdefault(tracked.rule.id, [])
                samples.extend(_samples_of(tracked, row, value))
                moved = True
            if moved:
                self.touched[tracked.rule.id] = tracked

    def _step(self, tracked: Tracked, said: tuple[int, int, float | None], *, fit: bool) -> bool:
        """Step one rule; return whether that changed anything.

        Of a point that is silent with what carries it, it is no news that it is not known; a return
        that began is called off all the same.
        """
        stream, time, value = said
        if value is None and tracked.held:
            pending = tracked.condition.pending
            if pending:
                holding.still(self._moves, tracked, time)
            return pending
        lesson = self.storm.lesson(tracked, value) if fit and value is not None else None
        changed = stepping.take(self._moves, tracked, stream, time, value)
        if lesson is not None:
            self.storm.learn(lesson, tracked, Seen(time, value, self._moves.now))
        return changed

    def settle(self, stream: int) -> None:
        """Let every other rule take its readings, in order; tell pasts as far as they are known."""
        for id_, samples in self._heard.items():
            stepping.take_each(self._moves, self.touched[id_], stream, samples)
        for tracked in self.touched.values():
            backfill.settle(self._moves, tracked, stream)

    def good(self) -> list[Good]:
        """Return the good samples."""
        return [_samples(self._good)] if self._good else []


def _number(row: Row) -> float | None:
    """Return the value if it may be judged; what SQLite cannot hold as an integer as a float."""
    value = row.value
    if isinstance(value, str) or not is_good(row.quality):
        return None
    return float(value) if value is not None and value >= _INT64 else value


def _samples_of(tracked: Tracked, row: Row, value: float | None) -> list[Sample]:
    """Return the reading as each of the rule's inputs that it is; what is not known is not good."""
    number = 0.0 if value is None else value
    return [
        Sample(row.time, number, 0, value is not None, name)
        for point, name in tracked.inputs
        if point == row.point
    ]


def _samples(good: list[tuple[int, int, float]]) -> Good:
    points, times, values = zip(*good, strict=True)
    return Good(np.array(points, np.int64), np.array(times, np.int64), np.array(values, np.float64))
