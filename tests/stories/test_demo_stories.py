"""The demo's stories read like a control room's log: who was called, what was done, what ended.

`tests/testcases/stories/*.log` is what the duty officer would read; a change of it is a change of
what people are told.
"""

from collections.abc import Iterator, Mapping
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Final

import pytest

from protocols.alarms import acting
from protocols.alarms.acting import Asked
from protocols.alarms.overlay import Act as Overlay
from protocols.simulators.shapes import clock
from tests.stories.theatre import Act, Theatre

LOGS: Final = Path(__file__).resolve().parents[1] / "testcases" / "stories"
DUTY: Final = "值班员"
DAM: Final = "qingyun/gw-qingyun/dam"
DEPOT: Final = "honghaiwan/gw-honghaiwan/depot"
CRANE: Final = "jinting/gw-honghaiwan/crane-3"
PANEL: Final = "haifeng/gw-honghaiwan/panel"


def ack(rule: str) -> tuple[str, Act]:
    return rule, partial(acting.acknowledge, by=DUTY)


def reset(rule: str) -> tuple[str, Act]:
    return rule, partial(acting.reset, by="消控室")


def shelve(rule: str, seconds: float, reason: str) -> tuple[str, Act]:
    asked = Asked(Overlay.SHELVE, by=DUTY, reason=reason, seconds=seconds)
    return rule, partial(acting.shelve, asked=asked)


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
    return Theatre(folder).play(story, PREFIXES[story], TIMES[story](), ACTS[story])


@pytest.mark.parametrize("story", PREFIXES)
def test_a_story_reads_as_it_was_approved(story: str, tmp_path: Path) -> None:
    approved = (LOGS / f"{story}.log").read_text(encoding="utf-8").splitlines()
    assert played(story, tmp_path) == approved
