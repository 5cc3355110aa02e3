"""What people are told of an episode, as the list and the live stream say it."""

from dataclasses import fields, replace

import msgspec
import pytest

from central.alarms.journal.episode import Episode, EpisodeFilter
from central.alarms.journal.records import EpisodeRow
from central.alarms.shown.messages import Heard, ToldLine, told
from central.alarms.shown.view import view
from central.registry_records import PointRecord
from central.store.interface import Latest
from protocols.alarms.rule import Colour, Level
from protocols.alarms.word import Word
from protocols.alarms.wording import tell
from protocols.words import Label, Purpose


async def message(story, language="zh"):
    page = await story.collector.alarms.episodes(EpisodeFilter(state="all", limit=1))
    return tell(page.items[0].told, story.clock.now(), language)


async def test_a_raise_a_rise_an_acknowledgement_and_a_return(story):
    await story.at(0, 85.0)
    raised = await message(story)
    assert raised.startswith("【黄色报警】22:00 场所")
    assert "储罐 点位 level 85.00 %" in raised
    await story.at(60, 95.0)
    risen = await message(story)
    assert risen.startswith("【红色报警】22:01 ")
    assert "等级升高" in risen
    await story.ack()
    assert await message(story) == risen
    await story.at(120, 85.0)
    assert (await message(story)).startswith("【降为黄色】22:02 ")
    await story.at(180, 10.5)
    page = await story.collector.alarms.episodes(EpisodeFilter(state="history"))
    returned = tell(page.items[0].told, story.clock.now())
    assert returned.startswith("【恢复】22:03 ")
    assert "历时 3 min" in returned
    assert tell(page.items[0].told, story.clock.now(), "en").isascii()


async def test_what_was_over_before_it_was_known(story):
    await story.at(0, 50.0)
    old = await story.new_stream()
    await story.at(600, 50.0)
    await story.late(610, old, (100, 95.0), (200, 50.0))
    past = await message(story)
    assert past.startswith("【补传】22:01–22:03 ")
    assert "未响铃" in past


async def test_the_live_stream_says_the_same(story):
    heard = []
    story.collector.listeners.append(heard.append)
    await story.at(0, 85.0)
    await story.at(60, 95.0)
    (changed,) = heard[-1].episodes
    (live,) = await story.collector.alarms.with_told([changed])
    assert tell(live.told, story.clock.now()) == await message(story)


def line(word, value, level):
    return ToldLine(word.value, 0, value, level, None)


def episode_of(rule, level, **more):
    names = {"zh": "一号防火堤", "en": "Bund 1"}
    return Episode(
        **{
            "id": "A-20260612-0001",
            "rule": rule,
            "point": "s/g/depot/gds-101",
            "site": "s",
            "site_label": Label("油库"),
            "region": "",
            "object": "bund-1",
            "object_label": Label(**names),
            "device": "depot",
            "device_label": Label("采集器"),
            "label": Label("GDS-101 可燃气体"),
            "quantity": "gas_combustible",
            "unit": "%LEL",
            "decimals": 1,
            "level": level,
            "state": "UNACK",
            "raised": 0,
            "returned": None,
            "closed": None,
            "acknowledged": None,
            "value": 3.0,
            "value_time": 0,
            "value_quality": 0,
            "value_at_raise": 2.0,
            "occurrence": 1,
            "late": False,
            "purpose": Purpose.PRODUCTION,
        }
        | more
    )


@pytest.mark.parametrize(
    ("kind", "aggregate", "value", "said"),
    [
        ("vote", None, 2.0, "油库 一号防火堤 2 处，两路"),
        ("levels", None, 3.0, "油库 一号防火堤 3 处，两路"),
        ("window", "count", 3.0, "油库 一号防火堤 1 小时内 3 次，达到两路（2 次）"),
        ("window", "change", 0.3, "油库 一号防火堤 1 小时变化 0.3 %LEL，达到"),
        ("rate", None, 0.3, "油库 一号防火堤 每 1 分钟变化 0.3 %LEL，达到"),
        ("interlock", None, 1.0, "油库 一号防火堤，两路"),
        ("expression", None, 5.5, "油库 一号防火堤 5.5，达到两路（2）"),
        ("stale", None, 300.0, "油库 一号防火堤 300 s，达到两路（2 s）"),
        ("limit", None, 27.0, "油库 一号防火堤 27.0 %LEL，达到两路（2.0 %LEL）"),
    ],
)
def test_a_rule_of_a_whole_object_says_what_its_value_is(kind, aggregate, value, said):
    level = Level(name="两路", colour=Colour.ORANGE, op=">=", limit=2.0)
    heard = Heard([line(Word.RAISE, value, "两路")], kind, aggregate)
    sentence = tell(told(episode_of("s/bund-1:gas", level), heard, [level]), 0)
    assert said in sentence


