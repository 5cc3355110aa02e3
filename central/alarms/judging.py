"""A commit's readings, one by one, on the rules of their points."""

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np

from central.alarms import backfill, holding, stepping
from central.alarms.moves import Moves
from central.alarms.samples import Good
from central.alarms.tracked import Tracked
from central.store.interface import FLAG_ESTIMATED, Row
from protocols.alarms.machine import Sample
from protocols.quality import is_good

_INT64: Final = 2**63


class Heard(NamedTuple):
    """The rules of which more than the newest sample may have changed, and the good samples."""

    touched: dict[str, Tracked]
    good: list[Good]


def judge(
    moves: Moves, here: Mapping[int, Sequence[Tracked]], stream: int, rows: Iterable[Row]
) -> Heard:
    """Step every rule of the points that are `here`; all others say nothing."""
    good: list[tuple[int, int, float]] = []
    touched: dict[str, Tracked] = {}
    heard: dict[str, list[Sample]] = {}
    for row, value in _judged(here, rows):
        if value is not None:
            good.append((row.point, row.time, float(value)))
        for tracked in here[row.point]:
            if tracked.plain or (value is None and tracked.held):
                moved = _take(moves, tracked, stream, (row.time, value))
            else:
                heard.setdefault(tracked.rule.id, []).extend(_samples_of(tracked, row, value))
                moved = True
            if moved:
                touched[tracked.rule.id] = tracked
    for id_, samples in heard.items():
        stepping.take_each(moves, touched[id_], stream, samples)
    for tracked in touched.values():
        backfill.settle(moves, tracked, stream)
    return Heard(touched, [_samples(good)] if good else [])


def _take(moves: Moves, tracked: Tracked, stream: int, at: tuple[int, float | None]) -> bool:
    """Step one rule; return whether that changed anything.

    Of a point that is silent with what carries it, it is no news that it is not known; a return
    that began is called off all the same.
    """
    time, value = at
    if value is not None or not tracked.held:
        return stepping.take(moves, tracked, stream, time, value)
    pending = tracked.condition.pending
    if pending:
        holding.still(moves, tracked, time)
    return pending


def _judged(here: Container[int], rows: Iterable[Row]) -> Iterator[tuple[Row, float | None]]:
    """Yield what says something of its point, with its number; None: it is not known any more."""
    for row in rows:
        if row.point not in here or row.flags & FLAG_ESTIMATED:
            continue
        value = _number(row)
        if value is not None or not is_good(row.quality):
            yield row, value


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
