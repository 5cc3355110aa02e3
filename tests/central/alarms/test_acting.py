"""What people do with alarms: once for each key, by the first, kept, and refused with a reason."""

import asyncio
from dataclasses import replace

import pytest

from central.alarms.acts.acted import RuleUnknown
from central.alarms.acts.acting import EpisodeUnknown
from central.alarms.acts.asked import Deed, Wish
from central.alarms.acts.shelving import WAITS, ShelfRequestUnknown, find
from central.alarms.journal.episode import EpisodeFilter
from central.alarms.settings import Acting
from central.collector import Collector
from central.effects import Effects
from central.identity import audit
from protocols.errors import IllegalTransition
from tests.central.alarms.story import Story
from tests.central.builders import SECOND, START, PointSpec, config_in, level
from tests.central.template import fresh

RULE = "site/gw/tank/level:high"
YELLOW = (PointSpec("level", limits=(level("H", 80.0),)),)
HOUR = 3_600


def asked(story, deed, person="ann", key=None, alarm=None, **more):
    now = story.clock.now()
    if alarm is None and "rule" not in more and "request" not in more:
        alarm = "A-20260612-0001"
    key = key or f"{person}-{deed.value}-{now}-{len(more)}"
    return Wish(deed=deed, person=person, key=key, now=now, acted=now, alarm=alarm, **more)


async def do(story, deed, *who, **more):
    return await story.collector.alarms.do(asked(story, deed, *who, **more))


async def refused(story, deed, *who, **more):
    with pytest.raises(IllegalTransition) as found:
        await do(story, deed, *who, **more)
    return found.value.code, found.value.params


async def acts(story):
    lines = await story.collector.db.read(lambda conn: audit.page(conn, 100))
    return [(line.actor, line.action) for line in reversed(lines)]


def names(answer):
    return [layer.name for layer in answer.laid.layers]


async def test_the_same_key_is_the_same_answer_and_one_act(story):
    await story.at(0, 85.0)
    first = await do(story, Deed.ACKNOWLEDGE, "ann", "key-0001", text="已派人")
    again = await do(story, Deed.ACKNOWLEDGE, "ann", "key-0001", text="已派人")
    assert first.episode == again.episode
    assert first.episode.acknowledged.comment == "已派人"
    assert (first.changed, again.changed) == (True, False)
    assert [word for _, word in await story.journal()] == ["RAISE:H", "ACK:H"]
    assert await acts(story) == [("ann", "ALARM_ACKNOWLEDGED")]


async def test_a_key_is_good_for_one_request(story):
    await story.at(0, 85.0)
    await do(story, Deed.ACKNOWLEDGE, "ann", "key-0001", text="已派人")
    for deed, more in (
        (Deed.ACKNOWLEDGE, {"text": "别的"}),
        (Deed.COMMENT, {"text": "已派人"}),
        (Deed.SHELVE, {"rule": RULE, "seconds": 60.0}),
    ):
        code, params = await refused(story, deed, "ann", "key-0001", **more)
        assert (code, params) == ("KEY_USED", {"key": "key-0001"})
    # Another person's key is another key.
    await do(story, Deed.COMMENT, "bob", "key-0001", text="已派人")


async def test_a_refusal_is_kept_with_its_key(story):
    await story.at(0, 85.0)
    await do(story, Deed.ACKNOWLEDGE, "ann")
    story.until(5)
    first = await refused(story, Deed.ACKNOWLEDGE, "bob", "key-0002")
    assert first == ("ALREADY_ACKNOWLEDGED", {"by": "ann", "at": START})
    await story.at(10, 10.0)
    assert await refused(story, Deed.ACKNOWLEDGE, "bob", "key-0002") == first
    detail = await story.collector.alarms.episode("A-20260612-0001")
    rejected = [(line.event, line.actor) for line in detail.journal if line.actor == "bob"]
    assert rejected == [("ACK_REJECTED", "bob")]
    assert ("bob", "ALARM_ACKNOWLEDGED_REFUSED") in await acts(story)


async def test_what_is_over_cannot_be_acknowledged_and_says_what_can_be_done(story):
    await story.at(0, 85.0)
    await story.ack()
    await story.at(10, 10.0)  # returned and seen: over; the low rule raises
    await story.at(20, 85.0)  # a new episode of the same rule
    code, params = await refused(story, Deed.RESET, "ann")
    assert code == "ACT_NOT_ACTIVE"
    assert params["alarm"] == "A-20260612-0001"
    assert (params["what"], params["state"]) == ("reset", "NORMAL")
    assert "verify" in params["allowed"]
    with pytest.raises(EpisodeUnknown):
        await do(story, Deed.ACKNOWLEDGE, alarm="A-20260612-9999")


