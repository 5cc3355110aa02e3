"""What is past its time goes, rollups stay in its place, and every step of it is in the ledger."""

import asyncio
import itertools
import math
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest

from central.calendar.periods import Kind
from central.collector import Collector
from central.keep import DAY
from central.reader import QueryTooLong
from central.store.queries.queries import Reckoning
from central.store.tiers import due, tiers
from central.store.tiers.keeping import StoreKeeping
from protocols.crash_points import VARIABLE
from protocols.quality import Quality
from tests.central.builders import SECOND, START, Gateway, HandClock, config_in, open_collector

LEVEL, NOTE = "site/gw/tank/level", "site/gw/tank/note"
MINUTE, HOUR = 60 * SECOND, 3_600 * SECOND
TEN = StoreKeeping({"keep": 10 * DAY, "minutes": 20 * DAY, "hours": 30 * DAY})


@pytest.fixture(autouse=True)
def small_steps(monkeypatch):
    monkeypatch.setattr(due, "CELLS", 40)
    monkeypatch.setattr(due, "LATE", 7)


async def rows(collector, sql, *values):
    return await collector.db.read(lambda conn: conn.execute(sql, values).fetchall())


async def deliver(collector, gateway, stream, clock, count, every=600):
    """Deliver and seal readings of two points, some bad, some texts; return the numbers."""
    given = []
    for number in range(count):
        clock.move(every)
        bad = number % 7 == 3
        quality = Quality.BAD_SENSOR_FAILURE if bad else Quality.GOOD
        told = gateway.reading
        note = told("note", f"n{number}")
        await gateway.deliver(
            collector, stream, told("level", number / 3, quality), told("level", 50.0, ago=20), note
        )
        given += [] if bad else [number / 3]
        given.append(50.0)
        if number % 25 == 24:
            await collector.store.seal()
    await collector.store.seal()
    return given


async def by_hours(collector, point, start, end):
    asked = Reckoning(start=start, end=end, kind=Kind.HOUR, zone="Asia/Shanghai")
    found = (await collector.queries.periods([point], asked)).points[point]
    some = np.flatnonzero(found.count).tolist()
    return found.tier, [
        (
            int(found.edges[place]),
            int(found.count[place]),
            int(found.good[place]),
            *(f"{column[place]:.17g}" for column in (found.least, found.most)),
            f"{found.mean[place]:.11g}",
            found.first[place],
            found.last[place],
            int(found.worst[place]),
            int(found.late[place]),
        )
        for place in some
    ]


@pytest.fixture
def retention(collector):
    collector.store_retention.keeping = TEN
    return collector.store_retention


async def test_hours_say_the_same_before_and_after(collector, gateway, stream, clock, retention):
    given = await deliver(collector, gateway, stream, clock, 200)
    span = (START, clock.now() + SECOND)
    before = {point: await by_hours(collector, point, *span) for point in (LEVEL, NOTE)}
    assert before[LEVEL][0] == "raw"
    clock.move(8.7 * 86_400)
    await retention.round()
    assert retention.figures.readings["raw"] == 0
    clock.move(2.7 * 86_400)
    await retention.round()
    assert retention.figures.readings["raw"] == 600
    assert await rows(collector, "SELECT count(*) FROM chunk") == [(0,)]
    for point, (_, told) in before.items():
        assert await by_hours(collector, point, *span) == ("1min", told)
    whole = await collector.queries.buckets(LEVEL, *span, 1)
    assert (int(whole.good[0]), whole.least[0], whole.most[0]) == (
        len(given),
        min(given),
        max(given),
    )
    assert math.isclose(whole.sum[0], math.fsum(given), rel_tol=1e-12)
    clock.move(10 * 86_400)
    await retention.round()
    assert await by_hours(collector, LEVEL, *span) == ("1h", before[LEVEL][1])
    clock.move(10 * 86_400)
    await retention.round()
    assert await by_hours(collector, LEVEL, *span) == ("raw", [])


