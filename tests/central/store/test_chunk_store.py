"""The store of journal and chunks: the suite of every store, sealed and unsealed, and its own."""

import asyncio

import pytest

from central.database import QueryTooLong
from central.store.interface import Row
from tests.central.store.asking import Asked
from tests.central.store.plant import POINTS, append, close_store, open_store
from tests.central.store.store_suite import NOW, SECOND, StoreSuite, row

DAY = 86_400 * SECOND


@pytest.fixture
async def opened(tmp_path, clock):
    db, store = await open_store(tmp_path, clock)
    yield db, store
    await close_store(db, store)


@pytest.fixture
def db(opened):
    return opened[0]


@pytest.fixture
def store(opened):
    return opened[1]


@pytest.fixture
def asked(db, store, clock):
    return Asked(db, store, clock, POINTS)


@pytest.fixture
def point():
    return POINTS[1]


class TestUnsealed(StoreSuite):
    @pytest.fixture
    def write(self, db, store):
        async def committed(rows):
            changed = await append(db, store, rows)
            return [store.head(number) for number in changed.tolist()]

        return committed


class TestSealed(StoreSuite):
    @pytest.fixture
    def write(self, db, store):
        async def committed(rows):
            changed = await append(db, store, rows)
            heads = [store.head(number) for number in changed.tolist()]
            await store.seal()
            return heads

        return committed


async def everything(store):
    """Return all readings there are, by point."""

    def work(view):
        return {number: view.read(number, 0, 2 * NOW) for number in POINTS}

    found = await store.ask(work)
    return {
        number: list(
            zip(
                each.times.tolist(),
                each.streams.tolist(),
                each.seqs.tolist(),
                map(repr, each.values),
                each.qualities.tolist(),
                each.flags.tolist(),
                each.received.tolist(),
                strict=True,
            )
        )
        for number, each in found.items()
        if len(each)
    }


def scan(seq, at, points=range(4, 36), **more):
    return [row(seq + n, float(at % 7 + n), point=p, at=at, **more) for n, p in enumerate(points)]


async def test_what_is_sealed_and_what_is_not_is_one(db, store):
    await append(db, store, scan(1, 0) + scan(40, 1))
    before = await everything(store)
    assert await store.seal() == 64
    assert await everything(store) == before
    assert store.unsealed.readings == 0
    await append(db, store, scan(80, 2))
    assert sum(map(len, (await everything(store)).values())) == 96


async def test_heads_and_readings_come_back_after_a_restart(tmp_path, clock):
    db, store = await open_store(tmp_path, clock)
    await append(db, store, [row(1, "x", at=3), row(2, 2.0, point=2, at=4)])
    await store.seal()
    await append(db, store, [row(3, True, at=9), row(4, 2**60, point=3, at=1)])
    before, heads = await everything(store), store.latest()
    await close_store(db, store)
    db, store = await open_store(tmp_path, clock)
    assert await everything(store) == before
    assert store.latest() == heads
    good = await db.write(lambda tables: store.newest_good_all(tables.conn, [1, 2, 3]))
    assert {number: each.value for number, each in good.items()} == {1: 1, 2: 2.0, 3: 2**60}
    await append(db, store, [row(5, 1.0, at=10)])  # numbers of the journal go on
    assert len((await everything(store))[1]) == 3
    await close_store(db, store)


async def test_strays_become_rows_and_are_folded_when_their_day_is_quiet(db, store):
    await append(db, store, scan(1, 0))
    await append(db, store, [row(100, 5.0, point=1, at=-86_400 * 3)], stream=2)
    await store.seal()
    before = await everything(store)
    assert await rows(db, "SELECT count(*) FROM late") == [(1,)]
    await append(db, store, scan(200, 0, points=[4, 5], flags=4), stream=3)
    await store.seal()
    assert await rows(db, "SELECT count(*) FROM late") == [(3,)]
    for _ in range(6):
        await store.merging.run_once()
    assert await rows(db, "SELECT count(*) FROM late") == [(1,)]
    assert await rows(db, "SELECT count(*) FROM chunk") == [(1,)]
    after = await everything(store)
    assert {k: v for k, v in after.items() if k not in (4, 5)} == {
        k: v for k, v in before.items() if k not in (4, 5)
    }
    assert len(after[4]) == 2


async def test_small_chunks_are_merged_and_say_the_same(db, store):
    for at in range(8):
        await append(db, store, scan(1 + 40 * at, at))
        await store.seal()
    before = await everything(store)
    assert await rows(db, "SELECT count(*) FROM chunk") == [(8,)]
    await store.merging.run_once()
    assert await rows(db, "SELECT count(*) FROM chunk") == [(1,)]
    assert await everything(store) == before


