"""Retention: what is due goes in small steps, and verifying begins at an honest end."""

import asyncio

import pytest

from central.evidence import steps
from central.evidence.keeping import DAY, Keeping
from central.evidence.retention import evidence_state
from central.evidence.verifying import reading, verify
from tests.central.builders import SECOND
from tests.central.stored import with_readings

HOUR = 3_600 * SECOND


@pytest.fixture(autouse=True)
def small_steps(monkeypatch):
    monkeypatch.setattr(steps, "BATCHES", 7)


def look(collector):
    with reading(collector.db.path) as conn:
        return verify(conn, "gw", None, collector.clock.now() + HOUR)


async def state(collector):
    return await collector.db.glance(evidence_state)


async def rows(collector, sql, *values):
    return await collector.db.read(lambda conn: with_readings(conn).execute(sql, values).fetchall())


async def deliver(collector, gateway, stream, clock, count, every=60):
    for value in range(count):
        clock.move(every)
        await gateway.deliver(collector, stream, gateway.reading("level", float(value)))


async def test_what_is_due_goes_and_the_rest_is_proved(collector, gateway, stream, clock):
    await deliver(collector, gateway, stream, clock, 90)
    clock.move(29 * 86_400)
    await deliver(collector, gateway, stream, clock, 30)
    before = await state(collector)
    clock.move(1.2 * 86_400)
    await collector.retention.round()
    after = await state(collector)
    assert (before.batches, after.batches, collector.retention.batches) == (120, 30, 90)
    assert before.bytes - after.bytes == collector.retention.bytes > 0
    ((size,),) = await rows(collector, "SELECT sum(length(body)) FROM evidence")
    assert after.bytes == size
    report = look(collector)
    assert report.findings.said == []
    (one,) = report.streams
    assert (one.start, one.first, one.last, one.signed) == ("edge", 91, 120, 120)
    assert one.opening_signed
    assert report.oldest == after.oldest == one.received[0]
    assert len(await rows(collector, "SELECT 1 FROM reading")) == 120
    ((seq, batches, size),) = await rows(collector, "SELECT seq, batches, bytes FROM evidence_edge")
    assert (seq, batches, size) == (90, 90, collector.retention.bytes)


async def test_the_last_head_of_each_hour_stays(collector, gateway, stream, clock):
    clock.move((-clock.now() % HOUR) / SECOND)  # a full hour
    await deliver(collector, gateway, stream, clock, 150)
    clock.move(31 * 86_400)
    await collector.retention.round()
    kept = await rows(collector, "SELECT seq FROM evidence_head WHERE seq > 0 ORDER BY seq")
    assert [seq for (seq,) in kept] == [59, 119, 150]
    assert (await state(collector)).oldest is None
    assert look(collector).findings.said == []


async def test_what_came_back_holds_its_skip(collector, delivered, gateway, clock):
    clock.move(30 * 86_400 - 2.5)
    await collector.retention.round()
    # The skip (4 s ago) is due; the originals that came back (3 s ago, now due too) are not yet.
    ((seq,),) = await rows(collector, "SELECT seq FROM evidence_edge WHERE stream = 1")
    assert seq == 4
    assert look(collector).findings.said == []
    clock.move(10)
    await collector.retention.round()
    found = await rows(collector, "SELECT stream, seq FROM evidence_edge ORDER BY stream")
    assert found == [(1, 7), (2, 2)]
    assert await rows(collector, "SELECT 1 FROM evidence") == []
    assert look(collector).findings.said == []


async def test_it_goes_on_under_load_and_everything_stays_proved(collector, gateway, stream, clock):
    await deliver(collector, gateway, stream, clock, 100)
    clock.move(31 * 86_400)
    deleting = asyncio.ensure_future(collector.retention.round())
    alarm = gateway.open()
    await gateway.register(collector, alarm)
    count = 0
    while not deleting.done():
        count += 1
        await deliver(collector, gateway, alarm, clock, 1, every=0.01)
        assert look(collector).findings.said == []
    await deleting
    assert count > 2
    assert collector.retention.batches == 100


async def test_a_duplicate_of_what_was_deleted_changes_nothing(collector, gateway, stream, clock):
    await deliver(collector, gateway, stream, clock, 3)
    clock.move(31 * 86_400)
    await collector.retention.round()
    answer = await gateway.send(collector, stream, 0, 2)
    assert answer.committed == 3
    assert (await state(collector)).batches == 0
    await deliver(collector, gateway, stream, clock, 2)
    report = look(collector)
    assert (report.findings.said, report.streams[0].first) == ([], 4)


async def test_damage_is_not_deleted(collector, gateway, stream, clock):
    await deliver(collector, gateway, stream, clock, 10)
    await collector.db.write(lambda t: t.conn.execute("DELETE FROM evidence WHERE seq0 = 5"))
    clock.move(31 * 86_400)
    await collector.retention.round()
    found = {(item.code, item.seq) for item in look(collector).findings.said}
    assert ("VERIFY_GAP", 5) in found
    assert len(await rows(collector, "SELECT 1 FROM evidence WHERE seq0 > 5")) == 5


async def test_a_site_or_domain_may_keep_longer(collector, gateway, stream, clock):
    await deliver(collector, gateway, stream, clock, 5)
    collector.retention._keeping = Keeping(DAY, {"flood_drought": 60 * DAY}, {})
    clock.move(31 * 86_400)
    await collector.retention.round()
    assert (await state(collector)).batches == 5
    collector.retention._keeping = Keeping(DAY, {"flood_drought": None}, {"site": 20 * DAY})
    await collector.retention.round()
    assert (await state(collector)).batches == 0


def test_the_longest_counts():
    keeping = Keeping(30 * DAY, {"fire": 365 * DAY, "dams": None}, {"a": DAY})
    assert keeping.longest([]) == keeping.longest([("b", "x")]) == 30 * DAY
    assert keeping.longest([("a", "dams")]) == DAY
    assert keeping.longest([("a", "dams"), ("b", "fire")]) == 365 * DAY
    assert keeping.longest([("c", "dams"), ("b", "fire")]) is None


async def test_metrics_and_overview_say_how_much(collector, delivered):
    platform = (await collector.overview()).platform
    known = await state(collector)
    assert (platform.evidence_bytes, platform.evidence_oldest) == (known.bytes, known.oldest)
    assert known.batches == 7
