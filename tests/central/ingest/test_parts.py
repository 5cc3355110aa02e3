"""A large request, a large manifest: several transactions, what comes between, where it is cut."""

import asyncio
import sqlite3
import threading

import pytest

from central.database import Urgency
from central.database_queue import Heavy
from central.ingest import commit as commit_module
from central.ingest import manifests
from protocols.errors import IngestError
from protocols.wire.batch import LedgerLine, SkipReason
from tests.central.builders import HIGH, START, Gateway, PointSpec, refused
from tests.central.stored import with_readings

POINT = "site/gw/tank/level"


@pytest.fixture(autouse=True)
def small_parts(monkeypatch):
    monkeypatch.setattr(commit_module, "PART", 5)
    monkeypatch.setattr(manifests, "PORTION", 3)


def seal(gateway, stream, batches=6, per_batch=2):
    for nth in range(batches):
        values = [float(10 * nth + n) for n in range(per_batch)]
        gateway.seal(stream, *(gateway.reading("level", v, ago=v / 100) for v in values))


async def held(collector):
    def look(conn):
        return (
            with_readings(conn)
            .execute(
                "SELECT cursor, (SELECT count(*) FROM reading r WHERE r.stream = s.number) "
                "FROM stream s WHERE cursor > 0"
            )
            .fetchall()
        )

    return await collector.db.read(look)


async def test_each_part_moves_the_cursor_with_its_rows(collector, gateway, stream, monkeypatch):
    seal(gateway, stream)
    seen, inner = [], collector._committed

    def told(name, done):
        seen.append((done.committed, done.readings))
        inner(name, done)

    object.__setattr__(collector.ingest._after, "committed", told)
    answer = await gateway.send(collector, stream, lane="backfill")
    assert answer.committed == 12
    assert seen == [(4, 4), (8, 4), (12, 4)]
    assert await held(collector) == [(12, 12)]
    assert (await gateway.send(collector, stream, lane="backfill")).committed == 12
    assert await held(collector) == [(12, 12)]


async def test_an_alarm_goes_between_the_parts(collector, gateway, stream):
    seal(gateway, stream)
    done, begun, go = [], asyncio.Event(), threading.Event()
    loop, committer = asyncio.get_running_loop(), collector.ingest._committer
    commit = committer.commit

    def slow(gateway_name, stream_id, request, now, tables, *, light=False):
        if light:
            raise Heavy
        result = commit(gateway_name, stream_id, request, now, tables)
        done.append(result.committed)
        loop.call_soon_threadsafe(begun.set)
        go.wait(10)
        return result

    committer.commit = slow
    sending = asyncio.create_task(gateway.send(collector, stream, lane="backfill"))
    await begun.wait()
    urgent = asyncio.create_task(
        collector.db.write(lambda _: done.append("alarm"), urgency=Urgency.URGENT)
    )
    await asyncio.sleep(0)
    go.set()
    assert (await sending).committed == 12
    await urgent
    assert done == [4, "alarm", 8, 12]


async def test_a_chain_broken_at_the_end_stores_nothing_of_the_request(collector, gateway, stream):
    seal(gateway, stream)
    bad = gateway.request(stream, chain=f"seq=12;h={'0' * 64}", lane="backfill")
    assert (await refused(collector.ingest.post_batches("gw", stream.id, bad)))[0] == "CHAIN"
    assert await held(collector) == []


async def test_a_request_cut_between_its_parts_goes_on_where_it_stopped(
    collector, gateway, stream, monkeypatch
):
    seal(gateway, stream)
    committer, full = collector.ingest._committer, True
    commit = committer.commit

    def failing(gateway_name, stream_id, request, now, tables, **how):
        if full and request.first > 1:
            raise sqlite3.OperationalError("database or disk is full")
        return commit(gateway_name, stream_id, request, now, tables, **how)

    monkeypatch.setattr(committer, "commit", failing)
    with pytest.raises(IngestError) as refusal:
        await gateway.send(collector, stream, lane="backfill")
    assert refusal.value.code == "STORE_UNAVAILABLE"
    assert await held(collector) == [(4, 4)]
    full = False
    assert (await gateway.send(collector, stream, lane="backfill")).committed == 12
    assert await held(collector) == [(12, 12)]
    assert (await collector.events()).items == ()


