"""A scan judged as a whole comes out as `quiet` finds it, point by point."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.alarms.arrays import quiet
from central.alarms.arrays.scan import scanned
from central.alarms.arrays.still import Live
from central.alarms.samples import Coming
from central.database_queue import Heavy
from central.store.columns import Columns
from central.store.values import Values
from protocols.alarms.condition import LIVE_DELAY

NOW = 1_000 * LIVE_DELAY
BAD = 0x8031_0000
POINTS = 12
OURS = 7
chance = st.lists(st.booleans(), min_size=POINTS, max_size=POINTS)
few = st.lists(st.integers(0, 9), min_size=POINTS, max_size=POINTS)


@st.composite
def states(draw):
    """What is known of each point; mostly quiet, and mostly of the stream that comes."""
    live = Live()
    live.watch(POINTS, "gw")
    here = slice(1, POINTS + 1)
    live.watched[here] = [cell > 0 for cell in draw(few)]
    live.streams[here] = [OURS if cell else OURS - 1 for cell in draw(few)]
    live.times[here] = [NOW + 5 if not cell else NOW - 3 * LIVE_DELAY for cell in draw(few)]
    live.low[here] = [60.0 if not cell else 20.0 for cell in draw(few)]
    live.high[here] = [10.0 if not cell else 80.0 for cell in draw(few)]
    live.stands[here], live.free[here] = draw(chance), draw(chance)
    live.places[here] = np.arange(1, POINTS + 1)
    return live


@st.composite
def scans(draw):
    """Readings of all or some points, in any order of points, most of them plain."""
    points = np.array(sorted(draw(st.sets(st.integers(1, POINTS), min_size=1))), np.int64)
    n = len(points)
    cells = draw(st.lists(st.integers(0, 30), min_size=n, max_size=n))
    values = [{0: 95.0, 1: None, 2: "text", 3: 2**60}.get(cell, 50.0 + cell) for cell in cells]
    qualities = [BAD if cell in (4, 5, 6) else 0 for cell in cells]
    late = [2 * LIVE_DELAY if cell == 7 else 0 for cell in cells]
    times = NOW - np.array(late, np.int64)
    rows = Columns(points, times, 1, values, np.array(qualities, np.int64), np.zeros(n, np.int64))
    if draw(st.booleans()):
        rows.span = int(times.min()), int(times.max())
    return Coming(rows, OURS, NOW, None, draw(st.sampled_from([None, None, 0, 2])))


def copied(live):
    made = Live()
    made.reach(len(live.times) - 1)
    for name in Live._BLANKS:
        getattr(made, name)[:] = getattr(live, name)
    return made


def judged(live, coming, way):
    try:
        found = way(live, coming)
    except Heavy:
        found = "heavy"
    else:
        if found is None:
            return None
        found = [found.left.tolist(), *(each.tolist() for each in found.good), found.over.tolist()]
    return found, [getattr(live, name).tolist() for name in Live._BLANKS if name != "spots"]


@given(live=states(), coming=scans())
def test_a_scan_is_judged_as_point_by_point(live, coming):
    with pytest.MonkeyPatch.context() as patch:
        for way in ("scanned", "sifted"):
            patch.setattr(quiet, way, lambda *_: None)
        plain = judged(copied(live), coming, quiet.sift)
    assert judged(live, coming, scanned) in (None, plain)


def scan_of(*qualities):
    n = len(qualities)
    points, times = np.arange(1, n + 1), np.full(n, NOW)
    values = Values.floats(np.full(n, 50.0))
    rows = Columns(points, times, 1, values, np.array(qualities), np.zeros(n, np.int64))
    return Coming(rows, OURS, NOW, None)


def calm(n):
    live = Live()
    live.watch(n, "gw")
    here = slice(1, n + 1)
    live.watched[here], live.streams[here] = True, OURS
    live.low[here], live.high[here] = 20.0, 80.0
    return live


def test_one_value_over_its_limit_leaves_the_others_to_the_scan():
    live = calm(4)
    coming = scan_of(0, 0, BAD, 0)
    coming.rows.values.numbers[1] = 95.0
    found = scanned(live, coming)
    assert found.left.tolist() == [1]
    assert found.good.points.tolist() == [1, 4]
    assert live.times[1:5].tolist() == [NOW, live.times[0], live.times[0], NOW]


def test_a_point_that_was_bad_since_its_stream_began_holds_up_no_scan():
    live = calm(4)
    live.streams[2], live.free[2] = OURS - 1, True
    found = scanned(live, scan_of(0, BAD, 0, 0))
    assert found.left.tolist() == []
    assert found.good.points.tolist() == [1, 3, 4]
    assert live.streams[2] == OURS - 1
    assert scanned(live, scan_of(0, 0, 0, 0)) is None  # it becomes the live one now
