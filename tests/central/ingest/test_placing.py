"""Where gateway time lies in UTC: by first contact, by the batch itself, or nobody knows."""

import pytest

from central.store.interface import FLAG_ESTIMATED, FLAG_LATE, FLAG_SOURCE
from protocols.clock import ClockState
from protocols.words import Reading, TimeMark
from tests.central.builders import SECOND, START, Gateway
from tests.central.stored import with_readings

POINT = "site/gw/tank/level"


async def rows(collector):
    return await collector.db.read(
        lambda conn: (
            with_readings(conn)
            .execute("SELECT time, value, flags FROM reading ORDER BY seq")
            .fetchall()
        )
    )


async def begin(collector, gateway):
    stream = gateway.open()
    await gateway.register(collector, stream)
    return stream


async def test_a_synchronised_gateway_places_itself(collector, clock):
    gateway = Gateway(clock, wall_error=250_000)
    stream = await begin(collector, gateway)
    await gateway.deliver(collector, stream, gateway.reading("level", 1.0, ago=1))
    assert await rows(collector) == [(START - SECOND + 250_000, 1.0, 0)]


async def test_an_unsynchronised_one_is_placed_by_our_clock(collector, clock):
    clock.state = ClockState.UNSYNCHRONISED
    gateway = Gateway(clock, wall_error=-50 * 365 * 86_400 * SECOND)
    stream = await begin(collector, gateway)
    await gateway.deliver(collector, stream, gateway.reading("level", 1.0, ago=100))
    assert await rows(collector) == [(START - 100 * SECOND, 1.0, FLAG_LATE)]


async def test_the_first_contact_of_a_boot_holds_for_all_of_it(collector, clock):
    clock.state = ClockState.UNSYNCHRONISED
    gateway = Gateway(clock)
    stream = await begin(collector, gateway)
    await gateway.deliver(collector, stream, gateway.reading("level", 1.0))
    clock.move(10)
    clock.state = ClockState.SYNCHRONISED
    gateway.wall_error = 200 * SECOND
    await gateway.deliver(collector, stream, gateway.reading("level", 2.0))
    assert [time for time, _, _ in await rows(collector)] == [START, START + 10 * SECOND]


async def test_a_boot_we_never_met_is_placed_by_its_batches(collector, clock):
    gateway = Gateway(clock)
    stream = await begin(collector, gateway)
    gateway.seal(stream, gateway.reading("level", 1.0))
    clock.move(3600)
    gateway.boot = "f0" * 16
    await gateway.send(collector, stream)
    assert await rows(collector) == [(START, 1.0, FLAG_LATE)]


async def test_nobody_knows_received_time_with_the_spacing_kept(collector, clock):
    gateway = Gateway(clock)
    stream = await begin(collector, gateway)
    made = [gateway.reading("level", v, ago=a) for v, a in ((1.0, 30), (2.0, 10), (3.0, 0))]
    gateway.seal(stream, *made, state=ClockState.UNSYNCHRONISED)
    clock.move(3600)
    gateway.boot = "f0" * 16
    await gateway.send(collector, stream)
    now = clock.now()
    assert await rows(collector) == [
        (now - 30 * SECOND, 1.0, FLAG_ESTIMATED),
        (now - 10 * SECOND, 2.0, FLAG_ESTIMATED),
        (now, 3.0, FLAG_ESTIMATED),
    ]


async def test_the_devices_own_time_is_never_moved(collector, clock):
    clock.state = ClockState.UNSYNCHRONISED
    gateway = Gateway(clock, wall_error=77 * SECOND)
    stream = await begin(collector, gateway)
    own = Reading(0, 1.0, 0, START - 5 * SECOND, TimeMark.SOURCE)
    await gateway.deliver(collector, stream, own, gateway.reading("level", 2.0))
    assert await rows(collector) == [(START - 5 * SECOND, 1.0, FLAG_SOURCE), (START, 2.0, 0)]


@pytest.mark.parametrize(("ago", "late"), [(60, False), (60.000001, True)])
async def test_late_begins_after_a_minute(collector, gateway, stream, ago, late):
    await gateway.deliver(collector, stream, gateway.reading("level", 1.0, ago=ago))
    (head,) = collector.store.latest([POINT])
    assert head.late is late
