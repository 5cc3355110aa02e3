"""`make bench ONLY=alarms`: what judging a commit costs, the engine alone, on a real file.

Every point has a ladder of four limits. `quiet`: nothing changes; `backfill`: the same of an older
stream while a newer one is live; `1000x40` are 25 points of 40 readings each. `switch`: every
commit is of a new stream, as when a gateway connects again. `rules`: what a manifest's rules cost,
two for each point. `flood`: every reading raises or returns an alarm, with its episode and journal;
`storm` the same with the COMMIT, `storm.new` where each begins an alarm that was seen and over.
`storm.10000` is a commit of 10,000 points, `apart` where each has limits of its own. `storm.slow`
is `storm` of rules whose delays leave every reading to the machine. `quiet.20000` are 20,000 points
with four levels each, in one commit. `trends`: what the event loop pays for the same samples.
Garbage is looked for as the collector does it. `cpu_us_per_reading` is processor time, the best of
five rounds; `median_us_per_reading` the median of all their commits: what else the machine does is
in it.
"""

import gc
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from sqlite_utils import Database as Tables

from central.alarms.acts.acted import Acknowledge
from central.alarms.engine import Engine, Evaluation
from central.alarms.journal.records import levels_json
from central.alarms.rules.wanted import OfManifest, placed
from central.alarms.samples import Good
from central.alarms.shown.trend import Trends
from central.commands.run import GARBAGE
from central.database_file import open_file
from central.ingest.manifests import PORTION
from central.store.arrivals import Arrivals
from central.store.columns import Columns
from central.store.measured import Measured
from central.store.values import Values
from protocols.alarms.ladder import directions, rule_of
from protocols.alarms.rule import Colour, Level
from protocols.words import Purpose

POINTS = 1_000
CITY = 20_000
ROUNDS = 5
SECOND = 1_000_000
NOW = 1_781_272_800 * SECOND
LIMITS = tuple(
    Level(name=name, colour=colour, op=op, limit=limit, confirmed_by="bench")
    for name, op, limit, colour in (
        ("HH", ">=", 90.0, Colour.RED),
        ("H", ">=", 80.0, Colour.YELLOW),
        ("L", "<=", 20.0, Colour.YELLOW),
        ("LL", "<=", 10.0, Colour.RED),
    )
)

DELAYED = tuple(replace(level, off_delay=0.001) for level in LIMITS)


class _Nothing:
    """A store that holds nothing yet."""

    def newest_good_all(self, *_: object) -> dict[int, Any]:
        return {}

    def position(self, *_: object) -> int:
        return 0

    def readings(self, *_: object) -> list[Measured]:
        return []

    def arrivals(self, *_: object) -> dict[int, Arrivals]:
        return {}


class Plant:
    """An engine with the rules of points that share their limits, on a file of its own.

    `apart`: each point has limits of its own, as where every tank is another.
    """

    def __init__(
        self,
        folder: Path,
        points: int = POINTS,
        limits: tuple[Level, ...] = LIMITS,
        *,
        apart: bool = False,
    ) -> None:
        self.tables: Tables = open_file(folder / "bench.db", NOW)[0]
        self.engine = Engine(_Nothing())
        self.now = NOW
        conn = self.tables.conn
        conn.execute("INSERT INTO gateway(name, label, created) VALUES ('gw', '{}', 0)")
        wanted, numbers, shared = [], {}, directions(limits)
        for number in range(1, points + 1):
            id_ = f"site/gw/tank/p{number}"
            conn.execute(
                "INSERT INTO point(number, id, gateway) VALUES (?, ?, 'gw')", (number, id_)
            )
            numbers[number] = number
            own = directions(replace(each) for each in limits) if apart else shared
            wanted += [
                OfManifest(rule_of(id_, side, levels), number, levels_json(levels))
                for side, levels in own
            ]
        self.wanted, self.numbers = wanted, numbers
        self.taking = self.take()

    def take(self) -> float:
        """Take the rules in portions, as ingest does; return the processor seconds."""
        began = time.process_time()
        for at in range(0, len(self.wanted), PORTION):
            portion = self.wanted[at : at + PORTION]
            with self.tables.atomic():
                self.engine.take_rules(self.tables, placed(portion, self.numbers, "gw"), NOW)
        return time.process_time() - began

    def rows(self, count: int, each: int, value: float) -> Columns:
        """Return a commit of `count` readings, `each` of a point, one a second after another."""
        points = count // each
        times = self.now + np.repeat(np.arange(each), points) * SECOND
        numbers = value + np.linspace(0.0, 1.0, count)
        none = np.zeros(count, np.int64)
        places = np.tile(np.arange(1, points + 1), each)
        self.now += each * SECOND
        return Columns(places, times, np.arange(count), Values.floats(numbers), none, none)

    def store(self, rows: Columns) -> float:
        """Judge a commit of the live stream; return the processor seconds with the COMMIT."""
        began = time.process_time()
        self.judge(rows, 1, self.now)
        return time.process_time() - began

    def see_all(self) -> None:
        """Acknowledge what stands."""
        open_ = "SELECT rule FROM episode WHERE closed IS NULL"
        with self.tables.atomic():
            for (rule,) in self.tables.conn.execute(open_).fetchall():
                self.engine.act(self.tables, rule, Acknowledge("bench"), self.now)

    def judge(self, rows: Columns, stream: int, arrival: int) -> float:
        """Judge a commit in a transaction; return the processor seconds of judging alone."""
        with self.tables.atomic():
            batch = Evaluation(
                stream=stream, purpose=Purpose.PRODUCTION, arrival=arrival, rows=rows
            )
            began = time.process_time()
            self.engine.evaluate(self.tables, batch)
            return time.process_time() - began


