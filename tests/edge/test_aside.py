"""What is refused is set aside for longer each time, and there is never too much of it."""

from edge.aside import FIRST, LAST, MOST, Aside


def test_a_stream_is_set_aside_for_longer_each_time() -> None:
    aside = Aside({})
    for times, seconds in ((0, FIRST), (1, 2 * FIRST), (2, 4 * FIRST)):
        assert aside.knows("s") is (times > 0)
        aside.put("s", "CHAIN", now=100.0)
        assert aside.back(100.0) == seconds
        assert aside.names(100.0 + seconds - 0.01) == ("s",)
        assert aside.names(100.0 + seconds) == ()
    for _ in range(100):
        aside.put("s", "CHAIN", now=0.0)
    assert aside.back(0.0) == LAST


def test_what_got_through_is_forgotten() -> None:
    shown: dict[str, str] = {}
    aside = Aside(shown)
    aside.put("s", "CHAIN", now=0.0)
    assert shown == {"s": "CHAIN"}
    aside.through("s")
    aside.through("never seen")
    assert (shown, len(aside), aside.back(0.0)) == ({}, 0, None)


def test_it_stays_bounded() -> None:
    shown: dict[str, str] = {}
    aside = Aside(shown)
    for number in range(10 * MOST):
        aside.put(f"s{number}", "CHAIN", now=0.0)
    assert len(aside) == len(shown) == MOST
    assert not aside.knows("s0")
    assert aside.knows(f"s{10 * MOST - 1}")
