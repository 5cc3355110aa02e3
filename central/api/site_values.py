"""What points became, as columns for each site: `models.SiteValues`, the live stream's `values`.

A whole city may change every second. So nothing is made for a reading but its value's text: names
are joined once for as long as the same points change together, and what is the same for many
places in a row (quality, times) is written once for all of them.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from central.api import shapes
from central.api.subscriber import Message
from central.api.time_columns import time_column
from central.point_index import PointIndex
from central.store.columns import Integers
from central.store.heads.heads import Heads
from central.store.interface import FLAG_ESTIMATED, FLAG_LATE
from central.store.values import BOOLEAN, FLOAT, INTEGER, NONE, Values
from protocols.words import Value

PORTION: Final = 5_000
"""Readings encoded without a pause, and in one event at most: a millisecond."""
_FLAGS: Final = FLAG_LATE | FLAG_ESTIMATED
_Part = Callable[[int, int], bytes]
"""Gives the cells from one run to before another, with commas between them."""
_encode: Final = msgspec.json.Encoder().encode


class SiteEvent(NamedTuple):
    """What a site's points became, encoded."""

    site: str
    told: Message


class SiteNames:
    """The points of a site as JSON, kept as long as the same ones change: most change together."""

    def __init__(self, index: PointIndex) -> None:
        self._index = index
        self._known: dict[str, tuple[Integers, bytes]] = {}

    def text(self, site: str, numbers: Integers) -> bytes:
        """Return the names of connected points of one site; a number keeps its name for ever."""
        before = self._known.get(site)
        if before is not None and np.array_equal(before[0], numbers):
            return before[1]
        text = _encode(self._index.ids(numbers))
        self._known[site] = numbers.copy(), text
        return text


def portions(index: PointIndex, numbers: Integers) -> list[Integers]:
    """Return connected points in portions, those of one site side by side."""
    places = index.places(numbers)
    if len(places) and (places[1:] < places[:-1]).any():
        numbers = numbers[np.argsort(places, kind="stable")]
    return [numbers[at : at + PORTION] for at in range(0, len(numbers), PORTION)]


def site_values(
    heads: Heads, index: PointIndex, names: SiteNames, numbers: Integers
) -> Iterator[SiteEvent]:
    """Yield `models.SiteValues` of each site of a portion, whose points all have a head."""
    if not len(numbers):
        return
    places = index.places(numbers)
    starts = np.flatnonzero(_steps(places))
    bounds = [*starts.tolist(), len(numbers)]
    cells = _cells(heads.values(numbers))
    marks = heads.qualities[numbers].astype(np.int64) << 8 | heads.flags[numbers] & _FLAGS
    mark = _Runs(marks, starts, _mark_texts)
    source = _Runs(heads.times[numbers], starts, _time_texts)
    received = _Runs(heads.received[numbers], starts, _time_texts)
    for nth, place in enumerate(places[starts].tolist()):
        here = slice(bounds[nth], bounds[nth + 1])
        site = index.sites[place]
        parts = (
            *(b'{"site":', _encode(site)),
            *(b',"point":', names.text(site, numbers[here])),
            *(b',"value":', _encode(cells[here])),
            *(b',"mark":', mark.text(nth)),
            *(b',"source_time":', source.text(nth)),
            *(b',"received_time":', received.text(nth), b"}"),
        )
        yield SiteEvent(site, Message.of("values", *parts))


class _Runs:
    """A column as runs of the same, none longer than its site."""

    def __init__(
        self,
        column: Integers,
        starts: Integers,
        texts: Callable[[Integers], _Part],
    ) -> None:
        """`starts` are the places at which the sites begin."""
        changes = _steps(column)
        changes[starts] = True
        first = np.flatnonzero(changes)
        self._counts = np.diff(first, append=len(column)).tolist()
        self._bounds = [*np.searchsorted(first, starts).tolist(), len(first)]
        self._part = texts(column[first])

    def text(self, nth: int) -> bytes:
        """Return the runs of one site."""
        start, end = self._bounds[nth : nth + 2]
        return b'{"of":[%b],"count":%b}' % (
            self._part(start, end),
            _encode(self._counts[start:end]),
        )


def _steps(column: NDArray[Any]) -> NDArray[np.bool_]:
    """Return where a cell is not as the one before it; the first never is."""
    steps = np.ones(len(column), np.bool_)
    np.not_equal(column[1:], column[:-1], out=steps[1:])
    return steps


def _time_texts(times: Integers) -> _Part:
    text = time_column(times)[1:-1]
    width = (len(text) + 1) // len(times)  # each is as long as any other, and a comma
    return lambda start, end: text[start * width : end * width - 1]


def _mark_texts(marks: Integers) -> _Part:
    texts = [_mark(mark) for mark in marks.tolist()]
    return lambda start, end: b",".join(texts[start:end])


@lru_cache(maxsize=1_024)
def _mark(mark: int) -> bytes:
    return shapes.mark(mark >> 8, mark & _FLAGS).model_dump_json(by_alias=True).encode()


def _cells(values: Values) -> Sequence[Value]:
    """Return every value as an object, whatever is mixed: no step for each number."""
    found: list[Value]
    if not len(values) or (values.kinds == FLOAT).all():
        found = values.numbers.tolist()
        return found
    cells = values.numbers.astype(np.object_)
    integers = values.kinds == INTEGER
    cells[integers] = values.numbers[integers].astype(np.int64)
    truths = values.kinds == BOOLEAN
    cells[truths] = values.numbers[truths].astype(np.bool_)
    cells[values.kinds == NONE] = None
    found = cells.tolist()
    for place, value in values.others.items():
        found[place] = value
    return found