async def test_the_same_request_twice_at_once_is_stored_once(collector, gateway, stream):
    seal(gateway, stream)
    answers = await asyncio.gather(
        *(gateway.send(collector, stream, lane=lane) for lane in ("backfill", "live", "alarm"))
    )
    assert {answer.committed for answer in answers} == {12}
    assert await held(collector) == [(12, 12)]
    assert (await collector.events()).items == ()


async def test_skips_among_batches_of_one_request(collector, gateway, stream):
    """As a thinned stretch of a buffer is sent: kept batches, and skips for what went."""
    lines = [LedgerLine(point=0, start=START, end=START + 1, count=3)]
    gateway.seal(stream, gateway.reading("level", 1.0))
    gateway.seal_skip(stream, SkipReason.QUOTA, lines)
    gateway.seal(stream, gateway.reading("level", 2.0))
    gateway.seal_skip(stream, SkipReason.QUOTA, lines)
    gateway.seal_skip(stream, SkipReason.CORRUPT, lines)
    gateway.seal(stream, gateway.reading("level", 3.0), gateway.reading("level", 4.0))
    for _ in range(2):
        assert (await gateway.send(collector, stream, lane="backfill")).committed == 13
    assert await held(collector) == [(13, 4)]
    assert (await collector.overview()).platform.loss_today == 9


async def test_a_skip_of_a_trillion_numbers(collector, gateway, stream):
    most = 2**40
    line = [LedgerLine(point=None, start=None, end=None, count=most)]
    gateway.seal(stream, gateway.reading("level", 1.0))
    gateway.seal_skip(stream, SkipReason.CORRUPT, line)
    gateway.seal(stream, gateway.reading("level", 2.0))
    for _ in range(2):
        assert (await gateway.send(collector, stream)).committed == most + 2
    assert await held(collector) == [(most + 2, 2)]
    assert (await collector.overview()).platform.loss_today == most


POINTS = tuple(PointSpec(f"p{n}", limits=HIGH) for n in range(8))


async def test_a_manifest_in_portions_lets_alarms_in_and_gives_every_rule(collector, clock):
    await collector.registry.add_gateway("large")
    gateway = Gateway(clock, "large", POINTS)
    engine, order = collector._engine, []
    take = engine.take_rules

    def noted(tables, rules, now):
        order.append(len(rules))
        if len(order) == 1:
            loop.call_soon_threadsafe(
                lambda: hurried.append(
                    asyncio.ensure_future(
                        collector.db.write(lambda _: order.append("alarm"), urgency=Urgency.URGENT)
                    )
                )
            )
        return take(tables, rules, now)

    loop, hurried, engine.take_rules = asyncio.get_running_loop(), [], noted
    await gateway.register(collector, gateway.open())
    await asyncio.gather(*hurried)
    assert order[:1] == [3]
    assert "alarm" in order[:3]
    assert [n for n in order if n != "alarm"] == [3, 3, 2]
    assert len(collector.registry.entry("large").manifest.points) == 8
    assert all(collector.alarms.ladder(f"site/large/tank/p{n}:high") == HIGH for n in range(8))


async def test_a_manifest_cut_between_portions_is_finished_by_the_next_opening(
    collector, clock, monkeypatch
):
    await collector.registry.add_gateway("large")
    gateway = Gateway(clock, "large", POINTS)
    engine, tries = collector._engine, []
    take = engine.take_rules

    def failing(tables, rules, now):
        tries.append(1)
        if len(tries) == 2:
            raise sqlite3.OperationalError("database or disk is full")
        return take(tables, rules, now)

    monkeypatch.setattr(engine, "take_rules", failing)
    opened = gateway.open()
    assert (await refused(gateway.register(collector, opened)))[0] == "STORE_UNAVAILABLE"
    assert collector.registry.entry("large").manifest is None
    await gateway.register(collector, opened)
    rules = await collector.db.read(
        lambda conn: conn.execute(
            "SELECT version, active, count(*) FROM rule GROUP BY 1, 2"
        ).fetchall()
    )
    assert rules == [(1, 1, 8)]
    # Fewer points: the rules of those that are gone go too, in the opening's own transaction.
    fewer = Gateway(clock, "large", POINTS[:2])
    fewer.streams = 5
    await fewer.register(collector, fewer.open())
    active = await collector.db.read(
        lambda conn: conn.execute("SELECT count(*) FROM rule WHERE active").fetchone()
    )
    assert active == (2,)
