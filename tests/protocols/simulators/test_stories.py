"""The stories cross their thresholds when the demo says they do, and come back to normal."""

import pytest

from protocols.simulators.plant import EVENING, plugged
from protocols.simulators.shapes import clock, polyline, wobble
from protocols.simulators.stories import CUT, PERIOD, STORIES

SECOND = 1_000_000


def first_at(story, point, reached, start="19:00", end="22:40"):
    signal = STORIES[story][point]
    for t in range(int(clock(start)), int(clock(end))):
        if reached(signal(float(t))):
            return t
    return None


@pytest.mark.parametrize(
    ("story", "point", "limit", "start", "at"),
    [
        ("reservoir", "rsv-wl", 56.50, "19:00", "20:54:24"),
        ("reservoir", "rsv-wl", 56.90, "22:00", "22:08"),
        ("tankfarm", "lt-101", 13.00, "19:00", "21:33:55"),
        ("tankfarm", "lt-101", 13.80, "22:00", "22:05:53"),
        ("crane", "moment", 90, "22:00", "22:01:57"),
        ("crane", "moment", 100, "22:00", "22:02:13"),
        ("crane", "moment", 105, "22:00", "22:02:18"),
        ("firepanel", "smoke-02-037", True, "22:00", "22:16"),
        ("firepanel", "manual-03-002", True, "22:00", "22:16:56"),
    ],
)
def test_each_threshold_is_crossed_on_time(story, point, limit, start, at):
    crossed = first_at(story, point, lambda value: value >= limit, start)
    assert crossed == pytest.approx(clock(at), abs=8)


@pytest.mark.parametrize(
    ("story", "point", "returned"),
    [
        ("reservoir", "rsv-wl", lambda v: v < 56.85),
        ("tankfarm", "lt-101", lambda v: v < 13.75),
        ("tankfarm", "gds-103", lambda v: v < 20),
        ("crane", "moment", lambda v: v < 85),
        ("firepanel", "smoke-02-037", lambda v: v is False),
    ],
)
def test_everything_returns_to_normal_before_it_repeats(story, point, returned):
    signal = STORIES[story][point]
    assert returned(signal(clock("22:33")))
    assert signal(clock("22:06")) == pytest.approx(signal(clock("22:06") + PERIOD), abs=1.0)


def test_the_tank_stands_at_high_when_the_evening_begins():
    level = STORIES["tankfarm"]["lt-101"](0.0)
    assert 13.0 <= level < 13.8


def test_no_signal_jumps_at_the_joints_of_its_cycle():
    for name in ("rsv-wl", "gate-1", "seepage"):
        signal = STORIES["reservoir"][name]
        assert signal(PERIOD - 0.5) == pytest.approx(signal(PERIOD + 0.5), abs=0.2)
    level = STORIES["tankfarm"]["lt-101"]
    assert level(-0.5) == pytest.approx(level(0.5), abs=0.01)
    assert level(PERIOD - 0.5) == pytest.approx(level(PERIOD + 0.5), abs=0.01)


def test_the_cable_is_out_before_the_evening_and_in_the_gap():
    inside = plugged(CUT)

    def at(text):
        return inside(EVENING + int(clock(text)) * SECOND)

    assert [at(t) for t in ("19:00", "21:59:59", "22:00", "22:10", "22:13:59", "22:14")] == [
        False, False, True, False, False, True,
    ]  # fmt: skip
    assert inside(EVENING + int(CUT[0] + PERIOD + 1) * SECOND) is False


def test_shapes_are_functions_of_time_alone():
    line = polyline([(0, 1.0), (10, 2.0)])
    assert [line(-5), line(0), line(5), line(99)] == [1.0, 1.0, 1.5, 2.0]
    move = wobble("a", 2.0)
    assert move(17.5) == move(17.5)
    assert all(abs(move(t)) <= 2.0 for t in range(1000))
