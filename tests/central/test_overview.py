"""The first screen's figures."""

import asyncio

from central.alarms.journal.records import OPEN
from central.overview import Levels
from tests.central.builders import SECOND, Gateway


async def test_an_empty_collector_has_figures_too(collector):
    found = await collector.overview()
    assert (found.points, found.sites, found.unacknowledged) == (0, (), 0)
    assert (found.gateways.total, found.gateways.offline) == (1, 0)
    assert found.platform.last_evaluation is None
    assert found.platform.backup == "not_configured"


async def test_what_is_wrong_and_what_cannot_be_seen(collector, gateway, stream, clock):
    await gateway.deliver(
        collector,
        stream,
        gateway.reading("level", 95.0),
        gateway.reading("smoke", True, ago=30),
        gateway.reading("count", 1, ago=4000),
    )
    found = await collector.overview()
    assert found.levels == Levels(red=1, yellow=1)
    assert found.unacknowledged == 2
    (site,) = found.sites
    assert (site.worst, site.open, site.blind, site.points) == ("red", 2, False, 4)
    counts = {step.upto_s: step.count for step in found.timeliness}
    assert counts == {10: 1, 60: 1, 300: 0, 1800: 0, 7200: 1, None: 1}
    assert found.platform.last_evaluation == clock.now()
    assert found.platform.ingest_p99_ms > 0
    assert found.platform.readings_per_s > 0
    assert (await collector.overview(frozenset())).sites == ()
    assert (await collector.overview(frozenset())).levels == Levels()


async def test_a_site_is_blind_when_nobody_who_serves_it_is_there(collector, stream, clock):
    await collector.registry.add_gateway("gw2")
    other = Gateway(clock, "gw2", boot="e0" * 16)
    opened = other.open()
    await other.register(collector, opened)
    task = asyncio.create_task(collector.run())
    heard = asyncio.Queue()
    collector.listeners.append(heard.put_nowait)
    for _ in range(30):
        await asyncio.sleep(0)
    clock.move(29)
    await other.deliver(collector, opened, other.reading("count", 1))
    clock.move(2)
    async with asyncio.timeout(60):
        while not (await heard.get()).events:
            pass
    found = await collector.overview()
    assert (found.gateways.offline, found.sites[0].blind) == (1, False)
    for _ in range(30):
        await asyncio.sleep(0)
    clock.move(30)
    async with asyncio.timeout(60):
        while not (await heard.get()).events:
            pass
    assert (await collector.overview()).sites[0].blind
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_losses_of_today_are_the_sites_day(collector, gateway, stream, clock):
    await gateway.deliver(collector, stream, gateway.reading(99, 1.0))
    assert (await collector.overview()).platform.quarantined_today == 1
    clock.move(2 * 3600 - 1)
    assert (await collector.overview()).platform.quarantined_today == 1
    clock.move(1)
    assert clock.now() % (86_400 * SECOND) == 16 * 3600 * SECOND
    assert (await collector.overview()).platform.quarantined_today == 0


async def test_a_flood_of_alarms_is_counted_from_an_index_alone(collector):
    def plan(conn):
        return [row[3] for row in conn.execute(f"EXPLAIN QUERY PLAN {OPEN}")]

    said = await collector.db.read(plan)
    assert said[0] == "SCAN episode USING COVERING INDEX episode_figures"
    # Beside it the few that are shelved, by their rules.
    assert "SEARCH e USING INDEX episode_open (rule=?)" in said
    assert said[-1] == "USING ROWID SEARCH ON TABLE fault FOR IN-OPERATOR"


async def test_open_alarms_are_counted_by_site_and_colour_seen_or_not(collector):
    def enter(tables):
        insert = (
            "INSERT INTO episode(id, rule, point, site, state, level, colour, raised, occurrence, "
            "late, purpose, closed, unseen) VALUES (?, 'r', 1, ?, ?, '{}', ?, 0, 1, 0, ?, ?, ?)"
        )
        rows = [
            ("a", "UNACK", 4, "production"),
            ("a", "RTN_UNACK", 2, "production"),
            ("a", "ACKED", 4, "production"),
            ("b", "ACKED", 1, "production"),
            ("b", "NORMAL", 4, "production"),
            ("b", "UNACK", 4, "drill"),
        ]
        tables.conn.execute("INSERT INTO point(number, id, gateway) VALUES (1, 'a/gw/d/p', 'gw')")
        tables.conn.executemany(
            insert,
            [
                (str(n), site, state, *rest, 1 if state == "NORMAL" else None, state != "ACKED")
                for n, (site, state, *rest) in enumerate(rows)
            ],
        )

    await collector.db.write(enter)
    found = await collector.overview()
    assert (found.levels, found.unacknowledged) == (Levels(red=2, yellow=1, blue=1), 2)
    assert (await collector.overview(frozenset({"b"}))).levels == Levels(blue=1)
