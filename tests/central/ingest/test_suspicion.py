"""Signs that something was set back or is there twice; and what must not be taken for one."""

import pytest

from central.collector import Collector
from protocols.words import Event, StreamKind
from tests.central.builders import BOOT, Gateway, open_collector, refused

OTHER = "b1" * 16


async def told(collector, *codes):
    return [item for item in (await collector.events()).items if item.code in codes]


async def opened(collector, gateway, number, kind=StreamKind.DATA):
    """Open a stream under `number`, as a buffer that stands there does."""
    gateway.streams = number - 1
    made = gateway.open(kind)
    await gateway.register(collector, made)
    return made


async def test_a_number_that_comes_twice_tells_a_buffer_set_back(collector, gateway, clock):
    first = [await opened(collector, gateway, number) for number in (1, 2, 3, 4)]
    clock.move(3600)
    # The card of number 2 is back: it goes on with 3 and 4, and with 5 at its next start.
    for number in (3, 4, 5):
        clock.move(120)
        await opened(collector, gateway, number)
    (event,) = await told(collector, "BUFFER_SET_BACK")
    assert (event.kind, event.subject) == ("security", "gw")
    assert event.params == {"number": 3, "other": first[2].id}
    clock.move(120)
    again = await opened(collector, gateway, 3)
    assert len(await told(collector, "BUFFER_SET_BACK")) == 2
    await gateway.deliver(collector, again, gateway.reading("level", 1.0))


async def test_two_streams_of_one_start_are_one_sign(collector, gateway):
    for number in (1, 2):
        await opened(collector, gateway, number)
    for number in (2, 1):
        await opened(collector, gateway, number)
    assert len(await told(collector, "BUFFER_SET_BACK")) == 1


async def test_restarts_and_late_streams_are_no_sign(collector, gateway, clock):
    made = {}
    for number in (2, 1, 6, 5, 3, 4):
        made[number] = await opened(collector, gateway, number)
        clock.move(60)
    await collector.ingest.put_stream("gw", made[3].id, made[3].opening)
    other = Gateway(clock, "gw2")
    await collector.registry.add_gateway("gw2")
    await opened(collector, other, 3)
    assert await told(collector, "BUFFER_SET_BACK") == []


async def test_two_boots_that_take_turns_are_two_machines(collector, gateway, stream, clock):
    clone = Gateway(clock, boot=OTHER)
    clone.streams = 1
    copied = clone.open()
    await clone.register(collector, copied)
    for _ in range(3):
        await gateway.deliver(collector, stream, gateway.reading("level", 1.0))
        clock.move(40)
        await clone.deliver(collector, copied, clone.reading("level", 2.0))
        clock.move(40)
    (event,) = await told(collector, "GATEWAY_TWICE")
    assert (event.kind, event.subject) == ("security", "gw")
    assert event.params == {"boot": BOOT, "other": OTHER}
    seen = await collector.db.read(
        lambda conn: dict(conn.execute("SELECT boot, seen FROM boot WHERE gateway = 'gw'"))
    )
    assert seen[OTHER] == clock.now() - 40_000_000
    clock.move(3600)
    await gateway.deliver(collector, stream, gateway.reading("level", 1.0))
    assert len(await told(collector, "GATEWAY_TWICE")) == 2


async def test_a_reboot_with_a_request_still_on_its_way_is_one_machine(
    collector, gateway, stream, clock
):
    await gateway.deliver(collector, stream, gateway.reading("level", 1.0))
    rebooted = Gateway(clock, boot=OTHER)
    rebooted.streams = 1
    after = rebooted.open()
    await rebooted.register(collector, after)
    await rebooted.deliver(collector, after, rebooted.reading("level", 2.0))
    clock.move(20)
    await gateway.deliver(collector, stream, gateway.reading("level", 3.0))  # was on its way
    clock.move(60)
    await rebooted.deliver(collector, after, rebooted.reading("level", 4.0))
    clock.move(60)
    # What the earlier boot left comes later, from the boot that runs now.
    gateway.boot = OTHER
    await gateway.deliver(collector, stream, gateway.reading("level", 5.0))
    assert await told(collector, "GATEWAY_TWICE") == []


async def test_a_gateway_that_was_told_more_proves_a_collector_behind(collector, gateway, stream):
    for value in (1.0, 2.0, 3.0):
        gateway.seal(stream, gateway.reading("level", value))
    await gateway.send(collector, stream, 0, 0)
    assert (await refused(gateway.send(collector, stream, 2)))[0] == "GAP"
    (event,) = await told(collector, "COLLECTOR_BEHIND")
    assert (event.kind, event.params) == ("security", {"gateway": "gw", "told": 2, "held": 1})
    assert (await refused(gateway.send(collector, stream, 2)))[0] == "GAP"
    assert len(await told(collector, "COLLECTOR_BEHIND")) == 1


async def test_it_is_told_anew_by_the_next_process(collector, tmp_path, gateway, stream, clock):
    for value in (1.0, 2.0, 3.0):
        gateway.seal(stream, gateway.reading("level", value))
    await refused(gateway.send(collector, stream, 2))
    await collector.close()
    clock.move(1)
    again: Collector = await open_collector(tmp_path, clock)
    async with again:
        await refused(gateway.send(again, stream, 2))
        assert len(await told(again, "COLLECTOR_BEHIND")) == 2


async def test_a_gateways_own_word_proves_it_too(collector, gateway, clock):
    alarms = await opened(collector, gateway, 1, StreamKind.ALARM)
    params = (("now", 3), ("stream", "ab" * 16), ("told", 9))
    place = gateway.seal_events(alarms, Event("COLLECTOR_WENT_BACK", "", clock.mono(), params))
    await gateway.send(collector, alarms, place, lane="alarm")
    (event,) = await told(collector, "COLLECTOR_BEHIND")
    assert event.params == {"gateway": "gw", "told": 9, "held": 3}


@pytest.mark.parametrize("lane", ["live", "backfill"])
async def test_requests_that_come_again_or_late_are_no_sign(collector, gateway, stream, lane):
    for value in (1.0, 2.0, 3.0):
        gateway.seal(stream, gateway.reading("level", value))
    for first, last in ((0, 1), (0, 0), (1, 2), (0, 2), (1, 1)):
        await gateway.send(collector, stream, first, last, lane=lane)
    assert await told(collector, "COLLECTOR_BEHIND") == []
