"""A silent gateway is one item, told once; its return too; never an alarm."""

import asyncio
import contextlib
import sqlite3

import pytest

from central.api import gateway_shape
from central.contacts import OFFLINE_AFTER
from central.identity.principal import Kind, Principal
from central.registry_records import BufferState
from protocols.wire.canonical import dump
from tests.central.builders import SECOND, START, open_collector, refused

SILENCE = OFFLINE_AFTER / SECOND


async def settle():
    """Let tasks run up to where they wait."""
    for _ in range(30):
        await asyncio.sleep(0)


@pytest.fixture
async def watched(collector):
    task = asyncio.create_task(collector.run())
    await settle()
    yield collector
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def moved(collector, clock, seconds):
    """Move the clock and wait until the listeners hear of an event."""
    heard = asyncio.Queue()
    collector.listeners.append(heard.put_nowait)
    clock.move(seconds)
    async with asyncio.timeout(60):
        while not (await heard.get()).events:
            pass
    collector.listeners.remove(heard.put_nowait)


async def faults(collector):
    return [event.code for event in (await collector.events(kind="fault")).items]


async def test_a_gateway_that_never_came_is_never(collector, clock):
    assert collector.registry.gateway("gw").state == "never"
    clock.move(3600)
    assert collector.registry.gateway("gw").state == "never"
    assert await faults(collector) == []


async def test_silence_is_told_once_and_so_is_the_return(watched, gateway, clock):
    stream = gateway.open()
    await gateway.register(watched, stream)
    await gateway.deliver(watched, stream, gateway.reading("level", 95.0))
    await settle()
    clock.move(SILENCE - 1)
    await settle()
    assert watched.registry.gateway("gw").state == "online"
    await moved(watched, clock, 1)
    record = watched.registry.gateway("gw")
    assert record.state == "offline"
    assert record.offline_since == START
    clock.move(1000)
    await settle()
    assert await faults(watched) == ["GATEWAY_OFFLINE"]
    # The alarm stands: silence is not a return to normal.
    (episode,) = (await watched.alarms.episodes()).items
    assert episode.state == "UNACK"
    await gateway.deliver(watched, stream, gateway.reading("level", 95.0))
    assert watched.registry.gateway("gw").state == "online"
    events = (await watched.events(kind="fault")).items
    assert [event.code for event in events] == ["GATEWAY_ONLINE", "GATEWAY_OFFLINE"]
    assert events[0].params == {"seconds": 1030}


async def test_any_request_is_contact(watched, gateway, clock):
    await watched.ingest.post_health("gw", b"{}")
    await settle()
    for _ in range(3):
        clock.move(SILENCE - 1)
        await watched.ingest.post_health("gw", b"{}")
        await settle()
    assert watched.registry.gateway("gw").state == "online"
    unknown = gateway.open()
    gateway.seal(unknown, gateway.reading("level", 1.0))
    clock.move(SILENCE - 1)
    assert (await refused(gateway.send(watched, unknown)))[0] == "STREAM_UNKNOWN"
    assert watched.registry.gateway("gw").last_contact == clock.now()


async def test_after_a_start_everybody_has_the_full_time(collector, tmp_path, clock):
    await collector.ingest.post_health("gw", b"{}")
    await collector.close()
    clock.move(3600)
    again = await open_collector(tmp_path, clock)
    task = asyncio.create_task(again.run())
    await settle()
    assert again.registry.gateway("gw").state == "online"
    await moved(again, clock, SILENCE)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await again.close()
    third = await open_collector(tmp_path, clock)
    assert third.registry.gateway("gw").state == "offline"
    assert await faults(third) == ["GATEWAY_OFFLINE"]
    await third.close()


