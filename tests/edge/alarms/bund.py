"""A bund with a pump, a fan and two gauges, and rules of every kind on them."""

from dataclasses import replace

from edge.alarms.evaluator import At, Evaluator
from edge.alarms.rules import rules_by
from protocols.alarms.definition import Clocks, Definition, Watch
from protocols.alarms.kinds.health import Bad, Frozen, Stale
from protocols.alarms.kinds.rate import Rate
from protocols.alarms.kinds.schedule import Hours, Schedule
from protocols.alarms.kinds.several import Clause, Deviation, Interlock, Levels
from protocols.alarms.kinds.vote import Vote
from protocols.alarms.kinds.window import Aggregate, Counted, Window
from protocols.alarms.rule import Colour, Level, Rule
from protocols.quality import Quality
from protocols.wire.rule_set import RuleSet, SharedRule
from protocols.words import Reading
from tests import builders

SECOND = 1_000_000
START = 1_700_000_000 * SECOND
BOOT = "b007" * 8
POINTS = ("a", "b", "pump", "fan")
HERE = "s1/gw-1/d1"
OBJECT = "s1/bund"


def level(name, op, limit, colour=Colour.RED, **more):
    return Level(name=name, colour=colour, op=op, limit=limit, status="V", **more)


ONE = (level("H", ">", 10.0, Colour.YELLOW), level("HH", ">", 20.0, off_delay=3.0))
SILENT = (level("60 s", ">=", 60.0, Colour.BLUE),)
YES = (level("是", "=", 1.0, on_delay=2.0),)
TWO = (Clause("pump", "=", 1.0), Clause("fan", "=", 0.0))


def on_point(name, kind, levels, point="a", **more):
    subject = f"{HERE}/{point}"
    rule = Rule(id=f"{subject}:{name}", subject=subject, levels=levels, kind=name)
    return SharedRule(Definition(rule=rule, kind=kind, **more), ((subject, ""),))


def on_object(name, kind, levels, inputs):
    rule = Rule(id=f"{OBJECT}:{name}", subject=OBJECT, levels=levels, kind=name)
    sources = tuple((f"{HERE}/{each}" if each in POINTS else "", each) for each in inputs)
    return SharedRule(Definition(rule=rule, kind=kind), sources)


SHARED = (
    on_point("rate", Rate(per=1.0, max_gap=30.0), (level("快", ">", 4.0),)),
    on_point("sum", Window(aggregate=Aggregate.SUM, seconds=20.0), (level("多", ">=", 60.0),)),
    on_point(
        "count",
        Window(aggregate=Aggregate.COUNT, seconds=60.0, counted=Counted(">", 10.0)),
        (level("三次", ">=", 3.0),),
    ),
    on_point("stale", Stale(), SILENT),
    on_point("bad", Bad(), SILENT),
    on_point("frozen", Frozen(tolerance=0.1), SILENT),
    on_point("digital", on_point("x", Vote(clauses=TWO), ()).definition.kind, ()),
    on_point("night", Schedule(allowed=(Hours("00:00", "12:00"),)), ONE),
    on_point(
        "watched", replace(Definition(rule=Rule(id="x", subject="x", levels=())).kind), ONE,
        watch=Watch(stale_after=30.0), clocks=Clocks(realarm_after=40.0),
    ),
    on_object("interlock", Interlock(clauses=TWO), YES, ("pump", "fan")),
    on_object("vote", Vote(clauses=(Clause("a", ">", 10.0), Clause("b", ">", 10.0))),
              (level("两路", ">=", 2.0),), ("a", "b")),
    on_object("lately", Vote(clauses=(Clause("a", ">", 10.0), Clause("b", ">", 10.0)), within=30.0),
              (level("两路", ">=", 2.0),), ("a", "b")),
    on_object("apart", Deviation(input="a", reference="b"), ONE, ("a", "b")),
    on_object("roll-up", Levels(), (level("两个", ">=", 2.0),),
              (f"{HERE}/a:rate", f"{OBJECT}:vote", f"{HERE}/a:sum")),
)  # fmt: skip
SHARED = tuple(each for each in SHARED if each.definition.rule.levels)


def buses():
    points = tuple(builders.point(n, "d1", name) for n, name in enumerate(POINTS))
    return (builders.bus(builders.device("d1", points, scan=1.0)),)


class Watched:
    """An evaluator that hears readings at times of its own; `said` is what it told of each rule."""

    def __init__(self, shared=SHARED):
        judging = rules_by(buses(), RuleSet(rules=tuple(shared)))
        assert judging.left == ()
        self.now = START
        self.evaluator = Evaluator(judging.rules, len(POINTS), BOOT, self.now)
        self.evaluator.know_date()
        self.happened = []

    def at(self):
        return At(self.now, 0, self.now)

    def pass_to(self, time):
        while (due := self.evaluator.due()) is not None and due < time:
            self.now = max(self.now, due)
            self.happened += self.evaluator.advance(due).happened
        self.now = time

    def read(self, time, point, value):
        self.pass_to(time)
        quality = Quality.GOOD if value is not None else Quality.BAD_TIMEOUT
        judged = self.evaluator.take([Reading(point, value, int(quality), time)], self.at)
        if judged is not None:
            self.happened += judged.happened

    def said(self, rule):
        return [
            (each.time, each.word.value, each.standing.level)
            for each in self.happened
            if each.rule.id == rule
        ]
