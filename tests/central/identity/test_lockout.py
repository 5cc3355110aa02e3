from hypothesis import given
from hypothesis import strategies as st

from central.identity.lockout import FORGET, FREE, FREE_ADDRESS, KEPT, LONGEST, Lockout
from protocols.clock import SECOND


def failed(lockout, times, name="ann", address="10.0.0.1", now=0):
    return [lockout.failed(name, address, now) for _ in range(times)]


def test_a_few_failures_are_free_then_the_wait_doubles():
    waits = failed(Lockout(), FREE + 3)
    assert waits == [0] * (FREE - 1) + [SECOND, 2 * SECOND, 4 * SECOND, 8 * SECOND]


def test_the_wait_is_bounded():
    assert failed(Lockout(), 60)[-1] == LONGEST


def test_the_wait_passes():
    lockout = Lockout()
    failed(lockout, FREE)
    assert lockout.wait("ann", "10.0.0.1", 0) == SECOND
    assert lockout.wait("ann", "10.0.0.1", SECOND) == 0


def test_another_address_may_try_the_account():
    lockout = Lockout()
    failed(lockout, FREE)
    assert lockout.wait("ann", "10.0.0.2", 0) == 0


def test_one_address_cannot_try_everybody():
    lockout = Lockout()
    for number in range(FREE_ADDRESS):
        lockout.failed(f"person{number}", "10.0.0.1", 0)
    assert lockout.wait("somebody else", "10.0.0.1", 0) > 0


def test_success_forgives_the_account():
    lockout = Lockout()
    failed(lockout, FREE - 1)
    lockout.succeeded("ann", "10.0.0.1")
    assert failed(lockout, 1) == [0]


def test_a_day_forgives():
    lockout = Lockout()
    failed(lockout, FREE + 5)
    assert lockout.failed("ann", "10.0.0.1", FORGET + 1) == 0


def test_memory_is_bounded():
    lockout = Lockout()
    for number in range(KEPT + 10):
        lockout.failed(f"p{number}", f"10.0.{number >> 8 & 255}.{number & 255}", 0)
    assert len(lockout._failures) == KEPT


@given(st.lists(st.integers(0, 3600 * SECOND), max_size=40))
def test_nobody_waits_longer_than_the_longest(gaps):
    lockout, now = Lockout(), 0
    for gap in gaps:
        now += gap
        assert 0 <= lockout.failed("ann", "a", now) <= LONGEST
        assert 0 <= lockout.wait("ann", "a", now) <= LONGEST


def test_it_says_how_many_failures_led_to_a_wait():
    lockout = Lockout()
    led = [
        lockout.led_to_it("ann", "10.0.0.1")
        for _ in range(FREE + 2)
        if lockout.failed("ann", "10.0.0.1", 0)
    ]
    assert led == [FREE, 1, 1]
    for number in range(FREE_ADDRESS - FREE - 2):
        wait = lockout.failed(f"person{number}", "10.0.0.1", 0)
    assert wait
    assert lockout.led_to_it(f"person{number}", "10.0.0.1") == FREE_ADDRESS
    assert lockout.failed("", "10.0.0.1", 0)
    assert lockout.led_to_it("", "10.0.0.1") == 1
