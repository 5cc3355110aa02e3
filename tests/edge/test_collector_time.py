"""How far the gateway's clock is from the collector's, by its answers."""

from edge.collector_time import FRESH, CollectorTime

SECOND = 1_000_000
WALL = 1_781_272_800 * SECOND


def answer(time, at, took, ahead=0.0):
    """An exchange begun at `at` s that took `took`; our clock is `ahead` of the collector's."""
    sent, here = round(at * SECOND), round((at + took) * SECOND)
    said = WALL + (sent + here) // 2 - round(ahead * SECOND)
    time.note((sent, WALL + sent), (here, WALL + here), said)


def test_the_closest_answer_counts_until_it_is_old():
    time = CollectorTime()
    answer(time, 0, 2.0, 5.0)
    assert (time.offset, time.within) == (5 * SECOND, SECOND)
    answer(time, 10, 0.2, 4.0)
    answer(time, 20, 1.0, 9.0)
    assert (time.offset, time.within) == (4 * SECOND, SECOND // 10)
    answer(time, 30 + FRESH / SECOND, 1.0, 9.0)
    assert (time.offset, time.within) == (9 * SECOND, SECOND // 2)


def test_a_clock_set_while_the_answer_was_awaited_says_nothing():
    time = CollectorTime()
    time.note((0, WALL), (SECOND, WALL + 3600 * SECOND), WALL)
    assert time.picture() == {"offset": None, "within": None, "round_trip": None}