def measure() -> Iterator[dict[str, Any]]:
    """Yield a figure for each way."""
    for name, count, each in (("1000", 1_000, 1), ("1000x40", 1_000, 40), ("100", 100, 1)):
        for kind in ("quiet", "backfill"):
            yield _figure(f"alarms.{kind}.{name}", count, _way(kind, count, each), 200)
    yield _figure("alarms.switch.1000", 1_000, _way("switch", 1_000, 1), 50)
    yield _figure("alarms.rules", 2 * POINTS, _rules, 1)
    yield _figure("alarms.flood", 1_000, _way("flood", 1_000, 1), 3)
    yield _figure("alarms.storm", 1_000, lambda folder: _storm(Plant(folder), POINTS), 2)
    for name, apart in (("10000", False), ("10000.apart", True)):
        way = partial(_storm_of, points=10 * POINTS, apart=apart)
        yield _figure(f"alarms.storm.{name}", 10 * POINTS, way, 2)
    yield _figure("alarms.storm.new", 1_000, lambda folder: _new(Plant(folder)), 1)
    slow = lambda folder: _storm(Plant(folder, limits=DELAYED), POINTS)  # noqa: E731
    yield _figure("alarms.storm.slow", 1_000, slow, 2)
    yield _figure("alarms.quiet.20000", CITY, _city, 50)
    yield _figure("alarms.trends", 1_000, _trends, 200)


def _figure(
    name: str, count: int, way: Callable[[Path], Callable[[], float]], commits: int
) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        once = way(Path(folder))
        once()
        with _as_the_collector():
            rounds = [[once() for _ in range(commits)] for _ in range(ROUNDS)]
    best = min(map(sum, rounds)) / commits
    median = statistics.median(chain.from_iterable(rounds))
    return {
        "name": name,
        "cpu_us_per_reading": round(best / count * 1e6, 3),
        "median_us_per_reading": round(median / count * 1e6, 3),
        "cpu_us_per_commit": round(best * 1e6, 1),
        "readings_per_s": round(count / best),
        "readings": count,
    }


@contextmanager
def _as_the_collector() -> Iterator[None]:
    """Look for garbage as seldom as the collector does, and not in what was read at the start."""
    usual = gc.get_threshold()
    gc.set_threshold(*GARBAGE)
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
        gc.set_threshold(*usual)


def _way(kind: str, count: int, each: int) -> Callable[[Path], Callable[[], float]]:
    def begun(folder: Path) -> Callable[[], float]:
        plant = Plant(folder)
        value, stream = 50.0, 1
        if kind == "backfill":
            plant.judge(plant.rows(POINTS, 1, 50.0), 1, plant.now)
            live = plant.now
            plant.now = live + 10**6 * SECOND
            plant.judge(plant.rows(POINTS, 1, 50.0), 2, plant.now)
            plant.now = live

        def once() -> float:
            nonlocal value, stream
            if kind == "flood":
                value = 95.0 if value == 50.0 else 50.0
            if kind == "switch":
                stream += 1
            rows = plant.rows(count, each, value)
            return plant.judge(rows, stream, plant.now)

        return once

    return begun


def _storm_of(folder: Path, *, points: int, apart: bool) -> Callable[[], float]:
    return _storm(Plant(folder, points, apart=apart), points)


def _storm(plant: Plant, points: int) -> Callable[[], float]:
    value = 50.0

    def once() -> float:
        nonlocal value
        value = 95.0 if value == 50.0 else 50.0
        return plant.store(plant.rows(points, 1, value))

    for _ in range(4):
        once()
    return once


def _new(plant: Plant) -> Callable[[], float]:
    def once() -> float:
        plant.store(plant.rows(POINTS, 1, 50.0))
        plant.see_all()
        return plant.store(plant.rows(POINTS, 1, 95.0))

    return once


def _city(folder: Path) -> Callable[[], float]:
    plant = Plant(folder, CITY)

    def once() -> float:
        return plant.judge(plant.rows(CITY, 1, 50.0), 1, plant.now)

    return once


def _rules(folder: Path) -> Callable[[], float]:
    def once() -> float:
        with tempfile.TemporaryDirectory(dir=folder) as fresh:
            return Plant(Path(fresh)).taking

    return once


def _trends(folder: Path) -> Callable[[], float]:
    trends, plant = Trends(), Plant(folder)

    def once() -> float:
        rows = plant.rows(POINTS, 1, 50.0)
        began = time.process_time()
        trends.add(Good(rows.points, rows.times, rows.values.numbers))
        return time.process_time() - began

    return once
