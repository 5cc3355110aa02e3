"""A gateway's clock at the centre: how far off it is, how exact that is, how bad."""

import pytest

from central.clock_told import ORANGE, YELLOW, ClockTold, read_clock, read_report
from protocols.clock import ClockState
from protocols.wire.canonical import dump
from protocols.wire.headers import ClockReport
from tests.central.builders import BOOT, SECOND, START

SYNCHRONISED = int(ClockState.SYNCHRONISED)


def report(wall):
    return ClockReport(boot=BOOT, mono=5, wall=wall, state=ClockState.SYNCHRONISED)


@pytest.mark.parametrize(
    ("state", "offset", "within", "grade"),
    [
        (None, None, None, None),
        (1, 0, 0, None),
        (1, YELLOW - 1, 0, None),
        (1, YELLOW, 0, "yellow"),
        (1, -YELLOW, 0, "yellow"),
        (1, -YELLOW, 1, None),
        (1, ORANGE - 1, 0, "yellow"),
        (1, -ORANGE, 0, "orange"),
        (1, ORANGE, 20 * SECOND, "yellow"),
        (2, YELLOW, None, "yellow"),
        (0, 0, 0, "orange"),
        (0, None, None, "orange"),
    ],
)
def test_how_bad_a_clock_is_by_what_is_sure_of_it(state, offset, within, grade):
    assert ClockTold(state=state, offset=offset, within=within).grade == grade


def test_the_offset_is_exact_to_half_the_round_trip():
    """Written at 10.0 by both clocks, here at 10.3: the way was 0.4 there and back."""
    told = ClockTold(state=1, round_trip=400_000).met(report(START), START + 300_000)
    assert (told.offset, told.within) == (-100_000, 200_000)
    unknown = ClockTold(state=1).met(report(START), START + 300_000)
    assert (unknown.offset, unknown.within) == (-300_000, None)


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"boot": BOOT, "mono": 5, "wall": 5},
        {"boot": "x", "mono": 5, "wall": 5, "clock_state": 1},
        {"boot": BOOT, "mono": True, "wall": 5, "clock_state": 1},
        {"boot": BOOT, "mono": 5, "wall": 2**63, "clock_state": 1},
        {"boot": BOOT, "mono": 5, "wall": 5, "clock_state": 3},
    ],
)
def test_clocks_that_are_not_told_whole_count_as_not_told(said):
    assert read_report(said) is None


@pytest.mark.parametrize("detail", [{}, {"reason": "Not A Word", "pauses": -1, "round_trip": 1e3}])
def test_a_detail_of_another_form_counts_as_not_told(detail):
    assert read_clock({"clock_state": 1}, detail) == ClockTold(state=1)


async def test_a_report_of_health_shows_the_offset(collector, clock, gateway, stream):
    told = {
        "boot": BOOT,
        "mono": clock.mono(),
        "wall": clock.now() + 75 * SECOND,
        "clock_state": SYNCHRONISED,
        "clock": {"reason": "", "maximum_error": 1_000, "round_trip": 40_000, "pauses": 2},
    }
    await collector.ingest.post_health("gw", dump(told, "health"))
    clock_told = collector.registry.gateway("gw").clock
    assert clock_told.offset == 75 * SECOND + 20_000
    assert (clock_told.within, clock_told.pauses, clock_told.grade) == (20_000, 2, "orange")


async def test_times_of_a_gateway_whose_clock_is_off_are_shown_in_ours(
    collector, clock, gateway, stream
):
    """A gateway in 1970 says that its backlog is ten minutes old and its device silent for one."""
    wall = 3600 * SECOND
    silent = {"site": "site", "name": "tank", "state": "offline", "since": wall - 60 * SECOND}
    told = {
        "boot": BOOT,
        "mono": clock.mono(),
        "wall": wall,
        "clock_state": 0,
        "clock": {"round_trip": 0},
        "backlog": {"readings": 7, "oldest": wall - 600 * SECOND, "alarm_readings": 0},
        "buses": [{"name": "bus", "state": "offline", "devices": [silent]}],
    }
    await collector.ingest.post_health("gw", dump(told, "health"))
    record = collector.registry.gateway("gw")
    assert record.backlog.oldest == clock.now() - 600 * SECOND
    assert record.buses[0].devices[0].since == clock.now() - 60 * SECOND
