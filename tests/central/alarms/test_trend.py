"""The ring of samples keeps what a list would: thinned, of the last minutes, point by point."""

from collections import deque

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from central.alarms.samples import Good
from central.alarms.shown.trend import SPACING, WINDOW, Trends
from tests.central.builders import HIGH

SECOND = 1_000_000
COMMITS = st.lists(
    st.lists(
        st.tuples(
            st.sampled_from([3, 4, 5_000]),
            st.sampled_from([0, 1, 1, 2, 5, 7, -3, 200]),
            st.integers(0, 90),
        ),
        min_size=1,
        max_size=30,
    ),
    max_size=12,
)


class Lists:
    """The same, one sample after another."""

    def __init__(self):
        self.samples = {}

    def add(self, point, time, value):
        kept = self.samples.setdefault(point, deque())
        if kept and time - kept[-1][0] < SPACING:
            return
        kept.append((time, value))
        while kept[0][0] < time - WINDOW:
            kept.popleft()


def samples(rows):
    points, times, values = zip(*rows, strict=True)
    return Good(np.array(points), np.array(times), np.array(values, np.float64))


@settings(max_examples=40, deadline=None)
@given(COMMITS)
def test_columns_keep_what_one_by_one_would(commits):
    trends, lists, now = Trends(), Lists(), 0
    for commit in commits:
        rows = []
        for point, onwards, value in commit:
            now += onwards * SECOND
            rows.append((point, now, float(value)))
        trends.add(samples(rows))
        for row in rows:
            lists.add(*row)
    for point in (3, 4, 5_000, 6, 10**6):
        assert trends._samples(point) == list(lists.samples.get(point, []))


def test_a_long_day_keeps_the_last_minutes():
    trends = Trends()
    for second in range(0, 20_000, 5):
        trends.add(samples([(7, second * SECOND, 80.0 + second * 1e-4)]))
    ahead = trends.next_threshold(7, HIGH, HIGH[0])
    assert (ahead.level, ahead.limit) == ("HH", 90.0)
    assert ahead.seconds == round((90.0 - 80.0 - 19_990 * 1e-4) / 1e-4)


def test_more_points_than_a_page_holds():
    trends = Trends()
    points = np.arange(10_000)
    for second in (0, 60, 120):
        values = np.where(points % 2, 80.0, 80.0 + second)
        trends.add(Good(points, np.full(10_000, second * SECOND), values))
    assert trends._samples(9_999) == [(0, 80.0), (60 * SECOND, 80.0), (120 * SECOND, 80.0)]
    assert trends._samples(9_998)[-1] == (120 * SECOND, 200.0)
