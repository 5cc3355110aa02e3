"""Requests grow while the link is quick, shrink when it is not; backfill leaves its share free."""

import pytest

from edge.pace import (
    BACKFILL_SHARE,
    FIRST,
    MOST,
    PROBE,
    QUICK,
    RAW_BYTES,
    SLOW,
    WORK,
    WORTH,
    Pace,
    Transfer,
)

LINK = 125_000.0
"""One megabit a second."""


def request(took: float, sending: float = 0.0) -> Transfer:
    return Transfer(bytes=1000, took=took, sending=sending, queued=0)


def over_the_link(size: int, way: float = 0.0, work: float = 0.0) -> Transfer:
    """A request over one megabit: the confirmation comes `way` after all has left."""
    sending = size / LINK + way
    return Transfer(bytes=size, took=sending + work, sending=sending, queued=0)


def grown() -> Pace:
    pace = Pace()
    for _ in range(6):
        pace.went(request(QUICK / 2), pace.batches)
    return pace


def test_a_quick_link_is_given_more() -> None:
    assert grown().batches == FIRST << 6


def test_there_is_a_most_whatever_the_link_can_do() -> None:
    pace = Pace()
    for _ in range(30):
        pace.went(request(0.0), pace.batches)
    assert pace.batches == MOST
    assert pace.budget().bytes == RAW_BYTES
    assert pace.budget(credit=1 << 30).bytes == RAW_BYTES


def test_a_small_request_says_nothing_about_a_large_one() -> None:
    pace = grown()
    before = pace.batches
    pace.went(request(0.0), 1)
    assert pace.batches == before


@pytest.mark.parametrize(("credit", "size"), [(0, 1), (1, 1), (4096, 4096)])
def test_credit_is_never_exceeded(credit: int, size: int) -> None:
    assert grown().budget(credit).bytes == size


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


def test_a_long_way_there_and_back_is_no_slowness() -> None:
    pace = Pace()
    for _ in range(6):
        pace.went(over_the_link(100 * pace.batches, way=10 * SLOW), pace.batches)
    assert pace.batches == FIRST << 6


def test_the_way_is_measured_anew_by_a_small_request_now_and_then() -> None:
    pace = grown()
    before = pace.batches
    sizes = []
    for _ in range(2 * PROBE + 2):
        sizes.append(pace.budget().batches)
        pace.went(request(QUICK / 2), sizes[-1])
    assert [size for size in sizes if size == FIRST] == [FIRST] * 2
    assert pace.batches >= before


def test_a_collector_long_at_work_gets_less_but_never_crumbs() -> None:
    pace = grown()
    before = pace.batches
    pace.went(request(2 * WORK), before)
    assert pace.batches == before // 2
    for _ in range(30):
        pace.went(request(2 * WORK), pace.batches)
    assert pace.batches == WORTH


def test_a_link_that_is_slow_gets_less() -> None:
    pace = grown()
    for _ in range(30):
        pace.went(over_the_link(100_000 * pace.batches), pace.batches)
    assert pace.batches <= FIRST


def test_one_batch_that_is_too_large_cannot_be_halved() -> None:
    pace = Pace()
    assert pace.too_large(4)
    assert pace.batches == 2
    assert not pace.too_large(1)


@pytest.mark.parametrize("way", [0.0, 0.2])
def test_backfill_leaves_its_share_of_a_slow_link(way: float) -> None:
    pace = Pace()
    pace.went(over_the_link(0, way), FIRST)
    transfer = over_the_link(150_000, way)
    pace.went(transfer, 40)
    share = transfer.bytes / (transfer.took + pace.rest(transfer)) / LINK
    assert share == pytest.approx(BACKFILL_SHARE)


def test_time_in_which_the_link_was_free_anyway_is_no_debt() -> None:
    pace = Pace()
    waited = over_the_link(150_000, work=5.0)
    pace.went(waited, 40)
    assert pace.rest(waited) == 0.0


def test_where_the_link_cannot_be_told_from_the_collector_all_is_the_link() -> None:
    transfer = Transfer(bytes=1000, took=1.0, sending=0.01, queued=500)
    share = transfer.took / (transfer.took + Pace().rest(transfer))
    assert share == pytest.approx(BACKFILL_SHARE)
