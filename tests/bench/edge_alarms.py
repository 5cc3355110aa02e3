"""`make bench ONLY=edge-alarms`: what judging costs the gateway, the evaluator alone, one core.

1,000 points of four limits each. `edge.alarms.quiet`: nothing changes; `edge.alarms.standing`: all
of them stand and stay so; `edge.alarms.moving`: every reading raises or returns an alarm.
`bytes_per_point`: what a point with its limits costs resident. Best of five rounds.
"""

import time
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace

from edge.alarms.evaluator import At, Evaluator
from edge.alarms.rules import local_rules
from protocols.alarms.rule import Colour, Level
from protocols.device import Bus
from protocols.words import Reading
from tests import builders

POINTS = 1_000
SCANS = 20
ROUNDS = 5
SECOND = 1_000_000
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
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    held = Evaluator(local_rules(buses), POINTS, "b" * 32)
    size = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    yield {
        "name": "edge.alarms.memory",
        "rules": len(held.rules),
        "bytes_per_point": round(size / POINTS),
    }


def plant() -> tuple[Bus, ...]:
    points = (replace(builders.point(n), limits=LIMITS) for n in range(POINTS))
    return (builders.bus(builders.device("tk-101", tuple(points))),)


def round_of(buses: tuple[Bus, ...], value: object) -> float:
    """Return the processor time of one reading (s)."""
    assert callable(value)
    evaluator = Evaluator(local_rules(buses), POINTS, "b" * 32)
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
