"""A trend of what lies in memory says what the aggregates say, to the bit but for means."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.api.raw import encode_trend
from central.near import TooMuch
from central.store.queries.trend import equal, near_trend, spans, trend, trend_of
from tests.central.store.asking import alike
from tests.central.store.queries.list_source import READINGS, SPAN, ListSource


@given(READINGS, st.integers(0, SPAN - 1), st.integers(1, SPAN), st.integers(-1, 40))
def test_both_ways_say_the_same(readings, start, length, count):
    source, edges = ListSource(readings), equal(start, start + length, count)
    found = trend_of(spans(source, 1, edges))
    shown = trend(source.read(1, start, start + length), edges)
    alike(shown, found)
    written = [json.loads(encode_trend(each))["columns"] for each in (shown, found)]
    for columns in written:
        columns.pop("mean")
    assert written[0] == written[1]


@given(st.integers(-(2**40), 2**40), st.integers(1, 2**40), st.integers(-1, 60))
def test_equal_spans_follow_each_other_to_the_end(start, length, count):
    edges = equal(start, start + length, count)
    widths = np.diff(edges)
    assert (edges[0], edges[-1]) == (start, start + length)
    assert 1 <= len(widths) <= max(1, count)
    assert (widths[:-1] == widths[0]).all()
    assert 0 < widths[-1] <= widths[0]


def test_a_span_that_ends_before_it_begins_is_none():
    with pytest.raises(ValueError, match="before"):
        equal(5, 5, 3)


def test_what_was_rolled_up_is_not_for_the_quick_way():
    class Rolled(ListSource):
        def rolled(self, number, start, end):
            yield None, None

    with pytest.raises(TooMuch):
        near_trend(Rolled([]), 1, equal(0, 10, 2))
