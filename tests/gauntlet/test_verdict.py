"""The judge itself: it finds each kind of fault, and nothing in what is right."""

import pytest

from tests.gauntlet.processes import Killed
from tests.gauntlet.truth import POINTS, TICK, TICKS, fits, value_at
from tests.gauntlet.verdict import Verdict, judge_batches, judge_point

PERIOD = 250_000


def samples(point, times):
    return [(time, value_at(point, time)) for time in times]


def judged(point, found, kills=()):
    verdict = Verdict()
    judge_point(verdict, point, found, kills, PERIOD)
    return verdict


def test_what_is_right_is_clean():
    verdict = judged(7, samples(7, range(0, 10_000_000, PERIOD)))
    judge_batches(verdict, [("s", 1, 20), ("s", 21, 20)], {("s", 1): 20, ("s", 21): 20})
    assert verdict.clean
    assert verdict.readings == 40


def test_nothing_at_all_is_not_clean():
    assert not Verdict().clean


@pytest.mark.parametrize(
    ("accepted", "stored", "lost"),
    [
        ([("s", 1, 20)], {}, 20),
        ([("s", 1, 20)], {("s", 1): 12}, 8),
        ([("s", 1, 20), ("s", 1, 20)], {("s", 1): 20}, 20),
    ],
)
def test_a_batch_that_is_missing_is_lost(accepted, stored, lost):
    verdict = Verdict()
    judge_batches(verdict, accepted, stored)
    assert verdict.lost == lost


def test_a_hole_is_lost_unless_a_kill_explains_it():
    times = [*range(0, 2_000_000, PERIOD), *range(6_000_000, 8_000_000, PERIOD)]
    assert judged(1, samples(1, times)).lost > 0
    assert judged(1, samples(1, times), [Killed("edge", 2_000_000, 5_900_000)]).lost == 0
    assert judged(1, samples(1, times), [Killed("edge", 7_000_000, 7_500_000)]).lost > 0


def test_twice_is_duplicated_and_another_value_is_wrong():
    found = samples(3, [0, PERIOD, PERIOD])
    assert judged(3, found).duplicated == 1
    assert judged(3, [(0, value_at(4, 0))]).wrong == 1
    assert judged(3, [(5_000_000, value_at(3, 0))]).wrong == 1
    assert judged(3, [(0, None)]).wrong == 1


def test_the_truth_survives_its_own_wrap_around():
    last = TICKS * TICK - 1
    assert fits(9, last, value_at(9, last + 3))
    assert not fits(9, last, value_at(9, last + 200 * TICK))
    assert value_at(POINTS - 1, last) < 2**32
