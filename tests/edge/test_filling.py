"""How long the buffer lasts, at the rate of the last ten minutes."""

from edge.filling import IN_FILES, LONGEST, WINDOW, FillRate
from protocols.clock import HOUR, MINUTE, SECOND

RATE = 1000
"""Bytes a second."""


def after(seconds: int, rate: int = RATE, start: int = 0) -> FillRate:
    filling = FillRate()
    for second in range(start, start + seconds + 1, 10):
        filling.note(second * SECOND, second * rate)
    return filling


def test_nothing_is_told_before_a_minute_has_been_seen() -> None:
    assert after(50).hours_left(50 * SECOND, 50_000, 1 << 30) is None
    assert after(60).hours_left(60 * SECOND, 60_000, 1 << 30) is not None


def test_the_room_over_the_rate_is_the_time_left() -> None:
    room = int(RATE * IN_FILES * 5 * HOUR / SECOND)
    assert after(600).hours_left(600 * SECOND, 600_000, room) == 5.0
    assert after(600).hours_left(600 * SECOND, 600_000, 0) == 0.0


def test_only_the_last_ten_minutes_count() -> None:
    filling = after(24 * 3600, rate=1)
    now, written = 24 * HOUR, 24 * 3600
    for minute in range(1, 12):
        filling.note(now + minute * MINUTE, written + minute * 60 * RATE)
    rate = filling.per_second(now + 11 * MINUTE, written + 11 * 60 * RATE)
    assert rate is not None
    assert rate == RATE * IN_FILES


def test_a_gateway_that_stores_nothing_has_no_end() -> None:
    filling = after(1200, rate=0)
    assert filling.hours_left(1200 * SECOND, 0, 1 << 30) is None
    assert after(600, rate=1).hours_left(600 * SECOND, 600, 1 << 60) == LONGEST


def test_what_is_kept_is_bounded_however_often_it_is_asked() -> None:
    filling = FillRate()
    for second in range(5000):
        filling.note(second * SECOND, second * RATE)
    assert len(filling._seen) <= WINDOW // SECOND // 10 + 2


def test_counting_anew_is_no_rate() -> None:
    filling = after(600)
    filling.note(610 * SECOND, 5)
    assert filling.per_second(620 * SECOND, 5) is None
