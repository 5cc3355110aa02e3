"""`make bench ONLY=edge-alarms`: what judging costs the gateway, the evaluator alone, one core.

1,000 points of four limits each. `edge.alarms.quiet`: nothing changes; `edge.alarms.standing`: all
of them stand and stay so; `edge.alarms.moving`: every reading raises or returns an alarm;
`edge.alarms.others`: the same points, and 50 rules of the collector's beside (rate, window, vote,
silence), each reading of whose points goes to a machine. `bytes_per_point`: what a point with its
limits costs resident; `others_kb`: what the 50 do, after an hour of readings every 6 s.
Best of five rounds.
"""

import time
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace

from edge.alarms.evaluator import At, Evaluator
from edge.alarms.rules import LocalRule, local_rules, rules_by
from protocols.alarms.definition import Definition
from protocols.alarms.kinds.health import Stale
from protocols.alarms.kinds.rate import Rate
from protocols.alarms.kinds.several import Clause
from protocols.alarms.kinds.vote import Vote
from protocols.alarms.kinds.window import Aggregate, Window
from protocols.alarms.rule import Colour, Level, Rule
from protocols.device import Bus
from protocols.wire.rule_set import RuleSet, SharedRule
from protocols.words import Reading
from tests import builders

POINTS = 1_000
SCANS = 20
ROUNDS = 5
SECOND = 1_000_000
OTHERS = 50
HOUR = 3_600
LIMITS = tuple(
    Level(name=name, colour=colour, op=op, limit=limit, confirmed_by="bench")
    for name, op, limit, colour in (
        ("HH", ">=", 90.0, Colour.RED),
        ("H", ">=", 80.0, Colour.YELLOW),
        ("L", "<=", 20.0, Colour.YELLOW),
        ("LL", "<=", 10.0, Colour.RED),
    )
)
SERIES = {
    "quiet": (lambda scan: 50.0 + scan % 7),
    "standing": (lambda scan: 95.0 + scan % 7),
    "moving": (lambda scan: 95.0 if scan % 2 else 50.0),
}


def measure() -> Iterator[dict[str, object]]:
    """Yield one line a series, and what a point costs."""
    buses = plant()
    for name, value in SERIES.items():
        best = min(round_of(buses, value) for _ in range(ROUNDS))
        yield {
            "name": f"edge.alarms.{name}",
            "us_per_reading": round(best * 1e6, 3),
            "readings_per_second": round(1 / best),
        }
    beside = rules_by(buses, RuleSet(rules=tuple(others()))).rules
    best = min(round_of(buses, SERIES["quiet"], beside) for _ in range(ROUNDS))
    yield {
        "name": "edge.alarms.others",
        "rules": len(beside),
        "us_per_reading": round(best * 1e6, 3),
    }
    yield memory(buses, beside)


def memory(buses: tuple[Bus, ...], beside: list[LocalRule]) -> dict[str, object]:
    """Return what rules cost resident."""
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    held = Evaluator(local_rules(buses), POINTS, "b" * 32)
    size = tracemalloc.get_traced_memory()[0] - before
    before = tracemalloc.get_traced_memory()[0]
    other = [rule for rule in beside if rule.id not in held.rules]
    evaluator = Evaluator(other, POINTS, "b" * 32)
    for second in range(0, HOUR, 6):
        at = At(second * SECOND, 0, second * SECOND)
        readings = [Reading(n, 50.0 + second % 7, 0, second * SECOND) for n in range(OTHERS)]
        evaluator.take(readings, lambda at=at: at)  # type: ignore[misc]
    whole = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    return {
        "name": "edge.alarms.memory",
        "rules": len(held.rules),
        "bytes_per_point": round(size / POINTS),
        "others": len(other),
        "others_kb": round(whole / 1024),
    }


def others() -> Iterator[SharedRule]:
    """Yield 50 rules of four kinds, each on a point of its own; the windows are an hour's."""
    levels = (replace(LIMITS[0], limit=1e9),)
    kinds = (
        Rate(per=60.0),
        Window(aggregate=Aggregate.MEAN, seconds=float(HOUR)),
        Vote(clauses=(Clause("a", ">", 1e9),)),
        Stale(),
    )
    for n in range(OTHERS):
        subject, kind = str(builders.point(n).id), kinds[n % len(kinds)]
        rule = Rule(id=f"{subject}:other", subject=subject, levels=levels)
        name = "a" if isinstance(kind, Vote) else ""
        yield SharedRule(Definition(rule=rule, kind=kind), ((subject, name),))


def plant() -> tuple[Bus, ...]:
    points = (replace(builders.point(n), limits=LIMITS) for n in range(POINTS))
    return (builders.bus(builders.device("tk-101", tuple(points))),)


def round_of(buses: tuple[Bus, ...], value: object, rules: list[LocalRule] | None = None) -> float:
    """Return the processor time of one reading (s)."""
    assert callable(value)
    evaluator = Evaluator(rules or local_rules(buses), POINTS, "b" * 32)
    scans = [
        [Reading(point, value(scan), 0, scan * SECOND) for point in range(POINTS)]
        for scan in range(SCANS + 1)
    ]
    evaluator.take(scans[0], lambda: At(0, 0, 0))
    began = time.process_time()
    for scan, readings in enumerate(scans[1:], 1):
        at = At(scan * SECOND, 0, scan * SECOND)
        evaluator.take(readings, lambda at=at: at)  # type: ignore[misc]
    return (time.process_time() - began) / (SCANS * POINTS)
