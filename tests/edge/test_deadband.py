"""Report by exception: first, change of quality, moved by the deadband, heartbeat; nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.deadband import Deadband, moved
from protocols.clock import SECOND
from protocols.profile import MqttAddress, ProfilePoint
from protocols.quality import Quality
from protocols.words import Label, Reading, Value


def sheet(deadband: float = 0.5, heartbeat: float = 60.0) -> ProfilePoint:
    return ProfilePoint(
        name="level",
        label=Label("液位"),
        quantity="tank_level",
        address=MqttAddress(topic="x"),
        deadband=deadband,
        heartbeat=heartbeat,
    )


def reading(value: Value, quality: int = Quality.GOOD) -> Reading:
    return Reading(0, value, quality, 0)


def test_the_first_value_is_reported_and_the_same_again_is_not() -> None:
    band = Deadband([sheet()])
    assert band.select([reading(1.0)], 0) == [reading(1.0)]
    assert band.select([reading(1.0)], 1) == []


def test_small_steps_add_up_to_a_report() -> None:
    band = Deadband([sheet(deadband=0.5)])
    band.select([reading(1.0)], 0)
    reported = [band.select([reading(1.0 + i * 0.25)], i) for i in range(1, 5)]
    assert [bool(r) for r in reported] == [False, True, False, True]


def test_a_change_of_quality_is_always_reported() -> None:
    band = Deadband([sheet()])
    band.select([reading(1.0)], 0)
    bad = reading(None, Quality.BAD_NO_COMMUNICATION)
    assert band.select([bad], 1) == [bad]
    assert band.select([bad], 2) == []
    assert band.select([reading(1.0)], 3) == [reading(1.0)]


def test_the_heartbeat_reports_what_stays() -> None:
    band = Deadband([sheet(heartbeat=10.0)])
    band.select([reading(1.0)], 0)
    assert band.select([reading(1.0)], 10 * SECOND - 1) == []
    assert band.select([reading(1.0)], 10 * SECOND) == [reading(1.0)]


def test_zero_is_a_value() -> None:
    band = Deadband([sheet(deadband=0.0)])
    band.select([reading(0.0)], 0)
    assert band.select([reading(0.1)], 1) == [reading(0.1)]
    assert band.select([reading(0.0)], 2) == [reading(0.0)]


@pytest.mark.parametrize(
    ("last", "value", "band", "expected"),
    [
        (True, False, 5.0, True),
        (True, True, 0.0, False),
        ("开", "关", 1.0, True),
        (1, 1.0, 5.0, True),
        (1, True, 5.0, True),
        (3, 4, 2.0, False),
        (3, 5, 2.0, True),
        (None, None, 0.0, False),
    ],
)
def test_moved(last: Value, value: Value, band: float, expected: bool) -> None:
    assert moved(last, value, band) is expected


@given(st.lists(st.floats(-100, 100), min_size=1), st.floats(0.01, 10))
def test_what_is_held_back_is_always_within_the_deadband(values: list[float], band: float) -> None:
    gate, shown = Deadband([sheet(deadband=band)]), 0.0
    for now, value in enumerate(values):
        for chosen in gate.select([reading(value)], now):
            shown = float(chosen.value or 0)
        assert abs(value - shown) < band
