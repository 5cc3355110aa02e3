"""A tank whose level has limits: H 10 (2 s), HH 12 with deadband 0.5, L 1; and a point without."""

from dataclasses import replace

from edge.alarms.evaluator import At, Evaluator
from edge.alarms.rules import local_rules
from protocols.alarms.rule import Colour, Level
from protocols.quality import Quality
from protocols.words import Reading, TimeMark
from tests import builders

SECOND = 1_000_000
BOOT = "b007" * 8
LEVELS = (
    Level(name="L", colour=Colour.YELLOW, op="<", limit=1.0, status="V"),
    Level(name="H", colour=Colour.YELLOW, op=">", limit=10.0, on_delay=2.0, status="V"),
    Level(name="HH", colour=Colour.RED, op=">", limit=12.0, deadband=0.5, status="V"),
    Level(name="HHH", colour=Colour.RED, op=">", limit=20.0, status="K"),
)


def buses(levels=LEVELS, protocol="modbus"):
    point = replace(builders.point(0, name="level", unit="m"), limits=levels)
    plain = builders.point(1, name="plain")
    return (builders.bus(builders.device("tk-101", (point, plain), scan=5.0), protocol=protocol),)


class Told:
    """Feeds the level; `happened` shows [second, word:level] as they came."""

    def __init__(self, levels=LEVELS, dated=True):
        self.evaluator = Evaluator(local_rules(buses(levels)), 2, BOOT)
        if dated:
            self.evaluator.know_date()
        self.second = 0.0
        self.all = []
        self.sent = []

    def at(self):
        now = round(self.second * SECOND)
        return At(now, 0, now)

    def _take(self, judged):
        if judged is not None:
            self.all += judged.happened
            self.sent += [self.second] * len(judged.points)
        return judged

    def read(self, second, value, quality=Quality.GOOD, mark=TimeMark.GATEWAY, ago=0.0):
        self.tick(second)
        reading = Reading(0, value, int(quality), round((second - ago) * SECOND), mark)
        return self._take(self.evaluator.take([reading], self.at))

    def tick(self, second):
        """Let pass what was due before, as its own moment."""
        while (due := self.evaluator.due()) is not None and due < round(second * SECOND):
            self._take(self.evaluator.advance(due))
        self.second = second

    @property
    def happened(self):
        return [[each.time / SECOND, f"{each.word}:{each.standing.level}"] for each in self.all]
