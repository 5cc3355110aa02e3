"""Newest readings as JSON, column by column: the same bytes as `models.Latest` would give.

A whole city may change every second, so nothing is made for each reading but its text, and the
event loop is let go between slices of it.
"""

import asyncio
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pydantic_core import to_json

from central.api import shapes
from central.api.time_columns import time_column
from central.api.times import rfc3339
from central.store.columns import Integers
from central.store.heads.heads import Heads
from central.store.interface import FLAG_ESTIMATED, FLAG_LATE
from central.store.values import OTHER, Values

SLICE: Final = 500
"""Readings encoded without a pause: about half a millisecond."""


class Marks:
    """Numbers of points that changed, each once however often it is noted."""

    def __init__(self) -> None:
        self._marks = np.zeros(1_024, np.bool_)

    def add(self, numbers: Integers) -> None:
        """Note points by number."""
        if not len(numbers):
            return
        try:
            self._marks[numbers] = True
        except IndexError:
            grown = np.zeros(2 * int(numbers.max()) + 1, np.bool_)
            grown[: len(self._marks)] = self._marks
            self._marks = grown
            self._marks[numbers] = True

    def take(self) -> Integers:
        """Return what was noted, in order, and forget it."""
        numbers = np.flatnonzero(self._marks)
        self._marks[numbers] = False
        return numbers


async def latest_values(heads: Heads, names: Sequence[str], numbers: Integers) -> bytes:
    """Return `models.LatestValues` of points by name and number, all of which have a head."""
    parts = []
    for at in range(0, len(numbers), SLICE):
        here = slice(at, at + SLICE)
        parts.append(_items(heads, names[here], numbers[here]))
        await asyncio.sleep(0)
    return b'{"items":[' + ",".join(parts).encode() + b"]}"


def _items(heads: Heads, names: Sequence[str], numbers: Integers) -> str:
    # Much is the same for all of a slice: what comes between value and time, and what follows it.
    columns = zip(
        names,
        _values(heads.values(numbers)),
        _texts(heads.qualities[numbers], _quality),
        _times(heads.times[numbers]),
        _texts(heads.received[numbers], _received),
        _texts(heads.flags[numbers], _marks),
        strict=True,
    )
    # Names of points are logical names: nothing in them has to be escaped.
    return ",".join(
        [
            f'{{"point":"{name}","value":{value}{quality}{time}{received}{marks}'
            for name, value, quality, time, received, marks in columns
        ]
    )


def _texts(column: NDArray[Any], text: Callable[[int], str]) -> list[str]:
    """Return the text of each cell, made once for each that is different."""
    cells = column.tolist()
    made = {cell: text(cell) for cell in set(cells)}
    return [made[cell] for cell in cells]


def _values(values: Values) -> list[str]:
    cells = values.tolist()
    others = np.flatnonzero(values.kinds == OTHER).tolist() if values.others else []
    texts = {place: to_json(cells[place]).decode() for place in others}
    for place in others:
        cells[place] = None  # a text may hold what numbers are parted by
    shown = to_json(cells, inf_nan_mode="null")[1:-1].decode().split(",")
    for place, text in texts.items():
        shown[place] = text
    return shown


def _times(times: Integers) -> list[str]:
    return time_column(times)[1:-1].decode().split(",")


@lru_cache(maxsize=1_024)
def _quality(code: int) -> str:
    return f',"quality":{shapes.quality(code).model_dump_json(by_alias=True)},"source_time":'


def _received(time: int) -> str:
    return f',"received_time":"{rfc3339(time)}",'


def _marks(flags: int) -> str:
    late, estimated = flags & FLAG_LATE, flags & FLAG_ESTIMATED
    return f'"late":{_word(late)},"estimated":{_word(estimated)}}}'


def _word(flag: int) -> str:
    return "true" if flag else "false"
