"""What points became, as columns, says the same as their newest readings one by one."""

import json
from itertools import chain, repeat

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from central.api import models, shapes, site_values
from central.api.site_values import PORTION, SiteNames, portions
from central.point_index import PointIndex
from central.store.columns import Columns
from central.store.heads.heads import Heads
from central.store.interface import Row
from tests.central.api.fake_collector import NOW, point_record

SITES = ("qingyun", "honghaiwan", "qingyun", "jinting", "qingyun")
POINTS = [replace(point_record(n, site), id=f"{site}/g/d/{n}") for n, site in enumerate(SITES)]


class Names:
    """Points and their index, as the registry has them."""

    def __init__(self, points):
        self.points = {point.number: point for point in points}
        self.index = PointIndex()
        self.index.put(points)

    def by_number(self, number):
        return self.points.get(number)


def heads_of(rows, names):
    heads = Heads(names)
    for row in rows:
        heads.take(Columns.of([row]), NOW + row.seq % 2)
    return heads


def told(heads, index, numbers, names=None):
    names = names or SiteNames(index)
    return [
        event
        for portion in portions(index, numbers)
        for event in site_values.site_values(heads, index, names, portion)
    ]


def rows_of(body):
    """The columns as one reading each, by point."""
    columns = [
        list(chain.from_iterable(map(repeat, body[name]["of"], body[name]["count"])))
        for name in ("mark", "source_time", "received_time")
    ]
    cells = zip(body["point"], body["value"], *columns, strict=True)
    return {
        point: {"point": point, "value": value, **mark, "source_time": at, "received_time": here}
        for point, value, mark, at, here in cells
    }


VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.sampled_from([2**53, -(2**53), 2**53 + 1, 2**63, 2**64 - 1, -(2**63) - 1, 0]),
    st.floats(allow_nan=False),
    st.sampled_from([0.0, -0.0, 1e16, 1e-7, 5e-324, 0.1 + 0.2]),
    st.text(st.characters(codec="utf-8"), max_size=5),
    st.sampled_from(["a,b", '"', "阀门", "\n", "\r\n", "\u2028", ""]),
)
ROWS = st.builds(
    Row,
    st.integers(0, len(SITES) - 1),
    st.sampled_from([0, NOW - 1, NOW, NOW + 4_000]),
    st.integers(0, NOW),
    VALUES,
    st.sampled_from([0, 0x40940000, 0x80310000, 0x80AB0000, 0xFFFFFFFF]),
    st.integers(0, 7),
)


@given(st.lists(ROWS, min_size=1, max_size=12))
def test_the_columns_say_what_the_rows_say(rows):
    names = Names(POINTS)
    heads = heads_of(rows, names)
    events = told(heads, names.index, heads.known())
    plain = [shapes.latest(head) for head in heads.latest()]
    expected = json.loads(models.LatestValues(items=plain).model_dump_json(by_alias=True))["items"]
    found = {}
    for site, event in events:
        assert event.frame == b"event: values\ndata: " + event.data + b"\n\n"
        assert b"\n" not in event.data
        assert b"\r" not in event.data
        body = json.loads(event.data)
        assert body["site"] == site
        assert {POINTS[int(p.rsplit("/", 1)[1])].site for p in body["point"]} == {site}
        found |= rows_of(body)
    kinds = {point: type(row["value"]) for point, row in found.items()}
    assert found == {item["point"]: item for item in expected}
    assert kinds == {item["point"]: type(item["value"]) for item in expected}
    assert len({site for site, _ in events}) == len(events)


@given(st.lists(ROWS, min_size=1, max_size=6))
def test_the_body_is_the_models(rows):
    names = Names(POINTS)
    heads = heads_of(rows, names)
    for _, event in told(heads, names.index, heads.known()):
        body = json.loads(event.data)
        assert list(body) == list(models.SiteValues.model_fields)
        for name in ("mark", "source_time", "received_time"):
            assert list(body[name]) == ["of", "count"]
            assert sum(body[name]["count"]) == len(body["point"]) == len(body["value"])
            assert 0 not in body[name]["count"]


@pytest.mark.parametrize("count", [0, 1, PORTION, PORTION + 1, 2 * PORTION + 1])
def test_portions_lose_and_repeat_nothing(count):
    points = [replace(point_record(n, f"site-{n % 3}"), id=f"p-{n}") for n in range(count)]
    names = Names(points)
    heads = Heads(names)
    heads.take(
        Columns.of([Row(n, NOW + n % 7, n, float(n), 0, 0) for n in range(count)] or []), NOW
    )
    events = told(heads, names.index, np.arange(count))
    assert all(len(json.loads(event.data)["point"]) <= PORTION for _, event in events)
    seen = [(p, v) for _, e in events for p, v in _pairs(json.loads(e.data))]
    assert len(seen) == count
    assert dict(seen) == {f"p-{n}": float(n) for n in range(count)}


def _pairs(body):
    return zip(body["point"], body["value"], strict=True)


def test_names_are_those_of_the_points_that_changed_this_time():
    names = Names(POINTS)
    heads = heads_of([Row(n, NOW, 1, 1.0, 0, 0) for n in range(len(SITES))], names)
    kept = SiteNames(names.index)
    for numbers in ([0, 2], [0, 2], [0, 4], [2], [0, 2, 4]):
        (event,) = told(heads, names.index, np.array(numbers), kept)
        assert json.loads(event.told.data)["point"] == [POINTS[n].id for n in numbers]
