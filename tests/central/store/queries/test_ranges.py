import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.store.queries.ranges import Span, page, parse_cursor
from central.store.queries.source import Deadline
from tests.central.store.queries.list_source import READINGS, ListSource, reading


def pages(source, start, end, limit):
    after = None
    while True:
        found = page(source, 1, Span(start=start, end=end, limit=limit, after=after), Deadline())
        yield found
        if found.next is None:
            return
        after = parse_cursor(found.next)


@given(READINGS, st.integers(0, 500), st.integers(500, 1_000), st.integers(1, 9))
def test_pages_lose_and_repeat_nothing(readings, start, end, limit):
    found = list(pages(ListSource(readings), start, end, limit))
    shown = [
        key
        for each in found
        for key in zip(
            each.readings.times.tolist(),
            each.readings.streams.tolist(),
            each.readings.seqs.tolist(),
            map(repr, each.readings.values.tolist()),
            strict=True,
        )
    ]
    inside = sorted(r for r in readings if start <= r.time < end)
    assert shown == [(*r[:3], repr(r.value)) for r in inside]
    assert all(len(each.readings) == limit for each in found[:-1])


def test_a_page_reads_no_further_than_it_has_to():
    source = ListSource([reading(t, piece=t // 10) for t in range(1_000)])
    found = page(source, 1, Span(start=0, end=1_000, limit=25), Deadline())
    assert found.readings.times.tolist() == list(range(25))
    assert source.loads == 1


@pytest.mark.parametrize("cursor", ["", "1.2", "a.b.c", "1.2.3.4", f"{2**63}.1.1"])
def test_a_foreign_cursor_is_refused(cursor):
    with pytest.raises(ValueError, match=r"."):
        parse_cursor(cursor)
