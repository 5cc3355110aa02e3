"""What a gateway says of its own alarms and what its readings lead to: one episode, told once."""

import json

import pytest

from central.alarms.gateways.settling import RECENT, SETTLING, WITHIN
from central.alarms.journal.records import COLUMNS, read_row
from protocols.alarms.acting import Asked
from protocols.alarms.overlay import Act
from protocols.wire.alarm_events import CODE, GatewayAlarm, Said, alarm_event
from protocols.words import Event, StreamKind
from tests.central.alarms.story import Story
from tests.central.builders import SECOND, START, Gateway

WAIT = WITHIN / SECOND + 2


class Joint(Story):
    """A story with an alarm stream beside its readings."""

    @classmethod
    async def begin(cls, folder, clock, **spec):
        told = await super().begin(folder, clock, **spec)
        told.alarms = told.gateway.open(kind=StreamKind.ALARM)
        await told.collector.ingest.put_stream("gw", told.alarms.id, told.alarms.opening)
        return told

    def event(self, word, level, second, began, standing="a1", side="high", by=""):
        now = self.clock.mono()
        ago = round((self.second - second) * SECOND)
        said = GatewayAlarm(
            word=Said(word), subject=("site", "tank", "level"), side=side, standing=standing,
            level=level, value=None if word == "ACK" else 95.0, time=now - ago,
            age=None if began is None else round((second - began) * SECOND), scan=1.0, by=by,
        )  # fmt: skip
        return alarm_event(said)

    @property
    def second(self):
        return (self.clock.time - START) / SECOND

    async def say(self, now, *events, standing="a1", **more):
        """Events (word, level, second, began) that arrive at `now` in one batch."""
        self.until(now)
        made = [
            event if isinstance(event, Event) else self.event(*event, standing, **more)
            for event in events
        ]
        place = self.gateway.seal_events(self.alarms, *made)
        await self.gateway.send(self.collector, self.alarms, place, lane="alarm")
        return self

    async def shown(self):
        return [
            (e.state, e.level.name, e.late, e.origin, e.confirmation) for e in await self.rows()
        ]

    async def live_state(self):
        """The rule's live state as the engine keeps it: its steps, its alarm, its episode."""
        rows = await self.collector.db.read(
            lambda conn: conn.execute(
                "SELECT body FROM condition WHERE rule = 'site/gw/tank/level:high' AND stream = 0"
            ).fetchall()
        )
        ((body,),) = rows
        return [json.loads(body)[key] for key in ("steps", "alarm", "episode")]

    async def rows(self):
        return await self.collector.db.read(
            lambda conn: [
                read_row(row)
                for row in conn.execute(f"SELECT {COLUMNS} FROM episode ORDER BY number")
            ]
        )


@pytest.fixture
async def story(tmp_path, clock):
    told = await Joint.begin(tmp_path, clock)
    yield told
    await told.collector.close()


async def test_the_gateway_opens_and_the_readings_bear_it_out(story):
    await story.at(0, 50.0)
    await story.say(10, ("RAISE", "HH", 10, 10))
    assert await story.shown() == [("UNACK", "HH", False, "gateway", "awaited")]
    await story.late(11, story.stream, (10, 95.0))
    assert await story.shown() == [("UNACK", "HH", False, "gateway", "confirmed")]
    await story.say(20, ("RTN", "HH", 20, 10))
    assert (await story.one()).state == "UNACK", "the readings move it now"
    await story.late(21, story.stream, (20, 50.0))
    assert await story.journal() == [[10, "RAISE:HH"], [10, "JOINED:HH"], [20, "RTN"]]
    assert (await story.one()).raised == (await story.rows())[0].raised


async def test_the_readings_open_and_the_gateway_joins(story):
    await story.at(10, 95.0)
    await story.say(10.2, ("RAISE", "HH", 10, 10))
    await story.say(30, ("RTN", "HH", 30, 10))
    assert await story.shown() == [("UNACK", "HH", False, "centre", "")]
    await story.late(31, story.stream, (30, 50.0))
    assert await story.journal() == [[10, "RAISE:HH"], [10, "JOINED:HH"], [30, "RTN"]]


async def test_a_higher_level_is_followed_before_the_readings_come(story):
    await story.say(10, ("RAISE", "H", 10, 10))
    await story.say(12, ("LEVEL", "HH", 12, 10))
    assert await story.shown() == [("UNACK", "HH", False, "gateway", "awaited")]
    await story.late(13, story.stream, (10, 85.0), (12, 95.0))
    shown = await story.shown()
    assert (len(shown), shown[0][0], shown[0][1], shown[0][4]) == (1, "UNACK", "HH", "confirmed")


