"""Heads that are taken when somebody asks are those that were taken at once."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from central.store.columns import Columns
from central.store.heads import heads as module
from central.store.heads.heads import Heads
from central.store.interface import Row
from tests.central.store.heads.test_heads import COMMITS, Everything, shown, taken

SCANS = st.lists(
    st.lists(st.tuples(st.integers(0, 3), st.floats(0, 9)), min_size=3, max_size=3), max_size=5
)


@settings(deadline=None)
@given(COMMITS, SCANS, st.integers(1, 4))
def test_noted_or_taken_is_the_same(commits, scans, small):
    commits = [commit for commit in commits if commit]
    for scan in scans:  # points side by side, each once
        commits.append([Row(3 + n, t, 1, value, 0, 0) for n, (t, value) in enumerate(scan)])
    expected, _ = taken(commits)
    heads, told = Heads(Everything()), [np.empty(0, np.int64)]
    heads.watchers.append(told.append)
    before, module.SMALL = module.SMALL, small
    try:
        for received, rows in enumerate(commits):
            heads.note(Columns.of(rows), received)
        assert len(heads.noted()) == len(commits)
        assert list(map(shown, heads.latest())) == list(map(shown, expected.latest()))
    finally:
        module.SMALL = before
    assert not heads.noted()
    assert set(np.concatenate(told).tolist()) == set(expected.known().tolist())


def test_enough_is_taken_without_being_asked():
    heads = Heads(Everything())
    for nth in range(module.COMMITS):
        heads.note(Columns.of([Row(1, nth, 1, 1.0, 0, 0)]), nth)
    assert not heads.noted()
    assert heads.times_taken([1]).tolist() == [module.COMMITS - 1]