async def test_health_shows_backlog_buses_and_devices(collector, gateway, stream):
    told = {
        "version": "0.1.0",
        "clock_state": 1,
        "backlog": {"readings": 1204, "oldest": START, "alarm_readings": 2},
        "buses": [
            {
                "name": "bus",
                "state": "online",
                "devices": [{"site": "site", "name": "tank", "state": "offline", "since": START}],
            }
        ],
        "buffer": {
            "bytes": 5,
            "quota_bytes": 9,
            "hours_left": 71.5,
            "medium": "memory",
            "failing": "BUFFER_IO",
            "reserve_only": True,
        },
        "drops": {"quota": 4, "thinned": 0, "Bad Name": 1, "much": -1},
        "new_key": {"of": "a newer gateway"},
    }
    await collector.ingest.post_health("gw", dump(told, "health"))
    record = collector.registry.gateway("gw")
    assert (record.version, record.clock.state, record.points) == ("0.1.0", 1, 4)
    assert (record.backlog.readings, record.backlog.alarm_readings) == (1204, 2)
    buffer = record.buffer
    assert (buffer.bytes, buffer.quota_bytes, buffer.hours_left) == (5, 9, 71.5)
    assert (buffer.medium, buffer.failing, buffer.reserve_only) == ("memory", "BUFFER_IO", True)
    assert buffer.drops == {"quota": 4, "thinned": 0}
    (bus,) = record.buses
    assert (bus.name, bus.protocol, bus.state) == ("bus", "mqtt", "online")
    assert (bus.devices[0].label.zh, bus.devices[0].state, bus.devices[0].since) == (
        "储罐",
        "offline",
        START,
    )


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b"1",
        b'{"backlog": [], "buses": {"a": 1}}',
        b'{"buses": [1, {"devices": [null]}]}',
        b'{"version": 7, "clock_state": true, "buses": [{"state": "x", "name": 5}]}',
        b'{"buffer": {"hours_left": true, "bytes": -1, "medium": [], "failing": "a"}, "drops": 7}',
        b'{"buffer": {"hours_left": -1.5, "medium": "fine"}, "drops": {"a": 1.5}}',
    ],
)
async def test_health_of_another_form_counts_as_not_told(collector, body):
    await collector.ingest.post_health("gw", body)
    record = collector.registry.gateway("gw")
    assert (record.version, record.clock.state, record.backlog.readings) == ("", None, 0)
    assert record.buffer == BufferState()


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 5000])
async def test_health_that_is_no_json_is_refused(collector, body):
    assert (await refused(collector.ingest.post_health("gw", body)))[:2] == ("WIRE", 400)


@pytest.mark.parametrize("time", [-1, 2**62, 2**64 - 1, True, 1.5])
async def test_a_gateway_that_tells_nonsense_times_is_still_shown(collector, gateway, stream, time):
    told = {
        "clock_state": 7,
        "backlog": {"readings": -3, "oldest": time, "alarm_readings": 1},
        "buses": [
            {
                "name": "bus",
                "state": "online",
                "devices": [{"site": "site", "name": "tank", "state": "online", "since": time}],
            }
        ],
    }
    await collector.ingest.post_health("gw", dump(told, "health"))
    record = collector.registry.gateway("gw")
    assert (record.clock.state, record.backlog.readings, record.backlog.oldest) == (None, 0, None)
    assert record.buses[0].devices[0].since is None
    everyone = Principal(name="a", kind=Kind.SESSION, scope=None)
    assert gateway_shape.gateway(record, everyone).model_dump_json()


async def test_a_wall_clock_that_jumps_makes_nobody_offline_and_hides_nobody(
    watched, gateway, clock, monkeypatch
):
    await watched.ingest.post_health("gw", b"{}")
    for jump in (3600 * SECOND, -3600 * SECOND):
        monkeypatch.setattr(clock, "now", lambda jump=jump: clock.time + jump)
        clock.move(SILENCE - 1)
        await settle()
        assert watched.gateways.online("gw")
        await watched.ingest.post_health("gw", b"{}")
    await moved(watched, clock, SILENCE)
    assert not watched.gateways.online("gw")


async def test_silence_and_return_are_told_even_if_the_first_write_fails(
    collector, gateway, stream, clock, impatient
):
    with contextlib.closing(sqlite3.connect(collector.db.path, isolation_level=None)) as other:
        clock.move(SILENCE)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(sqlite3.OperationalError):
            await collector.gateways._check(clock.now())
        other.execute("ROLLBACK")
        await collector.gateways._check(clock.now())
        assert not collector.gateways.online("gw")
        other.execute("BEGIN IMMEDIATE")
        code, status, _ = await refused(collector.ingest.post_health("gw", b"{}"))
        assert (code, status) == ("STORE_UNAVAILABLE", 503)
        other.execute("ROLLBACK")
    await collector.ingest.post_health("gw", b"{}")
    codes = [event.code for event in (await collector.events()).items]
    assert codes == ["GATEWAY_ONLINE", "GATEWAY_OFFLINE"]