async def test_readings_that_do_not_bear_it_out_mark_it_and_remove_nothing(story):
    await story.at(0, 50.0)
    await story.say(10, ("RAISE", "HH", 10, 10))
    for second in range(15, 80, 5):
        await story.at(second, 50.0)
    await story.tick(10 + WAIT + 10)
    assert await story.shown() == [("UNACK", "HH", False, "gateway", "unconfirmed")]
    await story.say(90, ("RTN", "HH", 90, 10))
    assert (await story.one()).state == "UNACK", "no reading of that time was judged yet"
    await story.at(95, 50.0)
    await story.tick(97)
    assert await story.shown() == [("RTN_UNACK", "HH", False, "gateway", "unconfirmed")]
    assert (await story.journal())[-1] == [90, "RTN"]


async def test_unconfirmed_is_taken_back_when_readings_come_after_all(story):
    await story.say(10, ("RAISE", "HH", 10, 10))
    for second in range(15, 80, 5):
        await story.at(second, 50.0)
    await story.tick(10 + WAIT + 10)
    await story.at(85, 95.0)
    assert await story.shown() == [("UNACK", "HH", False, "gateway", "confirmed")]


async def test_a_short_one_is_one_whichever_way_it_comes(story):
    await story.say(12, ("RAISE", "HH", 10, 10), ("RTN", "HH", 11, 10))
    assert await story.shown() == []
    await story.late(13, story.stream, (9, 50.0), (10, 95.0), (11, 50.0))
    await story.tick(13 + WAIT)
    assert await story.shown() == [("RTN_UNACK", "HH", False, "centre", "")]


async def test_a_short_one_whose_readings_never_come_is_told_late(story):
    await story.say(12, ("RAISE", "HH", 10, 10), ("RTN", "HH", 11, 10))
    await story.tick(13 + WAIT)
    assert await story.shown() == [("NORMAL", "HH", True, "gateway", "awaited")]


@pytest.mark.parametrize("events_first", [True, False])
async def test_what_was_over_within_a_cut_is_one_late_episode(story, events_first):
    await story.at(0, 50.0)
    old = await story.new_stream()
    await story.at(1300, 50.0)
    live = await story.live_state()
    said = (("RAISE", "H", 300, 300), ("LEVEL", "HH", 360, 300), ("RTN", "HH", 600, 300))
    past = ((300, 85.0), (360, 95.0), (600, 50.0))
    if events_first:
        await story.say(1301, *said)
        await story.late(1302, old, *past)
    else:
        await story.late(1301, old, *past)
        await story.say(1302, *said)
    await story.tick(1302 + WAIT)
    (shown,) = await story.shown()
    origin = ("gateway", "confirmed") if events_first else ("centre", "")
    assert shown == ("NORMAL", "HH", True, *origin)
    episode = await story.one()
    assert ((episode.returned - episode.raised) / SECOND, episode.late) == (300, True)
    assert await story.live_state() == live


@pytest.mark.parametrize("order", ["readings", "stands", "backfill"])
async def test_what_stands_at_the_end_of_a_cut_is_one_live_alarm(story, order):
    await story.at(0, 50.0)
    old = await story.new_stream()
    raised = ("RAISE", "HH", 300, 300)

    async def readings():
        await story.at(story.second + 1, 95.0)

    async def stands():
        now = story.second + 1
        await story.say(now, ("STANDS", "HH", now, 300))

    async def backfill():
        await story.say(story.second + 1, raised)
        await story.late(story.second + 1, old, (250, 50.0), (300, 95.0), (600, 96.0))

    story.until(1200)
    steps = {"readings": readings, "stands": stands, "backfill": backfill}
    for step in (steps.pop(order), *steps.values()):
        await step()
    await story.tick(1200 + WAIT)
    (shown,) = await story.shown()
    assert shown[:3] == ("UNACK", "HH", False)
    episode = await story.one()
    assert episode.raised == (await story.rows())[0].raised
    assert [e for e in await story.journal() if e[1].startswith("RAISE")] != []
    assert (await story.rows())[0].raised == story.clock.time - round((story.second - 300) * SECOND)


async def test_what_is_not_quite_fresh_waits_for_its_end(story):
    await story.say(40, ("RAISE", "HH", 10, 10))
    assert await story.shown() == []
    await story.say(41, ("RTN", "HH", 35, 10))
    await story.tick(41 + SETTLING / SECOND + 1)
    assert await story.shown() == []
    await story.tick(41 + WAIT)
    assert await story.shown() == [("NORMAL", "HH", True, "gateway", "awaited")]


async def test_what_is_not_quite_fresh_and_stands_is_live_soon(story):
    await story.say(40, ("RAISE", "HH", 10, 10))
    await story.tick(40 + SETTLING / SECOND + 2)
    assert await story.shown() == [("UNACK", "HH", False, "gateway", "awaited")]


async def test_what_is_old_is_live_only_when_it_is_said_to_stand(story):
    await story.say(10 + RECENT / SECOND + 5, ("RAISE", "HH", 10, 10))
    await story.tick(200)
    assert await story.shown() == []
    await story.say(201, ("STANDS", "HH", 201, 10))
    assert await story.shown() == [("UNACK", "HH", False, "gateway", "awaited")]


