"""What a delivery of the past is told as: gateway, time, how much, and what it raised."""

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.alarms.backfill_wording import BackfillTold, Worst, tell
from protocols.alarms.rule import Colour
from protocols.clock import SECOND
from protocols.texts import LANGUAGES
from protocols.words import Label, Purpose

DAY = 86_400 * SECOND
EVENING = 20_616 * DAY + 14 * 3_600 * SECOND  # 2026-06-12 22:00 at the site
MINUTE = 60 * SECOND
CUT = BackfillTold(
    place=Label("青云水库（示例）", "Qingyun reservoir (example)"),
    name=Label("水库网关", "reservoir gateway"),
    first=EVENING + 10 * MINUTE,
    newest=EVENING + 12 * MINUTE,
    readings=1_204,
    points=27,
    lost=0,
)
LEVEL = Worst(
    point=Label("库水位", "reservoir level"),
    value=56.94,
    unit="m",
    decimals=2,
    time=EVENING + 11 * MINUTE,
    low=False,
)


def test_a_cut_that_raised_nothing_says_so() -> None:
    said = tell(replace(CUT, worst=LEVEL), EVENING)
    assert said == (
        "【补传】22:10–22:12 青云水库（示例） 水库网关补传监测数据 1,204 条（27 个点位），"
        "缺失 0 条，其间 库水位 最高 56.94 m（22:11），未触发新的报警。"
    )
    assert tell(CUT, EVENING, "en") == (
        "[late data] 22:10–22:12 Qingyun reservoir (example) reservoir gateway: "
        "1,204 readings of 27 points came late, 0 missing. No new alarm."
    )


def test_alarms_are_counted_by_colour_the_worst_first() -> None:
    raised = {Colour.YELLOW: 2, Colour.ORANGE: 1, Colour.RED: 0}
    assert tell(replace(CUT, raised=raised), EVENING).endswith(
        "，触发报警 3 条（橙色 1、黄色 2），均已恢复，未响铃。请核实原因并记录处置。"
    )
    assert tell(replace(CUT, raised=raised, standing=1), EVENING).endswith(
        "其中 1 条尚未恢复，其余未响铃。请先处置尚未恢复的报警。"
    )
    assert tell(replace(CUT, raised=raised, standing=3), EVENING).endswith(
        "（橙色 1、黄色 2），尚未恢复。请立即确认收到并处置。"
    )


def test_alarms_alone_are_told_without_readings() -> None:
    alone = replace(CUT, newest=CUT.first, readings=0, points=0, raised={Colour.RED: 1})
    assert tell(alone, EVENING).startswith(
        "【补传】22:10 青云水库（示例） 水库网关补报期间的报警 1 条（红色 1），均已恢复"
    )


def test_a_place_that_the_gateways_name_says_is_not_said_twice() -> None:
    named = replace(CUT, place=Label("青云水库(示例)"), name=Label("青云水库网关(示例)"))
    assert tell(named, EVENING).startswith("【补传】22:10–22:12 青云水库网关(示例)补传")


@pytest.mark.parametrize(
    ("first", "newest", "now", "span"),
    [
        (EVENING + 5 * SECOND, EVENING + 50 * SECOND, EVENING, "22:00:05–50"),
        (EVENING, EVENING + MINUTE, EVENING + DAY, "06-12 22:00–22:01"),
        (EVENING, EVENING + 5 * 3_600 * SECOND, EVENING + DAY, "06-12 22:00–03:00"),
        (EVENING, EVENING + DAY + MINUTE, EVENING + 2 * DAY, "06-12 22:00–06-13 22:01"),
    ],
)
def test_its_span_names_days_where_they_are_not_today(first, newest, now, span) -> None:
    assert f"】{span} " in tell(replace(CUT, first=first, newest=newest), now)


@given(
    raised=st.dictionaries(st.sampled_from(Colour), st.integers(0, 99)),
    share=st.floats(0, 1),
    readings=st.integers(0, 10**7),
    purpose=st.sampled_from(Purpose),
    worst=st.none() | st.just(LEVEL),
    language=st.sampled_from(LANGUAGES),
)
def test_no_sentence_lacks_place_number_or_unit(
    raised, share, readings, purpose, worst, language
) -> None:
    standing = round(share * sum(raised.values()))
    told = replace(
        CUT, raised=raised, standing=standing, readings=readings, purpose=purpose, worst=worst
    )
    said = tell(told, EVENING, language)
    assert re.search(r"\{|BACKFILL_|  ", said) is None
    place = CUT.place.zh if language == "zh" else CUT.place.en
    assert place in said
    assert re.search(
        r"\d ?(条|readings|red|orange|yellow|blue)" if raised or readings else r"0", said
    )
    if sum(raised.values()):
        assert re.search(r"请.+。$" if language == "zh" else r"(Find|See|Acknowledge) .+\.$", said)
    if purpose is not Purpose.PRODUCTION:
        assert said.startswith(("【测试】", "【演练】", "[TEST]", "[DRILL]"))
