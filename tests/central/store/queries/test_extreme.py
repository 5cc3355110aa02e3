"""The extreme of a span is that of a plain list, and little is read for it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.store.queries.extreme import extreme
from central.store.queries.source import Deadline
from tests.central.store.queries.list_source import READINGS, SPAN, ListSource, reading


def asked(source, start, end, *, highest):
    return extreme(source, 1, start, end, highest=highest, deadline=Deadline())


def good(each):
    number = isinstance(each.value, float) or (
        isinstance(each.value, int) and abs(each.value) <= 2**53
    )
    return number and each.quality < 0x40000000


@given(READINGS, st.integers(0, SPAN), st.integers(0, SPAN), st.booleans())
def test_it_is_that_of_a_plain_list(readings, start, end, highest):
    found = asked(ListSource(readings), start, end, highest=highest)
    within = [each for each in readings if start <= each.time < end and good(each)]
    if not within:
        assert found is None
        return
    worst = (max if highest else min)(float(each.value) for each in within)
    at = {(each.time, each.quality) for each in within if float(each.value) == worst}
    assert found.value == worst
    assert (found.time, found.quality) in at


@pytest.mark.parametrize(("highest", "time"), [(True, 57), (False, 3)])
def test_of_many_pieces_within_the_span_one_is_read(highest, time):
    values = {57: 99.0, 3: -1.0}
    readings = [
        reading(at, seq=at, value=values.get(at, 50.0), piece=at // 10) for at in range(100)
    ]
    source = ListSource(readings)
    assert asked(source, 0, 100, highest=highest).time == time
    assert source.loads == 1
