"""`make bench ONLY=alarms`: what rules that remember cost, with their COMMIT, on a real file.

A thousand points each: `windows.day` is a sum over 24 hours of a reading every five minutes,
`windows.hour` a change over one hour of a reading every ten seconds, `rates` a rate a minute of a
reading every ten seconds. Every window is full when it is measured. `written_per_reading` are the
bytes the log grows by.
"""

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from central.alarms.rules.wanted import LIBRARY, Wanted
from protocols.alarms.definition import Definition
from protocols.alarms.kinds.kind import Kind
from protocols.alarms.kinds.rate import Rate
from protocols.alarms.kinds.window import Aggregate, Window
from protocols.alarms.rule import Colour, Level, Rule
from tests.bench.alarms import NOW, POINTS, SECOND, Plant

ROUNDS: Final = 3
COMMITS: Final = 4
HIGH: Final = Level(name="H", colour=Colour.YELLOW, op=">=", limit=1e9, confirmed_by="bench")
HEADER: Final = 32
"""Bytes before the first page of a log."""


class Way(NamedTuple):
    """A kind, seconds between readings, and how many it remembers."""

    kind: Kind
    every: int
    full: int


WAYS: Final = {
    "windows.day": Way(Window(aggregate=Aggregate.SUM, seconds=86_400.0), 300, 288),
    "windows.hour": Way(Window(aggregate=Aggregate.CHANGE, seconds=3_600.0), 10, 361),
    "rates": Way(Rate(per=60.0), 10, 40),
}


def measure() -> Iterator[dict[str, Any]]:
    """Yield a figure for each way."""
    for name, way in WAYS.items():
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            yield {"name": f"alarms.{name}", **_figure(Path(folder), way)}


def _figure(folder: Path, way: Way) -> dict[str, Any]:
    plant = Plant(folder, limits=())
    with plant.tables.atomic():
        plant.engine.take_rules(plant.tables, [_rule(way, n + 1) for n in range(POINTS)], NOW)
    for each in _portions(way.full):
        _say(plant, way, each)
    log = folder / "bench.db-wal"
    plant.tables.execute("PRAGMA wal_autocheckpoint = 0").fetchall()
    best, grown = float("inf"), 0
    for _ in range(ROUNDS):
        plant.tables.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        began = time.process_time()
        for _ in range(COMMITS):
            _say(plant, way, 1)
        best = min(best, time.process_time() - began)
        grown += log.stat().st_size - HEADER
    count = COMMITS * POINTS
    return {
        "cpu_us_per_reading": round(best / count * 1e6, 1),
        "written_per_reading": round(grown / ROUNDS / count),
        "kept_per_rule": round(_kept(plant) / POINTS),
        "readings": way.full,
    }


def _rule(way: Way, number: int) -> Wanted:
    rule = Rule(id=f"site/rule{number}", subject=f"site/gw/tank/p{number}", levels=(HIGH,))
    return Wanted(Definition(rule=rule, kind=way.kind), ((number, ""),), LIBRARY)


def _portions(full: int) -> Iterator[int]:
    while full > 0:
        yield min(full, 100)
        full -= 100


def _say(plant: Plant, way: Way, each: int) -> None:
    """Let every point say `each` readings in one commit."""
    began = plant.now
    rows = plant.rows(POINTS * each, each, 50.0)
    rows.times = began + (rows.times - began) * way.every
    plant.now = began + each * way.every * SECOND
    plant.judge(rows, 1, plant.now)


def _kept(plant: Plant) -> int:
    """Return the bytes the rows of rules take."""
    tables = ("condition", "remembered")
    asked = (f"SELECT coalesce(sum(length(body)), 0) FROM {each}" for each in tables)
    return sum(int(plant.tables.execute(sql).fetchone()[0]) for sql in asked)
