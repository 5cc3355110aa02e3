"""Whose turn it is: on time, never twice, suspects last yet never forgotten."""

from collections import Counter
from itertools import pairwise

from edge.schedule import LAST_PROBE, PATIENCE, Schedule
from protocols.clock import MILLISECOND, SECOND


def schedule(*periods: float) -> Schedule:
    return Schedule([int(p * SECOND) for p in periods], 0, lambda: 0.0)


def run(made: Schedule, until: int, took: dict[int, int], dead: set[int]) -> list[tuple[int, int]]:
    """Play a line on which device `i` takes `took[i]`; return who was asked when."""
    now, asked = 0, []
    while now < until:
        turn = made.next(now)
        if turn is None:
            now = max(now + 1, made.wake())
            continue
        asked.append((turn, now))
        now += took[turn]
        (made.failed if turn in dead else made.answered)(turn, now)
    return asked


def test_each_device_is_asked_at_its_period() -> None:
    asked = run(schedule(1.0, 0.5), 10 * SECOND, {0: 1000, 1: 1000}, set())
    assert Counter(turn for turn, _ in asked) == {0: 10, 1: 20}


def test_equal_devices_do_not_bunch() -> None:
    asked = run(schedule(1.0, 1.0, 1.0, 1.0), SECOND, dict.fromkeys(range(4), 1), set())
    assert [at for _, at in asked] == [0, SECOND // 4, SECOND // 2, 3 * SECOND // 4]


def test_missed_ticks_are_counted_and_never_made_up_for() -> None:
    made = schedule(1.0)
    asked = run(made, 10 * SECOND, {0: 2500 * MILLISECOND}, set())
    assert [at for _, at in asked] == [0, 3 * SECOND, 6 * SECOND, 9 * SECOND]
    assert made.missed == 8


def test_a_dead_device_costs_its_neighbours_little() -> None:
    """Ten devices on a line, three of them dead, a silence costs as much as three answers."""
    took = {i: 60 * MILLISECOND if i < 3 else 20 * MILLISECOND for i in range(10)}
    asked = run(schedule(*[1.0] * 10), 100 * SECOND, took, {0, 1, 2})
    counts = Counter(turn for turn, _ in asked)
    assert all(counts[i] >= 98 for i in range(3, 10)), counts
    assert all(counts[i] <= 20 for i in range(3))


def test_a_returned_device_is_heard_within_ten_seconds_even_on_a_full_line() -> None:
    made = schedule(*[1.0] * 5)
    took = dict.fromkeys(range(5), 250 * MILLISECOND)  # five of these do not fit into a second
    asked = run(made, 60 * SECOND, took, {0})
    probes = [at for turn, at in asked if turn == 0]
    gaps = [b - a for a, b in pairwise(probes)]
    assert max(gaps) <= LAST_PROBE + PATIENCE + SECOND < 11 * SECOND


def test_probes_back_off_and_the_first_failure_is_told_once() -> None:
    made = schedule(1.0)
    assert made.next(0) == 0
    assert made.failed(0, 0)
    waits, now = [], 0
    for _ in range(5):
        waits.append(made.wake() - now)
        now = made.wake()
        assert not made.failed(0, now)
    assert waits == [1 * SECOND, 2 * SECOND, 4 * SECOND, 8 * SECOND, 8 * SECOND]
    assert made.answered(0, now)
    assert not made.answered(0, now)


def test_alone_means_no_healthy_neighbour() -> None:
    made = schedule(1.0, 1.0)
    assert not made.alone(0)
    made.failed(1, 0)
    assert made.alone(0)
