"""Heads and newest good numbers against the plainest way of finding them."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.store.columns import Columns
from central.store.heads.good_numbers import GoodNumbers
from central.store.heads.head_pages import NEVER, PAGE
from central.store.heads.heads import Heads
from central.store.interface import FLAG_ESTIMATED, FLAG_LATE, Row

POINTS = (1, 2, 3, PAGE - 1, PAGE, 5_000)
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**64), 2**64),
    st.floats(allow_nan=False),
    st.text(st.characters(codec="utf-8"), max_size=3),
)
ROWS = st.builds(
    Row,
    st.sampled_from(POINTS),
    st.integers(0, 5),
    st.just(1),
    VALUES,
    st.sampled_from([0, 0x40000000, 0x80310000, 0xFFFFFFFF]),
    st.sampled_from([0, 1, FLAG_ESTIMATED, FLAG_LATE, FLAG_ESTIMATED | FLAG_LATE]),
)
SCANS = st.builds(
    lambda points, rows: [
        row._replace(point=points[place % len(points)])
        for place, row in enumerate(rows[: len(rows) - len(rows) % len(points)])
    ],
    st.sampled_from([(1, 2), (3, 1, 2), (2, 3), (PAGE,)]),
    st.lists(ROWS, min_size=1, max_size=12),
)
"""The same points again and again."""
COMMITS = st.lists(st.one_of(st.lists(ROWS, max_size=12), SCANS), max_size=5)


class Everything:
    """Every number is a connected point of its own name."""

    def by_number(self, number):
        return SimpleNamespace(id=f"site/gw/device/{number}", site="site", number=number)

    def number(self, name):
        return int(name.split("/")[3])


def taken(commits):
    heads, good = Heads(Everything()), GoodNumbers()
    for received, rows in enumerate(commits):
        heads.take(Columns.of(rows), received)
        good.take(Columns.of(rows), received, 7)
    return heads, good


def shown(head):
    kind = type(head.value)
    times = (head.source_time, head.received_time)
    return (kind, repr(head.value), head.quality, *times, head.late, head.estimated)


@given(COMMITS)
def test_a_head_is_the_newest_and_of_one_moment_the_last_to_arrive(commits):
    expected = {}
    heads = Heads(Everything())
    for received, rows in enumerate(commits):
        changed = set()
        for row in rows:
            if row.point not in expected or row.time >= expected[row.point][0].time:
                expected[row.point] = (row, received)
                changed.add(row.point)
        found = heads.take(Columns.of(rows), received).tolist()
        assert sorted(found) == sorted(changed)
    assert heads.known().tolist() == sorted(expected)
    for number, (row, received) in expected.items():
        late, estimated = bool(row.flags & FLAG_LATE), bool(row.flags & FLAG_ESTIMATED)
        kind, shape = type(row.value), repr(row.value)
        told = (kind, shape, row.quality, row.time, received, late, estimated)
        assert shown(heads.head(number)) == told


@given(COMMITS)
def test_the_newest_good_number_is_the_first_received_of_its_moment(commits):
    expected = {}
    good = GoodNumbers()
    for received, rows in enumerate(commits):
        for row in rows:
            number = not isinstance(row.value, str | None)
            if not number or row.quality >= 0x40000000 or row.flags & FLAG_ESTIMATED:
                continue
            if row.point not in expected or row.time > expected[row.point][0]:
                exact = row.value if abs(row.value) < 2**63 else float(row.value)
                expected[row.point] = (row.time, exact, received, received)
        good.take(Columns.of(rows), received, received)
    assert {n: tuple(good.newest(n)) for n in good.known().tolist()} == expected


def test_what_was_received_before_goes_first_whenever_it_is_taken():
    good = GoodNumbers()
    good.take(Columns.of([Row(1, 5, 1, 2.0, 0, 0)]), 20, 1)
    good.take(Columns.of([Row(1, 5, 1, 1.0, 0, 0)]), 10, 2)
    assert good.newest(1) == (5, 1.0, 2, 10)


@given(COMMITS)
def test_pages_come_back_exactly(commits):
    heads, good = taken(commits)
    again, good_again = Heads(Everything()), GoodNumbers()
    for mine, other in ((heads, again), (good, good_again)):
        pages = mine.pages(mine.known())
        assert set(pages) == {number // PAGE for number in mine.known().tolist()}
        for page, packed in pages.items():
            other.put_page(page, packed)
        assert other.pages(other.known()) == pages
    assert list(map(shown, again.latest())) == list(map(shown, heads.latest()))
    known = good.known().tolist()
    assert list(map(good_again.newest, known)) == list(map(good.newest, known))


@pytest.mark.parametrize("harm", [lambda p: p[:-1], lambda p: b"\x02" + p[1:], lambda p: p[:3]])
def test_a_page_of_something_else_is_refused(harm):
    heads, _ = taken([[Row(1, 5, 1, "阀门", 0, 0)]])
    packed = heads.pages(heads.known())[0]
    with pytest.raises(ValueError, match="page"):
        Heads(Everything()).put_page(0, harm(packed))


def test_of_unknown_points_nothing_is_known():
    heads, good = taken([[Row(2, 5, 1, 1.0, 0, 0)]])
    assert heads.head(1) is heads.head(-1) is heads.head(10**9) is None
    assert good.newest(1) is good.newest(-1) is good.newest(10**9) is None
    assert heads.times_of([1, 2, -5, 10**9]).tolist() == [NEVER, 5, NEVER, NEVER]
    assert heads.times_of([]).tolist() == []
    assert [head.point for head in heads.latest(["a/b/c/2", "a/b/c/9"])] == ["site/gw/device/2"]


def test_several_parts_are_taken_in_their_order():
    heads = Heads(Everything())
    parts = [Columns.of([Row(1, 5, 1, 1.0, 0, 0)]), Columns.of([Row(1, 5, 2, 2.0, 0, 0)])]
    assert np.unique(heads.take_all(parts, 1)).tolist() == [1]
    assert heads.head(1).value == 2.0
    assert not len(heads.take_all([], 2))