async def test_a_seal_that_was_killed_leaves_no_trace(tmp_path, clock):
    db, store = await open_store(tmp_path, clock)
    await append(db, store, scan(1, 0))
    before = await everything(store)

    def dies(*_):
        raise RuntimeError("killed")

    store.on_seal.append(dies)
    with pytest.raises(RuntimeError, match="killed"):
        await store.seal()
    assert await rows(db, "SELECT count(*) FROM chunk") == [(1,)]
    assert await everything(store) == before
    await close_store(db, store)
    db, store = await open_store(tmp_path, clock)
    assert await rows(db, "SELECT count(*) FROM chunk") == [(0,)]
    assert await everything(store) == before
    await close_store(db, store)


async def test_who_asked_before_a_seal_sees_what_was_then(db, store):
    await append(db, store, scan(1, 0))
    held = store.unsealed.now()
    await store.seal()
    assert not store.unsealed.now().pieces
    assert store.unsealed.find(4, held)


async def test_what_was_measured_is_looked_back_at_wherever_it_lies(db, store):
    """In a chunk, in memory, and of this very transaction; texts say nothing, bad is None."""
    await append(db, store, [row(1, 1.0, at=1), row(2, "x", at=2), row(3, None, at=3)])
    await store.seal()
    await append(db, store, [row(4, 2**60, at=5)])

    def look(tables):
        store.append(tables.conn, 7, NOW, [row(5, True, at=4), row(6, 9.0, point=2, at=4)], 3)
        return store.readings(tables.conn, [1], NOW, NOW + 9 * SECOND)

    found = [((each.time - NOW) // SECOND, each.value) for each in await db.write(look)]
    assert found == [(1, 1.0), (4, 1.0), (5, float(2**60))]


async def test_undone_work_is_never_found(db, store, asked):
    def work(tables):
        store.append(tables.conn, 1, NOW, [row(1, 1.0)])
        raise RuntimeError("undone")

    with pytest.raises(RuntimeError, match="undone"):
        await db.write(work)
    assert await asked.count(POINTS[1], 0, 2 * NOW) == 0
    assert store.latest() == []

    def look(tables):
        return store.newest_good_all(tables.conn, [1])

    assert await db.write(look) == {}


async def test_one_transaction_finds_what_it_appended_itself(db, store):
    import numpy as np

    def work(tables):
        store.append(tables.conn, 1, NOW, [row(1, 1.0), Row(2, NOW, 2, None, 0, 0)])
        numbers = np.array([1, 2])
        return (
            store.newest_times(tables.conn, numbers).tolist(),
            store.held(tables.conn, numbers, np.array([NOW + SECOND, NOW])),
            store.newest_good_all(tables.conn, [1, 2])[1].value,
        )

    assert await db.write(work) == ([NOW + SECOND, NOW], [(0, 1.0), (1, None)], 1.0)


async def test_a_long_range_goes_page_by_page_over_chunks(db, store, asked):
    for hour in range(30):
        await append(
            db, store, [row(hour * 9 + n, hour * 9 + n, at=hour * 3600 + n) for n in range(9)]
        )
        await store.seal()
    values, cursor = [], None
    while True:
        page = await asked.readings(POINTS[1], 0, 2 * NOW, 50, cursor)
        values += page.values
        cursor = page.next
        if cursor is None:
            break
    assert values == list(range(270))


async def rows(db, sql):
    return await db.read(lambda conn: conn.execute(sql).fetchall())


async def test_a_look_that_takes_too_long_ends_no_collector(collector):
    begun = asyncio.Queue()

    class Restless:
        async def sleep(self, microseconds):
            begun.put_nowait("slept")

    async def work():
        if begun.qsize() > 3:
            await asyncio.Event().wait()
        begun.put_nowait("worked")
        raise QueryTooLong(seconds=10)

    collector.clock = Restless()
    keeping = asyncio.create_task(collector._keep(work))
    assert [await begun.get() for _ in range(3)] == ["worked", "slept", "worked"]
    assert not keeping.done()
    keeping.cancel()


async def test_a_damaged_row_is_left_alone_and_merging_goes_on(db, store):
    await append(db, store, scan(1, 0))
    await append(db, store, [row(100, 5.0, point=1, at=-86_400 * 3)], stream=2)
    await store.seal()
    await append(db, store, scan(200, 0, points=[4, 5], flags=4), stream=3)
    await store.seal()
    await db.write(lambda tables: tables.execute("UPDATE late SET value = 'x', class = 2"))
    for _ in range(6):
        await store.merging.run_once()
    assert store.merging.figures.damaged > 0
    assert not store.merging.touched
    assert await rows(db, "SELECT count(*) FROM late WHERE value = 'x'") == [(3,)]
