"""Back-off spreads gateways, grows within bounds, and no answer silences an alarm for long."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.patience import ASKED_MOST, FIRST, MOST, SPREAD, Patience
from edge.uplink import patience_of
from protocols.words import Lane

LANES = st.sampled_from(list(Lane))


@given(lane=LANES, attempt=st.integers(1, 10_000), seed=st.integers())
def test_jitter_is_full_and_bounded(lane: Lane, attempt: int, seed: int) -> None:
    wait = Patience(lane, random.Random(seed)).jitter(attempt)
    assert 0 <= wait <= min(MOST[lane], FIRST[lane] * 2.0 ** min(attempt - 1, 30))


@given(lane=LANES, seconds=st.floats(0, 1e9), seed=st.integers())
def test_what_the_collector_asks_is_obeyed_up_to_the_lanes_bound(
    lane: Lane, seconds: float, seed: int
) -> None:
    wait = Patience(lane, random.Random(seed)).asked(seconds)
    bound = ASKED_MOST[lane]
    assert wait <= bound
    assert wait >= min(seconds, bound * (1 - SPREAD))


def test_an_hour_asked_of_the_alarm_lane_is_at_most_five_seconds() -> None:
    lane = Patience(Lane.ALARM, random.Random(1))
    assert max(lane.asked(3600) for _ in range(1000)) <= 5.0
    assert max(lane.jitter(attempt) for attempt in range(1, 1000)) <= 5.0


def test_a_thousand_gateways_come_back_at_a_thousand_moments() -> None:
    lanes = [patience_of(f"gw-{i}", "same")[Lane.LIVE] for i in range(1000)]
    first = sorted(lane.jitter(4) for lane in lanes)
    assert len(set(first)) == 1000
    quarters = [sum(low <= wait < low + 1 for wait in first) for low in range(4)]
    assert min(quarters) > 150


@pytest.mark.parametrize("seed", ["a", "b"])
def test_a_process_has_dice_of_its_own(seed: str) -> None:
    one, other = patience_of("gw", seed), patience_of("gw", seed + "x")
    assert one[Lane.LIVE].jitter(9) != other[Lane.LIVE].jitter(9)
