"""What a gateway is told: its rules and people's acts, and nothing it has already."""

import asyncio

import pytest

from central.alarms.acts.asked import Deed
from central.guidance import acts as told_acts
from central.guidance.guidance import Guidance
from central.rules.acts import Confirming
from edge.alarms.following import Following
from protocols.errors import UplinkUnavailable
from protocols.wire.acts_told import ActsTold, Seen, decode_acts
from protocols.wire.rule_talk import NONE, encode_said, parse_said, parts_of
from tests.central.alarms.story import Story
from tests.central.alarms.test_acting import do as do_act
from tests.central.rules.test_rulebook import PERCENT, POINT, attach, confirm, create, detach
from tests.edge.waiting import eventually

BOOT, NONCE = "b007" * 8, "0f" * 16
TWO = {
    "id": "own.two",
    "label": {"zh": "又高又快"},
    "quantity": ["tank_level"],
    "unit": "",
    "kind": "levels",
    "source": "设计文件",
    "inputs": [{"name": "a", "rule": f"{POINT}:high"}, {"name": "b", "rule": f"{POINT}:own.rate"}],
    "levels": [{"name": "两个", "colour": "red", "op": ">=", "limit": 2.0, "status": "D"}],
}
RATE = {
    "id": "own.rate",
    "label": {"zh": "上涨过快"},
    "quantity": ["tank_level"],
    "unit": "%",
    "kind": "rate",
    "per": 1,
    "source": "设计文件",
    "levels": [{"name": "快", "colour": "red", "op": ">", "limit": 5.0, "status": "D"}],
}


class Taker:
    """A gateway that remembers what it was told."""

    def __init__(self, guidance, gateway="gw"):
        self.version = NONE
        self.rules = self.acts = None
        self.refused, self.asked = [], 0
        self.broken = False
        self._guidance, self._gateway = guidance, gateway
        self.following = Following(self._ask, BOOT, self)

    async def _ask(self, question):
        if self.broken:
            raise UplinkUnavailable(url="", reason="")
        self.asked += 1
        said = await self._guidance.answer(self._gateway, question, NONCE)
        return parse_said(encode_said(said), NONCE)

    async def judge_by(self, rules, digest, document):
        self.rules, self.version = rules, digest

    def obey(self, told):
        self.acts = told

    def refuse(self, what, reason):
        self.refused.append((what, reason))

    def ids(self):
        return sorted(each.definition.rule.id for each in self.rules.rules)


@pytest.fixture
async def story(tmp_path, clock):
    told = await Story.begin(tmp_path, clock)
    told.guidance = Guidance(told.collector)
    told.collector.listeners.append(told.guidance.heard)
    yield told
    await told.collector.close()


@pytest.fixture
def taker(story):
    return Taker(story.guidance)


async def look(story, taker):
    await taker.following.look(await story.guidance.hint("gw"))


async def test_what_it_has_is_not_sent_again(story, taker):
    await taker.following.look()
    assert taker.asked == 2, "rules, and acts"
    await look(story, taker)
    assert taker.asked == 2
    await taker.following.follow()
    assert (taker.asked, taker.ids(), taker.acts) == (3, [], ActsTold())


async def test_a_rule_of_the_library_comes_down_and_goes_again(story, taker):
    await create(story, PERCENT)
    number = await attach(story, "own.high")
    await look(story, taker)
    assert taker.ids() == [], "nobody confirmed it"
    await confirm(story)
    await look(story, taker)
    assert taker.ids() == [f"{POINT}:high"], "in the place of the manifest's, under its id"
    (rule,) = taker.rules.rules
    assert [each.limit for each in rule.definition.rule.levels] == [70.0]
    assert taker.rules.masked == {f"{POINT}:high"}
    await detach(story, number)
    await look(story, taker)
    assert (taker.ids(), taker.rules.masked) == ([], frozenset())


async def test_rules_for_the_centre_alone_stay_there(story, taker):
    await create(story, PERCENT | {"where": "centre"})
    await confirm(story)
    await attach(story, "own.high")
    await look(story, taker)
    assert (taker.ids(), taker.rules.masked) == ([], {f"{POINT}:high"}), "and its own gives way"


async def test_what_counts_comes_down_with_what_it_counts(story, taker):
    for document, level in ((RATE, "快"), (TWO, "两个")):
        await create(story, document)
        await confirm(story, document["id"], Confirming(level))
    await attach(story, "own.two", family="own.two")
    await look(story, taker)
    assert taker.ids() == [], "the rate is judged by nobody yet"
    await attach(story, "own.rate", family="own.rate")
    await look(story, taker)
    assert taker.ids() == [f"{POINT}:own.rate", f"{POINT}:own.two"]
    counting = taker.rules.rules[1]
    assert counting.inputs == (("", f"{POINT}:high"), ("", f"{POINT}:own.rate"))