async def test_a_reset_of_what_stands_is_refused_and_kept(story):
    await story.at(0, 85.0)
    code, params = await refused(story, Deed.RESET, "ann")
    assert (code, params["state"]) == ("ACT_STILL_ACTIVE", "UNACK")
    assert params["allowed"].startswith("acknowledge, shelve, suppress, out_of_service")
    assert (await story.journal())[-1][1].startswith("RESET_REJECTED")


async def test_many_at_once_each_with_its_own_outcome(story):
    await story.at(0, 85.0)
    await story.ack("bob")
    await story.at(10, 15.0)
    ids = [e.id for e in await story.episodes()]
    wishes = [
        asked(story, Deed.ACKNOWLEDGE, "ann", "key-many", id_, together=(*ids, "none"))
        for id_ in (*ids, "none")
    ]
    alarms = story.collector.alarms
    answers = await alarms.do_all(wishes)
    codes = [None if each.refused is None else each.refused.code for each in answers]
    assert codes == ["ALREADY_ACKNOWLEDGED", None, "EPISODE_UNKNOWN"]
    again = await alarms.do_all(wishes)
    assert [each.refused and each.refused.code for each in again] == codes
    assert [line[1] for line in await story.journal(ids[0])].count("ACK_REJECTED:H") == 1
    other = [replace(each, together=tuple(ids)) for each in wishes[:2]]
    assert {each.refused.code for each in await alarms.do_all(other)} == {"KEY_USED"}


async def test_two_at_once_one_wins_and_the_other_is_told_who(story):
    await story.at(0, 85.0)
    tries = [do(story, Deed.ACKNOWLEDGE, name) for name in ("ann", "bob", "eve")]
    found = await asyncio.gather(*tries, return_exceptions=True)
    (won,) = [each for each in found if not isinstance(each, Exception)]
    winner = won.episode.acknowledged.by
    lost = [each for each in found if isinstance(each, Exception)]
    assert [each.code for each in lost] == ["ALREADY_ACKNOWLEDGED"] * 2
    assert {each.params["by"] for each in lost} == {winner}


async def test_verifications_follow_each_other_and_change_nothing(story, tmp_path):
    await story.at(0, 85.0)
    before = (await story.one(), await story.journal())
    await do(story, Deed.VERIFY, "ann", result="false", text="蒸汽")
    story.until(60)
    answer = await do(story, Deed.VERIFY, "bob", result="real", text="现场有泄漏")
    assert (answer.episode.verification.result, answer.episode.verification.by) == ("real", "bob")
    await do(story, Deed.COMMENT, "bob", text="已通知企业")
    detail = await story.collector.alarms.episode("A-20260612-0001")
    assert [(v.result, v.by, v.note) for v in detail.verifications] == [
        ("false", "ann", "蒸汽"),
        ("real", "bob", "现场有泄漏"),
    ]
    assert [(c.by, c.text) for c in detail.comments] == [("bob", "已通知企业")]
    assert await story.journal() == before[1]
    plain = replace(detail.episode, verification=None, comments=0)
    assert plain == replace(before[0], value_time=plain.value_time)
    await story.reopen(tmp_path)
    (listed,) = (await story.collector.alarms.episodes()).items
    assert (listed.verification.result, listed.comments) == ("real", 1)
    # What an engine's change tells after a restart says it too.
    told = []
    story.collector.listeners.append(told.append)
    await story.at(70, 95.0)
    (changed,) = [e for effects in told for e in effects.episodes]
    assert (changed.level.name, changed.verification.by, changed.comments) == ("HH", "bob", 1)


