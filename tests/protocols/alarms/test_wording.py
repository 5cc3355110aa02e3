"""Alarm sentences: the order of what they say, how long they are, and that none says too little."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.alarms.document import REQUEST
from protocols.alarms.rule import Colour, Level
from protocols.alarms.spoken import ahead_of, duration, moment, name, shown
from protocols.alarms.word import Word
from protocols.alarms.wording import HEAD, LONGEST, TOLD, Ahead, Peak, Told, code, tell
from protocols.clock import SECOND
from protocols.texts import FOLDER, LANGUAGES, catalogue
from protocols.words import Label, Purpose

DAY = 86_400 * SECOND
NOON = 20_616 * DAY  # 2026-06-12 08:00 at the site
HH = Level(name="高高报", name_en="HH", colour=Colour.ORANGE, op=">=", limit=13.8)
TANK = Told(
    word=Word.RAISE,
    time=NOON + 6 * 3600 * SECOND + 50 * 60 * SECOND,
    place=Label("红海湾示例油库", "Honghaiwan depot (example)"),
    point=Label("TK-101 液位", "TK-101 level"),
    value=13.8,
    unit="m",
    decimals=2,
    level=HH,
    ahead=Ahead(Label("设计液位", "design level"), 14.4, 24 * 60),
)
LOW = Level(name="低报", name_en="L", colour=Colour.YELLOW, op="<=", limit=2.2)
FLOOD = Level(name="汛限", name_en="flood limit", colour=Colour.BLUE, op=">=", limit=56.5)
SMOKE = Level(name="火警", name_en="fire", colour=Colour.RED, op="=", limit=1)


def test_a_raise_says_level_time_place_fact_trend_and_request() -> None:
    said = tell(TANK, TANK.time)
    assert said == (
        "【橙色报警】14:50 红海湾示例油库 TK-101 液位 13.80 m，达到高高报（13.80 m），"
        "按当前速率约 24 分钟后到设计液位（14.40 m）。请 2 分钟内确认收到，5 分钟内叫应现场。"
    )
    assert tell(TANK, TANK.time, "en") == (
        "[orange] 14:50 Honghaiwan depot (example) TK-101 level 13.80 m: reached HH (13.80 m), "
        "at this rate design level (14.40 m) in about 24 min. "
        "Acknowledge within 2 min, call the site within 5 min."
    )


def test_who_is_called_is_said_as_the_domain_says_it() -> None:
    def asked_at(domain: str) -> str:
        return tell(replace(TANK, domain=domain), TANK.time)

    assert asked_at("hazardous_chemicals").endswith("5 分钟内叫应企业控制室。")
    assert asked_at("construction").endswith("5 分钟内叫应项目部。")
    assert asked_at("of-nobody").endswith("5 分钟内叫应现场。")
    sets = Path(__file__).parents[3] / "config" / "threshold-sets"
    for file in sets.iterdir():
        domain = file.stem[3:].replace("-", "_")
        assert "现场" not in asked_at(domain), domain


def test_a_rules_own_next_step_takes_the_place_of_the_general_one() -> None:
    advice = Label("请立即停止进料，5 分钟内电话回复值班室。", "Stop filling now.")
    assert tell(replace(TANK, advice=advice), TANK.time).endswith(f"。{advice.zh}")


def test_its_own_next_step_is_of_what_calls_not_of_what_is_over_or_falls() -> None:
    advice = Label("请立即停止进料", "Stop filling now")
    own = replace(TANK, advice=advice)
    assert tell(own, TANK.time).endswith("。请立即停止进料。")
    assert tell(own, TANK.time, "en").endswith(". Stop filling now.")
    over = replace(own, word=Word.RTN, value=13.0, since=TANK.time)
    past = replace(own, late=True, until=TANK.time, since=TANK.time)
    fall = replace(own, word=Word.LEVEL, level=LOW, before=HH)
    overdue = replace(own, word=Word.ESCALATE)
    for told in (over, past, fall, overdue):
        assert "停止进料" not in tell(told, TANK.time), code(told)
        assert re.search("请.+。$", tell(told, TANK.time))


def test_the_longest_of_its_own_still_fits() -> None:
    longest = Label("请" + "停" * (REQUEST["zh"] - 2) + "。", "S" * (REQUEST["en"] - 1) + ".")
    season = replace(FLOOD, clause="第 3.2 条", valid_from="04-15", valid_to="06-30")
    for level in (HH, LOW, season, SMOKE):
        for word in (Word.RAISE, Word.RERAISE, Word.LEVEL, Word.REALARM):
            told = replace(TANK, word=word, level=level, advice=longest, place=Label("示" * 30))
            for language in LANGUAGES:
                assert len(tell(told, TANK.time, language)) <= LONGEST[language]


def test_a_return_says_how_long_it_was_and_the_worst() -> None:
    raised = NOON + 12 * 3600 * SECOND + 55 * 60 * SECOND
    told = Told(
        word=Word.RTN,
        time=raised + (10 * 60 + 45) * 60 * SECOND,
        place=Label("青云水库（示例）"),
        point=Label("水位"),
        value=56.44,
        unit="m",
        decimals=2,
        level=FLOOD,
        since=raised,
        seen=True,
        peak=Peak(57.1, raised + 115 * 60 * SECOND),
    )
    assert tell(told, told.time) == (
        "【恢复】07:40 青云水库（示例） 水位 56.44 m，低于汛限（56.50 m），历时 10 h 45 min，"
        "最高 57.10 m（06-12 22:50）。请核实原因并记录处置。"
    )
    assert tell(replace(told, seen=False), told.time).endswith("请确认收到并核实原因。")
    latched = tell(replace(told, latched=True), told.time)
    assert latched.startswith("【恢复待复位】")
    assert latched.endswith("请现场核实后复位。")
    assert "最低 2.10 m" in tell(replace(told, level=LOW, peak=Peak(2.1, raised)), told.time)


def test_a_return_without_a_value_or_beyond_its_limit_does_not_say_where_it_lies() -> None:
    told = replace(TANK, word=Word.RTN, value=None, since=TANK.time, ahead=None)
    assert "，离开高高报（13.80 m）" in tell(told, TANK.time)
    assert "，离开高高报（13.80 m）" in tell(replace(told, value=14.0), TANK.time)
    assert "，高于低报（2.20 m）" in tell(replace(told, value=2.3, level=LOW), TANK.time)


def test_a_limit_of_a_season_says_which() -> None:
    season = replace(FLOOD, clause="前汛期", valid_from="04-15", valid_to="06-30")
    told = replace(TANK, level=season, value=56.5, ahead=None)
    assert "达到汛限（56.50 m，前汛期 04-15 至 06-30）" in tell(told, TANK.time)
    bare = replace(told, level=replace(season, clause=None))
    assert "达到汛限（56.50 m，04-15 至 06-30）" in tell(bare, TANK.time)
    assert "flood limit (56.50 m, from 04-15 to 06-30)" in tell(told, TANK.time, "en")


def test_what_nobody_answered_says_by_when_how_long_ago_and_who_is_asked_now() -> None:
    called = TANK.time - 12 * 60 * SECOND
    told = replace(TANK, word=Word.ESCALATE, since=called - DAY, called=called, nth=1, ahead=None)
    assert tell(told, TANK.time) == (
        "【超时提醒】14:50 红海湾示例油库 TK-101 液位 13.80 m，高高报（13.80 m），应于 14:40 前"
        "确认收到，已超时 10 min，提级至带班领导（第 1 次）。请接报人立即确认收到并叫应现场。"
    )
    red = replace(told, level=replace(HH, colour=Colour.RED))
    assert "应于 14:39 前确认收到，已超时 11 min，提级至局领导（第 1 次）" in tell(red, TANK.time)
    assert "提级至分管市领导（第 3 次）" in tell(replace(red, nth=3), TANK.time)
    early = replace(told, called=TANK.time - 30 * SECOND)
    assert "应于 14:50 前确认收到，已超时 0 s" in tell(early, TANK.time)
    assert "was due by 14:40, overdue 10 min, now to the leader on duty (call no. 1)" in tell(
        told, TANK.time, "en"
    )


def test_what_is_far_ahead_is_told_in_hours() -> None:
    said = [ahead_of(each, "zh") for each in (20, 60 * 119, 60 * 120, 60 * 279)]
    assert said == ["1 分钟", "119 分钟", "2 小时", "5 小时"]
    far = replace(TANK, ahead=Ahead(Label("设计液位"), 14.4, 279 * 60))
    assert "按当前速率约 5 小时后到设计液位（14.40 m）" in tell(far, TANK.time)


def test_what_is_over_before_we_knew_says_that_nobody_was_called() -> None:
    told = replace(TANK, late=True, since=TANK.time, until=TANK.time + 120 * SECOND, ahead=None)
    said = tell(told, TANK.time + DAY)
    assert said.startswith("【补传】06-12 14:50–14:52 ")
    assert "未响铃" in said
    assert said.endswith("请核实原因并记录处置。")


@pytest.mark.parametrize(
    ("purpose", "mark"), [(Purpose.TEST, "【测试】"), (Purpose.DRILL, "【演练】")]
)
def test_test_and_drill_say_so_first(purpose: Purpose, mark: str) -> None:
    for word in TOLD:
        assert tell(replace(TANK, word=word, purpose=purpose), TANK.time).startswith(mark)


def test_a_level_that_moved_says_which_way() -> None:
    down = replace(TANK, word=Word.LEVEL, before=replace(HH, colour=Colour.RED, name="设计液位"))
    assert tell(down, TANK.time).startswith("【降为橙色】14:50 ")
    up = replace(TANK, word=Word.LEVEL, before=replace(HH, colour=Colour.YELLOW))
    assert tell(up, TANK.time).startswith("【橙色报警】14:50 ")


def test_a_state_is_told_as_its_level_says_it() -> None:
    told = replace(TANK, level=SMOKE, value=True, unit="", decimals=None, ahead=None)
    assert tell(told, TANK.time) == (
        "【红色报警】14:50 红海湾示例油库 TK-101 液位 动作，火警。"
        "请 1 分钟内确认收到，3 分钟内叫应现场。"
    )


def test_what_is_wrong_when_it_is_not_is_told_as_yes_or_no() -> None:
    unknown = Level(name="司机未核验", colour=Colour.BLUE, op="=", limit=0)
    told = replace(TANK, level=unknown, value=False, unit="", decimals=None, ahead=None)
    assert "TK-101 液位 否，司机未核验。" in tell(told, TANK.time)
    over = replace(told, word=Word.RTN, value=True, since=TANK.time)
    assert "TK-101 液位 是，已解除：司机未核验" in tell(over, TANK.time)


def test_what_is_a_fact_by_its_name_says_no_limit() -> None:
    vote = Level(name="可燃气体 2/4 一级", colour=Colour.ORANGE, op=">=", limit=2)
    told = replace(
        TANK, level=vote, value=2, unit="", count="PLACES", decimals=0, fact=True, ahead=None
    )
    assert "液位 2 处，可燃气体 2/4 一级。请" in tell(told, TANK.time)
    over = tell(replace(told, word=Word.RTN, value=1, since=TANK.time - 180 * SECOND), TANK.time)
    assert "液位 1 处，已解除：可燃气体 2/4 一级，历时 3 min。" in over


@pytest.mark.parametrize(
    ("measure", "span", "said"),
    [
        ("CHANGE", 3600, "液位 1 小时变化 13.80 m，达到"),
        ("SUM", 10_800, "液位 3 小时累计 13.80 m"),
        ("MEAN", 300, "液位 5 分钟平均 13.80 m"),
        ("MIN", 90, "液位 90 秒最低 13.80 m"),
        ("MAX", 86_400, "液位 1 天最高 13.80 m"),
        ("COUNT", 604_800, "液位 7 天内 13.80 m"),
        ("RATE", 3600, "液位 每 1 小时变化 13.80 m"),
    ],
)
def test_what_a_rule_makes_of_values_is_not_told_as_the_value(
    measure: str, span: float, said: str
) -> None:
    assert said in tell(replace(TANK, measure=measure, span=span), TANK.time)
    assert measure not in tell(replace(TANK, measure=measure, span=span), TANK.time, "en")


def test_what_stands_when_a_shelf_ends_says_so() -> None:
    assert "静默到期未恢复：高高报（13.80 m）" in tell(replace(TANK, shelf=True), TANK.time)


def test_levels_with_a_code_for_a_name_are_called_as_people_do() -> None:
    codes = [replace(HH, name=each, name_en="") for each in ("LL", "L", "H", "HH")]
    assert [name(each, "zh") for each in codes] == ["低低报", "低报", "高报", "高高报"]
    assert name(codes[3], "en") == "HH"


def test_what_only_the_journal_hears_is_told_to_nobody() -> None:
    with pytest.raises(ValueError, match="SHELVE is told to nobody"):
        tell(replace(TANK, word=Word.SHELVE), TANK.time)


TAKES = ("place", "point", "value", "unit", "request")
PARTS = (
    *("ALARM_HEAD", "ALARM_AT", "ALARM_SEASON", "ALARM_HIGHEST", "ALARM_LOWEST", "ALARM_AHEAD"),
)
TOLD_OF = json.loads((FOLDER / "zh" / "alarms.json").read_text(encoding="utf-8"))
SENTENCES = [each for each in TOLD_OF if each.startswith("ALARM_") and each not in PARTS]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("which", SENTENCES)
def test_no_sentence_lacks_place_number_unit_or_next_step(which: str, language: str) -> None:
    assert lacking(catalogue(language)[which]) == []


def lacking(sentence: str) -> list[str]:
    """Return what a sentence does not say."""
    return [name for name in TAKES if f"{{{name}}}" not in sentence]


def test_such_a_sentence_would_be_found() -> None:
    assert lacking("数据异常，请及时处理") == list(TAKES)
    assert lacking("{place} {point} {value}，请处理。{request}") == ["unit"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_word_that_is_told_has_a_sentence_and_a_request(language: str) -> None:
    for word in TOLD:
        for level in (HH, LOW, FLOOD, SMOKE):
            told = replace(TANK, word=word, level=level)
            assert code(told) in catalogue(language)
            said = tell(told, TANK.time, language)
            assert "{" not in said
            assert "REQUEST" not in said
            assert said.endswith("。" if language == "zh" else ".")
            assert not re.search("[!！]", said)


LABELS = st.text("红海湾示例油库罐区甲乙丙丁 ABC-12", min_size=1, max_size=60).map(Label)


@given(
    place=LABELS,
    point=st.text("液位压力温度-12", min_size=1, max_size=12).map(Label),
    value=st.floats(-1e6, 1e6),
    word=st.sampled_from(sorted(TOLD)),
    level=st.sampled_from([HH, LOW, FLOOD, SMOKE]),
)
def test_a_message_fits_and_its_head_carries_the_value(
    place: Label, point: Label, value: float, word: Word, level: Level
) -> None:
    told = replace(TANK, word=word, place=place, point=point, value=value, level=level)
    said = tell(told, TANK.time)
    assert len(said) <= LONGEST["zh"]
    figure = shown(value, 2)
    if len(point.zh) + len(figure) <= 14 and word is Word.RAISE and level is not SMOKE:
        assert figure in said[: HEAD["zh"]]


def test_values_times_and_durations_read_as_people_write_them() -> None:
    assert [shown(each, 2) for each in (13.8, -0.001, 7, True, None, "停")] == [
        *("13.80", "0.00", "7.00", "1", "—", "停")
    ]
    assert [shown(each, None) for each in (13.8, 2_000_000.0)] == ["13.8", "2000000"]
    assert moment(NOON, NOON) == "08:00"
    assert moment(NOON - 9 * 3600 * SECOND, NOON) == "06-11 23:00"
    assert [duration(each * SECOND) for each in (0, 59, 60, 3600, 3660, 86_400, 90_000)] == [
        *("0 s", "59 s", "1 min", "1 h", "1 h 1 min", "1 d", "1 d 1 h")
    ]


def test_a_place_that_is_too_long_loses_its_brackets_before_anything_is_cut() -> None:
    place = Label("青云水库(示例)")
    point = Label("2#雨量站 1小时雨量累计值")
    said = tell(replace(TANK, place=place, point=point), TANK.time)
    assert "14:50 青云水库 2#雨量站" in said
    short = tell(replace(TANK, place=place, point=Label("水位")), TANK.time)
    assert "14:50 青云水库(示例) 水位" in short


def test_a_name_that_begins_with_a_figure_stands_apart() -> None:
    often = Level(name="1 小时 3 次超力矩", colour=Colour.YELLOW, op=">=", limit=3)
    told = replace(TANK, level=often, value=3, unit="", count="TIMES", decimals=0, ahead=None)
    assert "达到 1 小时 3 次超力矩（3 次）" in tell(told, TANK.time)


def test_one_place_says_nothing_beyond_the_name() -> None:
    one = Level(name="高报 15 分钟未处置", colour=Colour.ORANGE, op=">=", limit=1)
    told = replace(TANK, level=one, value=1, unit="", count="PLACES", fact=True, ahead=None)
    assert "TK-101 液位，高报 15 分钟未处置。" in tell(told, TANK.time)