async def test_an_acknowledgement_and_a_shelf_come_down_once(story, taker):
    await story.at(0, 95.0)
    await look(story, taker)
    assert taker.acts == ActsTold()
    episode = await story.one()
    await do_act(story, Deed.ACKNOWLEDGE, alarm=episode.id)
    await do_act(story, Deed.SHELVE, key="k2", alarm=episode.id, seconds=600.0, text="检修")
    await look(story, taker)
    (seen,), (over,) = taker.acts.seen, taker.acts.over
    assert (seen.rule, seen.by, seen.raised) == (f"{POINT}:high", "ann", episode.raised)
    assert (over.rule, over.shelf.one_shot, over.by, over.reason) == (
        *(seen.rule, False),
        *("ann", "检修"),
    )
    before = taker.asked
    await look(story, taker)
    assert taker.asked == before
    await do_act(story, Deed.UNSHELVE, key="k3", rule=f"{POINT}:high", text="完工")
    await story.at(20, 10.0)
    await look(story, taker)
    assert taker.acts == ActsTold(), "it is over"


async def test_what_changed_is_news_with_the_next_delivery_and_then_no_more(story, taker):
    guidance = story.guidance
    assert guidance.news("gw") == "", "it has not asked yet"
    await look(story, taker)
    assert guidance.news("gw") == ""
    await story.at(0, 95.0)
    await do_act(story, Deed.ACKNOWLEDGE, alarm=(await story.one()).id)
    assert guidance.news("gw") == await guidance.hint("gw") != ""
    await told(story, taker)
    assert len(taker.acts.seen) == 1
    assert guidance.news("gw") == ""
    await create(story, PERCENT)
    await confirm(story)
    await attach(story, "own.high")
    await eventually(lambda: guidance.news("gw") != "")
    await told(story, taker)
    assert taker.ids() == [f"{POINT}:high"]
    await told(story, taker)
    assert guidance.news("gw") == ""


async def told(story, taker):
    """The gateway hears what comes with a delivery."""
    taker.following.heard(story.guidance.news("gw"))
    asked, running = taker.asked, asyncio.create_task(taker.following.run())
    if taker.following._hinted.is_set():
        await eventually(lambda: taker.asked > asked and not taker.following._hinted.is_set())
    running.cancel()


async def test_a_collector_that_started_anew_tells_the_same(story, taker):
    await story.at(0, 95.0)
    await do_act(story, Deed.ACKNOWLEDGE, alarm=(await story.one()).id)
    await look(story, taker)
    again = Guidance(story.collector)
    assert await again.hint("gw") == await story.guidance.hint("gw")
    assert len(taker.acts.seen) == 1


async def test_what_is_heard_of_a_rule_while_the_tables_are_read_is_newer():
    known = told_acts.Read({"a:x": ("gw", Seen("a:x", 1, 2, "old"))}, {})
    acts = told_acts.Acts()
    acts._fresh.add("a:x")
    acts.load(known)
    assert decode_acts(acts.document("gw")) == ActsTold()


async def test_a_document_of_several_parts_arrives_whole(story, taker, monkeypatch):
    monkeypatch.setattr("central.guidance.guidance.parts_of", in_pieces)
    await create(story, PERCENT)
    await attach(story, "own.high")
    await confirm(story)
    await look(story, taker)
    assert taker.ids() == [f"{POINT}:high"]
    assert taker.asked > 10


async def test_what_cannot_be_read_is_reported_and_not_asked_for_again(story, taker, monkeypatch):
    monkeypatch.setattr("central.guidance.rule_sets.encode_rules", lambda *_: b"{}")
    await look(story, taker)
    assert [what for what, _ in taker.refused] == ["rules"]
    await taker.following.follow()
    assert len(taker.refused) == 1
    assert taker.acts == ActsTold(), "the other document is taken all the same"


async def test_a_line_that_is_cut_is_asked_again_later(story, taker):
    taker.broken = True
    await taker.following.look()
    assert taker.rules is None
    taker.broken = False
    await look(story, taker)
    assert taker.ids() == []


def in_pieces(document):
    (whole,) = parts_of(document)
    return tuple(whole[at : at + 20] for at in range(0, len(whole), 20))