async def test_a_shelf_hides_what_stands_and_ends_by_itself(story, tmp_path):
    await story.at(0, 85.0)
    told: list[Effects] = []
    story.collector.listeners.append(told.append)
    answer = await do(story, Deed.SHELVE, seconds=600.0, text="仪表检修")
    (layer,) = answer.laid.layers
    assert (layer.name, layer.until, layer.by) == ("SHELVED", START + 600 * SECOND, "ann")
    assert answer.episode.overlays == (layer,)
    listed = story.collector.alarms
    assert (await listed.episodes()).total == 0
    assert (await story.collector.overview()).levels.yellow == 0
    (shelved,) = (await listed.episodes(EpisodeFilter(state="shelved"))).items
    assert shelved.overlays == (layer,)
    (overlays,) = [each.overlays for each in told if each.overlays]
    assert [laid.rule for laid in overlays] == [RULE]
    await story.reopen(tmp_path)
    assert [laid.rule for laid in story.collector.alarms.overlays()] == [RULE]
    story.collector.listeners.append(told.append)
    told.clear()
    await story.tick(700)
    assert [laid.layers for each in told for laid in each.overlays] == [()]
    assert story.collector.alarms.overlays() == []
    assert (await story.collector.alarms.episodes()).total == 1


async def test_an_act_on_a_rule_that_is_quiet(story):
    await story.at(0, 50.0)
    answer = await do(story, Deed.SUPPRESS, rule=RULE, text="停产")
    assert (answer.episode, names(answer)) == (None, ["SUPPRESSED"])
    await story.at(10, 95.0)
    await story.is_("NORMAL")
    code, params = await refused(story, Deed.SUPPRESS, "bob", rule=RULE, text="x")
    assert (code, params["state"]) == ("ACT_ALREADY_SUPPRESSED", "SUPPRESSED")
    free = await do(story, Deed.UNSUPPRESS, rule=RULE, text="复产")
    assert names(free) == []
    await story.is_("UNACK", "HH")
    with pytest.raises(RuleUnknown):
        await do(story, Deed.SHELVE, rule="none", seconds=60.0)


async def test_out_of_service_ends_by_a_person_only(story):
    await story.at(0, 85.0)
    answer = await do(story, Deed.OUT_OF_SERVICE, text="更换液位计", reference="DH-7")
    assert names(answer) == ["OUT_OF_SERVICE"]
    assert answer.laid.layers[0].reason == "DH-7: 更换液位计"
    await story.tick(10 * 24 * HOUR)
    assert len(story.collector.alarms.overlays()) == 1
    back = await do(story, Deed.IN_SERVICE, text="已更换")
    assert names(back) == []


@pytest.mark.parametrize("seconds", [9 * HOUR, 1e8])
async def test_a_shelf_longer_than_a_shift_is_refused(story, seconds):
    await story.at(0, 85.0)
    code, params = await refused(story, Deed.SHELVE, seconds=float(seconds), text="x")
    assert (code, params["allowed"]) == ("ACT_TOO_LONG", 480)
    assert story.collector.alarms.overlays() == []


@pytest.fixture
async def careful(tmp_path, clock):
    """A red shelf needs a second person."""
    config = replace(config_in(tmp_path), alarms=Acting(second_person=True))
    fresh(config.database)
    collector = await Collector.open(config, clock)
    await collector.registry.add_gateway("gw")
    story = await Story.begin_in(collector, clock)
    yield story
    await story.collector.close()


async def test_a_red_shelf_waits_for_a_second_person(careful):
    await careful.at(0, 85.0)  # it stands at yellow, and can be red
    answer = await do(careful, Deed.SHELVE, "ann", "key-0001", seconds=600.0, text="检修")
    assert (answer.request, names(answer)) == (1, [])
    again = await do(careful, Deed.SHELVE, "ann", "key-0001", seconds=600.0, text="检修")
    assert again.request == 1
    code, params = await refused(careful, Deed.CONFIRM_SHELF, "ann", rule=RULE, request=1)
    assert (code, params["by"]) == ("SHELF_SAME_PERSON", "ann")
    careful.until(60)
    done = await do(careful, Deed.CONFIRM_SHELF, "bob", rule=RULE, request=1)
    (layer,) = done.laid.layers
    assert (layer.by, layer.until) == ("ann, bob", START + 660 * SECOND)
    code, params = await refused(careful, Deed.CONFIRM_SHELF, "eve", rule=RULE, request=1)
    assert (code, params["decision"], params["by"]) == ("SHELF_REQUEST_DECIDED", "confirmed", "bob")


async def test_a_request_that_nobody_decided_lapses(careful):
    await careful.at(0, 85.0)
    await do(careful, Deed.SHELVE, "ann", seconds=600.0, text="检修")
    careful.until(WAITS / SECOND)
    code, params = await refused(careful, Deed.CONFIRM_SHELF, "bob", rule=RULE, request=1)
    assert (code, params["decision"]) == ("SHELF_REQUEST_DECIDED", "lapsed")
    with pytest.raises(ShelfRequestUnknown):
        await do(careful, Deed.CONFIRM_SHELF, "bob", "key-0002", rule=RULE, request=2)


