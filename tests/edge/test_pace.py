"""Requests grow while the link is quick and shrink when it is not, lost ones too."""

from edge.pace import FIRST, QUICK, SLOW, Pace


def grown() -> Pace:
    pace = Pace()
    for _ in range(6):
        pace.went(QUICK / 2, pace.batches)
    return pace


def test_a_quick_link_is_given_more() -> None:
    assert grown().batches == FIRST << 6


def test_a_request_that_was_too_slow_to_arrive_is_not_tried_at_that_size_again() -> None:
    pace = grown()
    before = pace.batches
    pace.broke(10 * SLOW, before)
    assert pace.batches == before // 2


def test_a_refused_connection_says_nothing_about_the_link() -> None:
    pace = grown()
    before = pace.batches
    pace.broke(0.0, 1)
    assert pace.batches == before
