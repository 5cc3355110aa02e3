"""Who does what in the stories, at which devices."""

from functools import partial
from typing import Final

from protocols.alarms import acting
from protocols.alarms.acting import Asked
from protocols.alarms.overlay import Act as Overlay
from tests.stories.theatre import Act

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