async def test_said_twice_is_said_once(story):
    for second in (10, 11):
        await story.say(second, ("RAISE", "HH", 10, 10))
    await story.late(12, story.stream, (10, 95.0))
    await story.late(21, story.stream, (20, 50.0))
    for second in (22, 23):
        await story.say(second, ("RTN", "HH", 20, 10))
    assert await story.shown() == [("RTN_UNACK", "HH", False, "gateway", "confirmed")]


async def test_a_standing_whose_end_was_lost_goes_on_as_the_next(story):
    await story.say(10, ("RAISE", "HH", 10, 10))
    await story.say(20, ("RAISE", "HH", 20, 20), standing="b2")
    assert len(await story.shown()) == 1
    await story.say(30, ("RTN", "HH", 30, 20), standing="b2")
    await story.tick(30 + WAIT)
    assert (await story.one()).state == "RTN_UNACK"


async def test_acknowledged_at_the_gateway_counts_once_by_the_earlier(story):
    await story.at(10, 95.0)
    await story.say(11, ("RAISE", "HH", 10, 10))
    await story.say(20, ("ACK", "HH", 19, 10), by="王")
    episode = await story.one()
    assert (episode.state, episode.acknowledged.by) == ("ACKED", "gw: 王")
    with pytest.raises(Exception, match="ALREADY_ACKNOWLEDGED"):
        await story.ack("ann")


async def test_an_earlier_acknowledgement_at_the_gateway_wins_when_it_comes(story):
    await story.at(10, 95.0)
    await story.say(11, ("RAISE", "HH", 10, 10))
    story.until(30)
    await story.ack("ann")
    await story.say(40, ("ACK", "HH", 20, 10), by="王")
    assert (await story.one()).acknowledged.by == "gw: 王"
    await story.say(41, ("ACK", "HH", 35, 10), by="李")
    assert (await story.one()).acknowledged.by == "gw: 王"
    assert [line for _, line in await story.journal()][-2:] == ["ACK:HH", "ACK_REJECTED:HH"]


async def test_what_no_rule_of_its_own_knows_is_an_event_and_no_alarm(story):
    await story.say(10, ("RAISE", "XX", 10, 10))
    page = await story.collector.events(code=CODE)
    assert [e.subject for e in page.items] == ["gw/site/tank/level"]
    odd = Event(CODE, "site/tank/level", story.clock.mono(), (("word", "RAISE"),))
    await story.say(11, odd)
    page = await story.collector.events(code="GATEWAY_ALARM_UNREADABLE")
    assert len(page.items) == 1
    assert await story.shown() == []


async def test_what_waits_survives_a_restart(story, tmp_path):
    await story.at(0, 50.0)
    await story.say(10, ("RAISE", "HH", 10, 10))
    await story.reopen(tmp_path)
    await story.late(12, story.stream, (10, 95.0))
    assert await story.shown() == [("UNACK", "HH", False, "gateway", "confirmed")]
    await story.say(40, ("RAISE", "LL", 20, 20), standing="c3", side="low")
    await story.reopen(tmp_path)
    await story.tick(40 + SETTLING / SECOND + 2)
    assert len(await story.shown()) == 2


async def test_a_past_that_no_live_reading_follows_goes_on_in_the_same_episode(story):
    """A quiet point: what the cut kept comes as if it were live."""
    await story.at(0, 50.0)
    await story.say(900, ("RAISE", "HH", 300, 300), ("RTN", "HH", 600, 300))
    await story.late(901, story.stream, (300, 95.0), (600, 50.0))
    (shown,) = await story.shown()
    assert (shown[2:], shown[0]) == ((True, "gateway", "confirmed"), "RTN_UNACK")
    assert [word for _, word in await story.journal()][-2:] == ["JOINED:HH", "RTN"]


async def test_a_gateway_speaks_of_its_own_points_alone(story):
    await story.collector.registry.add_gateway("other")
    other = Gateway(story.clock, name="other", points=())
    stream = other.open(kind=StreamKind.ALARM)
    await other.register(story.collector, stream)
    story.until(10)
    place = other.seal_events(stream, story.event("RAISE", "HH", 10, 10))
    await other.send(story.collector, stream, place, lane="alarm")
    assert await story.shown() == []


async def test_what_a_shelf_covers_calls_nobody(story):
    await story.at(0, 50.0)
    engine, clock = story.collector._engine, story.clock
    shelf = Asked(Act.SHELVE, "ann", "maintenance", seconds=600.0)
    await story.collector.db.write(
        lambda tables: engine.act(tables, "site/gw/tank/level:high", shelf, clock.now())
    )
    await story.say(10, ("RAISE", "HH", 10, 10))
    await story.late(11, story.stream, (10, 95.0), (20, 50.0))
    await story.say(21, ("RTN", "HH", 20, 10))
    await story.tick(21 + WAIT)
    assert [(row[0], row[4]) for row in await story.shown()] == [("NORMAL", "confirmed")]
    words = [word for _, word in await story.journal()]
    assert "RAISE:HH" not in words
