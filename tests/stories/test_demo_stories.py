"""The demo's stories read like a control room's log: who was called, what was done, what ended.

`tests/testcases/stories/*.log` is what the duty officer would read; a change of it is a change of
what people are told.
"""

from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Final

import pytest

from protocols.simulators.shapes import clock
from protocols.simulators.stories import STORIES
from tests.stories.nights import NIGHTS
from tests.stories.people import CRANE, DAM, DEPOT, PANEL, ack, reset, shelve
from tests.stories.theatre import Act, Theatre

LOGS: Final = Path(__file__).resolve().parents[1] / "testcases" / "stories"
ACTS: Final[Mapping[str, Mapping[str, tuple[str, Act]]]] = {
    "reservoir": {
        "20:57:00": ack(f"{DAM}/rsv-wl:high"),
        "21:33:00": ack("qingyun/reservoir:demo.rain-3h-vote"),
        "22:02:30": ack("qingyun/reservoir:demo.reservoir"),
        "22:10:00": ack(f"{DAM}/rsv-wl:high"),
    },
    "tankfarm": {
        "21:36:00": ack(f"{DEPOT}/lt-101:high"),
        "22:06:30": ack(f"{DEPOT}/lt-101:high"),
        "22:14:00": ack("honghaiwan/bund-1:demo.bund"),
        "22:14:10": ack("honghaiwan/bund-1:demo.gas"),
        "22:34:00": ack(f"{DEPOT}/gds-103:high"),
    },
    "crane": {
        "22:02:40": ack(f"{CRANE}/moment:high"),
        "22:14:40": shelve(f"{CRANE}/moment:high", 1200, "项目部已停吊，正在训练司机"),
        "22:26:30": ack(f"{CRANE}/moment:demo.repeated"),
    },
    "firepanel": {
        "22:16:30": ack(f"{PANEL}/smoke-02-037:state"),
        "22:17:00": ack("haifeng/control-room:demo.fire"),
        "22:17:30": ack(f"{PANEL}/manual-03-002:state"),
        "22:20:00": reset("haifeng/control-room:demo.fire"),
        "22:25:00": reset("haifeng/control-room:demo.fire"),
    },
}
PREFIXES: Final = {"reservoir": DAM, "tankfarm": DEPOT, "crane": CRANE, "firepanel": PANEL}


def slowly() -> Iterator[int]:
    return chain(range(int(clock("19:00")), 0, 10), range(0, int(clock("22:39")), 10))


def quickly() -> Iterator[int]:
    return iter(range(-5, int(clock("22:39"))))


TIMES: Final = {"reservoir": slowly, "tankfarm": slowly, "crane": quickly, "firepanel": quickly}


def played(story: str, folder: Path) -> list[str]:
    """Return the log of one: the demo's, or as it is told with its own times."""
    if story in NIGHTS:
        night = NIGHTS[story]
        return Theatre(folder).play(
            night.signals, night.prefix, iter(night.times), night.acts, night.cut
        )
    return Theatre(folder).play(STORIES[story], PREFIXES[story], TIMES[story](), ACTS[story])


ALL: Final = (*PREFIXES, *NIGHTS)


@pytest.mark.parametrize("story", ALL)
def test_a_story_reads_as_it_was_approved(story: str, tmp_path: Path) -> None:
    approved = (LOGS / f"{story}.log").read_text(encoding="utf-8").splitlines()
    assert played(story, tmp_path) == approved


def test_what_users_named_is_in_the_logs() -> None:
    log = "".join((LOGS / f"{story}.log").read_text(encoding="utf-8") for story in NIGHTS)
    for named in (
        "20:55:00 RAISE          【蓝色报警】20:55 青云水库(示例) 库水位 56.500 m，达到汛限水位",
        *("前汛期 04-15 至 06-30", "库水位 1 小时变化", "1 小时雨量 30 mm（2/3 站）"),
        *("3 小时雨量 100 mm（2/3 站）", "一处两黄一橙", "渗流量黄色（4.00 L/s）"),
        *("历时 10 h 45 min，最高 57.100 m（06-12 22:50）", "降为蓝色"),
        "14:33:05 RAISE          【橙色报警】14:33 红海湾示例储运 油库 TK-101 汽油罐，高报",
        *("14:50:30 RAISE", "高高报后 30 秒阀门未关", "可燃气体 5 分钟内 2/4 一级", "ESCALATE"),
        *("请立即停止进料，现场手动关闭进料阀 XV-101。", "请立即到泵房手动启动消防泵。"),
        *("同一防火堤两个橙色以上", "最高 14.150 m（15:04）", "1 小时 3 次超力矩"),
        *(
            "司机未核验",
            "夜间吊装（22:00–06:00）",
            "同区 3 分钟内 2 点火警",
            "手报后 30 秒消防泵未启动",
        ),
        *("恢复待复位", "02:47:00 RESET", "11:52:00 RAISE", "7 天 3 次火警，建议维保"),
    ):
        assert named in log, named


def test_a_fan_that_does_not_start_is_told_after_ten_seconds(tmp_path: Path) -> None:
    night = NIGHTS["firepanel-night"]
    still = dict(night.signals) | {"fan-feedback": lambda _: False}
    log = Theatre(tmp_path).play(still, night.prefix, iter(night.times), {})
    assert any(
        line.startswith("06-13 02:15:12 RAISE ") and "手报后 10 秒排烟机未启动" in line
        for line in log
    )
