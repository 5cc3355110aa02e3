"""So many a second and a burst, whoever else asks, in bounded memory."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.guard.buckets import Buckets
from central.guard.source import source_of


def test_a_burst_fits_then_the_rate_holds():
    buckets = Buckets(10, 5)
    assert [buckets.take("a", 100.0) for _ in range(5)] == [0.0] * 5
    assert buckets.take("a", 100.0) == pytest.approx(0.1)
    assert buckets.take("b", 100.0) == 0.0  # nobody pays for a neighbour
    assert buckets.take("a", 100.11) == 0.0
    assert buckets.take("a", 100.11) > 0.0


def test_who_is_refused_owes_nothing_for_it():
    buckets = Buckets(1, 1)
    buckets.take("a", 0.0)
    waits = [buckets.take("a", 0.0) for _ in range(1_000)]
    assert waits == [pytest.approx(1.0)] * 1_000
    assert buckets.take("a", 1.0) == 0.0


def test_memory_is_bounded_and_the_newest_are_remembered():
    buckets = Buckets(0.001, 1, kept=50)
    for number in range(10_000):
        buckets.take(str(number), 5.0)
    assert len(buckets) <= 50
    assert buckets.take("9999", 5.0) > 0
    assert buckets.take("0", 5.0) == 0.0


def test_buckets_that_are_full_again_make_room_first():
    buckets = Buckets(1, 2, kept=3)
    for key in ("a", "b", "c"):
        buckets.take(key, 0.0)
    buckets.take("c", 0.5)
    buckets.take("d", 1.2)
    assert len(buckets) == 2
    assert [buckets.take("c", 1.2), buckets.take("c", 1.2)] == [0.0, pytest.approx(0.8)]


@given(st.lists(st.tuples(st.sampled_from("ab"), st.floats(0, 3)), max_size=200))
def test_never_more_than_burst_and_rate(steps):
    buckets, now, taken = Buckets(4, 8), 0.0, {"a": 0, "b": 0}
    for key, pause in steps:
        now += pause
        wait = buckets.take(key, now)
        assert 0.0 <= wait <= 0.25 + 1e-6
        taken[key] += wait == 0.0
        assert taken[key] <= 8 + 4 * now + 1


@pytest.mark.parametrize(
    ("host", "source"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("fe80::1%eth0", "fe80::/64"),
        ("not:an:address", "unknown"),
        ("", "unknown"),
    ],
)
def test_a_line_is_one_source_whatever_address_it_chooses(host, source):
    assert source_of(host) == source
