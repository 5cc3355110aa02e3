"""The live stream's middle, second by second."""

import asyncio
import json
from dataclasses import replace

import numpy as np
import pytest

from central.api import alarm_shape, gateway_shape
from central.api import hub as hub_module
from central.api.hub import ALARMS, CLOCK_EVERY, OVERVIEW_EVERY
from central.api.subscriber import BYTES, QUEUE, Message
from central.effects import Effects
from central.identity import persons
from central.identity.principal import Kind, Principal
from central.identity.roles import Role
from protocols.alarms.rule import Colour
from protocols.clock import Pace, StoryClock
from tests.central.api.fake_collector import episode

SECOND = 1  # a beat at which neither clock nor overview is due
assert SECOND % CLOCK_EVERY
assert SECOND % OVERVIEW_EVERY


def waiting(subscriber):
    found = []
    while not subscriber.queue.empty():
        told = subscriber.queue.get_nowait()
        found.append(None if told is None else (told.event, json.loads(told.data)))
    return found


def events(subscriber):
    return [told and told[0] for told in waiting(subscriber)]


@pytest.fixture
def hub(rooms):
    return rooms.hub


@pytest.fixture
def become(collector):
    return collector.store.become


@pytest.fixture
async def who(people, rooms):
    async def made(name, scope=None):
        headers = await people.session("viewer", name=name, scope=scope)
        return await rooms.desk.by_session(headers["Cookie"].split("=")[1])

    return made


async def test_a_subscriber_first_gets_the_clock_then_the_whole_picture(hub, who):
    subscriber = await hub.subscribe(await who("ann"), None)
    told = waiting(subscriber)
    assert [event for event, _ in told] == [
        "clock",
        "overview",
        "values",
        "values",
        "gateway",
        "gateway",
    ]
    assert set(told[0][1]) == {"now", "factor", "story"}
    assert told[2][1]["value"] == [92.4]


async def test_the_scope_holds(hub, who, become):
    subscriber = await hub.subscribe(await who("ann", ("qingyun",)), frozenset({"qingyun"}))
    first = waiting(subscriber)
    assert [body["site"] for event, body in first if event == "values"] == ["qingyun"]
    assert [body["name"] for event, body in first if event == "gateway"] == ["gw-qingyun"]
    assert [site["name"] for site in first[1][1]["sites"]] == ["qingyun"]
    hub.listen(
        Effects(
            values=np.concatenate([become("honghaiwan"), become("qingyun", 93.0)]),
            gateways=["gw-honghaiwan", "gw-qingyun"],
        )
    )
    await hub.beat(SECOND)
    told = waiting(subscriber)
    assert [event for event, _ in told] == ["values", "gateway"]
    assert told[0][1]["site"] == "qingyun"
    assert told[1][1]["name"] == "gw-qingyun"


async def test_only_the_newest_of_a_second_is_sent_and_encoded_once(hub, who, monkeypatch, become):
    one, two = await hub.subscribe(await who("a"), None), await hub.subscribe(await who("b"), None)
    waiting(one), waiting(two)
    encoded = []
    encode = hub_module.site_values
    monkeypatch.setattr(hub_module, "site_values", lambda *a: encoded.append(a) or encode(*a))
    for value in (1.0, 2.0, 3.0):
        hub.listen(Effects(values=become("qingyun", value)))
    await hub.beat(SECOND)
    first, second = waiting(one), waiting(two)
    assert first == second
    assert first[0][1]["value"] == [3.0]
    assert len(encoded) == 1
    await hub.beat(SECOND)
    assert waiting(one) == []


async def test_an_alarm_does_not_wait_for_the_second(hub, who):
    seeing = await hub.subscribe(await who("a"), None)
    elsewhere = await hub.subscribe(await who("b", ("honghaiwan",)), frozenset({"honghaiwan"}))
    waiting(seeing), waiting(elsewhere)
    sending = asyncio.create_task(hub.run())
    hub.listen(Effects(episodes=[episode("qingyun")]))
    told = await asyncio.wait_for(seeing.queue.get(), 60)
    assert (told.event, json.loads(told.data)["id"]) == ("alarm", "alarm-qingyun")
    assert elsewhere.queue.empty()
    sending.cancel()


