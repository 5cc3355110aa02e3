"""Where a boot lies in time as requests show it: drift, slow first requests, jumps, steps."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.evidence.verifying import reading, verify
from central.ingest.anchors import LATER, WHILE, Anchors, corrected
from central.ingest.placement import ALWAYS, Anchor, Placement
from central.store.interface import FLAG_ESTIMATED, FLAG_LATE
from protocols.clock import ClockState
from protocols.wire.headers import ClockReport
from tests.central.builders import BOOT, SECOND, START, Gateway, HandClock
from tests.central.stored import with_readings

HOUR = 3600 * SECOND
DAY = 24 * HOUR
FIRST = Anchor(ALWAYS, ALWAYS, 1_000 * SECOND)


def report(mono, wall=0, state=ClockState.UNSYNCHRONISED):
    return ClockReport(boot=BOOT, mono=mono, wall=wall, state=state)


@pytest.mark.parametrize(
    ("state", "wall_error", "error"),
    [
        (ClockState.UNSYNCHRONISED, -56 * 365 * DAY, 0.3),
        (ClockState.UNSYNCHRONISED, 0, 0.3),
        (ClockState.SYNCHRONISED, 0, 0),
        (ClockState.SYNCHRONISED, 1.5 * SECOND, 1.5),
        (ClockState.SYNCHRONISED, -HOUR, 0.3),
        (ClockState.SYNCHRONISED, 3650 * DAY, 0.3),
        (ClockState.STORY, 30 * SECOND, 30),
    ],
)
def test_whose_clock_is_taken(state, wall_error, error):
    clock = HandClock()
    wall = round(START + wall_error)
    found = Anchors(clock).measured(report(7, wall, state), START + 300_000)
    assert found == START - 7 + round(error * SECOND)


def test_where_our_own_clock_is_held_by_nothing_a_synchronised_gateways_is_taken():
    anchors = Anchors(HandClock(state=ClockState.UNSYNCHRONISED))
    said = report(0, START + HOUR, ClockState.SYNCHRONISED)
    assert anchors.measured(said, START) == START + HOUR


def test_a_slow_first_request_is_put_right_by_the_next():
    late = FIRST.offset - 60 * SECOND
    found = corrected(FIRST, 0, late, None, (5 * SECOND, 10 * SECOND))
    assert found == Anchor(ALWAYS, ALWAYS, late)  # also for what was measured before both


def test_a_fast_clock_drifts():
    at = (10 * HOUR - SECOND, 10 * HOUR)
    found = corrected(FIRST, 0, FIRST.offset - 2 * SECOND, None, at)
    assert found == Anchor(*at, FIRST.offset - 2 * SECOND)


def test_what_is_later_is_believed_only_when_nothing_sooner_came_for_a_while():
    at = (0, 10 * HOUR)
    assert corrected(FIRST, 0, FIRST.offset + 60 * SECOND, None, at) is None
    assert corrected(FIRST, 0, FIRST.offset + 60 * SECOND, FIRST.offset + LATER, at) is None
    drifted = FIRST.offset + 2 * SECOND
    assert corrected(FIRST, 0, drifted + 9, drifted, at) == Anchor(*at, drifted)


def test_between_two_anchors_a_clock_drifts_evenly():
    placement = Placement((FIRST, Anchor(0, 10 * HOUR, FIRST.offset + 2 * SECOND)))
    offsets, guessed = placement.offsets(np.array([-5, 0, 5 * HOUR, 10 * HOUR, DAY]))
    assert (offsets - FIRST.offset).tolist() == [0, 0, SECOND, 2 * SECOND, 2 * SECOND]
    assert not guessed.any()


def test_what_lies_in_a_jump_is_a_guess():
    placement = Placement((FIRST, Anchor(0, HOUR, FIRST.offset + HOUR)))
    offsets, guessed = placement.offsets(np.array([0, 1, HOUR - 1, HOUR, DAY]))
    assert (offsets - FIRST.offset).tolist() == [0, HOUR, HOUR, HOUR, HOUR]
    assert guessed.tolist() == [False, True, True, False, False]


@given(
    ppm=st.integers(-100, 100),
    ways=st.lists(st.integers(0, 1_500_000), min_size=1, max_size=60),
    pauses=st.lists(st.sampled_from([1, 10, 60, 700, 40_000]), min_size=60, max_size=60),
    data=st.data(),
)
def test_a_drifting_clock_is_placed_to_within_its_round_trip(ppm, ways, pauses, data):
    """Whatever the drift, the delays and the silences: what is sent is placed within two seconds.

    True offset 0 at mono 0; at mono m it is -m * ppm. A reading is as old as the silence before.
    """
    anchors, held, met, seen = Anchors(HandClock()), [], 0, 0
    mono = 0
    for way, pause in zip(ways, pauses, strict=False):
        before, mono = mono, mono + pause * SECOND
        true = -mono * ppm // 1_000_000
        came = mono + true + way
        settled = anchors.note("gw", report(mono), came)
        offset = anchors.measured(report(mono), came)
        if not held:
            held, met = [Anchor(ALWAYS, ALWAYS, offset)], mono
        else:
            since = max(held[-1].mono, seen)
            if settled is None and mono - since > WHILE:
                settled = anchors._heard["gw"].low
            start = met if held[-1].mono == ALWAYS else held[-1].mono
            found = corrected(held[-1], start, offset, settled, (since, mono))
            if found is not None:
                held = [*[a for a in held if a[:2] != found[:2]], found]
        seen = mono
        asked = data.draw(st.integers(before, mono))
        placed, _ = Placement(tuple(held)).offsets(np.array([asked]))
        error = int(placed[0]) + asked * ppm // 1_000_000
        age = max(0, met - asked) // 10_000  # 100 ppm of what is older than the first contact
        assert -SECOND - age <= error <= 1_500_000 + SECOND // 2 + age


async def deliver(collector, gateway, stream, value, arrived, ago=0.0):
    place = gateway.seal(stream, gateway.reading("level", value, ago=ago))
    return await gateway.send(collector, stream, place, arrived=arrived)


async def rows(collector):
    return await collector.db.read(
        lambda conn: (
            with_readings(conn).execute("SELECT time, flags FROM reading ORDER BY seq").fetchall()
        )
    )


async def begin(collector, clock):
    clock.state = ClockState.UNSYNCHRONISED
    gateway = Gateway(clock)
    stream = gateway.open()
    await gateway.register(collector, stream)
    return gateway, stream


async def test_the_time_the_body_takes_is_not_its_own(collector, clock):
    gateway, stream = await begin(collector, clock)
    await deliver(collector, gateway, stream, 1.0, START - 40 * SECOND)
    assert await rows(collector) == [(START - 40 * SECOND, 0)]


async def test_no_row_is_rewritten_when_more_is_known(collector, clock):
    gateway, stream = await begin(collector, clock)
    await deliver(collector, gateway, stream, 1.0, START + 60 * SECOND)
    clock.move(10)
    await deliver(collector, gateway, stream, 2.0, clock.now())
    await deliver(collector, gateway, stream, 3.0, clock.now(), ago=1_000)
    assert await rows(collector) == [
        (START + 60 * SECOND, 0),
        (clock.now(), 0),
        (clock.now() - 1_000 * SECOND, FLAG_LATE),
    ]


async def test_a_month_without_contact_has_drifted_by_minutes(collector, clock):
    gateway, stream = await begin(collector, clock)
    await deliver(collector, gateway, stream, 1.0, START)
    clock.move(30 * 86_400)
    drifted = clock.now() + 100 * SECOND
    await deliver(collector, gateway, stream, 2.0, drifted)
    half = 15 * 86_400
    await deliver(collector, gateway, stream, 3.0, drifted, ago=half)
    found = [time for time, _ in await rows(collector)]
    assert found[:2] == [START, drifted]
    assert abs(found[2] - (clock.now() - half * SECOND + 50 * SECOND)) < SECOND


class Stood:
    """The clock of a machine that was held for an hour without noticing."""

    state = ClockState.UNSYNCHRONISED

    def __init__(self, clock):
        self.now = clock.now
        self.mono = lambda: clock.mono() - HOUR


async def test_a_machine_that_stood_still_unnoticed_is_marked_where_nobody_knows(collector, clock):
    gateway, stream = await begin(collector, clock)
    await deliver(collector, gateway, stream, 1.0, START)
    clock.move(4_300)
    gateway.clock = Stood(clock)
    await deliver(collector, gateway, stream, 2.0, clock.now())
    await deliver(collector, gateway, stream, 3.0, clock.now(), ago=300)
    assert [flags & FLAG_ESTIMATED for _, flags in await rows(collector)] == [0, 0, FLAG_ESTIMATED]


def verified(collector):
    """Return what does not agree with the evidence but that nobody signed it."""
    with reading(collector.db.path) as conn:
        said = verify(conn, "gw", None, collector.clock.now() + DAY).findings.said
    return [finding for finding in said if finding.code != "VERIFY_UNSIGNED"]


class Shifted:
    """A clock whose monotonic time is off by `by` microseconds."""

    state = ClockState.UNSYNCHRONISED

    def __init__(self, clock, by):
        self.now = clock.now
        self.mono = lambda: clock.mono() + by


async def test_what_was_never_so_holds_until_the_next_request_only(collector, clock):
    """Whoever has a gateway's credential can state any monotonic time; the gateway goes on."""
    gateway, stream = await begin(collector, clock)
    await deliver(collector, gateway, stream, 1.0, clock.now())
    clock.move(1)
    gateway.clock, honest = Shifted(clock, 2**61), gateway.clock
    await deliver(collector, gateway, stream, 2.0, clock.now())
    gateway.clock = honest
    for _ in range(3):
        clock.move(60)
        await deliver(collector, gateway, stream, 3.0, clock.now())
    assert [time for time, _ in await rows(collector)][-3:] == [
        clock.now() - ago * SECOND for ago in (120, 60, 0)
    ]
    assert await collector.db.read(
        lambda conn: conn.execute("SELECT count(*), count(voided) FROM boot_anchor").fetchone()
    ) == (1, 1)
    assert verified(collector) == []


