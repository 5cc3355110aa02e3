"""`make bench ONLY=alarms`: the pure core by itself, and the guard before it; nothing is stored.

`alarms.core.storm`: every reading changes an alarm's state, ladders of four levels with deadband.
`alarms.core.storm.whole`: the same under a watch, with clocks for escalation, chatter and repeated
calls. `alarms.core.quiet`: 20,000 points with four levels (a ladder up, a ladder down), nothing
changes. `alarms.core.flood`: 10,000 alarms a minute for ten minutes: raised, counted for the flood,
marked first or follower, acknowledged, returned; and the list of those that stand grouped by site
once a second. Best of some rounds; processor time of one core.
"""

import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from central.alarms.arrays import quiet
from central.alarms.arrays.still import Live
from central.alarms.samples import Coming
from central.store.columns import Columns
from central.store.values import Values
from protocols.alarms import acting, first_up, flood, steps
from protocols.alarms.condition import calm, start
from protocols.alarms.definition import Clocks, Definition, Watch
from protocols.alarms.ladder import ladders
from protocols.alarms.machine import Machine, Sample, begin
from protocols.alarms.rule import Colour, Level, Rule
from protocols.clock import SECOND
from tests.central.alarms.grouping import Standing, grouped

POINTS = 20_000
STORM = 50_000
MACHINES = 1_000
A_MINUTE = 10_000
MINUTES = 10
ROUNDS = 5
NOW = 1_781_272_800 * SECOND
LEVELS = tuple(
    Level(name=name, colour=colour, op=op, limit=limit, deadband=1.0, confirmed_by="bench")
    for name, op, limit, colour in (
        ("L", "<=", 20.0, Colour.YELLOW),
        ("LL", "<=", 10.0, Colour.RED),
        ("H", ">=", 80.0, Colour.YELLOW),
        ("HH", ">=", 90.0, Colour.RED),
    )
)
UPWARDS = tuple(
    Level(name=str(colour), colour=colour, op=">=", limit=limit, deadband=1.0, confirmed_by="bench")
    for limit, colour in zip((60.0, 70.0, 80.0, 90.0), Colour, strict=True)
)
RULE = Rule(id="bench", subject="site/gw/tank/level", levels=UPWARDS)
WHOLE = Definition(
    rule=RULE,
    watch=Watch(stale_after=300.0, bad_after=60.0, low=0.0, high=100.0),
    clocks=Clocks(realarm_after=1800.0, escalate=(300.0, 900.0), chatter=(3, 60.0)),
)


def measure() -> Iterator[dict[str, Any]]:
    """Yield the figures."""
    yield _figure("alarms.core.storm", STORM, lambda: _storm(Definition(rule=RULE)))
    yield _figure("alarms.core.storm.whole", STORM, lambda: _storm(WHOLE))
    yield _figure("alarms.core.quiet", 100 * POINTS, _quiet())
    seconds = min(_flood() for _ in range(2))
    alarms = A_MINUTE * MINUTES
    yield {
        "name": "alarms.core.flood",
        "alarms": alarms,
        "cpu_us_per_alarm": round(seconds / alarms * 1e6, 2),
        "cpu_s_per_minute": round(seconds / MINUTES, 3),
    }


def _figure(name: str, count: int, once: Callable[[], float]) -> dict[str, Any]:
    once()
    best = min(once() for _ in range(ROUNDS))
    return {
        "name": name,
        "readings": count,
        "readings_per_s": round(count / best),
        "cpu_us_per_reading": round(best / count * 1e6, 4),
    }


def _storm(definition: Definition) -> float:
    """Feed readings that go from normal through all levels and back; return the seconds."""
    machines = [begin(definition) for _ in range(MACHINES)]
    scans = []
    for scan in range(STORM // MACHINES):
        at, value = NOW + scan * SECOND, (50.0, 65.0, 75.0, 85.0, 95.0)[scan % 5]
        scans.append([Sample(at, value + n % 2, at + SECOND // 5) for n in range(MACHINES)])
    changed = 0
    began = time.process_time()
    for samples in scans:
        for number, sample in enumerate(samples):
            machines[number], entries = steps.feed(definition, machines[number], sample)
            changed += bool(entries)
    spent = time.process_time() - began
    assert changed >= STORM - MACHINES, "every reading but the first of a point changes its state"
    return spent


def _quiet() -> Callable[[], float]:
    """Return a run of a hundred scans of all points, each point once in a scan."""
    live = Live()
    rules = ladders("site/gw/tank/level", LEVELS)
    bounds = [calm(rule, start(rule), 50.0) for rule in rules]
    low, high = max(one for one, _ in bounds), min(other for _, other in bounds)
    points = np.arange(1, POINTS + 1)
    live.watch_all(points.tolist(), ["gw"] * POINTS)
    live.streams[points], live.low[points], live.high[points] = 1, low, high
    none = np.zeros(POINTS, np.int64)
    values = Values.floats(50.0 + np.linspace(0.0, 1.0, POINTS))
    scan = 0

    def once() -> float:
        nonlocal scan
        spent = 0.0
        for _ in range(100):
            scan += 1
            at = NOW + scan * SECOND
            times = np.full(POINTS, at, np.int64)
            rows = Columns(points, times, scan * POINTS, values, none, none)
            began = time.process_time()
            left = quiet.sift(live, Coming(rows, 1, at, None)).left
            spent += time.process_time() - began
            assert not len(left), "nothing changes"
        return spent

    return once


def _flood() -> float:
    """Let alarms come, be seen and end, ten minutes of it; return the seconds."""
    definition = Definition(rule=RULE)
    machines: list[Machine] = [begin(definition) for _ in range(A_MINUTE)]
    state, groups = flood.Flood(), dict[str, first_up.Group]()
    began = time.process_time()
    for minute in range(MINUTES):
        standing: dict[int, Standing] = {}
        for number in range(A_MINUTE):
            at = NOW + minute * 60 * SECOND + number * 60 * SECOND // A_MINUTE
            up = Sample(at, 60.0 + number % 40, at)
            machine, entries = steps.feed(definition, machines[number], up)
            id_, site = f"{minute}.{number}", f"site{number % 200}"
            state, _ = flood.announced(flood.Bounds(), state, at)
            groups[site], _ = first_up.began(groups.get(site), id_, at)
            colour = UPWARDS[entries[0].level - 1].colour
            standing[number] = Standing(id_, site, colour, at)
            if number % 2:
                machine, _ = acting.acknowledge(definition, machine, at, "bench")
            machines[number] = machine
            if number % (A_MINUTE // 60) == 0:
                grouped(standing.values(), flood=state.on)
        for number in range(A_MINUTE):
            at = NOW + (minute + 1) * 60 * SECOND - 1
            machine, _ = steps.feed(definition, machines[number], Sample(at, 10.0, at))
            if not number % 2:
                machine, _ = acting.acknowledge(definition, machine, at, "bench")
            machines[number] = machine
    assert state.alarms == A_MINUTE * MINUTES, "one flood, and every alarm counted"
    return time.process_time() - began