def test_a_rule_of_a_point_names_the_point():
    level = Level(name="一级", colour=Colour.YELLOW, op=">=", limit=25.0)
    heard = Heard([line(Word.RAISE, 27.0, "一级")])
    sentence = tell(told(episode_of("s/g/depot/gds-101:high", level), heard, [level]), 0)
    assert "GDS-101 可燃气体 27.0 %LEL，达到一级" in sentence


def test_what_stands_when_its_shelf_ends_says_so():
    level = Level(name="一级", colour=Colour.YELLOW, op=">=", limit=25.0)
    heard = Heard(
        [line(Word.UNSHELVE_AUTO, 27.0, None), line(Word.RAISE, 27.0, "一级")], "limit", None
    )
    sentence = tell(told(episode_of("s/g/depot/gds-101:high", level), heard, [level]), 0)
    assert "静默到期未恢复：一级" in sentence


class OneTank:
    """A registry of one point in a bund, and of a bund around it."""

    def object_label(self, subject):
        return {"s/bund-1": Label("一号防火堤"), "s/depot-1": Label("罐区")}.get(subject)

    def by_number(self, number):
        return PointRecord(
            **dict.fromkeys(PointRecord.__struct_fields__)
            | {
                "number": 1,
                "id": "s/g/depot/gds-101",
                "object": "bund-1",
                "object_label": Label("一号防火堤"),
                "device_label": Label("采集器"),
                "label": Label("GDS-101 可燃气体"),
                "quantity": "gas_combustible",
                "unit": "%LEL",
                "type": "float",
            }
        )

    def site(self, name):
        return None


def test_an_alarm_of_a_whole_object_shows_no_points_value():
    level = Level(name="两路", colour=Colour.ORANGE, op=">=", limit=2.0)
    row = EpisodeRow(
        **{field.name: None for field in fields(EpisodeRow)}
        | {"rule": "s/bund-1:gas", "point": 1, "site": "s", "level": level, "value_at_raise": 2.0}
    )
    head = Latest(
        point="s/g/depot/gds-101",
        site="s",
        value=3.0,
        quality=0,
        source_time=0,
        received_time=0,
        late=False,
    )
    seen = view(row, OneTank(), head, None)
    assert (seen.label.zh, seen.value, seen.value_at_raise) == ("一号防火堤", None, 2.0)
    own = view(replace(row, rule="s/g/depot/gds-101:high"), OneTank(), head, None)
    assert (own.label.zh, own.value) == ("GDS-101 可燃气体", 3.0)


def test_an_alarm_counted_over_points_of_elsewhere_is_named_after_its_own_object():
    level = Level(name="两路", colour=Colour.ORANGE, op=">=", limit=2.0)
    row = EpisodeRow(
        **{field.name: None for field in fields(EpisodeRow)}
        | {"rule": "s/depot-1:gas", "point": 1, "site": "s", "level": level, "value_at_raise": 1.0}
    )

    class Switch(OneTank):
        def by_number(self, number):
            return msgspec.structs.replace(super().by_number(number), type="bool")

    seen = view(row, Switch(), None, None)
    assert (seen.label.zh, seen.object) == ("罐区", "depot-1")
    assert seen.value_at_raise == 1.0
    assert seen.value_at_raise is not True  # a count, not the state of its point


def test_a_weighted_sum_of_levels_says_nothing_beyond_the_name():
    level = Level(name="一处两黄一橙", colour=Colour.ORANGE, op=">=", limit=4.0)
    heard = Heard([line(Word.RAISE, 4.0, level.name)], "levels", counts=False)
    sentence = tell(told(episode_of("s/bund-1:place", level), heard, [level]), 0)
    assert "一号防火堤，一处两黄一橙。" in sentence


def test_what_the_rule_asks_is_told_at_its_level_alone():
    level = Level(name="两路", colour=Colour.ORANGE, op=">=", limit=2.0)
    asks = {"两路": Label("请立即停止作业。", "Stop all work.")}
    heard = Heard([line(Word.RAISE, 2.0, "两路")], "vote", requests=asks)
    told_ = told(episode_of("s/bund-1:gas", level), heard, [level])
    assert tell(told_, 0).endswith("。请立即停止作业。")
    other = replace(level, name="三路")
    heard = Heard([line(Word.RAISE, 3.0, "三路")], "vote", requests=asks)
    assert "停止作业" not in tell(told(episode_of("s/bund-1:gas", other), heard, [other]), 0)