async def test_everything_that_went_is_in_the_ledger(collector, gateway, stream, clock, retention):
    await deliver(collector, gateway, stream, clock, 200)
    days = dict(await rows(collector, "SELECT day, sum(n) FROM chunk GROUP BY day"))
    clock.move(12 * 86_400)
    await retention.round()
    lines = await collector.db.read(lambda conn: tiers.ledger(conn, None, 100, None))
    assert {line.day: line.readings for line in lines} == days
    assert [line.day for line in lines] == sorted(days, reverse=True)
    assert {(line.site, line.tier, line.why) for line in lines} == {("site", "raw", "general:10d")}
    assert sum(line.bytes for line in lines) == retention.figures.bytes["raw"] > 0
    clock.move(30 * 86_400)
    await retention.round()
    gone = Counter()
    for line in await collector.db.read(lambda conn: tiers.ledger(conn, None, 100, None)):
        gone[line.tier] += line.readings
    assert gone == {"raw": 600, "1min": 600, "1h": 600}
    assert await collector.db.read(lambda conn: tiers.ledger(conn, frozenset(), 9, None)) == []


async def test_what_comes_late_to_a_day_that_has_gone_is_added(
    collector, gateway, stream, clock, retention
):
    await deliver(collector, gateway, stream, clock, 60)
    span = (START, clock.now() + SECOND)
    (_, before) = await by_hours(collector, LEVEL, *span)
    clock.move(12 * 86_400)
    await retention.round()
    ago = (clock.now() - START) / SECOND - 700
    late = gateway.reading("level", -40.0, ago=ago)
    await gateway.deliver(collector, stream, late)
    for sealed in (False, True):
        if sealed:
            await collector.store.seal()
        tier, told = await by_hours(collector, LEVEL, *span)
        assert tier == "1min"
        assert sum(line[1] for line in told) == sum(line[1] for line in before) + 1
        assert "-40" in [line[3] for line in told]
    _, told = await by_hours(collector, LEVEL, *span)
    await retention.round()
    assert retention.figures.readings["raw"] == 181
    assert await by_hours(collector, LEVEL, *span) == ("1min", told)


async def test_rows_of_older_versions_go_too(collector, gateway, stream, clock, retention):
    await deliver(collector, gateway, stream, clock, 1)
    (number,) = await rows(collector, "SELECT number FROM point WHERE id = ?", LEVEL)
    lost = 4_711

    def put(tables):
        for (point, ago), place in itertools.product(((number[0], 30), (lost, 40)), range(20)):
            tables.conn.execute(
                "INSERT INTO late(point, time, stream, seq, received, quality, flags, value, class)"
                " VALUES (?, ?, 1, ?, ?, 0, 0, ?, 0)",
                (point, START - ago * DAY + place * MINUTE, -1 - place, START, float(place)),
            )

    await collector.db.write(put)
    await retention.round()
    assert await rows(collector, "SELECT count(*) FROM late WHERE seq < 0") == [(0,)]
    lines = await collector.db.read(lambda conn: tiers.ledger(conn, None, 9, None))
    assert [(line.site, line.readings, line.why) for line in lines] == [
        ("site", 20, "general:10d"),
        ("", 20, "longest:30d"),
    ]
    span = (START - 30 * DAY, START - 30 * DAY + HOUR)
    tier, told = await by_hours(collector, LEVEL, *span)
    assert (tier, sum(line[1] for line in told)) == ("1h", 20)


async def test_a_site_is_kept_as_its_own_setting_says(collector, gateway, stream, clock, retention):
    retention.keeping = replace(TEN, sites={"site": {"keep": None, "minutes": None}})
    await deliver(collector, gateway, stream, clock, 5)
    clock.move(5_000 * 86_400)
    await retention.round()
    assert retention.figures.readings["raw"] == 0
    assert retention.kept("site").why["keep"] == "site"
    assert retention.sizes["site"].readings == 15
    assert retention.sizes["site"].bytes > 0


async def test_a_damaged_chunk_stays_and_is_told(collector, gateway, stream, clock, retention):
    await deliver(collector, gateway, stream, clock, 5)
    await collector.db.write(
        lambda tables: tables.conn.execute("UPDATE chunk SET body = x'00' WHERE id = 1")
    )
    clock.move(12 * 86_400)
    await retention.round()
    await retention.round()
    assert retention.figures.damaged == 1
    assert await rows(collector, "SELECT count(*) FROM chunk") != [(0,)]


