"""Newest readings encoded by columns say what the models say, byte for byte."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from central.api import models, shapes
from central.api.newest import SLICE, Marks, latest_values
from central.store.columns import Columns
from central.store.heads.heads import Heads
from central.store.interface import Row
from tests.central.api.fake_collector import NOW, FakeRegistry, point_record

POINTS = [replace(point_record(number, "qingyun"), id=f"p-{number}") for number in range(3)]


class Names(FakeRegistry):
    def __init__(self, points):
        self._points = {}
        self._by_number = {point.number: point for point in points}


def heads_of(rows, points):
    heads = Heads(Names(points))
    for row in rows:
        heads.take(Columns.of([row]), row.seq)
    return heads


VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**64), 2**64),
    st.floats(allow_nan=False),
    st.text(st.characters(codec="utf-8"), max_size=5),
    st.sampled_from(["a,b", '"', "阀门", ",", "\n", ""]),
)
ROWS = st.builds(
    Row,
    st.sampled_from([0, 1, 2]),
    st.integers(0, NOW),
    st.integers(0, NOW),
    VALUES,
    st.sampled_from([0, 0x40940000, 0x80310000, 0x80AB0000]),
    st.integers(0, 7),
)


@given(st.lists(ROWS, min_size=1, max_size=6))
async def test_the_bytes_are_the_models(rows):
    heads = heads_of(rows, POINTS)
    numbers = heads.known()
    names = [POINTS[number].id for number in numbers.tolist()]
    body = models.LatestValues(items=[shapes.latest(head) for head in heads.latest()])
    told = await latest_values(heads, names, numbers)
    assert told == body.model_dump_json(by_alias=True).encode()


@pytest.mark.parametrize("count", [0, 1, SLICE, SLICE + 1, 2 * SLICE + 1])
async def test_slices_lose_and_repeat_nothing(count):
    points = [point_record(number, "qingyun") for number in range(count)]
    heads = heads_of([Row(n, NOW, n, float(n), 0, 0) for n in range(count)], points)
    body = await latest_values(heads, [point.id for point in points], np.arange(count))
    items = [shapes.latest(head) for head in heads.latest()]
    assert body == models.LatestValues(items=items).model_dump_json(by_alias=True).encode()


def test_a_point_noted_often_is_told_once():
    marks = Marks()
    for numbers in ([5, 3, 5], [3], [100_000], []):
        marks.add(Columns.of([Row(n, 0, 0, 0.0, 0, 0) for n in numbers]).points)
    assert marks.take().tolist() == [3, 5, 100_000]
    assert marks.take().tolist() == []
