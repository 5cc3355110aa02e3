"""A lesser lane waits for a greater one, never the other way, and never without end."""

import threading

import pytest

from edge.right_of_way import RightOfWay
from protocols.words import Lane


@pytest.mark.parametrize("under_way", list(Lane))
@pytest.mark.parametrize("lane", list(Lane))
def test_who_waits_for_whom(under_way: Lane, lane: Lane) -> None:
    way = RightOfWay()
    way.claim(under_way)
    assert way.clear(lane) is (lane <= under_way)
    assert way.wait(lane, 0.0) is (lane <= under_way)
    way.release(under_way)
    assert way.clear(lane)


def test_a_thread_that_waits_is_let_go() -> None:
    way = RightOfWay()
    way.claim(Lane.ALARM)
    let_go: list[bool] = []
    waiting = threading.Thread(target=lambda: let_go.append(way.wait(Lane.BACKFILL, 20.0)))
    waiting.start()
    way.release(Lane.ALARM)
    waiting.join(20.0)
    assert let_go == [True]