async def told_of(subscriber, many):
    """Read as a page does, until it was told of so many alarms."""
    found = []
    while len(found) < many:
        told = await asyncio.wait_for(subscriber.frames(1 << 16), 60)
        frames = told.decode().split("\n\n")[:-1]
        found += [json.loads(each.split("data: ")[1]) for each in frames]
    return found


async def test_red_goes_before_what_waits_and_a_change_takes_the_place_of_the_one_before(hub, who):
    subscriber = await hub.subscribe(await who("a"), None)
    waiting(subscriber)
    level = episode("qingyun").level
    blue, red = (replace(level, colour=each) for each in (Colour.BLUE, Colour.RED))
    first = [replace(episode("qingyun"), id=f"A-{nth}", level=blue) for nth in range(3)]
    hub.listen(Effects(episodes=first))
    hub.listen(Effects(episodes=[replace(first[1], id="A-9", level=red)]))
    hub.listen(Effects(episodes=[replace(first[2], level=red), replace(first[0], occurrence=2)]))
    sending = asyncio.create_task(hub.run())
    told = await told_of(subscriber, 4)
    sending.cancel()
    assert [(each["id"], each["occurrence"]) for each in told] == [
        *(("A-9", 1), ("A-2", 1), ("A-0", 2), ("A-1", 1))
    ]


async def test_a_storm_in_one_commit_cuts_no_page_that_reads(hub, who):
    subscriber = await hub.subscribe(await who("a"), None)
    waiting(subscriber)
    storm = [replace(episode("qingyun"), id=f"A-{nth}") for nth in range(4 * QUEUE)]
    hub.listen(Effects(episodes=storm))
    sending = asyncio.create_task(hub.run())
    told = await told_of(subscriber, len(storm))
    sending.cancel()
    assert [each["id"] for each in told] == [each.id for each in storm]
    assert (hub.slow, subscriber.cut) == (0, False)


async def test_a_page_that_reads_nothing_is_cut_and_holds_nobody_up_for_long(hub, who, monkeypatch):
    stuck = await hub.subscribe(await who("s"), None)
    quick = await hub.subscribe(await who("q"), None)
    waiting(stuck), waiting(quick)
    rests, sleep = [], asyncio.sleep

    async def counted(seconds):
        rests.append(seconds)
        await sleep(0)

    monkeypatch.setattr(hub_module.asyncio, "sleep", counted)
    storm = [replace(episode("qingyun"), id=f"A-{nth}") for nth in range(4 * QUEUE)]
    hub.listen(Effects(episodes=storm))
    sending = asyncio.create_task(hub._send_alarms())
    told = await told_of(quick, len(storm))
    sending.cancel()
    assert [each["id"] for each in told] == [each.id for each in storm]
    assert (hub.slow, stuck.cut, quick.cut) == (1, True, False)
    # From half of what may wait until it is cut; after that nobody waits for anybody.
    assert 0.5 < sum(rests) < 0.7


async def test_clock_and_overview_come_in_their_seconds(hub, who):
    subscriber = await hub.subscribe(await who("a"), None)
    waiting(subscriber)
    hub.listen(Effects())
    for tick in range(1, 11):
        await hub.beat(tick)
    assert events(subscriber) == ["overview", "clock", "clock"]


async def test_a_slow_page_is_cut_off_and_counted_and_the_others_go_on(hub, who, become):
    slow, quick = (
        await hub.subscribe(await who("s"), None),
        await hub.subscribe(await who("q"), None),
    )
    for _ in range(QUEUE + 6):  # the picture it was given first does not count
        hub.listen(Effects(values=become("qingyun")))
        await hub.beat(SECOND)
        waiting(quick)
    assert (hub.slow, len(hub)) == (1, 1)
    assert events(slow)[-1] is None
    hub.listen(Effects(values=become("qingyun")))
    await hub.beat(SECOND)
    assert events(quick) == ["values"]


async def test_a_page_with_too_many_bytes_before_it_is_cut_off_and_counted(hub, who):
    slow = await hub.subscribe(await who("s"), None)
    slow.put(Message.of("values", b'"' + b"x" * BYTES + b'"'))
    await hub.beat(CLOCK_EVERY)
    assert (slow.cut, hub.slow, len(hub)) == (True, 1, 0)
    assert events(slow)[-1] is None


