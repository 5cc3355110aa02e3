"""The judge itself: it finds each kind of fault, and nothing in what is right."""

import numpy as np
import pytest

from tests.gauntlet.processes import Life
from tests.gauntlet.stored import Samples
from tests.gauntlet.truth import POINTS, TICK, TICKS, tick_of, value_at
from tests.gauntlet.verdict import Verdict, judge_batches, judge_point

PERIOD = 250_000
START = 1_000_000_000_000
LIVES = [Life("gw-0", START - 1), Life("gw-0", START + 9_000_000)]


def times(first, last):
    return np.arange(START + first * PERIOD, START + last * PERIOD, PERIOD, dtype=np.int64)


def stored(point, moments, bad=()):
    values = np.array([value_at(point, int(moment)) for moment in moments], dtype=np.int64)
    return Samples(np.array(moments, dtype=np.int64), values, np.array(bad, dtype=np.int64))


def judged(point, samples, served, lives=LIVES[:1], loss=()):
    verdict = Verdict()
    judge_point(verdict, point, samples, served, lives, loss)
    return verdict


def test_what_is_right_is_clean():
    verdict = judged(7, stored(7, times(0, 40)), times(0, 40))
    judge_batches(verdict, [("s", 1, 20), ("s", 21, 20)], {("s", 1): 20, ("s", 21): 20}, {})
    assert verdict.clean
    assert verdict.readings == 40


def test_nothing_at_all_is_not_clean():
    assert not Verdict().clean


@pytest.mark.parametrize(
    ("accepted", "there", "lost"),
    [
        ([("s", 1, 20)], {}, 20),
        ([("s", 1, 20)], {("s", 1): 12}, 8),
        ([("s", 1, 20), ("s", 1, 20)], {("s", 1): 20}, 20),
    ],
)
def test_a_batch_that_is_missing_is_lost(accepted, there, lost):
    verdict = Verdict()
    judge_batches(verdict, accepted, there, {})
    assert verdict.lost == lost


@pytest.mark.parametrize(
    ("skip", "lost"), [((1, 40, "quota"), 0), ((1, 30, "quota"), 20), ((1, 40, "corrupt"), 20)]
)
def test_what_was_given_up_must_be_permitted_and_whole(skip, lost):
    verdict = Verdict()
    judge_batches(verdict, [("s", 21, 20)], {}, {"s": [skip]}, frozenset({"quota"}))
    assert (verdict.lost, verdict.permitted) == (lost, 20 - lost)


def test_what_a_kill_took_along_is_measured():
    served = times(0, 20)
    killed = [Life("gw-0", START - 1, end=int(served[-1]) + 1, how="kill"), LIVES[1]]
    verdict = judged(1, stored(1, served[:-3]), served, killed)
    assert (verdict.lost, verdict.unsealed) == (0, 2 * PERIOD + 1)


def test_a_hole_within_a_process_is_lost():
    served = times(0, 20)
    there = np.delete(served, [4, 5])
    assert judged(1, stored(1, there), served).lost == 2
    assert judged(1, stored(1, there, bad=[served[6]]), served).lost == 0
    assert judged(1, stored(1, there, bad=[served[2]]), served).lost == 2


def test_a_hole_may_stand_in_the_loss_ledger():
    served = times(0, 400)
    there = np.delete(served, slice(100, 200))
    ledger = [(int(served[100]), int(served[199]))]
    assert judged(1, stored(1, there), served, loss=ledger).lost == 0
    assert judged(1, stored(1, there), served, loss=[(0, START)]).lost == 100


def test_what_is_too_old_to_have_died_with_its_process_is_lost():
    served = times(0, 400)
    killed = [Life("gw-0", START - 1, end=int(served[-1]), how="kill")]
    assert judged(1, stored(1, served[:200]), served, killed).lost > 0


def test_one_measurement_stored_twice_is_duplicated():
    served = times(0, 4)
    assert judged(3, stored(3, [*served, served[3]]), served).duplicated == 1
    again = stored(3, [*served, served[3]])
    again.times[-1] += 5_000_000  # under another time it is the same measurement
    assert judged(3, again, served).duplicated == 1


def test_what_was_never_served_is_wrong():
    served = times(0, 4)
    assert judged(3, stored(4, served), served).wrong == 4
    assert judged(3, stored(3, times(0, 5)), served).wrong == 1
    far = stored(3, served)
    far.times += 60_000_000
    assert judged(3, far, served).wrong == 4
    assert judged(3, Samples(served, np.full(4, -1), np.empty(0)), served).wrong == 4


def test_two_values_exchanged_are_wrong():
    served = times(0, 4)
    samples = stored(3, served)
    samples.values[[1, 2]] = samples.values[[2, 1]]
    assert judged(3, samples, served).wrong == 1


def test_the_truth_survives_its_own_wrap_around():
    last = TICKS * TICK - 1
    assert tick_of(last, value_at(9, last + 3)) == TICKS
    assert tick_of(last, value_at(9, last - 200 * TICK)) == TICKS - 1 - 200
    assert value_at(POINTS - 1, last) < 2**32
