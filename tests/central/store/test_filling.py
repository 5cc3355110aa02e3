"""When a seal begins: soon where readings come slowly, with whole chunks where many come."""

from central.store.choosing import WHOLE
from central.store.filling import FULL, MUCH, SOME, STILL, Filling

CITY = 800
"""Families of 20,000 points."""


def filled(*looks):
    """Return one that was looked at: (second, readings)."""
    filling = Filling(0.0)
    for now, readings in looks:
        filling.look(readings, now)
    return filling


def test_a_quarter_of_an_hour_of_an_ordinary_city_is_sealed():
    assert not filled((924.0, FULL - 2_000), (924.5, FULL - 1)).enough(CITY)
    assert filled((924.0, FULL - 1_000), (924.5, FULL)).enough(CITY)


def test_where_whole_chunks_are_soon_there_a_seal_waits_for_them():
    fast = filled((1.0, FULL - 500_000), (1.5, FULL))
    assert not fast.enough(CITY)
    assert fast.enough(0)  # nothing was ever sealed: nobody knows
    assert fast.enough(FULL // WHOLE)  # few points: they are whole already
    assert filled((3.0, CITY * WHOLE - 500_000), (3.5, CITY * WHOLE)).enough(CITY)
    assert filled((3.0, MUCH - 500_000), (3.5, MUCH)).enough(10 * CITY)


def test_it_does_not_wait_for_what_no_longer_comes():
    filling = filled((1.0, FULL - 500_000), (1.5, FULL))
    filling.look(FULL + 10, 2.0)  # a moment in which nothing is answered
    assert not filling.enough(CITY)
    for look in range(20):
        filling.look(FULL + 10 + look, 2.5 + look / 2)
    assert filling.enough(CITY)


def test_at_rest_less_is_sealed_and_little_is_not():
    for readings, enough in ((SOME, True), (SOME - 1, False)):
        filling = filled((1.0, readings))
        assert not filling.is_still()
        assert not filling.enough(CITY)
        filling.look(readings, 1.0 + STILL)
        assert filling.is_still()
        assert filling.enough(CITY) is enough


def test_a_seal_does_not_slow_what_comes():
    filling = filled((3.0, MUCH - 500_000), (3.5, MUCH))
    filling.look(FULL, 4.5)
    assert not filling.enough(CITY)
