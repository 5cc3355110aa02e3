"""Rules of the library that the gateway judges too: its word joins the centre's episode."""

import pytest

from central.alarms.gateways.settling import SETTLING
from central.rules.acts import Confirming
from protocols.words import Purpose, StreamKind
from tests.central.alarms.test_joining import WAIT, Joint
from tests.central.builders import SECOND
from tests.central.rules.test_rulebook import POINT, attach, confirm, create

SUM = {
    "id": "own.sum",
    "label": {"zh": "累计"},
    "quantity": ["tank_level"],
    "unit": "%",
    "kind": "window",
    "aggregate": "sum",
    "window": 3600,
    "allowed_lateness": 600,
    "source": "设计文件",
    "levels": [{"name": "多", "colour": "red", "op": ">=", "limit": 100.0, "status": "D"}],
}
LEVEL = ("多",)


@pytest.fixture
async def story(tmp_path, clock):
    told = await Joint.begin(tmp_path, clock)
    yield told
    await told.collector.close()


async def have(story, document=SUM):
    await create(story, document)
    await confirm(story, document["id"], *(Confirming(name) for name in LEVEL))
    await attach(story, document["id"], family=document["id"])


def events(story, *words):
    return [story.event(*each, "a1", side="own.sum") for each in words]


async def test_a_window_the_gateway_raised_is_the_centres_episode(story):
    await have(story)
    await story.at(0, 60.0)
    story.until(10)
    await story.say(10, *events(story, ("RAISE", "多", 10, 10)))
    assert await story.shown() == [("UNACK", "多", False, "gateway", "awaited")]
    await story.late(12, story.stream, (10, 60.0))
    assert await story.shown() == [("UNACK", "多", False, "gateway", "confirmed")]
    assert (await story.one()).rule == f"{POINT}:own.sum"


async def test_the_centre_first_and_the_gateway_joins(story):
    await have(story)
    await story.at(0, 60.0)
    await story.at(10, 60.0)
    story.until(10.5)
    await story.say(10.5, *events(story, ("RAISE", "多", 10, 10)))
    assert await story.shown() == [("UNACK", "多", False, "centre", "")]
    assert "JOINED:多" in [line for _, line in await story.journal()]


async def test_readings_that_do_not_bear_it_out_mark_it(story):
    await have(story, SUM | {"levels": [SUM["levels"][0] | {"limit": 5_000.0}]})
    await story.at(0, 50.0)
    story.until(10)
    await story.say(10, *events(story, ("RAISE", "多", 10, 10)))
    for second in range(15, 80, 5):
        await story.at(second, 50.0)
    await story.tick(10 + WAIT + 10)
    assert await story.shown() == [("UNACK", "多", False, "gateway", "unconfirmed")]


async def test_put_to_rest_at_the_gateway_is_no_return(story):
    await have(story)
    await story.at(0, 60.0)
    await story.at(10, 60.0)
    story.until(11)
    await story.say(11, *events(story, ("RAISE", "多", 10, 10), ("REST", "多", 11, 10)))
    assert await story.shown() == [("UNACK", "多", False, "centre", "")]


@pytest.mark.parametrize("document", [SUM | {"where": "centre"}, None])
async def test_a_rule_that_is_not_judged_there_is_nobodys(story, document):
    if document is not None:
        await have(story, document)
    story.until(10)
    await story.say(10, *events(story, ("RAISE", "多", 10, 10)))
    page = await story.collector.events(code="GATEWAY_ALARM")
    assert [event.subject for event in page.items] == ["gw/site/tank/level"]
    assert await story.shown() == []


async def test_a_real_alarm_is_not_hidden_by_the_one_of_a_test(story):
    await have(story)
    production = story.alarms, story.stream
    story.alarms = story.gateway.open(kind=StreamKind.ALARM, purpose=Purpose.TEST)
    await story.collector.ingest.put_stream("gw", story.alarms.id, story.alarms.opening)
    await story.at(0, 50.0)
    story.until(10)
    await story.say(10, *events(story, ("RAISE", "多", 10, 10)))
    story.alarms = production[0]
    story.until(20)
    said = story.event("RAISE", "多", 20, 20, "b2", side="own.sum")
    await story.say(20, said)
    tested, real = await story.rows()
    assert (tested.purpose, tested.state) == (Purpose.TEST, "NORMAL")
    assert (real.purpose, real.state, real.origin) == (Purpose.PRODUCTION, "UNACK", "gateway")


async def test_a_test_stream_joins_no_alarm_of_production(story):
    await have(story)
    await story.at(0, 60.0)
    await story.at(10, 60.0)
    production = story.alarms
    story.alarms = story.gateway.open(kind=StreamKind.ALARM, purpose=Purpose.TEST)
    await story.collector.ingest.put_stream("gw", story.alarms.id, story.alarms.opening)
    story.until(11)
    said = events(story, ("RAISE", "多", 10, 10), ("RTN", "多", 11, 10))
    await story.say(11, *said, standing="b2")
    assert await story.shown() == [("UNACK", "多", False, "centre", "")]
    assert "JOINED:多" not in [line for _, line in await story.journal()]
    story.alarms = production


async def test_alarms_of_a_test_and_real_ones_may_begin_in_the_same_look(story):
    await have(story)
    story.until(30)
    await story.say(30, ("RAISE", "HH", 10, 10), standing="c3")
    story.alarms = story.gateway.open(kind=StreamKind.ALARM, purpose=Purpose.TEST)
    await story.collector.ingest.put_stream("gw", story.alarms.id, story.alarms.opening)
    await story.say(30.5, *events(story, ("RAISE", "多", 10, 10)))
    assert await story.shown() == [], "what is not of this moment waits for its own end"
    await story.tick(30.5 + SETTLING / SECOND + 2)
    rows = await story.rows()
    assert [(row.number, row.purpose) for row in rows] == [
        (1, Purpose.PRODUCTION),
        (2, Purpose.TEST),
    ]
    assert len({row.id for row in rows}) == 2


async def test_a_late_past_of_production_is_not_told_by_a_test(story):
    await have(story)
    production = story.stream
    story.alarms = story.gateway.open(kind=StreamKind.ALARM, purpose=Purpose.TEST)
    await story.collector.ingest.put_stream("gw", story.alarms.id, story.alarms.opening)
    story.until(300)
    said = [story.event(*each, "a1") for each in (("RAISE", "HH", 10, 10), ("RTN", "HH", 20, 10))]
    await story.say(300, *said)
    await story.tick(300 + WAIT)
    assert [row.purpose for row in await story.rows()] == [Purpose.TEST]
    await story.late(310, production, (10, 95.0), (20, 50.0))
    tested, real = [row for row in await story.rows() if row.rule.endswith(":high")]
    assert (tested.purpose, tested.confirmation) == (Purpose.TEST, "awaited")
    assert (real.purpose, real.origin, real.state) == (Purpose.PRODUCTION, "centre", "RTN_UNACK")