async def test_a_logged_out_page_hears_nothing_more(hub, who, rooms):
    ann = await who("ann")
    subscriber = await hub.subscribe(ann, None)
    await rooms.desk.logout(ann)
    await hub.beat(CLOCK_EVERY)
    assert events(subscriber)[-1] is None
    assert len(hub) == 0


async def test_a_page_whose_rights_changed_has_to_connect_again(hub, who, db):
    subscriber = await hub.subscribe(await who("ann"), None)
    await db.write(lambda t: persons.put(t, "ann", frozenset({Role.OPERATOR}), 1))
    await hub.beat(CLOCK_EVERY)
    assert events(subscriber)[-1] is None


async def test_nothing_is_kept_for_nobody(hub, who, become):
    hub.listen(Effects(values=become("qingyun"), episodes=[episode("qingyun")]))
    subscriber = await hub.subscribe(await who("late"), None)
    waiting(subscriber)
    await hub.beat(SECOND)
    assert waiting(subscriber) == []


async def test_a_flood_beyond_the_notes_makes_every_page_connect_again(hub, who):
    subscriber = await hub.subscribe(await who("a"), None)
    flood = [replace(episode("qingyun"), id=f"A-{nth}") for nth in range(ALARMS + 1)]
    hub.listen(Effects(episodes=flood))
    await hub.beat(SECOND)
    assert events(subscriber)[-1] is None
    assert hub.slow == 1


async def test_a_closing_hub_ends_every_stream_also_a_new_one(hub, who):
    before = await hub.subscribe(await who("a"), None)
    hub.close()
    after = await hub.subscribe(await who("b"), None)
    assert events(before)[-1] is None
    assert events(after)[-1] is None


async def test_a_failure_to_subscribe_leaves_nothing_behind(hub, collector):
    async def broken(scope=None):
        raise LookupError

    collector.overview = broken
    with pytest.raises(LookupError):
        await hub.subscribe(Principal(name="x", kind=Kind.SESSION), None)
    assert len(hub) == 0


@pytest.mark.parametrize("broken", ["gateway", "episode"])
async def test_what_a_page_cannot_be_told_stops_nothing(hub, who, collector, monkeypatch, broken):
    told = asyncio.create_task(hub.run())
    subscriber = await hub.subscribe(await who("ann"), None)

    def fails(*_):
        raise ValueError("a shape that nobody thought of")

    maker = gateway_shape if broken == "gateway" else alarm_shape
    monkeypatch.setattr(maker, broken, fails)
    monkeypatch.setattr(hub_module, "TICK", 0.001)
    hub.listen(Effects(episodes=[episode("qingyun")], gateways=["gw-qingyun"]))
    async with asyncio.timeout(60):
        while await subscriber.queue.get() is not None:
            pass
    assert hub.failed == 1
    assert not told.done()
    told.cancel()
    with pytest.raises(asyncio.CancelledError):
        await told


async def test_a_story_tells_its_time_with_every_second(hub, who, collector):
    collector.clock = StoryClock([Pace(real=0, story=0, factor=5.0)])
    subscriber = await hub.subscribe(await who("ann"), None)
    waiting(subscriber)
    for tick in (1, 2, 3):
        await hub.beat(tick)
    assert events(subscriber) == ["clock", "clock", "clock"]


async def test_a_story_that_changes_its_pace_is_told_at_once(hub, who, collector, monkeypatch):
    collector.clock = StoryClock([Pace(real=0, story=0, factor=5.0)])
    monkeypatch.setattr(hub_module, "TICK", 3600.0)
    monkeypatch.setattr(hub_module, "LOOK", 0.001)
    sending = asyncio.create_task(hub.run())
    subscriber = await hub.subscribe(await who("ann"), None)
    waiting(subscriber)
    collector.clock.paces = [Pace(real=0, story=0, factor=60.0)]
    async with asyncio.timeout(60):
        told = await subscriber.queue.get()
    assert (told.event, json.loads(told.data)["factor"]) == ("clock", 60.0)
    assert subscriber.queue.empty()
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