async def test_a_request_can_be_refused_also_by_who_made_it(careful):
    await careful.at(0, 85.0)
    await do(careful, Deed.SHELVE, "ann", seconds=600.0, text="检修")
    await do(careful, Deed.REFUSE_SHELF, "ann", rule=RULE, request=1)
    code, params = await refused(careful, Deed.CONFIRM_SHELF, "bob", rule=RULE, request=1)
    assert (code, params["decision"]) == ("SHELF_REQUEST_DECIDED", "refused")


async def test_what_was_suppressed_meanwhile_can_still_be_confirmed_later(careful):
    await careful.at(0, 85.0)
    await do(careful, Deed.SHELVE, "ann", seconds=600.0, text="检修")
    await do(careful, Deed.SUPPRESS, "ann", rule=RULE, text="停产")
    code, _ = await refused(careful, Deed.CONFIRM_SHELF, "bob", rule=RULE, request=1)
    assert code == "ACT_SUPPRESSED"
    await do(careful, Deed.UNSUPPRESS, "ann", rule=RULE, text="复产")
    careful.until(30)
    done = await do(careful, Deed.CONFIRM_SHELF, "bob", rule=RULE, request=1)
    assert names(done) == ["SHELVED"]


async def test_a_rule_that_is_never_red_needs_no_second_person(tmp_path, clock):
    config = replace(config_in(tmp_path), alarms=Acting(second_person=True))
    fresh(config.database)
    collector = await Collector.open(config, clock)
    await collector.registry.add_gateway("gw")
    story = await Story.begin_in(collector, clock, points=YELLOW)
    await story.at(0, 85.0)
    assert names(await do(story, Deed.SHELVE, seconds=600.0, text="检修")) == ["SHELVED"]
    await collector.close()


async def test_who_comes_second_is_told_who_was_first(story):
    await story.at(0, 85.0)
    await do(story, Deed.SHELVE, "ann", seconds=60.0, text="检修")
    story.until(5)
    await do(story, Deed.UNSHELVE, "ann", text="完工")
    code, params = await refused(story, Deed.UNSHELVE, "bob", text="完工")
    assert (code, params["by"], params["at"]) == ("ACT_NOT_SHELVED", "ann", START + 5 * SECOND)
    await do(story, Deed.OUT_OF_SERVICE, "eve", reference="动火票 3", text="检修")
    for deed, more in ((Deed.OUT_OF_SERVICE, {}), (Deed.SHELVE, {"seconds": 60.0})):
        _, params = await refused(story, deed, "bob", text="检修", **more)
        assert (params["by"], params["at"]) == ("eve", START + 5 * SECOND)
    code, params = await refused(
        story, Deed.UNSUPPRESS, "bob", rule="site/gw/tank/level:low", text="x"
    )
    assert (code, params["by"]) == ("ACT_NOT_SUPPRESSED", "—")


async def test_a_request_for_a_rule_that_is_gone_stays_undecided(careful):
    asked_for = await do(careful, Deed.SHELVE, "ann", rule=RULE, seconds=600.0, text="检修")

    def gone(tables):
        careful.collector.alarms._engine.retire_rules(
            tables, "manifest:gw", (), careful.clock.now()
        )
        careful.collector.alarms._engine.forget()

    await careful.collector.db.write(gone)
    confirm = {"request": asked_for.request, "rule": RULE}
    with pytest.raises(RuleUnknown):
        await do(careful, Deed.CONFIRM_SHELF, "bob", **confirm)
    found = await careful.collector.db.read(
        lambda conn: find(conn, asked_for.request, careful.clock.now())
    )
    assert found.decision is None


async def test_a_cap_that_became_shorter_holds_for_what_was_asked_before(careful, tmp_path):
    asked_for = await do(careful, Deed.SHELVE, "ann", rule=RULE, seconds=HOUR * 4.0, text="检修")
    await careful.collector.close()
    config = replace(config_in(tmp_path), alarms=Acting(longest_shelf=HOUR, second_person=True))
    careful.collector = await Collector.open(config, careful.clock)
    confirm = {"request": asked_for.request, "rule": RULE}
    code, params = await refused(careful, Deed.CONFIRM_SHELF, "bob", **confirm)
    assert (code, params["minutes"], params["allowed"]) == ("ACT_TOO_LONG", 240, 60)
    assert careful.collector.alarms.overlays() == []
