"""Contacts are in memory and in the journal, and in their tables before the journal forgets."""

from central.collector import Collector
from protocols.wire.batch import LedgerLine, SkipReason

TOLD = (
    "SELECT g.last_contact, b.seen FROM gateway g JOIN boot b ON b.gateway = g.name "
    "AND b.boot = g.boot WHERE g.name = 'gw'"
)


async def told(collector):
    return await collector.db.read(lambda conn: conn.execute(TOLD).fetchone())


async def heard(collector, gateway, stream, clock, times=5):
    for _ in range(times):
        clock.move(3)
        await gateway.deliver(collector, stream, gateway.reading("level", 50.0))


async def test_what_the_journal_knows_is_not_written_with_each_request(
    collector, gateway, stream, clock
):
    await heard(collector, gateway, stream, clock, 1)
    first = await told(collector)
    await heard(collector, gateway, stream, clock)
    assert await told(collector) == first
    assert collector.registry.gateway("gw").last_contact == clock.now()


async def test_a_start_finds_the_last_contact_in_the_journal(collector, gateway, stream, clock):
    await heard(collector, gateway, stream, clock)
    at = clock.now()
    await collector.close()
    clock.move(3600)
    async with await Collector.open(collector.config, clock) as again:
        assert again.registry.gateway("gw").last_contact == at
        assert await told(again) == (at, at)


async def test_a_seal_writes_it_down_before_the_journal_lets_go(collector, gateway, stream, clock):
    await heard(collector, gateway, stream, clock)
    await collector.store.seal()
    assert await told(collector) == (clock.now(), clock.now())


async def test_what_brings_no_reading_is_written_down_itself(collector, gateway, stream, clock):
    await heard(collector, gateway, stream, clock)
    clock.move(3)
    first = len(stream.batches)
    gateway.seal_skip(
        stream, SkipReason.CORRUPT, [LedgerLine(point=0, start=None, end=None, count=2)]
    )
    await gateway.send(collector, stream, first)
    assert await told(collector) == (clock.now(), clock.now())


async def test_a_row_that_says_to_be_from_the_future_is_believed_nothing(
    collector, gateway, stream, clock
):
    await heard(collector, gateway, stream, clock)
    at = await told(collector)
    await collector.db.write(
        lambda tables: tables.execute("UPDATE journal SET received = ?", [clock.now() * 2])
    )
    await collector.close()
    async with await Collector.open(collector.config, clock) as again:
        assert await told(again) == at


async def test_work_that_was_undone_is_written_down_again(collector, gateway, stream, clock):
    await heard(collector, gateway, stream, clock)
    for forget in collector.db.on_rollback:
        forget()
    await heard(collector, gateway, stream, clock, 1)
    assert await told(collector) == (clock.now(), clock.now())