@pytest.mark.parametrize("restarted", [False, True])
async def test_a_machine_put_back_to_an_older_image_is_now_where_it_says(
    collector, clock, restarted
):
    gateway, stream = await begin(collector, clock)
    await deliver(collector, gateway, stream, 1.0, clock.now())
    clock.move(40 * 86_400)
    gateway.clock = Shifted(clock, -30 * SECOND)  # drifted: a second anchor
    await deliver(collector, gateway, stream, 2.0, clock.now())
    clock.move(1)
    if restarted:
        collector.ingest._committer._anchors._heard.clear()
    gateway.clock = Shifted(clock, -DAY)
    await deliver(collector, gateway, stream, 3.0, clock.now())
    clock.move(60)
    await deliver(collector, gateway, stream, 4.0, clock.now(), ago=30)
    assert [time for time, _ in await rows(collector)][-2:] == [
        clock.now() - 60 * SECOND,
        clock.now() - 30 * SECOND,
    ]
    assert verified(collector) == []


async def test_health_tells_before_a_slow_request_does(collector, clock):
    gateway, stream = await begin(collector, clock)
    said = f'{{"boot": "{BOOT}", "mono": {clock.mono()}, "wall": 5, "clock_state": 0}}'
    await collector.gateways.health(gateway.name, said.encode())
    await deliver(collector, gateway, stream, 1.0, START + 90 * SECOND)
    assert await rows(collector) == [(START, 0)]


async def test_a_boot_we_never_met_is_placed_by_what_its_clock_was_set_to_later(collector, clock):
    gateway = Gateway(clock)
    stream = gateway.open()
    await gateway.register(collector, stream)
    gateway.seal(stream, gateway.reading("level", 1.0), state=ClockState.UNSYNCHRONISED)
    clock.move(100)
    gateway.seal(stream, gateway.reading("level", 2.0))
    clock.move(3600)
    gateway.boot = "f0" * 16
    await gateway.send(collector, stream)
    assert await rows(collector) == [(START, FLAG_LATE), (START + 100 * SECOND, FLAG_LATE)]