async def test_a_damaged_row_stays_and_ends_nothing(collector, gateway, stream, clock, retention):
    await deliver(collector, gateway, stream, clock, 5)
    await collector.db.write(
        lambda tables: tables.conn.execute(
            "INSERT INTO late(point, time, stream, seq, value, class, quality, flags, received) "
            "SELECT 1, t0 + 1, 1, 9999, 'x', 2, 0, 0, t0 FROM chunk LIMIT 1"
        )
    )
    clock.move(12 * 86_400)
    await retention.round()
    assert retention.figures.damaged == 1
    assert await rows(collector, "SELECT value FROM late WHERE class = 2") == [("x",)]


DIES = """
import asyncio, os, sys
from pathlib import Path
sys.path.insert(0, {root!r})
from central.store.tiers import due
from protocols.crash_points import CrashPoints
from tests.central.builders import HandClock, START, open_collector
from tests.central.store.tiers.test_retention import TEN, DAY
due.CELLS = 40
async def main():
    collector = await open_collector(Path(sys.argv[1]), HandClock(START + int(sys.argv[2]) * DAY))
    collector.db.crash = CrashPoints(os.environ)
    collector.store_retention.keeping = TEN
    await collector.store_retention.round()
    await collector.close()
asyncio.run(main())
"""


@pytest.mark.slow
async def test_killed_at_any_step_nothing_is_lost_or_counted_twice(tmp_path):
    clock = HandClock()
    collector = await open_collector(tmp_path, clock)
    await collector.registry.add_gateway("gw")
    gateway = Gateway(clock)
    stream = gateway.open()
    await gateway.register(collector, stream)
    await deliver(collector, gateway, stream, clock, 120)
    span = (START, clock.now() + SECOND)
    before = [(await by_hours(collector, point, *span))[1] for point in (LEVEL, NOTE)]
    await collector.close()
    codes = Counter()
    for nth, after in ((1, 12), (2, 12), (3, 13), (9, 23)):
        done = subprocess.run(
            [sys.executable, "-c", DIES.format(root=sys.path[0]), str(tmp_path), str(after)],
            env={VARIABLE: f"central.retention:{nth}", "PYTHONPATH": ":".join(sys.path)},
            capture_output=True,
            check=False,
        )
        codes[done.returncode] += 1
        assert done.returncode in (0, -signal.SIGKILL), done.stderr.decode()[-2000:]
        collector = await Collector.open(config_in(tmp_path), HandClock(START + after * DAY))
        try:
            for point, told in zip((LEVEL, NOTE), before, strict=True):
                assert (await by_hours(collector, point, *span))[1] == told
        finally:
            await collector.close()
    assert codes[-signal.SIGKILL] >= 2
    with closing(sqlite3.connect(tmp_path / "collector.db")) as conn:
        assert conn.execute("SELECT count(*) FROM chunk").fetchone() == (0,)


async def test_a_look_that_takes_too_long_is_put_off(
    collector, gateway, stream, clock, retention, monkeypatch
):
    await deliver(collector, gateway, stream, clock, 5)
    clock.move(12 * 86_400)

    def slow(conn, **_):
        raise QueryTooLong(seconds=60)

    with monkeypatch.context() as patch:
        patch.setattr(due, "next_step", slow)
        await retention.round()
    assert (retention.figures.slow, retention.figures.readings["raw"]) == (1, 0)
    await retention.round()
    assert retention.figures.readings["raw"] > 0


async def test_it_may_be_cancelled_at_any_moment(collector, gateway, stream, clock, retention):
    await deliver(collector, gateway, stream, clock, 60)
    span = (START, clock.now() + SECOND)
    (_, before) = await by_hours(collector, LEVEL, *span)
    clock.move(12 * 86_400)
    for waits in range(12):
        task = asyncio.create_task(retention.round())
        for _ in range(waits):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert (await by_hours(collector, LEVEL, *span))[1] == before
    await retention.round()
    assert await by_hours(collector, LEVEL, *span) == ("1min", before)
